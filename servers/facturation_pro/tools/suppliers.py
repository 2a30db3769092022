"""Suppliers. https://www.facturation.dev/api/suppliers/"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, confirm

from ..arguments import Details, SupplierId, other_fields, other_filters
from ..client import api
from ..fields import (
    AllSupplierFields,
    OtherFields,
    SupplierChanges,
    SupplierFields,
    about,
    body,
    changes_of,
    names,
)
from ..models import Done, Supplier
from ..records import RareFilters, listed, read

tools = Toolset("suppliers")

OTHER_FIELDS = names(AllSupplierFields, SupplierChanges)


class SupplierFilters(RareFilters):
    """Query of the list."""

    company: str | None = None
    country: str | None = None
    category_id: int | None = None
    with_sepa: bool | None = None
    account_code: str | None = None
    accounting_entry: str | None = None
    order: Literal["created", "updated"] | None = None


@tools.reads(
    core=False,
    search=(
        "cherche fournisseurs fournisseur liste prestataires vendeurs sous-traitants retrouve trouve quels "
        "chez achète vendors vendor suppliers find look up list which providers who buy from prestataire "
        "vendeur sous-traitant supplier provider subcontractor lister quelles combien montre what show have "
        "all"
    ),
    examples=[
        "liste mes fournisseurs",
        "retrouve ce prestataire",
        "chez qui j'achète le papier",
        "quels sous-traitants avons-nous",
        "on a des fournisseurs en Allemagne ?",
        "list my vendors",
        "look up that supplier",
        "who do we buy paper from",
        "which subcontractors do we have",
        "do we have vendors in Germany",
    ],
)
async def list_suppliers(
    company: Annotated[str | None, about("Part of the supplier's name.")] = None,
    country: Annotated[str | None, about("Country code of two letters.")] = None,
    other_filters: Annotated[
        OtherFields,
        other_filters(f"{names(RareFilters)}, category_id, with_sepa, account_code, accounting_entry, order"),
    ] = None,
    details: Details = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Supplier]:
    """Find suppliers by name, country or category.

    Returns the ids that facturation_create_purchase and facturation_update_supplier take.
    """
    return await listed(
        "/suppliers.json",
        Supplier,
        SupplierFilters,
        limit,
        cursor,
        other=other_filters,
        details=details,
        company=company,
        country=country,
    )


@tools.writes(
    core=False,
    creates=True,
    search=(
        "nouveau fournisseur ajoute crée enregistre nouvelle prestataire vendeur sous-traitant créer fiche "
        "add create new vendor provider register fournisseurs supplier subcontractor ajouter rentre il faut "
        "enter set up need make"
    ),
    examples=[
        "ajoute un nouveau fournisseur",
        "crée une fiche pour ce prestataire",
        "enregistre le sous-traitant",
        "nouveau vendeur : la papeterie du coin",
        "rentre ce fournisseur dans la compta",
        "add a new vendor",
        "create a record for this provider",
        "register the subcontractor",
        "new supplier: the stationery shop",
        "enter that vendor in the books",
    ],
)
async def create_supplier(
    company_name: Annotated[str, Field(max_length=255, description="Name of the supplier.", examples=["Office Depot"])],
    fields: Annotated[SupplierFields | None, about("Address and contact.")] = None,
    other_fields: Annotated[OtherFields, other_fields(OTHER_FIELDS)] = None,
) -> Supplier:
    """Create a supplier, of whom purchases can then be recorded with facturation_create_purchase.

    Search with facturation_list_suppliers first: a second one of the same name is not refused.
    """
    record = body(AllSupplierFields, other_fields, fields, company_name=company_name)
    return read(Supplier, await api.post("/suppliers.json", json=record))


@tools.reads(
    core=False,
    search=(
        "fiche fournisseur infos coordonnées adresse téléphone prestataire vendeur ouvre details address "
        "phone vendor open provider contact fournisseurs sous-traitant supplier subcontractor affiche montre "
        "détail show one this that number numéro"
    ),
    examples=[
        "ouvre la fiche de ce fournisseur",
        "c'est quoi le téléphone du prestataire",
        "quelle est l'adresse de ce vendeur",
        "donne-moi les coordonnées du fournisseur",
        "quel compte comptable pour ce fournisseur",
        "open that supplier's record",
        "what is the vendor's phone number",
        "where is this provider based",
        "give me the supplier's contact details",
        "which account code does the vendor have",
    ],
)
async def get_supplier(supplier_id: SupplierId) -> Supplier:
    """Get one supplier with all its fields: address, contact, accounting data.

    Take the id from facturation_list_suppliers.
    """
    return read(Supplier, await api.get(f"/suppliers/{supplier_id}.json"), details=True)


@tools.writes(
    core=False,
    additive=False,
    search=(
        "modifier fournisseur modifie change corrige nouvelle adresse nouveau téléphone mail prestataire "
        "renomme update edit correct new address phone vendor rename fournisseurs vendeur sous-traitant "
        "supplier provider subcontractor changer corriger mets mise jour met passe rectifie set fix email"
    ),
    examples=[
        "le fournisseur a changé d'adresse",
        "mets à jour le mail de ce prestataire",
        "corrige le téléphone du fournisseur",
        "renomme ce fournisseur",
        "change le contact chez le vendeur",
        "the vendor has a new address",
        "update the provider's e-mail",
        "correct the supplier's phone number",
        "rename that vendor",
        "change our contact at the supplier",
    ],
)
async def update_supplier(
    supplier_id: SupplierId,
    changes: Annotated[
        SupplierChanges | None, Field(description="Fields to change.", examples=[{"phone": "01 23 45 67 89"}])
    ] = None,
    other_fields: Annotated[OtherFields, other_fields(OTHER_FIELDS)] = None,
) -> Supplier:
    """Change fields of a supplier; the fields that are not given stay as they are.

    Take the id from facturation_list_suppliers.
    """
    record = changes_of(AllSupplierFields, other_fields, changes)
    answer = await api.request("PATCH", f"/suppliers/{supplier_id}.json", json=record, nulls=True)
    return read(Supplier, answer, id=supplier_id)


@tools.destroys(
    core=False,
    asks=True,
    search=(
        "supprimer fournisseur supprime efface enlève vire prestataire retire vendeur delete remove erase "
        "vendor drop provider get rid fournisseurs sous-traitant supplier subcontractor effacer jette "
        "débarrasse discard throw away take out off bin mistake wrong erreur doublon duplicate"
    ),
    examples=[
        "supprime ce fournisseur",
        "efface le prestataire et ses achats",
        "enlève ce vendeur de la liste",
        "vire ce fournisseur, il a fermé",
        "retire le sous-traitant",
        "delete this vendor",
        "erase the provider with all its purchases",
        "remove that supplier",
        "drop the vendor, they closed down",
        "get rid of this subcontractor",
    ],
)
async def delete_supplier(supplier_id: SupplierId) -> Done:
    """Delete a supplier and with it all its purchases, after the user agreed. It cannot be undone.

    To see what would be lost, use facturation_list_purchases with the supplier's name.
    """
    await confirm(f"Delete the supplier {(await get_supplier(supplier_id)).name} and all its purchases?")
    await api.send("DELETE", f"/suppliers/{supplier_id}.json")
    return Done(id=supplier_id, done="deleted")
