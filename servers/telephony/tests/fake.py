"""A fake Twilio that keeps state, at least as strict as the documentation.

    with FakeTwilio() as twilio:
        …
        assert twilio.calls[-1]["to"] == "+33612345678"

Its account has the numbers +33123456789 (Accueil) and +33198765432 (Atelier), and once heard from +33612345678. A call
rings until a test lets the person `pick_up` or `press`. Flows of Studio run as far as this server's flow needs.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

ACCOUNT, KEY, SECRET = "AC0123456789abcdef0123456789abcdef", "SK0123456789abcdef0123456789abcdef", "s3cr3t-of-the-key"
TOKEN = "t0ken-of-the-account"
ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"
ACCUEIL, ATELIER, KNOWN, NEW = "+33123456789", "+33198765432", "+33612345678", "+33698765432"
E164 = re.compile(r"\+[1-9]\d{6,14}")
LIVE = ("queued", "ringing", "in-progress")
VERBS = {"Say": {"language", "voice", "loop"}, "Play": {"loop"}, "Pause": {"length"}, "Dial": {"callerId"}}
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Twilio."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        more = f"https://www.twilio.com/docs/errors/{code}"
        self.answer = Response.of({"code": code, "message": message, "more_info": more, "status": status}, status)


def stamp(moment: datetime) -> str:
    """Return a time as the account's API writes it."""
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")


def check_twiml(text: str) -> ElementTree.Element:
    """Return a TwiML document; raises Refusal for one that Twilio would not run."""
    if len(text) > 4000:
        raise Refusal(400, 21240, "Twiml is too long")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as wrong:
        raise Refusal(400, 12100, f"Document parse failure: {wrong}") from None
    if root.tag != "Response" or not len(root):
        raise Refusal(400, 12100, "Document parse failure")
    for verb in root:
        if verb.tag not in VERBS or set(verb.attrib) - VERBS[verb.tag]:
            raise Refusal(400, 12200, f"Schema validation warning: {verb.tag} {verb.attrib}")
    return root


