"""Customers. https://www.facturation.dev/api/customers/"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm, errors, sliced
from flotilla.parsing import folded

from ..arguments import (
    CustomerId,
    CustomerName,
    Details,
    FileName,
    Upload,
    documented_fields,
    other_fields,
    other_filters,
)
from ..client import api
from ..customer_search import search_customers
from ..documents import upload
from ..fields import (
    AllCustomerFields,
    CustomerChanges,
    CustomerFields,
    OtherFields,
    about,
    body,
    changes_of,
    names,
)
from ..models import Attachment, Customer, Done, SavedCustomer
from ..records import RareFilters, every, first, listed, read

tools = Toolset("customers")

Mode = Literal["all", "company", "individual", "missing_siret", "archived"]


class CustomerFilters(RareFilters):
    """Query of the list."""

    company: str | None = None
    last_name: str | None = None
    email: str | None = None
    mode: Mode | None = None
    category_id: int | None = None
    with_sepa: bool | None = None
    account_code: str | None = None
    accounting_entry: str | None = None
    order: Literal["last_invoice", "last_paid", "created", "updated"] | None = None


@tools.reads(
    search=(
        "cherche trouve client clients entreprise particulier coordonnées retrouve recherche fichier liste "
        "quels derniers archivés siret mail société numéro particuliers acheteurs search look up list which "
        "buyers accounts who cliente boîte customer company firm lister quelles combien montre what find show "
        "have all"
    ),
    examples=[
        "trouve le client Dupont",
        "find the customer with this e-mail address",
        "retrouve ce client dans la facturation",
        "liste mes clients",
        "quels clients sont des particuliers",
        "à quelle société correspond ce mail",
        "quels clients n'ont pas de SIRET",
        "cette boîte est déjà cliente chez nous ?",
        "look up this client",
        "list my clients",
        "which clients are private persons",
        "do we have this company as a customer",
        "who are the archived ones",
    ],
)
async def list_customers(
    query: CustomerName = None,
    mode: Annotated[Mode | None, about("Only customers of this kind.")] = None,
    other_filters: Annotated[OtherFields, other_filters("company, last_name, category_id, api_id, order, sort")] = None,
    details: Details = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Customer]:
    """Find companies and persons among the customers, and get the ids that quotes and invoices need.

    With details=true each row has its address and phone number.
    """
    if query and query.strip():
        customers = await search_customers(query, **body(CustomerFilters, other_filters, mode=mode))
        shown = customers if details else [customer.model_copy(update={"details": None}) for customer in customers]
        return sliced(shown, limit, cursor)
    return await listed(
        "/customers.json", Customer, CustomerFilters, limit, cursor, other=other_filters, details=details, mode=mode
    )


@tools.writes(
    creates=True,
    search=(
        "crée nouveau client société particulier ajoute enregistre inscris cliente entreprise fiche boîte "
        "rentre créer ajouter create add new company register enter person buyer account clients customer "
        "firm nouvelle il faut set up need make"
    ),
    examples=[
        "ajoute un nouveau client",
        "enregistre cette société avec son SIRET",
        "crée une fiche client pour un particulier",
        "rentre cette boîte pour que je puisse la facturer",
        "nouvelle cliente, madame de Bordeaux",
        "add a new client",
        "register this company with its SIRET",
        "set up a customer so I can bill them",
        "enter a private person as a buyer",
        "new account for a firm in Bordeaux",
    ],
)
async def create_customer(
    company_name: Annotated[str | None, about("Name of a company.")] = None,
    last_name: Annotated[str | None, about("Last name of a person.")] = None,
    siret: Annotated[str | None, about("SIRET of a French company.")] = None,
    fields: Annotated[CustomerFields | None, about("Address and contact.")] = None,
    other_fields: Annotated[OtherFields, documented_fields("customers")] = None,
    allow_duplicate: Annotated[bool, about("Though one has this name.")] = False,
) -> SavedCustomer:
    """Create a customer: a company, or by last_name alone a person.

    A customer that has this name or SIRET already is returned unchanged, with created=false.
    """
    if not (company_name or last_name):
        raise errors.InvalidInputError("A customer needs a name.", "Give company_name, or last_name of a person.")
    values = body(AllCustomerFields, other_fields, fields, company_name=company_name, last_name=last_name, siret=siret)
    person = not (values.get("company_name") or values.get("siret") or values.get("vat_number"))
    record = {"individual": person, **values}
    if existing := await _with_siret(record.get("siret")):
        note = "Not created and not changed: this customer has the SIRET already. Use its id."
    elif not allow_duplicate and (existing := await _of_name(record)):
        note = (
            "Not created and not changed: this customer has the name already. Use its id, or pass allow_duplicate=true "
            "where the user means another one."
        )
    if existing:
        return existing.model_copy(update={"created": False, "note": note, "details": None})
    return read(SavedCustomer, await api.post("/customers.json", json=record))


async def _with_siret(siret: str | None, other_than: int | None = None) -> SavedCustomer | None:
    """Return the customer of this SIRET, an archived one too: the vendor's list has no such filter."""
    wanted = _digits(siret)
    if not wanted:
        return None
    return await first(
        "/customers.json",
        SavedCustomer,
        lambda one: _digits(one.siret) == wanted and one.id != other_than,
        mode="all",
    )


