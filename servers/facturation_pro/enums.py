"""The vendor's numbers as words. Numbers and French labels are taken too. https://www.facturation.dev (_data/specific)

`Mode` and the like are types of arguments: whatever was given, the function gets the word, and a dump the number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer


class CommaSeparated:
    """One enumeration: number: word, French label."""

    def __init__(self, table: Mapping[int, tuple[str, str]]) -> None:
        self.words = {number: word for number, (word, _) in table.items()}
        self._numbers = {word: number for number, word in self.words.items()}
        self._known = {_key(alias): word for n, (word, label) in table.items() for alias in (n, word, label)}

    def read(self, given: Any) -> Any:
        """Return the word that was meant, else what was given."""
        return self._known.get(_key(given), given)

    def number(self, word: str) -> int:
        """Return the vendor's number."""
        return self._numbers[word]

    def word(self, number: Any) -> str:
        """Return the word of a number that the vendor sent, known or not."""
        return str(self.read(number))


def _key(given: Any) -> str:
    """Return a label without case, accents, and signs between its words."""
    plain = unicodedata.normalize("NFKD", str(given)).encode("ascii", "ignore").decode().lower()
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
MODES = CommaSeparated({**_COMMON, 6: ("cesu", "Cesu préfinancé"), 999: ("bad debt", "créance irrécouvrable")})
PURCHASE_MODES = CommaSeparated(
    {**_COMMON, 7: ("partner account", "compte courant d'associé"), 20: ("supplier credit", "crédit fournisseur")}
)
QUOTE_STATUS = CommaSeparated({0: ("waiting", "en attente"), 1: ("accepted", "accepté"), 9: ("refused", "refusé")})
CATEGORY_USE = CommaSeparated({0: ("both", "achats/ventes"), 1: ("sales", "ventes"), 2: ("purchases", "achats")})
FOLLOWUP_USE = CommaSeparated({0: ("both", "devis/factures"), 1: ("quotes", "devis"), 2: ("invoices", "factures")})
NATURE = CommaSeparated(
    {
        1: ("sale", "vente"),
        2: ("commercial service", "BIC"),
        3: ("liberal service", "BNC"),
        8: ("disbursement", "débours"),
        9: ("none", "non applicable"),
    }
)
PURCHASE_NATURE = CommaSeparated(
    {
        1: ("goods", "achat de biens"),
        2: ("service", "prestation de service"),
        5: ("mixed", "mixte"),
        9: ("other", "autre"),
    }
)

Mode = Annotated[
    Literal[
        "unpaid", "paypal", "card", "bank transfer", "check", "cash", "cesu", "direct debit", "tip", "meal voucher",
        "gift voucher", "holiday voucher", "lcr", "bor", "credit note", "other", "bad debt",
    ],
    BeforeValidator(MODES.read),
    PlainSerializer(MODES.number),
]  # fmt: skip
PurchaseMode = Annotated[
    Literal[
        "unpaid", "paypal", "card", "bank transfer", "check", "cash", "partner account", "direct debit", "tip",
        "supplier credit", "meal voucher", "gift voucher", "holiday voucher", "lcr", "bor", "credit note", "other",
    ],
    BeforeValidator(PURCHASE_MODES.read),
    PlainSerializer(PURCHASE_MODES.number),
]  # fmt: skip
QuoteStatus = Annotated[
    Literal["waiting", "accepted", "refused"],
    BeforeValidator(QUOTE_STATUS.read),
    PlainSerializer(QUOTE_STATUS.number),
]
CategoryUse = Annotated[
    Literal["both", "sales", "purchases"], BeforeValidator(CATEGORY_USE.read), PlainSerializer(CATEGORY_USE.number)
]
FollowupUse = Annotated[
    Literal["both", "quotes", "invoices"], BeforeValidator(FOLLOWUP_USE.read), PlainSerializer(FOLLOWUP_USE.number)
]
Nature = Annotated[
    Literal["sale", "commercial service", "liberal service", "disbursement", "none"],
    BeforeValidator(NATURE.read),
    PlainSerializer(NATURE.number),
]
PurchaseNature = Annotated[
    Literal["goods", "service", "mixed", "other"],
    BeforeValidator(PURCHASE_NATURE.read),
    PlainSerializer(PURCHASE_NATURE.number),
]
