"""Account and collaborators. https://www.facturation.dev/api/account/"""

from __future__ import annotations

from pydantic import Field

from flotilla import Cursor, Limit, Model, Page, Toolset, UntrustedText, readable, settings_of, sliced

from ..client import api, integration
from ..firm_api import ACCOUNT
from ..models import Money

tools = Toolset("account")


class Firm(Model):
    """One firm of the account."""

    id: int
    name: UntrustedText | None = None


class Account(Model):
    """https://www.facturation.dev/api/account/"""

    id: int
    email: str | None = None
    firms: list[Firm] = Field(default_factory=list)
    firm_id: int | None = None  # the one in use
    requests_left: int | None = None
    requests_allowed: int | None = None


class Order(Model):
    """An invoice of the vendor for its service. https://www.facturation.dev/api/account/"""

    title: UntrustedText | None = None
    amount: Money | None = None
    currency: str = "EUR"
    payment_date: str | None = None
    refunded: bool | None = None
    invoice_url: str | None = None


class Collaborator(Model):
    """https://www.facturation.dev/api/collaborators/"""

    user_id: int
    full_name: UntrustedText | None = None
    email: str | None = None
    roles: list[str] = Field(default_factory=list)


@tools.reads(
    core=False,
    search=(
        "compte entreprise connecté quota mon profil société entreprises connectée laquelle limite requêtes "
        "API restant abonné account which firm company connected logged requests left limit usage"
    ),
    examples=[
        "je suis connecté à quelle entreprise",
        "quelles sociétés sont sur mon compte",
        "combien de requêtes API il me reste",
        "c'est quoi le mail du compte connecté",
        "pourquoi je ne vois pas mon autre société",
        "which company am I connected to",
        "what firms does my account have",
        "how many API requests are left",
        "which login is in use",
        "why can I not see my other firm",
    ],
)
async def get_account() -> Account:
    """Get the connected account, its firms, which of them is in use, and how many requests are left for now.

    Use it to see why a firm is missing, or how close the limit of the API is.
    """
    account = await api.get(ACCOUNT)
    firms = readable(Firm, api.rows_in(account, "firms", missing=True))
    in_use = settings_of(integration).firm_id or (firms[0].id if len(firms) == 1 else None)
    return Account.model_validate({**account, "firms": firms, "firm_id": in_use, **api.allowance})


@tools.reads(
    core=False,
    search=(
        "abonnement factures de Facturation.PRO logiciel payé coûte forfait souscription prix mensuel "
        "commandes licence renouvellement subscription software cost plan license paid renewal orders liste "
        "lister quels quelles combien montre list which what find show have all"
    ),
    examples=[
        "combien me coûte l'abonnement au logiciel",
        "quand ai-je renouvelé ma licence",
        "combien ai-je payé pour ce programme de facturation",
        "montre mes commandes d'abonnement",
        "mon forfait est payé jusqu'à quand",
        "what does the invoicing software cost me",
        "when did I renew the license",
        "show what we paid for our plan",
        "list my subscription orders",
        "how much was the last renewal of the software",
    ],
)
async def list_orders(limit: Limit = 20, cursor: Cursor = None) -> Page[Order]:
    """List what the firm paid for Facturation.PRO itself: its subscriptions, with amount and date.

    What the firm bought elsewhere is in facturation_list_purchases.
    """
    return sliced(readable(Order, await api.rows("/orders.json")), limit, cursor)


@tools.reads(
    core=False,
    group="collaborators",
    search=(
        "collaborateurs utilisateurs rôles collaborateur équipe collègues comptable accès droits membres "
        "personnes utilisateur team colleagues users people roles rights access staff who liste lister quels "
        "quelles combien montre list which what find show have all login accountant"
    ),
    examples=[
        "qui a accès à la facturation",
        "liste l'équipe et ses droits",
        "ma comptable a-t-elle un accès",
        "quels collègues utilisent le logiciel",
        "quel est le rôle de chacun",
        "who has access to our invoicing",
        "list the team and their roles",
        "does my accountant have a login",
        "which colleagues use the software",
        "what rights does everybody have",
    ],
)
async def list_collaborators(limit: Limit = 20, cursor: Cursor = None) -> Page[Collaborator]:
    """List the people who work in the firm on Facturation.PRO, with their e-mail addresses and roles.

    Returns the user_id that quotes and invoices take as the field user_id.
    """
    return sliced(readable(Collaborator, await api.rows("/collaborators.json")), limit, cursor)
