"""Customers. https://shopify.dev/docs/api/admin-graphql/2026-04/objects/Customer"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Address, Cursor, Limit, Page, Phone, Toolset, confirm, errors
from flotilla.parsing import looks_like_phone

from ..documents import CUSTOMER, MONEY, ORDER_ROW, PAGE_INFO, USER_ERRORS
from ..graphql import last_of, mutate, one, page, query
from ..lookup import CustomerRef, customer_search, find_customer, find_customers, region, terms_of
from ..models import Customer, CustomerDetails

tools = Toolset("customers")
READ = ["read_customers", "write_customers"]
WRITE = ["write_customers"]

SEARCH = f"""
query SearchCustomers($first: Int!, $after: String, $query: String) {{
  customers(first: $first, after: $after, query: $query, sortKey: UPDATED_AT, reverse: true) {{
    nodes {{ ...Customer }} {PAGE_INFO}
  }}
}}
{CUSTOMER}"""
DETAILS = f"""
query CustomerDetails($id: ID!) {{
  customer(id: $id) {{
    ...Customer
    note locale createdAt
    defaultAddress {{ formatted }}
    orders(first: 5, sortKey: PROCESSED_AT, reverse: true) {{ nodes {{ ...OrderRow }} }}
  }}
}}
{CUSTOMER} {ORDER_ROW} {MONEY}"""
CREATE = f"""
mutation CreateCustomer($input: CustomerInput!) {{
  customerCreate(input: $input) {{ customer {{ ...Customer }} {USER_ERRORS} }}
}}
{CUSTOMER}"""
UPDATE = f"""
mutation UpdateCustomer(
  $id: ID!, $input: CustomerInput!, $update: Boolean!, $add: [String!]!, $adds: Boolean!,
  $remove: [String!]!, $removes: Boolean!
) {{
  tagsAdd(id: $id, tags: $add) @include(if: $adds) {{ node {{ ...Customer }} {USER_ERRORS} }}
  tagsRemove(id: $id, tags: $remove) @include(if: $removes) {{ node {{ ...Customer }} {USER_ERRORS} }}
  customerUpdate(input: $input) @include(if: $update) {{ customer {{ ...Customer }} {USER_ERRORS} }}
}}
{CUSTOMER}"""
EMAIL_CONSENT = f"""
mutation SetEmailConsent($input: CustomerEmailMarketingConsentUpdateInput!) {{
  customerEmailMarketingConsentUpdate(input: $input) {{ customer {{ ...Customer }} {USER_ERRORS} }}
}}
{CUSTOMER}"""
SMS_CONSENT = f"""
mutation SetSmsConsent($input: CustomerSmsMarketingConsentUpdateInput!) {{
  customerSmsMarketingConsentUpdate(input: $input) {{ customer {{ ...Customer }} {USER_ERRORS} }}
}}
{CUSTOMER}"""
FirstName = Annotated[str | None, Field(max_length=100, description="First name of the customer.")]
LastName = Annotated[str | None, Field(max_length=100, description="Last name of the customer.")]
Mail = Annotated[Address | None, Field(description="E-mail address of the customer.")]
Number = Annotated[Phone | None, Field(description="Phone number, in any notation.")]
Note = Annotated[str | None, Field(max_length=5000, description="Note about the customer, for the staff.")]
Tags = Annotated[list[str] | None, Field(description="Tags, each as one text.", max_length=50)]


@tools.reads(
    scopes=READ,
    search=(
        "client cliente chercher trouver fiche qui est ce numéro téléphone e-mail newsletter abonné who "
        "is caller retrouve clientes acheteur à appartient mail connaît déjà acheté meilleur inconnu "
        "look up buyer shopper whose number do we know has bought before ville city lives habite "
        "abonnée"
    ),
    examples=[
        "Qui appelle du 06 12 34 56 78 ?",
        "Find Marie Dupont's e-mail address for the newsletter.",
        "Retrouve la cliente qui s'appelle Martin",
        "À qui est ce numéro de téléphone ?",
        "On l'a déjà comme client ?",
        "C'est quoi le mail de cette acheteuse ?",
        "Est-ce qu'elle est abonnée aux mails ?",
        "Look up the buyer with this number",
        "Has this person bought from us before?",
        "Which customers live in Lyon?",
        "What's her phone number?",
        "Who is this caller?",
    ],
)
async def search_customers(
    text: Annotated[
        str | None,
        Field(description="Name, e-mail address or phone number; tag:vip for a tag.", examples=["Dupont"]),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Customer]:
    """Find customers by name, e-mail address or phone number, last changed first.

    Returns address, number, both consents to marketing (SUBSCRIBED or not), orders and what was spent. A consent must
    not be assumed. For the orders of a caller use shopify_get_order_status.
    """
    contact = (text or "").strip()
    exact = looks_like_phone(contact) or ("@" in contact and " " not in contact)
    search = customer_search(contact) if exact else terms_of(text)
    return await page(SEARCH, "customers", Customer, limit=limit, cursor=cursor, query=search)


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "fiche client note adresse dernières commandes historique profil acheteur cliente tout sur elle "
        "langue habitudes combien dépensé profile details record last five orders language background "
        "lives habite address about"
    ),
    examples=[
        "Montre-moi la fiche de cette cliente",
        "Qu'est-ce qu'elle a acheté dernièrement ?",
        "Quelle est son adresse de livraison ?",
        "Y a-t-il une note sur ce client ?",
        "Ouvre son profil",
        "Open her profile",
        "What has this customer bought lately?",
        "Where does he live?",
        "Is there a note on this buyer?",
        "Tell me all about that customer",
    ],
)
async def get_customer(customer: CustomerRef) -> CustomerDetails:
    """Get one customer with note, address, language and the last five orders.

    Find customers by name with shopify_search_customers; it tells the address and the consents too.
    """
    target = await find_customer(customer)
    data = await query(DETAILS, {"id": target["id"]})
    return CustomerDetails.model_validate(one(data, "customer", "customer", "Use shopify_search_customers."))


@tools.writes(
    core=False,
    creates=True,
    scopes=WRITE,
    search=(
        "créer nouveau client ajouter cliente enregistrer acheteur acheteuse inscrire fiche new buyer "
        "register add sign up save account ligne dame lady"
    ),
    examples=[
        "Crée la cliente Marie Dupont, marie@exemple.fr.",
        "Ajoute un nouveau client",
        "Enregistre cette dame avec son portable",
        "Ouvre une fiche pour l'acheteur que j'ai en ligne",
        "On ne l'a pas encore, crée-la avec son mail",
        "Nouvelle cliente à rentrer",
        "Add a new customer",
        "Register this buyer with her mobile",
        "She's not in the shop yet, create her",
        "Save this person as a customer",
        "Set up a customer record",
    ],
)
async def create_customer(
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Mail = None,
    phone: Number = None,
    note: Note = None,
    tags: Tags = None,
) -> Customer:
    """Create a customer with an e-mail address or a phone number, and a name. Nobody gets a mail.

    Fails with the existing customer's id where the address or the number belongs to one. It gives no consent to
    marketing. Look first with shopify_search_customers.
    """
    if not email and not phone:
        raise errors.InvalidInputError("A customer needs an e-mail address or a phone number.", "Pass one of them.")
    number = phone.e164(region()) if phone else None
    for contact in (email.address if email else None, number):
        if contact and (known := await find_customers(contact)):
            raise errors.InvalidInputError(
                f"{contact} belongs to {known[0].get('displayName')} ({known[0]['id']}) already; nothing was created.",
                "Use that customer: shopify_search_customers shows it.",
            )
    values = {
        "firstName": first_name,
        "lastName": last_name,
        "email": email.address if email else None,
        "phone": number,
        "note": note,
        "tags": tags,
    }
    data = await mutate(CREATE, {"input": {name: value for name, value in values.items() if value is not None}})
    return Customer.model_validate(data["customerCreate"]["customer"])


@tools.writes(
    core=False,
    additive=False,
    scopes=WRITE,
    search=(
        "modifier client e-mail téléphone nom note tag étiquette corrige a changé nouveau numéro "
        "rectifie de famille VIP marque profil edit correct rename wrong moved remark mariée surname "
        "remarque married"
    ),
    examples=[
        "Elle a changé d'adresse mail",
        "Corrige son nom, il est mal écrit",
        "Marque ce client comme VIP",
        "Mets une note sur sa fiche : préfère le retrait",
        "Nouveau portable pour cette cliente",
        "Her e-mail address is wrong, fix it",
        "Tag this buyer as VIP",
        "Put a remark on his record",
        "She got married, change the surname",
        "Change the customer's phone number",
    ],
)
async def update_customer(
    customer: CustomerRef,
    first_name: FirstName = None,
    last_name: LastName = None,
    email: Mail = None,
    phone: Number = None,
    note: Note = None,
    add_tags: Tags = None,
    remove_tags: Tags = None,
) -> Customer:
    """Change name, e-mail address, phone number, note or tags of a customer; what is not passed stays.

    A note is put in place of the old one, which shopify_get_customer shows. Consents to marketing are changed by
    shopify_set_marketing_consent.
    """
    target = await find_customer(customer)
    values = {
        "firstName": first_name,
        "lastName": last_name,
        "email": email.address if email else None,
        "phone": phone.e164(region()) if phone else None,
        "note": note,
    }
    changes: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    if not (changes or add_tags or remove_tags):
        raise errors.InvalidInputError("Nothing is to be changed.", "Pass what is to be changed.")
    data = await mutate(
        UPDATE,
        {
            "id": target["id"],
            "input": {"id": target["id"], **changes},
            "update": bool(changes),
            "add": add_tags or [],
            "adds": bool(add_tags),
            "remove": remove_tags or [],
            "removes": bool(remove_tags),
        },
    )
    return Customer.model_validate(last_of(data, "customer"))


@tools.writes(
    core=False,
    additive=False,
    asks=True,
    scopes=WRITE,
    search=(
        "consentement newsletter abonner désabonner opt-in marketing SMS inscription désinscription "
        "accepte refuse publicité pub plus de mails promotionnels d'accord infolettre veut recevoir "
        "subscribe unsubscribe agrees opt out no more promotional texts mailing"
    ),
    examples=[
        "Elle veut bien recevoir la newsletter",
        "Il ne veut plus de pub par mail",
        "Désabonne cette cliente des SMS",
        "Inscris-le aux mails promo, il est d'accord",
        "Retire son consentement",
        "She agreed to get our newsletter",
        "Unsubscribe him from promotional mails",
        "No more marketing texts for this customer",
        "Opt her in to e-mail",
        "He takes his consent back",
    ],
)
async def set_marketing_consent(
    customer: CustomerRef,
    consent: Annotated[
        Literal["subscribed", "unsubscribed"],
        Field(description="What the customer agreed to, or took back.", examples=["subscribed"]),
    ],
    channel: Annotated[Literal["email", "sms"], Field(description="Which messages the consent is for.")] = "email",
    confirmed: Annotated[
        bool, Field(description="Whether the customer confirmed it by a mail (double opt-in).")
    ] = False,
) -> Customer:
    """Record that a customer agreed to marketing by e-mail or SMS, or took the consent back.

    Only what the customer said counts; a person is asked before anybody is subscribed. The consent as it stands is
    shown by shopify_search_customers.
    """
    target = await find_customer(customer)
    shown = Customer.model_validate(target)
    contact = shown.email if channel == "email" else shown.phone
    if not contact:
        missing = "e-mail address" if channel == "email" else "phone number"
        raise errors.InvalidInputError(
            f"{shown.name} has no {missing} in Shopify.", "Add one with shopify_update_customer."
        )
    if consent == "subscribed":
        await confirm(f"Record that {shown.name} ({contact}) agreed to marketing by {channel}?")
    level = "CONFIRMED_OPT_IN" if confirmed else "SINGLE_OPT_IN"
    state = {"marketingState": consent.upper(), **({"marketingOptInLevel": level} if consent == "subscribed" else {})}
    if channel == "email":
        payload = await mutate(EMAIL_CONSENT, {"input": {"customerId": target["id"], "emailMarketingConsent": state}})
        return Customer.model_validate(payload["customerEmailMarketingConsentUpdate"]["customer"])
    payload = await mutate(SMS_CONSENT, {"input": {"customerId": target["id"], "smsMarketingConsent": state}})
    return Customer.model_validate(payload["customerSmsMarketingConsentUpdate"]["customer"])
