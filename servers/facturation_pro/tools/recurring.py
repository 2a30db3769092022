"""Recurring invoices and purchases, which the vendor only shows. https://www.facturation.dev/api/invoices/"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset

from ..client import api
from ..models import Recurring, shaped
from ..records import read

tools = Toolset("recurring")

InvoiceId = Annotated[
    int, Field(description="Id of the recurring invoice, from facturation_list_recurring_invoices.", examples=[77])
]
PurchaseId = Annotated[
    int, Field(description="Id of the recurring purchase, from facturation_list_recurring_purchases.", examples=[77])
]
SHAPE = partial(shaped, Recurring, details=True)


@tools.reads(
    core=False,
    group="invoices",
    search=(
        "factures récurrentes abonnements facture récurrente automatiques mensuelles mensuel périodiques "
        "loyers contrats maintenance abonnement clients recurring automatic monthly subscriptions retainers "
        "repeat billed regularly automatique mensuelle périodique contrat chaque mois facturé subscription "
        "retainer every month often liste lister quels quelles combien montre list which what find show have "
        "all"
    ),
    examples=[
        "quelles factures partent automatiquement chaque mois",
        "liste les abonnements que je facture",
        "quels clients sont en facturation récurrente",
        "montre les contrats facturés tous les mois",
        "quelles factures périodiques sont programmées",
        "which invoices go out automatically every month",
        "list the subscriptions I bill",
        "which clients are billed regularly",
        "show the monthly retainers",
        "what recurring billing is set up",
    ],
)
async def list_recurring_invoices(limit: Limit = 20, cursor: Cursor = None) -> Page[Recurring]:
    """List the recurring invoices, which the vendor turns into invoices by itself, with all their fields.

    They can only be read here; the user changes them in the product itself.
    """
    return await api.listed("/recurring_invoices.json", Recurring, shape=SHAPE, limit=limit, cursor=cursor)


@tools.reads(
    core=False,
    group="invoices",
    search=(
        "facture récurrente cet abonnement périodique mensuelle prochaine échéance date fréquence détail that "
        "recurring subscription next frequency details one automatique contrat chaque mois facturé automatic "
        "monthly retainer billed every month often regularly ouvre affiche montre infos open show this number "
        "numéro"
    ),
    examples=[
        "ouvre la facture récurrente 77",
        "quand part la prochaine facture de cet abonnement",
        "à quelle fréquence est facturé ce contrat",
        "montre le détail de cette facture automatique",
        "quel montant pour cet abonnement client",
        "open recurring invoice 77",
        "when does this subscription bill next",
        "how often is that retainer billed",
        "show the details of this automatic invoice",
        "what amount does the client's subscription have",
    ],
)
async def get_recurring_invoice(recurring_id: InvoiceId) -> Recurring:
    """Get one recurring invoice with all its fields. It can only be read here.

    Invoices that were made from it are in facturation_list_invoices.
    """
    return read(Recurring, await api.get(f"/recurring_invoices/{recurring_id}.json"), details=True)


@tools.reads(
    core=False,
    group="purchases",
    search=(
        "achats récurrents achat récurrent dépenses charges fixes mensuelles loyer abonnements fournisseurs "
        "automatiques périodiques recurring expenses fixed costs monthly rent regular suppliers automatic "
        "récurrente charge fixe forfait abonnement mensuel dépense revient chaque mois paie cost expense "
        "subscription pay every month often comes liste lister quels quelles combien montre list which what "
        "find show have all"
    ),
    examples=[
        "quelles sont mes charges fixes",
        "liste les dépenses qui reviennent chaque mois",
        "quels abonnements je paie",
        "montre les achats automatiques",
        "combien de loyers et forfaits sont programmés",
        "what are my fixed costs",
        "list the expenses that come every month",
        "what subscriptions do I pay for",
        "show the automatic purchases",
        "which regular supplier bills are set up",
    ],
)
async def list_recurring_purchases(limit: Limit = 20, cursor: Cursor = None) -> Page[Recurring]:
    """List the recurring purchases, which the vendor turns into purchases by itself, with all their fields.

    They can only be read here; the user changes them in the product itself.
    """
    return await api.listed("/recurring_purchases.json", Recurring, shape=SHAPE, limit=limit, cursor=cursor)


@tools.reads(
    core=False,
    group="purchases",
    search=(
        "achat récurrent cette charge fixe loyer dépense mensuelle prochaine date fréquence montant détail "
        "that fixed cost rent monthly expense next frequency details one récurrente forfait abonnement "
        "mensuel revient chaque mois paie recurring subscription pay every month often comes ouvre affiche "
        "montre infos open show this number numéro"
    ),
    examples=[
        "ouvre l'achat récurrent 77",
        "quand tombe le prochain loyer",
        "à quelle fréquence revient cette dépense",
        "montre le détail de cette charge fixe",
        "combien coûte cet achat mensuel",
        "open recurring purchase 77",
        "when is the rent due next",
        "how often does this expense come",
        "show the details of that fixed cost",
        "how much is this monthly purchase",
    ],
)
async def get_recurring_purchase(recurring_id: PurchaseId) -> Recurring:
    """Get one recurring purchase with all its fields. It can only be read here.

    Purchases that were made from it are in facturation_list_purchases.
    """
    return read(Recurring, await api.get(f"/recurring_purchases/{recurring_id}.json"), details=True)
