"""Facturation.PRO in memory: drafts and finals, settlements, credit notes, files, paging, limits. Played over HTTP by
`flotilla_testing.FakeVendor`, which asks `to` for every answer. Rules as documented; where nothing is, the
strictest."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from flotilla_testing import RecordedResponses, Request, Response

Row = dict[str, Any]
PDF = b"%PDF-1.4\n% facture {ref}\n%%EOF\n"
TODAY, MADE_ON = "2025-06-30", "2025-06-02"  # where a bill has no date of its own
COMPUTED = ("id", "total", "total_with_vat", "balance", "draft", "number", "settlements", "customer_identity")


class Refusal(Exception):  # noqa: N818 - a way to answer
    """Ends a request with this answer."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status)
        self.answer = Response.of(body, status) if body is not None else Response(status)


def invalid(**fields: str) -> Refusal:
    return Refusal(422, {"errors": {name: [message] for name, message in fields.items()}})


class Accounts(RecordedResponses):
    """The vendor. `per_page` is small, so that a test needs few objects for a second page."""

    def __init__(self, firms: list[Row] | None = None, per_page: int = 2) -> None:
        super().__init__()
        self.firms = firms or [{"id": 7, "name": "Atelier Lefèvre"}]
        self.per_page, self.refuse, self.retry_after = per_page, 0, 0  # the next `refuse` requests get 429
        self.silent = False  # a change is answered with nothing, as before 2026
        self.converts_to_final = False  # what a quote becomes: the documentation only shows an example, a final one
        self.key = base64.b64encode(b"12345:clef-de-test").decode()
        self.token, self.refresh, self.token_in = "", "refresh-0", "header"  # OAuth: where a token is looked for
        self.rows: dict[str, dict[int, Row]] = {
            kind: {} for kind in ("customers", "bills", "settlements", "assets", "products", "suppliers", "purchases")
        }
        self.emails: list[Row] = []
        self.last, self.final, self.quote = 1000, 0, 0

    # -- requests -----------------------------------------------------------------------------------------------------

    def to(self, request: Request) -> Response:
        """Response one request."""
        try:
            if request.path == "/oauth/token":
                return self._token(dict(parse_qsl(request.body.decode())))
            self._admit(request)
            if request.path == "/account.json":
                return self._told({"id": 1, "email": "zoe@atelier-lefevre.example", "firms": self.firms})
            result = re.fullmatch(r"/firms/(\d+)(/.*)", request.path)
            if not result or int(result[1]) not in {firm["id"] for firm in self.firms}:
                raise Refusal(404)
            for method, pattern, fake in self._routes():
                match = re.fullmatch(pattern, result[2])
                if match and method == request.method:
                    return fake(request, *(int(part) for part in match.groups()))
            raise Refusal(404)
        except Refusal as refusal:
            return refusal.answer

    def _routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        routes: list[tuple[str, str, Callable[..., Response]]] = [
            ("GET", r"/customers/(\d+)/(?:invoices|quotes)\.json", self._redirect),
            ("POST", r"/quotes\.json", lambda r: self._new_bill(r, "quote")),
            ("GET", r"/quotes\.json", lambda r: self._bills(r, "quote")),
            ("GET", r"/quotes/(\d+)\.json", lambda r, i: self._told(self._bill(i, "quote"))),
            ("PATCH", r"/quotes/(\d+)\.json", lambda r, i: self._change_bill(r, self._bill(i, "quote"))),
            ("DELETE", r"/quotes/(\d+)\.json", lambda r, i: self._drop("bills", i)),
            ("POST", r"/quotes/(\d+)/invoice\.json", self._convert),
            ("POST", r"/invoices\.json", lambda r: self._new_bill(r, "invoice")),
            ("GET", r"/invoices\.json", lambda r: self._bills(r, "invoice")),
            ("GET", r"/invoices/(\d+)\.json", lambda r, i: self._told(self._bill(i, "invoice"))),
            ("PATCH", r"/invoices/(\d+)\.json", lambda r, i: self._change_bill(r, self._bill(i, "invoice"))),
            ("DELETE", r"/invoices/(\d+)\.json", self._delete_invoice),
            ("GET", r"/(?:invoices|quotes)/(\d+)\.pdf", self._pdf),
            ("POST", r"/invoices/(\d+)/refund\.json", self._refund),
            ("GET", r"/invoices/(\d+)/settlements\.json", self._settlements),
            ("POST", r"/invoices/(\d+)/settlements\.json", self._settle),
            ("DELETE", r"/invoices/(\d+)/settlements/(\d+)\.json", self._unsettle),
            ("POST", r"/invoices/(\d+)/upload\.json", self._upload),
            ("GET", r"/assets/(\d+)/download", self._download),
            ("POST", r"/emails\.json", self._email),
        ]
        routes += [
            (
                "GET",
                r"/invoices/(\d+)/settlements/(\d+)\.json",
                lambda r, i, n: self._told(self._get("settlements", n)),
            ),
            ("POST", r"/customers/(\d+)/archive\.json", lambda r, i: self._archive(i, True)),
            ("POST", r"/customers/(\d+)/unarchive\.json", lambda r, i: self._archive(i, False)),
        ]
        for kind in ("customers", "products", "suppliers", "purchases"):
            routes += [
                ("GET", rf"/{kind}\.json", lambda r, k=kind: self._page(r, self._fitting(r, k))),
                ("POST", rf"/{kind}\.json", lambda r, k=kind: self._told(self._add(k, self._body(r)), 201)),
                ("GET", rf"/{kind}/(\d+)\.json", lambda r, i, k=kind: self._told(self._get(k, i))),
                ("PATCH", rf"/{kind}/(\d+)\.json", lambda r, i, k=kind: self._change(r, k, i)),
                ("DELETE", rf"/{kind}/(\d+)\.json", lambda r, i, k=kind: self._drop(k, i)),
            ]
        return routes

    def _admit(self, request: Request) -> None:
        agent = request.headers.get("user-agent", "")
        if not agent.startswith("Flotilla") or "(" not in agent or not agent.isascii():
            raise Refusal(403, {"errors": {"base": ["User-Agent"]}})
        if self.refuse:
            self.refuse -= 1
            refusal = Refusal(429)
            refusal.answer = Response(429, b"Retry later", {"retry-after": str(self.retry_after)})
            raise refusal
        message = request.headers.get("content-type", "")
        if request.writes and not message.startswith(("application/json; charset=utf-8", "multipart/form-data")):
            raise Refusal(501)
        scheme, _, header_value = request.headers.get("authorization", "").partition(" ")
        params = dict(request.query).get("access_token", "")
        by_token = self.token and self.token == (params if self.token_in == "query" else header_value)
        if not (by_token or (scheme == "Basic" and header_value == self.key)):
            refusal = Refusal(401)
            refusal.answer = Response(401, b"HTTP Basic: Access denied.")
            raise refusal

    def _token(self, form: dict[str, str]) -> Response:
        good = form.get("grant_type") == "refresh_token" and form.get("refresh_token") == self.refresh
        if not good or form.get("client_id") != "app" or form.get("client_secret") != "app-secret":
            return Response.of({"error": "invalid_grant"}, 400)
        number = int(self.refresh.split("-")[1]) + 1
        self.token, self.refresh = f"token-{number}", f"refresh-{number}"
        message = {
            "access_token": self.token,
            "refresh_token": self.refresh,
            "token_type": "Bearer",
            "expires_in": 7200,
        }
        return Response.of(message)

    def _body(self, request: Request) -> Row:
        return dict(request.json())

    def _told(self, row: Any, status: int = 200, **headers: str) -> Response:
        return Response.of(row, status, {"x-ratelimit-limit": "600", "x-ratelimit-remaining": "577", **headers})

    def _page(self, request: Request, rows: list[Row]) -> Response:
        number, size = int(dict(request.query).get("page", 1)), self.per_page
        pages = {"current_page": number, "total_pages": -(-len(rows) // size), "per_page": size}
        message = json.dumps({**pages, "total_entries": len(rows)})
        return self._told(rows[(number - 1) * size : number * size], **{"x-pagination": message})

    # -- plain objects ------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self.last += 1
        return self.last

    def _add(self, kind: str, row: Row) -> Row:
        if kind == "customers" and not (row.get("company_name") or row.get("last_name")):
            raise invalid(company_name="doit être rempli(e)")
        number = self._next()
        self.rows[kind][number] = {**row, "id": number}
        return self.rows[kind][number]

    def _fitting(self, request: Request, kind: str) -> list[Row]:
        """Filter as the documentation says: parts of texts, whole references; `ids` makes the others be ignored."""
        query, rows = dict(request.query), list(self.rows[kind].values())
        if "ids" in query:
            return [row for row in rows if str(row["id"]) in query["ids"].split(",")]
        for name, value in query.items():
            field = "company_name" if name == "company" else name
            if name in ("company", "last_name", "title", "ref", "email"):
                rows = [row for row in rows if value.casefold() in str(row.get(field) or "").casefold()]
            elif name in ("api_id", "api_custom", "category_id"):
                rows = [row for row in rows if str(row.get(name) or "") == value]
        if kind == "customers":
            modes: dict[str, Callable[[Row], bool]] = {
                "all": lambda row: True,
                "archived": lambda row: bool(row.get("archived")),
                "company": lambda row: not row.get("archived") and not row.get("individual"),
                "individual": lambda row: not row.get("archived") and bool(row.get("individual")),
                "missing_siret": lambda row: not (row.get("archived") or row.get("individual") or row.get("siret")),
            }
            rows = [row for row in rows if modes.get(query.get("mode", ""), lambda r: not r.get("archived"))(row)]
        return rows

    def _archive(self, number: int, archived: bool) -> Response:
        self._get("customers", number)["archived"] = archived
        return Response(200, b" ")

    def _get(self, kind: str, number: int) -> Row:
        if number not in self.rows[kind]:
            raise Refusal(404)
        return self.rows[kind][number]

    def _change(self, request: Request, kind: str, number: int) -> Response:
        row = self._get(kind, number)
        row.update(self._body(request))
        return Response(200) if self.silent else self._told(row)

    def _drop(self, kind: str, number: int) -> Response:
        self._get(kind, number)
        del self.rows[kind][number]
        return Response(200, b" ")  # "empty", as older Rails says it

    # -- quotes and invoices ------------------------------------------------------------------------------------------

    def _bill(self, number: int, kind: str) -> Row:
        bill = self._get("bills", number)
        if bill["kind"] != kind:
            raise Refusal(404)
        return bill

    def _new_bill(self, request: Request, kind: str) -> Response:
        query, params = dict(request.query), self._body(request)
        if params.get("customer_id") not in self.rows["customers"]:
            raise invalid(customer_id="n'est pas valide")
        if not params.get("items"):
            raise invalid(items="doit être rempli(e)")
        bill = {"currency": "EUR", "payment_mode": 0, **params, "kind": kind, "items": []}
        bill["created_at"] = f"{TODAY}T09:12:44+02:00"
        bill |= {"draft": query.get("type_doc") == "draft", "external": query.get("external") == "1"}
        bill["customer_identity"] = self._identity(self.rows["customers"][params["customer_id"]])
        if kind == "quote":
            self.quote += 1
            bill |= {"quote_ref": self.quote, "quote_status": params.get("quote_status", 0), "invoice_ids": []}
            bill |= {"draft": False, "fully_invoiced": False, "amount_invoiced": "0.0"}
        bill = self._add("bills", bill)
        self._lines(bill, params["items"])
        if kind == "invoice" and not bill["draft"]:
            self._finalize(bill)
        return self._told(bill, 201)

    def _identity(self, customer: Row) -> str:
        names = (customer.get("first_name"), customer.get("last_name"))
        return str(customer.get("company_name") or " ".join(str(name) for name in names if name))

    def _lines(self, bill: Row, lines: list[Row]) -> None:
        """Replace all lines: one that is not sent is lost, as the documentation warns."""
        before, saved = {line["id"]: line for line in bill["items"]}, []
        for line in lines:
            if "id" in line and line["id"] not in before:
                raise invalid(items="ligne inconnue")
            if line.get("_destroy") == "1":
                continue
            row = {**before.get(line.get("id"), {"id": self._next(), "vat": "0.200"}), **line}
            row |= {k: v for k, v in self._product(row).items() if row.get(k) is None}
            if row.get("quantity") is None or row.get("unit_price") is None:
                raise invalid(items="la quantité et le prix doivent être remplis")
            row["total"] = str(Decimal(row["quantity"]) * Decimal(row["unit_price"]))
            saved.append(row)
        bill["items"] = saved
        bill["total"] = str(sum((Decimal(r["total"]) for r in saved), Decimal(0)))
        vat = sum((Decimal(r["total"]) * Decimal(r["vat"]) for r in saved), Decimal(0))
        bill["total_with_vat"] = str((Decimal(bill["total"]) + vat).quantize(Decimal("0.01"), ROUND_HALF_UP))
        self._balance(bill)

    def _product(self, line: Row) -> Row:
        """Return what a line takes from its product."""
        product = self.rows["products"].get(line.get("product_id") or 0, {})
        return {k: product[k] for k in ("title", "unit_price", "vat") if k in product}

    def _finalize(self, bill: Row) -> None:
        self.final += 1
        bill |= {"draft": False, "invoice_ref": f"202506-{self.final}", "full_invoice_ref": f"FA202506-{self.final}"}
        customer = self.rows["customers"].get(bill["customer_id"])
        if customer:
            customer["last_invoiced_on"] = bill.get("invoiced_on") or "2025-06-02"

    def _change_bill(self, request: Request, bill: Row) -> Response:
        params, query = self._body(request), dict(request.query)
        final = bill["kind"] == "invoice" and not bill["draft"]
        if final and ("items" in params or query.get("type_doc") == "draft"):
            raise invalid(base="Une facture finalisée ne peut pas être modifiée")
        if "items" in params:
            self._lines(bill, params.pop("items"))
        bill.update({k: v for k, v in params.items() if k not in COMPUTED})
        if query.get("type_doc") == "final" and bill["draft"]:
            self._finalize(bill)
        return self._told(bill)

    def _delete_invoice(self, request: Request, number: int) -> Response:
        if not self._bill(number, "invoice")["draft"]:
            raise invalid(base="Une facture finalisée ne peut pas être supprimée")
        return self._drop("bills", number)

    def _convert(self, request: Request, number: int) -> Response:
        quote = self._bill(number, "quote")
        if quote["fully_invoiced"] or quote["quote_status"] == 9:  # not documented: the strictest
            raise invalid(base="Ce devis ne peut pas être facturé")
        lines = [{k: v for k, v in line.items() if k not in ("id", "total")} for line in quote["items"]]
        message = {k: quote[k] for k in ("customer_id", "customer_identity", "currency", "title") if k in quote}
        message |= {"kind": "invoice", "items": [], "payment_mode": 0, "draft": True, "external": False}
        invoice = self._add("bills", {**message, "quote_id": number})
        self._lines(invoice, lines)
        if self.converts_to_final:
            self._finalize(invoice)
        quote["invoice_ids"].append(invoice["id"])
        quote |= {"fully_invoiced": True, "amount_invoiced": quote["total_with_vat"]}
        return self._told(invoice, 201)

    def _refund(self, request: Request, number: int) -> Response:
        paid = self._bill(number, "invoice")
        if paid["draft"] or paid.get("refunded"):
            raise invalid(base="Avoir impossible")
        paid["refunded"] = True
        note = self._add("bills", {**paid, **dict(request.query), "refund_id": number, "payment_mode": 99})
        note |= {"total": str(-Decimal(paid["total"])), "total_with_vat": str(-Decimal(paid["total_with_vat"]))}
        note["balance"] = "0"
        self._finalize(note)
        return self._told(note, 201)

    def _bills(self, request: Request, kind: str) -> Response:
        query, rows = dict(request.query), [row for row in self.rows["bills"].values() if row["kind"] == kind]
        if "customer_id" in query:
            rows = [row for row in rows if row["customer_id"] == int(query["customer_id"])]
        owners = self.rows["customers"]
        for name, field in (("company", "company_name"), ("last_name", "last_name")):
            if name in query:
                texts = [(r, str(owners.get(r["customer_id"], {}).get(field) or "")) for r in rows]
                rows = [r for r, text in texts if query[name].casefold() in text.casefold()]
        if "title" in query:
            rows = [r for r in rows if query["title"].casefold() in str(r.get("title") or "").casefold()]
        field = "invoiced_on" if kind == "quote" or query.get("period_type") == "billed" else "paid_on"
        first, last = query.get("period_start", ""), query.get("period_end", "9")  # a month ends with its last day
        if first or last != "9":
            dates = [(row, str(row.get(field) or (MADE_ON if field == "invoiced_on" else ""))) for row in rows]
            rows = [row for row, day in dates if day >= first and "" < day[: len(last)] <= last]
        wanted = query.get("bill_type" if kind == "invoice" else "status", "")
        rows = [row for row in rows if self._wanted(row, wanted)]
        if (query.get("order"), query.get("sort")) == ("created", "desc"):
            rows = rows[::-1]
        if query.get("with_details") != "1":
            rows = [{k: v for k, v in row.items() if k != "items"} for row in rows]
        return self._page(request, rows)

    def _wanted(self, row: Row, wanted: str) -> bool:
        """Tell whether a bill is of a `bill_type` or, a quote, of a `status`."""
        final, paid = not row["draft"] and not row.get("refund_id"), bool(row.get("paid_on"))
        status, done = row.get("quote_status"), bool(row.get("fully_invoiced"))
        kinds = {
            "": True, "draft": row["draft"], "paid": not row["draft"] and paid, "unpaid": not row["draft"] and not paid,
            "term": final and not paid and "" < str(row.get("term_on") or "") < TODAY,
            "invoice": final and not row.get("external"), "external": bool(row.get("external")),
            "refund": bool(row.get("refund_id")),
            "pending": status in (0, 1) and not done, "to_invoice": status == 1 and not done, "invoiced": done,
            "0": status == 0, "1": status == 1, "9": status == 9,
        }  # fmt: skip
        return kinds.get(wanted, False)

    def _redirect(self, request: Request, number: int) -> Response:
        self._get("customers", number)
        firm, kind = request.path.split("/customers")[0], request.path.rsplit("/", 1)[-1]
        return Response(302, b"", {"location": f"{firm}/{kind}?customer_id={number}"})

    # -- payments, documents, mail ------------------------------------------------------------------------------------

    def _paid(self, number: int) -> list[Row]:
        return [row for row in self.rows["settlements"].values() if row["invoice_id"] == number]

    def _balance(self, bill: Row) -> None:
        rest = Decimal(bill["total_with_vat"]) - sum((Decimal(r["total"]) for r in self._paid(bill["id"])), Decimal(0))
        last = max((row["paid_on"] for row in self._paid(bill["id"])), default=None)
        bill |= {"balance": str(rest), "paid_on": last if rest <= 0 else None}

    def _settlements(self, request: Request, number: int) -> Response:
        self._bill(number, "invoice")
        return self._told(self._paid(number))

    def _settle(self, request: Request, number: int) -> Response:
        invoice, params = self._bill(number, "invoice"), self._body(request)
        if invoice["draft"] or Decimal(params["total"]) > Decimal(invoice["balance"]):
            raise invalid(total="est trop élevé")
        row = self._add("settlements", {**params, "invoice_id": number})
        self._balance(invoice)
        return self._told(row, 201)

    def _unsettle(self, request: Request, number: int, settlement: int) -> Response:
        invoice, answer = self._bill(number, "invoice"), self._drop("settlements", settlement)
        self._balance(invoice)
        return answer

    def _pdf(self, request: Request, number: int) -> Response:
        bill = self._get("bills", number)
        page = PDF.replace(b"{ref}", str(bill.get("full_invoice_ref") or bill.get("quote_ref")).encode())
        return Response(200, page, {"content-type": "application/pdf"})

    def _upload(self, request: Request, number: int) -> Response:
        head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = list(message_from_bytes(head + request.body, policy=HTTP).iter_parts())
        if [part.get_param("name", header="content-disposition") for part in parts] != ["upload_file"]:
            raise invalid(upload_file="doit être rempli(e)")
        data = parts[0].get_payload(decode=True)
        name = dict(request.query).get("filename") or parts[0].get_filename()
        asset = self._add("assets", {"invoice_id": number, "document_name": name, "document_size": len(data)})
        shown = dict(asset)
        asset["data"] = data
        return self._told(shown, 201)

    def _download(self, request: Request, number: int) -> Response:
        asset = self._get("assets", number)
        named = {"content-disposition": f'attachment; filename="{asset["document_name"]}"'}
        return Response(200, asset["data"], {"content-type": "application/octet-stream", **named})

    def _email(self, request: Request) -> Response:
        bill = self._get("bills", int(dict(request.query)["bill_id"]))
        if bill["draft"] or bill.get("external"):
            raise invalid(base="Envoi impossible")
        customer = self.rows["customers"][bill["customer_id"]]
        if not (self._body(request).get("to") or customer.get("invoice_email") or customer.get("email")):
            raise invalid(to="doit être rempli(e)")  # not documented: the strictest
        self.emails.append({**self._body(request), "bill_id": bill["id"]})
        return Response(201, b"Envoi en cours")  # what it says is not documented
