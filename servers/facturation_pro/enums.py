"""The vendor's numbered enumerations by name. https://www.facturation.dev (_data/specific)

`Mode` and the like are types of arguments: a name, a French label and the vendor's number are taken, the function gets
the name, and the vendor the number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer


class Enumeration:
    """One enumeration of the vendor. `table`: number: name, French label."""

    def __init__(self, title: str, table: Mapping[int, tuple[str, str]]) -> None:
        self.title = title
        self.names = {number: name for number, (name, _) in table.items()}
        self._numbers = {name: number for number, name in self.names.items()}
        self._known = {label_key(alias): name for n, (name, label) in table.items() for alias in (n, name, label)}

    def read(self, value: Any) -> str:
        """Return the name of a name, a French label or the vendor's number; raises ValueError with the names."""
        name = self._known.get(label_key(value))
        if name is None:
            raise ValueError(f"use a {self.title}: {', '.join(self._numbers)}")
        return name

    def number(self, name: str) -> int:
        """Return the vendor's number of a name."""
        return self._numbers[name]

    def name(self, number: Any) -> str:
        """Return the name of a number that the vendor sent; the number itself where it is not known."""
        return self._known.get(label_key(number), str(number))


def label_key(value: Any) -> str:
    """Return a label without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode().lower()
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())


_COMMON = {
    0: ("unpaid", "non payé"),
    1: ("paypal", "Paypal"),
    2: ("card", "carte bancaire"),
    3: ("bank transfer", "virement"),
    4: ("check", "chèque"),
    5: ("cash", "espèces"),
    8: ("direct debit", "prélèvement"),
    9: ("tip", "titre interbancaire de paiement"),
    30: ("meal voucher", "ticket restaurant"),
    31: ("gift voucher", "chèque cadeau"),
    32: ("holiday voucher", "chèque vacances"),
    50: ("lcr", "lettre de change relevé"),
    51: ("bor", "billet à ordre relevé"),
    90: ("credit note", "avoir"),
    99: ("other", "autre"),
}
MODES = Enumeration(
    "payment mode", {**_COMMON, 6: ("cesu", "Cesu préfinancé"), 999: ("bad debt", "créance irrécouvrable")}
)
PURCHASE_MODES = Enumeration(
    "payment mode",
    {**_COMMON, 7: ("partner account", "compte courant d'associé"), 20: ("supplier credit", "crédit fournisseur")},
)
QUOTE_STATUS = Enumeration(
    "quote status", {0: ("waiting", "en attente"), 1: ("accepted", "accepté"), 9: ("refused", "refusé")}
)
CATEGORY_USE = Enumeration(
    "kind of document", {0: ("both", "achats/ventes"), 1: ("sales", "ventes"), 2: ("purchases", "achats")}
)
FOLLOWUP_USE = Enumeration(
    "kind of document", {0: ("both", "devis/factures"), 1: ("quotes", "devis"), 2: ("invoices", "factures")}
)
NATURE = Enumeration(
    "nature",
    {
        1: ("sale", "vente"),
        2: ("commercial service", "BIC"),
        3: ("liberal service", "BNC"),
        8: ("disbursement", "débours"),
        9: ("none", "non applicable"),
    },
)
PURCHASE_NATURE = Enumeration(
    "nature",
    {
        1: ("goods", "achat de biens"),
        2: ("service", "prestation de service"),
        5: ("mixed", "mixte"),
        9: ("other", "autre"),
    },
)

Mode = Annotated[str, BeforeValidator(MODES.read, json_schema_input_type=str), PlainSerializer(MODES.number)]
PurchaseMode = Annotated[
    str, BeforeValidator(PURCHASE_MODES.read, json_schema_input_type=str), PlainSerializer(PURCHASE_MODES.number)
]
QuoteStatus = Annotated[
    str, BeforeValidator(QUOTE_STATUS.read, json_schema_input_type=str), PlainSerializer(QUOTE_STATUS.number)
]
CategoryUse = Annotated[
    str, BeforeValidator(CATEGORY_USE.read, json_schema_input_type=str), PlainSerializer(CATEGORY_USE.number)
]
FollowupUse = Annotated[
    str, BeforeValidator(FOLLOWUP_USE.read, json_schema_input_type=str), PlainSerializer(FOLLOWUP_USE.number)
]
Nature = Annotated[str, BeforeValidator(NATURE.read, json_schema_input_type=str), PlainSerializer(NATURE.number)]
PurchaseNature = Annotated[
    str, BeforeValidator(PURCHASE_NATURE.read, json_schema_input_type=str), PlainSerializer(PURCHASE_NATURE.number)
]