def _digits(siret: str | None) -> str:
    """Return a SIRET without spaces and punctuation."""
    return re.sub(r"\W", "", siret or "")


async def _of_name(record: dict[str, Any]) -> SavedCustomer | None:
    """Return the customer of the name of a new one, an archived one too.

    Establishments of one company share its name and differ by SIRET. Two persons may share a name: they are taken for
    one unless both have an e-mail address and these differ.
    """
    company, siret, email = record.get("company_name"), _digits(record.get("siret")), str(record.get("email") or "")
    search = {"company": company} if company else {"last_name": record["last_name"]}
    names = ("company_name",) if company else ("first_name", "last_name")
    wanted = folded(" ".join(str(record[name]) for name in names if record.get(name)))
    for one in (await every("/customers.json", SavedCustomer, mode="all", **search))[0]:
        other_siret = siret and one.siret and _digits(one.siret) != siret
        other_person = not company and email and one.email and email.casefold() != one.email.casefold()
        if folded(one.name or "") == wanted and not other_siret and not other_person:
            return one
    return None


@tools.reads(
    core=False,
    search=(
        "fiche client adresse téléphone dossier infos coordonnées complètes conditions paiement IBAN RIB "
        "mandat délai facturation mail details profile payment terms billing address phone record one cliente "
        "clients société entreprise boîte customer company firm ouvre affiche montre détail open show this "
        "that number numéro"
    ),
    examples=[
        "c'est quoi l'adresse de facturation de ce client",
        "donne-moi son téléphone et son mail",
        "quelles sont ses conditions de paiement",
        "quel est l'IBAN de ce client",
        "ouvre la fiche de cette société",
        "what is this client's billing address",
        "give me their phone and e-mail",
        "what payment terms do they have",
        "what is the customer's IBAN",
        "open the record of that company",
    ],
)
async def get_customer(
    customer_id: CustomerId,
    with_sepa: Annotated[bool, about("Also the IBAN; needs the key of the firm's administrator.")] = False,
) -> Customer:
    """Get one customer with all its fields: address, contact, terms of payment, the firm's own fields.

    Take the id from facturation_list_customers. Its documents are in facturation_list_invoices and
    facturation_list_quotes.
    """
    params = {"with_sepa": with_sepa or None}
    return read(Customer, await api.get(f"/customers/{customer_id}.json", params=params), details=True)


@tools.writes(
    core=False,
    additive=False,
    search=(
        "modifier client adresse changer met jour corrige corriger déménagé nouvelle nouveau mail siret "
        "change rectifie coordonnées update edit correct moved new address email fix phone cliente clients "
        "société entreprise boîte customer company firm modifie mets mise passe set téléphone conditions "
        "paiement facturation billing terms"
    ),
    examples=[
        "ce client a déménagé, change son adresse",
        "mets à jour le mail de la compta",
        "corrige le SIRET de cette société",
        "le client a un nouveau téléphone",
        "passe ses conditions de paiement à 45 jours",
        "this client moved, change the address",
        "update their billing e-mail",
        "correct the SIRET of that company",
        "the customer has a new phone number",
        "set their payment terms to 45 days",
    ],
)
async def update_customer(
    customer_id: CustomerId,
    changes: Annotated[
        CustomerChanges | None,
        Field(description="Fields to change.", examples=[{"email": "compta@exemple.fr", "siret": "53165179200016"}]),
    ] = None,
    other_fields: Annotated[OtherFields, other_fields(names(AllCustomerFields, CustomerChanges))] = None,
) -> SavedCustomer:
    """Change fields of a customer; the fields that are not given stay as they are.

    Take the id from facturation_list_customers. Documents that exist keep the old address.
    """
    record = changes_of(AllCustomerFields, other_fields, changes)
    if existing := await _with_siret(record.get("siret"), other_than=customer_id):
        raise errors.InvalidInputError(
            f"The customer {existing.name} (id {existing.id}) has this SIRET already, so nothing was changed.",
            "Ask the user which of the two customers is meant.",
        )
    answer = await api.request("PATCH", f"/customers/{customer_id}.json", json=record, nulls=True)
    return read(SavedCustomer, answer, id=customer_id)


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer client supprime efface vire effacer jamais facturé doublon erreur delete remove erase "
        "never invoiced mistake get rid cliente clients société entreprise boîte customer company firm enlève "
        "retire jette débarrasse drop discard throw away take out off bin wrong duplicate"
    ),
    examples=[
        "supprime ce client, je l'ai créé par erreur",
        "efface le doublon du client",
        "vire cette fiche client",
        "enlève ce prospect jamais facturé",
        "retire définitivement cette société",
        "delete this client, it was a mistake",
        "erase the duplicate customer",
        "remove that client record",
        "get rid of the customer we never billed",
        "take this company out for good",
    ],
)
async def delete_customer(customer_id: CustomerId) -> Done:
    """Delete a customer who was never invoiced, and with it all its quotes, after the user agreed.

    A customer who was invoiced cannot be deleted: use facturation_archive_customer.
    """
    customer = await api.get(f"/customers/{customer_id}.json")
    if customer.get("last_invoiced_on"):
        raise errors.InvalidInputError(
            f"Customer {customer_id} was invoiced on {customer['last_invoiced_on']}, so it cannot be deleted.",
            "Archive it with facturation_archive_customer.",
        )
    await confirm(f"Delete the customer {read(Customer, customer).name} with its quotes?")
    await api.send("DELETE", f"/customers/{customer_id}.json")
    return Done(id=customer_id, done="deleted")


