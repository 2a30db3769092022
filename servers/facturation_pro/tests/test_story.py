"""The day of an accountant against a vendor with state; pages and limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Folder:
    """The data folder as it is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def read(self, path: str) -> bytes:
        return (self.path / path).read_bytes()

    async def write(self, path: str, data: bytes) -> None:
        (self.path / path).write_bytes(data)


async def test_scenario_day_of_an_accountant(firm: Any) -> None:
    await firm.scenario.day(firm.ask, Folder(firm.data), firm.books)


async def test_list_invoices_pages_of_all_and_of_one_customer(firm: Any, customer: int) -> None:
    line = [{"title": "Conseil", "quantity": "1", "unit_price": "100", "vat": "20"}]
    made = [(await firm.ask("create_invoice", customer_id=customer, items=line, final=True))["id"] for _ in range(5)]
    for tool, more in (("list_invoices", {}), ("list_invoices", {"other_filters": {"customer_id": customer}})):
        for limit in (1, 2, 50):
            seen, cursor = list[int](), {}
            while True:
                page = await firm.ask(tool, limit=limit, **more, **cursor)
                seen += [row["id"] for row in page["items"]]
                if "next_cursor" not in page:
                    break
                cursor = {"cursor": page["next_cursor"]}
            assert seen == made
    assert "cursor" in await firm.no("list_invoices", cursor="second")


async def test_rate_limit_waited_for(firm: Any) -> None:
    firm.books.refuse = 2
    assert (await firm.ask("list_customers"))["items"] == []
    firm.books.refuse, firm.books.retry_after = 9, 3600
    message = await firm.no("list_customers")
    assert "Retry later" in message
    assert " UTC." in message  # an hour is given as a time of day