class FakeTwilio(Served, FakeApi):
    """One account with two numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self._last = 0
        self.calls: list[Thing] = []
        self.messages: list[Thing] = []
        self.recordings: list[Thing] = []
        self.transcripts: list[Thing] = []
        self.flows: list[Thing] = []
        self.runs: list[Thing] = []
        self.codes: dict[str, str] = {}
        self.numbers = [self._number("Accueil", ACCUEIL), self._number("Atelier", ATELIER)]
        self.opted_out: set[str] = set()
        self.add_message(KNOWN, ACCUEIL, "Bonjour, à quelle heure ?", "inbound")
        for method, path, handler in ROUTES:
            self.on(method, path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {
            "TELEPHONY_ACCOUNT_SID": ACCOUNT,
            "TELEPHONY_API_KEY": KEY,
            "TELEPHONY_API_SECRET": SECRET,
            "TELEPHONY_FROM_NUMBER": ACCUEIL,
            "TELEPHONY_BASE_URL": self.vendor.url,
        }

    # -- what a test puts in, and what people do

    def sid(self, prefix: str) -> str:
        """Return a new id."""
        self._last += 1
        return f"{prefix}{self._last:032x}"

    def _number(self, name: str, number: str) -> Thing:
        able = {"voice": True, "sms": True, "mms": False, "fax": False}
        return {"sid": self.sid("PN"), "friendly_name": name, "phone_number": number, "capabilities": able}

    def add_call(self, to: str, sender: str, status: str = "queued", direction: str = "outbound-api") -> Thing:
        """Add a call, and return it."""
        now = stamp(datetime.now(UTC))
        call = {
            "sid": self.sid("CA"),
            "parent_call_sid": None,
            "to": to,
            "from": sender,
            "status": status,
            "direction": direction,
            "date_created": now,
            "start_time": None if status == "queued" else now,
            "end_time": None,
            "duration": None,
            "price": None,
            "price_unit": "USD",
            "twiml": [],
        }
        self.calls.insert(0, call)
        return call

    def add_message(self, sender: str, to: str, body: str, direction: str = "outbound-api", **more: Any) -> Thing:
        """Add a text, and return it."""
        now = stamp(datetime.now(UTC))
        message = {
            "sid": self.sid("SM"),
            "from": sender,
            "to": to,
            "body": body,
            "direction": direction,
            "status": "received" if direction == "inbound" else "queued",
            "date_created": now,
            "date_sent": now,
            "num_media": "0",
            "num_segments": "1",
            "error_code": None,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            **more,
        }
        self.messages.insert(0, message)
        return message

    def add_recording(self, call: Thing, status: str = "completed") -> Thing:
        """Add a recording of a call, and return it."""
        recording = {
            "sid": self.sid("RE"),
            "call_sid": call["sid"],
            "status": status,
            "duration": "12" if status == "completed" else None,
            "start_time": stamp(datetime(2026, 1, 5, 8, tzinfo=UTC)),
            "channels": 2,
            "price": None,
            "price_unit": "USD",
        }
        self.recordings.insert(0, recording)
        return recording

    def press(self, digits: str, speech: str = "") -> None:
        """Let the person of the last question pick up and press keys, or say something; "" for neither."""
        run = self.runs[-1]
        call = run["call"]
        call["status"] = "in-progress"
        widget = {"CallSid": call["sid"], "CallStatus": "in-progress", "From": call["from"], "To": call["to"]}
        widgets = run["context"]["widgets"]
        widgets["call_person"] = widget
        heard = {"Digits": digits, "SpeechResult": speech}
        widgets["ask"] = {**widget, **{name: value for name, value in heard.items() if value}}
        if digits or speech:
            widgets["thank"] = widget
        run["status"], call["status"] = "ended", "completed"

    def refuse_call(self, status: str = "no-answer") -> None:
        """Let the person of the last question not pick up."""
        run = self.runs[-1]
        run["call"]["status"], run["status"] = status, "ended"
        run["context"]["widgets"]["call_person"] = {"CallSid": run["call"]["sid"], "CallStatus": status}

    def heard(self, call: Thing) -> list[str]:
        """Return the verbs of a call's last document: Say fr-FR «Bonjour»."""
        root = check_twiml(call["twiml"][-1])
        return [
            f"{verb.tag} {verb.get('language', '')} «{''.join(verb.itertext())}»".replace("  ", " ") for verb in root
        ]

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        pairs = {
            base64.b64encode(f"{user}:{password}".encode()).decode()
            for user, password in ((KEY, SECRET), (ACCOUNT, TOKEN))
        }

        def answer(request: Request, **named: str) -> Response:
            kind, _, pair = request.headers.get("authorization", "").partition(" ")
            if kind != "Basic" or pair not in pairs:
                return Refusal(401, 20003, "Authenticate").answer
            if request.method == "POST" and "form-urlencoded" not in request.headers.get("content-type", ""):
                return Refusal(400, 20001, "Only forms are understood").answer
            try:
                return handler(self, request, **named)
            except Refusal as refused:
                return refused.answer

        return answer

    def form(self, request: Request) -> dict[str, str]:
        """Return a form that was posted, its first values."""
        return {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}

    def page(self, request: Request, key: str, rows: list[Thing]) -> Response:
        """Return one page of an account's list."""
        query = dict(request.query)
        size, start = int(query.get("PageSize", 50)), int(query.get("Page", 0)) * int(query.get("PageSize", 50))
        if not 1 <= size <= 1000:
            raise Refusal(400, 20001, "Page size must be between 1 and 1000")
        more = start + size < len(rows)
        following = f"{request.path}?PageSize={size}&Page={start // size + 1}&PageToken=PA{start + size}"
        return Response.of({key: rows[start : start + size], "next_page_uri": following if more else None})

    def one(self, rows: list[Thing], sid: str) -> Thing:
        """Return a thing by its id."""
        match = next((row for row in rows if row["sid"] == sid), None)
        if not match:
            raise Refusal(404, 20404, "The requested resource was not found")
        return match

    def _filtered(self, request: Request, rows: list[Thing], **fields: str) -> list[Thing]:
        query = dict(request.query)
        return [row for row in rows if all(query.get(name) in (None, row.get(field)) for name, field in fields.items())]

    def _people(self, fields: dict[str, str]) -> tuple[str, str]:
        to, sender = fields.get("To", ""), fields.get("From", "")
        if not E164.fullmatch(to):
            raise Refusal(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
        if sender not in [one["phone_number"] for one in self.numbers]:
            raise Refusal(400, 21210, f"The source phone number provided, {sender}, is not yet verified.")
        return to, sender

    def list_calls(self, request: Request) -> Response:
        rows = self._filtered(
            request, self.calls, To="to", From="from", Status="status", ParentCallSid="parent_call_sid"
        )
        return self.page(request, "calls", rows)

    def make_call(self, request: Request) -> Response:
        fields = self.form(request)
        to, sender = self._people(fields)
        if "Url" in fields and "Twiml" not in fields:
            if not fields["Url"].startswith("https://"):
                raise Refusal(400, 21205, f"Url is not a valid URL: {fields['Url']}")
            document = fields["Url"]
        else:
            check_twiml(document := fields.get("Twiml", ""))
        call = self.add_call(to, sender)
        call["twiml"].append(document)
        if fields.get("Record") == "true":
            self.add_recording(call)
        return Response.of(call, 201)

    def get_call(self, request: Request, sid: str) -> Response:
        return Response.of(self.one(self.calls, sid))

    def update_call(self, request: Request, sid: str) -> Response:
        call, fields = self.one(self.calls, sid), self.form(request)
        if call["status"] not in LIVE:
            raise Refusal(400, 21220, "Call is not in-progress. Cannot redirect.")
        if "Status" in fields:
            if fields["Status"] not in ("completed", "canceled"):
                raise Refusal(400, 21218, "Invalid status")
            call["status"] = fields["Status"]
        if "Twiml" in fields:
            root = check_twiml(fields["Twiml"])
            call["twiml"].append(fields["Twiml"])
            for dial in root.iter("Dial"):
                leg = self.add_call("".join(dial.itertext()), dial.get("callerId", ""), "ringing", "outbound-dial")
                leg["parent_call_sid"] = sid
        return Response.of(call)

    def call_recordings(self, request: Request, sid: str) -> Response:
        return self.page(request, "recordings", [one for one in self.recordings if one["call_sid"] == sid])

    def start_recording(self, request: Request, sid: str) -> Response:
        call = self.one(self.calls, sid)
        if call["status"] != "in-progress":
            raise Refusal(400, 21220, "Requested resource is not eligible for recording")
        return Response.of(self.add_recording(call, "in-progress"), 201)

    def update_recording(self, request: Request, sid: str, recording: str) -> Response:
        record, status = self.one(self.recordings, recording), self.form(request)["Status"]
        if status not in ("paused", "in-progress", "stopped"):
            raise Refusal(400, 20001, "Invalid status")
        record["status"] = status
        return Response.of(record)

    def events(self, request: Request, sid: str) -> Response:
        self.one(self.calls, sid)
        asked = {"url": "https://atelier.example/voice", "parameters": {"digits": "2", "call_status": "in-progress"}}
        rows = [{"request": asked, "response": {"response_code": 200}}, {"request": None, "response": None}]
        return self.page(request, "events", rows)

    def list_messages(self, request: Request) -> Response:
        return self.page(request, "messages", self._filtered(request, self.messages, To="to", From="from"))

    def send_message(self, request: Request) -> Response:
        fields = self.form(request)
        if "MessagingServiceSid" in fields:
            fields["From"] = ACCUEIL
        to, sender = self._people(fields)
        if not (fields.get("Body") or fields.get("MediaUrl")):
            raise Refusal(400, 21602, "Message body is required.")
        if to in self.opted_out:
            raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        media = len(parse_qs(request.body.decode()).get("MediaUrl", []))
        return Response.of(self.add_message(sender, to, fields.get("Body", ""), num_media=str(media)), 201)

    def get_message(self, request: Request, sid: str) -> Response:
        return Response.of(self.one(self.messages, sid))

    def delete_message(self, request: Request, sid: str) -> Response:
        message = self.one(self.messages, sid)
        if message["status"] in ("queued", "sending"):
            raise Refusal(409, 20009, "Resource not complete")
        self.messages.remove(message)
        return Response(204)

    def media_list(self, request: Request, sid: str) -> Response:
        count = int(self.one(self.messages, sid)["num_media"])
        rows = [{"sid": f"ME{number:032x}", "content_type": "image/png"} for number in range(count)]
        return self.page(request, "media_list", rows)

    def media(self, request: Request, sid: str, media: str) -> Response:
        self.one(self.messages, sid)
        return Response.of({"sid": media, "content_type": "image/png"})

    def media_file(self, request: Request, sid: str, media: str) -> Response:
        return Response(200, b"\x89PNG", {"content-type": "image/png"})

    def list_numbers(self, request: Request) -> Response:
        return self.page(request, "incoming_phone_numbers", self.numbers)

    def verified(self, request: Request) -> Response:
        rows = [{"sid": f"PN{'f' * 32}", "friendly_name": "Mobile de Zoé", "phone_number": "+33611223344"}]
        return self.page(request, "outgoing_caller_ids", rows)

    def list_recordings(self, request: Request) -> Response:
        return self.page(request, "recordings", self._filtered(request, self.recordings, CallSid="call_sid"))

    def get_recording(self, request: Request, sid: str) -> Response:
        return Response.of(self.one(self.recordings, sid))

    def recording_file(self, request: Request, sid: str, ending: str) -> Response:
        wanted = int(dict(request.query).get("RequestedChannels", 1))
        if wanted > self.one(self.recordings, sid)["channels"]:
            raise Refusal(400, 20001, "The recording has one channel only")
        return Response(200, f"sound of {sid[-4:]} as {ending}".encode(), {"content-type": f"audio/{ending}"})

    def delete_recording(self, request: Request, sid: str) -> Response:
        self.recordings.remove(self.one(self.recordings, sid))
        return Response(204)

    def list_transcripts(self, request: Request, sid: str = "") -> Response:
        rows = [one for one in self.transcripts if sid in ("", one["recording_sid"])]
        return self.page(request, "transcriptions", rows)

    def get_transcript(self, request: Request, sid: str) -> Response:
        return Response.of(self.one(self.transcripts, sid))

    def balance(self, request: Request) -> Response:
        return Response.of({"account_sid": ACCOUNT, "balance": "17.42", "currency": "EUR"})

    def usage(self, request: Request) -> Response:
        query = dict(request.query)
        if not all(re.fullmatch(r"\d{4}-\d\d-\d\d", query.get(name, "")) for name in ("StartDate", "EndDate")):
            raise Refusal(400, 20001, "Invalid date")
        prices = {"calls": 0.42, "sms": 2.47, "fax": 0, "totalprice": 2.89}
        rows = [{"category": name, "price": price, "price_unit": "eur", "usage": "1"} for name, price in prices.items()]
        return self.page(request, "usage_records", rows)

    def lookup(self, request: Request, number: str) -> Response:
        fields = dict(request.query).get("Fields", "").split(",")
        line = {"type": "mobile", "carrier_name": "Orange France", "error_code": None}
        valid = len(number) == 12
        return Response.of(
            {
                "phone_number": number,
                "valid": valid,
                "country_code": "FR",
                "national_format": "06 12 34 56 78",
                "validation_errors": [] if valid else ["TOO_SHORT"],
                "line_type_intelligence": line if "line_type_intelligence" in fields else None,
                "caller_name": {"caller_name": "JEAN DUPONT", "caller_type": "CONSUMER"}
                if "caller_name" in fields
                else None,
            }
        )

    def services(self, request: Request) -> Response:
        messaging = request.path.startswith("/v1")
        row = {"sid": f"{'MG' if messaging else 'VA'}{1:032x}", "friendly_name": "Rappels" if messaging else "Atelier"}
        return Response.of({"services": [row], "meta": {"key": "services", "next_page_url": None}})

    def send_code(self, request: Request, sid: str) -> Response:
        fields = self.form(request)
        if fields.get("Channel") not in ("sms", "call", "whatsapp") or not E164.fullmatch(fields.get("To", "")):
            raise Refusal(400, 60200, "Invalid parameter")
        self.codes[fields["To"]] = "482913"
        row = {"sid": self.sid("VE"), "to": fields["To"], "channel": fields["Channel"], "status": "pending"}
        return Response.of({**row, "valid": False}, 201)

    def check_code(self, request: Request, sid: str) -> Response:
        fields = self.form(request)
        if fields["To"] not in self.codes:
            raise Refusal(404, 20404, f"The requested resource /Services/{sid}/VerificationCheck was not found")
        right = self.codes[fields["To"]] == fields["Code"]
        if right:
            del self.codes[fields["To"]]
        return Response.of({"to": fields["To"], "valid": right, "status": "approved" if right else "pending"}, 201)

    def list_flows(self, request: Request) -> Response:
        return Response.of({"flows": self.flows, "meta": {"key": "flows", "next_page_url": None}})

    def make_flow(self, request: Request) -> Response:
        fields = self.form(request)
        if fields.get("Status") not in ("draft", "published") or not fields.get("FriendlyName"):
            raise Refusal(400, 60001, "Invalid flow")
        definition = json.loads(fields["Definition"])
        names = {state["name"] for state in definition["states"]}
        targets = {
            transition["next"]
            for state in definition["states"]
            for transition in state["transitions"]
            if "next" in transition
        }
        if definition["initial_state"] not in names or targets - names or len(names) != len(definition["states"]):
            raise Refusal(400, 60001, "Flow definition is not valid")
        flow = {"sid": self.sid("FW"), "friendly_name": fields["FriendlyName"], "definition": definition}
        self.flows.append(flow)
        return Response.of(flow, 201)

    def run_flow(self, request: Request, flow: str) -> Response:
        definition, fields = self.one(self.flows, flow)["definition"], self.form(request)
        to, sender = self._people(fields)
        if any(run["call"]["to"] == to and run["status"] == "active" for run in self.runs):
            raise Refusal(409, 20409, "An execution is already active for this contact")
        data = json.loads(fields["Parameters"])
        texts = [s["properties"]["say"] for s in definition["states"] if "say" in s["properties"]]
        if {f"{{{{flow.data.{name}}}}}" for name in data} != set(texts):
            raise Refusal(400, 20001, "The flow says something else than it is given")
        run = {"sid": self.sid("FN"), "status": "active", "call": self.add_call(to, sender), "data": data}
        run |= {"flow": flow, "context": {"flow": {"data": data}, "widgets": {}}}
        self.runs.append(run)
        return Response.of({"sid": run["sid"], "flow_sid": flow, "status": "active"}, 201)

    def get_run(self, request: Request, flow: str, run: str) -> Response:
        return Response.of({"sid": run, "flow_sid": flow, "status": self.one(self.runs, run)["status"]})

    def get_context(self, request: Request, flow: str, run: str) -> Response:
        return Response.of({"execution_sid": run, "context": self.one(self.runs, run)["context"]})


_SID = r"(?P<sid>\w{34})"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("GET", f"{ROOT}/Calls.json", FakeTwilio.list_calls),
    ("POST", f"{ROOT}/Calls.json", FakeTwilio.make_call),
    ("GET", f"{ROOT}/Calls/{_SID}.json", FakeTwilio.get_call),
    ("POST", f"{ROOT}/Calls/{_SID}.json", FakeTwilio.update_call),
    ("GET", f"{ROOT}/Calls/{_SID}/Recordings.json", FakeTwilio.call_recordings),
    ("POST", f"{ROOT}/Calls/{_SID}/Recordings.json", FakeTwilio.start_recording),
    ("POST", rf"{ROOT}/Calls/{_SID}/Recordings/(?P<recording>\w+).json", FakeTwilio.update_recording),
    ("GET", f"{ROOT}/Calls/{_SID}/Events.json", FakeTwilio.events),
    ("GET", f"{ROOT}/Messages.json", FakeTwilio.list_messages),
    ("POST", f"{ROOT}/Messages.json", FakeTwilio.send_message),
    ("GET", f"{ROOT}/Messages/{_SID}.json", FakeTwilio.get_message),
    ("DELETE", f"{ROOT}/Messages/{_SID}.json", FakeTwilio.delete_message),
    ("GET", f"{ROOT}/Messages/{_SID}/Media.json", FakeTwilio.media_list),
    ("GET", rf"{ROOT}/Messages/{_SID}/Media/(?P<media>\w+).json", FakeTwilio.media),
    ("GET", rf"{ROOT}/Messages/{_SID}/Media/(?P<media>\w+)", FakeTwilio.media_file),
    ("GET", f"{ROOT}/IncomingPhoneNumbers.json", FakeTwilio.list_numbers),
    ("GET", f"{ROOT}/OutgoingCallerIds.json", FakeTwilio.verified),
    ("GET", f"{ROOT}/Recordings.json", FakeTwilio.list_recordings),
    ("GET", f"{ROOT}/Recordings/{_SID}.json", FakeTwilio.get_recording),
    ("GET", rf"{ROOT}/Recordings/{_SID}.(?P<ending>mp3|wav)", FakeTwilio.recording_file),
    ("DELETE", f"{ROOT}/Recordings/{_SID}.json", FakeTwilio.delete_recording),
    ("GET", f"{ROOT}/Recordings/{_SID}/Transcriptions.json", FakeTwilio.list_transcripts),
    ("GET", f"{ROOT}/Transcriptions.json", FakeTwilio.list_transcripts),
    ("GET", f"{ROOT}/Transcriptions/{_SID}.json", FakeTwilio.get_transcript),
    ("GET", f"{ROOT}/Balance.json", FakeTwilio.balance),
    ("GET", f"{ROOT}/Usage/Records.json", FakeTwilio.usage),
    ("GET", r"/v2/PhoneNumbers/(?P<number>.+)", FakeTwilio.lookup),
    ("GET", r"/v[12]/Services", FakeTwilio.services),
    ("POST", f"/v2/Services/{_SID}/Verifications", FakeTwilio.send_code),
    ("POST", f"/v2/Services/{_SID}/VerificationCheck", FakeTwilio.check_code),
    ("GET", "/v2/Flows", FakeTwilio.list_flows),
    ("POST", "/v2/Flows", FakeTwilio.make_flow),
    ("POST", r"/v2/Flows/(?P<flow>\w+)/Executions", FakeTwilio.run_flow),
    ("GET", r"/v2/Flows/(?P<flow>\w+)/Executions/(?P<run>\w+)", FakeTwilio.get_run),
    ("GET", r"/v2/Flows/(?P<flow>\w+)/Executions/(?P<run>\w+)/Context", FakeTwilio.get_context),
]