@tools.destroys(
    core=False,
    asks=True,
    idempotent=True,
    search=(
        "archiver client archive masque cacher mettre côté ancien inactif plus range hide put away inactive "
        "former retire old cliente clients société entreprise boîte customer company firm fermé closed down "
        "record fiche aside"
    ),
    examples=[
        "archive ce client",
        "masque les anciens clients de la liste",
        "il n'est plus client, mets-le de côté",
        "cette société a fermé, range sa fiche",
        "cache ce client inactif",
        "archive this client",
        "hide that former customer from the list",
        "they are no longer a client, put them away",
        "the company closed down, retire its record",
        "set this inactive client aside",
    ],
)
async def archive_customer(customer_id: CustomerId) -> Done:
    """Archive a customer, after the user agreed: lists leave it out from then on, its documents stay.

    To undo it, use facturation_restore_customer.
    """
    await confirm(f"Archive the customer {(await get_customer(customer_id)).name}?")
    await api.send("POST", f"/customers/{customer_id}/archive.json")
    return Done(id=customer_id, done="archived")


@tools.writes(
    core=False,
    idempotent=True,
    search=(
        "désarchiver client désarchive réactive restaure ressors remets revient réactiver unarchive "
        "reactivate bring back restore again returned cliente clients société entreprise boîte customer "
        "company firm"
    ),
    examples=[
        "désarchive ce client",
        "réactive l'ancien client, il revient",
        "ressors cette société des archives",
        "remets-le dans la liste des clients",
        "le client archivé commande de nouveau",
        "unarchive this client",
        "reactivate the old customer",
        "bring that company back from the archive",
        "put them back on the client list",
        "the archived client is ordering again",
    ],
)
async def restore_customer(customer_id: CustomerId) -> Done:
    """Bring an archived customer back into the lists.

    Find archived customers with facturation_list_customers and the filter mode=archived.
    """
    await api.send("POST", f"/customers/{customer_id}/unarchive.json")
    return Done(id=customer_id, done="restored")


@tools.writes(
    core=False,
    creates=True,
    search=(
        "joindre fichier document client joins attache ajoute pièce jointe contrat dossier fiche dépose range "
        "attach upload add contract customer file record cliente clients société entreprise boîte company "
        "firm mets annexe PDF scan photo put store attachment annex"
    ),
    examples=[
        "joins le contrat à la fiche du client",
        "dépose ce PDF dans le dossier du client",
        "ajoute le Kbis au client",
        "range ce document chez ce client",
        "attache le mandat signé au client",
        "attach the contract to the client",
        "upload this PDF to the customer's record",
        "add the signed mandate to that client",
        "store this document with the customer",
        "put the company certificate on the client's file",
    ],
)
async def upload_customer_file(customer_id: CustomerId, path: Upload, filename: FileName = None) -> Attachment:
    """Attach a file of the data folder to a customer: a PDF, an image, an office document or text, up to 20 MB.

    Returns the id of the stored file, which facturation_download_file and facturation_delete_file take.
    """
    return await upload(f"/customers/{customer_id}/upload.json", path, filename)
