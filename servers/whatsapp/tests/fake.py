"""A fake WhatsApp Cloud API that keeps state, at least as strict as Meta's pages.

    with FakeWhatsApp() as whatsapp:
        whatsapp.wrote("33612345678")   # a customer's message opens the window
        …
        assert whatsapp.sent[-1]["text"]["body"] == "Bonjour"

Outside of the window it refuses free messages with 131047, or, with `silent`, accepts them and delivers nothing: Meta
does either. What was delivered stands in `sent`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served

HOME, TOKEN, PHONE, WABA = "https://graph.facebook.com", "EAAJTestToken", "106853218861309", "102290129340398"
DELIVERY, SIMPLE, PROMO, PICTURE = "920070352646140", "920070352646141", "920070352646142", "920070352646143"
JEAN, ZOE = "33612345678", "33687654321"
Thing = dict[str, Any]
_OPEN = re.compile(r"\{\{(\w+)\}\}")
_TYPES = re.compile(
    r"image/(jpeg|png|webp)|video/(mp4|3gpp)|audio/(aac|amr|mpeg|mp4|ogg)|text/plain|application/(pdf|msword|vnd\.\S+)"
)
NUMBER_FIELDS = [
    "id",
    "display_phone_number",
    "verified_name",
    "status",
    "quality_rating",
    "messaging_limit_tier",
    "code_verification_status",
    "name_status",
    "account_mode",
]
FIELDS = {"HEADER": ("format", "text"), "BODY": ("text", "example"), "FOOTER": ("text",), "BUTTONS": ("buttons",)}
BUTTONS = {"QUICK_REPLY": ("text",), "URL": ("text", "url", "example"), "PHONE_NUMBER": ("text", "phone_number")}


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of the Graph API."""

    def __init__(self, code: int, details: str = "", status: int = 400, **more: Any) -> None:
        super().__init__(details)
        error = {"message": f"(#{code}) {details}", "type": "OAuthException", "code": code, "fbtrace_id": "AXs", **more}
        if details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": details}
        self.answer = Response.of({"error": error}, status)


def template(key: str, name: str, text: str, *, language: str = "fr", **more: Any) -> Thing:
    """Return a template of one text."""
    return {
        "id": key,
        "name": name,
        "language": language,
        "status": "APPROVED",
        "category": "UTILITY",
        "parameter_format": "POSITIONAL",
        "rejected_reason": "NONE",
        "components": [{"type": "BODY", "text": text}],
        **more,
    }


def link_button(text: str, url: str) -> Thing:
    """Return the component of one button with a link."""
    return {"type": "BUTTONS", "buttons": [{"type": "URL", "text": text, "url": url, "example": [f"{url}A1042"]}]}


class FakeWhatsApp(Served, FakeApi):
    """The account of an atelier, with two numbers, four templates and a picture that Jean sent."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.open: set[str] = set()  # who wrote within 24 hours
        self.silent = False
        self.status = "accepted"
        self.sent: list[Thing] = []
        self.read: list[Thing] = []
        self.reactions: dict[str, str] = {}
        self.media: dict[str, tuple[str, bytes]] = {}
        self.blocked: list[str] = []
        self.profile: Thing = {"about": "Lampes", "vertical": "RETAIL", "websites": ["https://atelier.example"]}
        self.templates = [
            template(
                DELIVERY,
                "livraison_prevue",
                "x",
                components=[
                    {"type": "HEADER", "format": "TEXT", "text": "Livraison"},
                    {
                        "type": "BODY",
                        "text": "Bonjour {{1}}, votre colis arrive le {{2}}. À bientôt !",
                        "example": {"body_text": [["Zoé", "3 juin"]]},
                    },
                    {"type": "FOOTER", "text": "Atelier Lefèvre"},
                    link_button("Suivre", "https://atelier.example/suivi/{{1}}"),
                ],
                quality_score={"score": "GREEN"},
            ),
            template(SIMPLE, "rappel_simple", "Bonjour, une question sur votre commande. Répondez-nous ici."),
            template(PROMO, "promo_ete", "Soldes !", status="REJECTED", rejected_reason="INCORRECT_CATEGORY"),
            template(
                PICTURE,
                "photo_produit",
                "x",
                category="MARKETING",
                parameter_format="NAMED",
                components=[
                    {"type": "HEADER", "format": "IMAGE"},
                    {"type": "BODY", "text": "Bonjour {{first_name}}, voici votre lampe."},
                ],
            ),
        ]
        self.numbers = [
            {"id": PHONE, "display_phone_number": "+33 1 42 68 53 00", "verified_name": "Atelier Lefèvre"},
            {"id": "106853218861310", "display_phone_number": "+33 4 72 00 00 00", "verified_name": "Atelier Lyon"},
        ]
        self.limits: Thing = {"whatsapp_business_manager_messaging_limit": "TIER_2K"}  # from v24.0 on
        self.odd: list[Any] = []  # rows that no template looks like, at the end of the list
        self.refuse: list[Response] = []  # how the next writing requests are refused
        self._last = 4490709327384000
        for method, path, handler in ROUTES:
            self.on(method, rf"/v23\.0/{path}" if not path.startswith("/") else path, self._checked(handler))

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {
            "WHATSAPP_TOKEN": TOKEN,
            "WHATSAPP_PHONE_NUMBER_ID": PHONE,
            "WHATSAPP_BUSINESS_ACCOUNT_ID": WABA,
            "WHATSAPP_BASE_URL": f"{self.vendor.url}/v23.0",
            "WHATSAPP_MEDIA_URL": self.vendor.url,
        }

    # -- what a test puts in

    def key(self) -> str:
        """Return a new id."""
        self._last += 1
        return str(self._last)

    def wrote(self, wa_id: str) -> str:
        """Have a customer write, and return the id of the message."""
        self.open.add(wa_id)
        return self.wamid(wa_id)

    def wamid(self, wa_id: str) -> str:
        """Return a new id of a message."""
        return "wamid." + base64.b64encode(f"{wa_id}/{self.key()}".encode()).decode()

    def sent_picture(self, wa_id: str, content: bytes = b"\xff\xd8\xffJPG", kind: str = "image/jpeg") -> str:
        """Have a customer send a file, and return its media id, as the webhook gets it."""
        self.wrote(wa_id)
        return self.store(content, kind)

    def store(self, content: bytes, kind: str) -> str:
        """Keep a file, and return its id."""
        key = self.key()
        self.media[key] = (kind, content)
        return key

    def named(self, name: str, language: str = "fr") -> Thing:
        """Return a template."""
        return next(one for one in self.templates if (one["name"], one["language"]) == (name, language))

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, **named: str) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return Refusal(190, "", 401, message="Error validating access token").answer
            if self.refuse and request.writes:
                return self.refuse.pop(0)
            try:
                return handler(self, request, **named)
            except Refusal as refused:
                return refused.answer

        return answer

    def _body(self, request: Request) -> Thing:
        body = request.json()
        if body.get("messaging_product") != "whatsapp":
            raise Refusal(100, "messaging_product must be whatsapp")
        return dict(body)

    def messages(self, request: Request) -> Response:
        """Take a message, or the note that one was read."""
        body = self._body(request)
        if body.get("status") == "read":
            if not str(body.get("message_id")).startswith("wamid."):
                raise Refusal(100, "Invalid message id")
            self.read.append(body)
            return Response.of({"success": True})
        kind, number = str(body.get("type", "text")), str(body.get("to"))
        if not re.fullmatch(r"\+?[1-9]\d{7,14}", number):
            raise Refusal(131009, f"{number} is not a phone number")
        if kind not in CHECKS or not isinstance(body.get(kind), dict | list):
            raise Refusal(131051, f"Unsupported message type {kind}")
        wa_id = number.lstrip("+")
        if wa_id in self.blocked:
            raise Refusal(131026, "Message undeliverable")
        CHECKS[kind](self, body[kind])
        delivered = kind == "template" or wa_id in self.open
        if not delivered and not self.silent:
            raise Refusal(131047, "More than 24 hours have passed since the customer last replied")
        key = self.wamid(wa_id)
        if kind == "reaction":
            self.reactions[body["reaction"]["message_id"]] = body["reaction"]["emoji"]
        elif delivered:
            self.sent.append({**body, "id": key})
        return Response.of(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": number, "wa_id": wa_id}],
                "messages": [{"id": key, "message_status": self.status}],
            }
        )

    def check_text(self, text: Thing) -> None:
        if not 1 <= len(text.get("body", "")) <= 4096:
            raise Refusal(100, "text.body must have 1 to 4096 characters")

    def check_media(self, one: Thing, kind: str) -> None:
        if ("id" in one) == ("link" in one):
            raise Refusal(131008, "either id or link is required")
        if "id" in one:
            mime = self.media.get(one["id"], ("", b""))[0]
            if not mime:
                raise Refusal(131009, "Media not found")
            fits = {"document": "", "sticker": "image/webp"}.get(kind, kind)
            if not mime.startswith(fits):
                raise Refusal(131053, f"{mime} cannot be sent as {kind}")
        if "caption" in one and kind in ("audio", "sticker"):
            raise Refusal(131009, f"{kind} takes no caption")
        if "filename" in one and kind != "document":
            raise Refusal(131009, f"{kind} takes no filename")

    def check_location(self, place: Thing) -> None:
        if not {"latitude", "longitude"} <= set(place):
            raise Refusal(131008, "latitude and longitude are required")
        if "address" in place and "name" not in place:
            raise Refusal(131009, "an address needs a name")

    def check_contacts(self, cards: list[Thing]) -> None:
        for card in cards:
            names = card.get("name", {})
            if "formatted_name" not in names or len(names) < 2:
                raise Refusal(131008, "formatted_name and one more part of the name are required")

    def check_reaction(self, reaction: Thing) -> None:
        if not str(reaction.get("message_id")).startswith("wamid.") or "emoji" not in reaction:
            raise Refusal(131009, "Reaction message not found")

    def check_interactive(self, content: Thing) -> None:
        action, body = content["action"], content["body"]["text"]
        titles = [content[part]["text"] for part in ("header", "footer") if part in content]
        if not 1 <= len(body) <= 1024 or any(len(text) > 60 for text in titles):
            raise Refusal(131009, "body, header or footer is too long")
        if content["type"] == "button":
            choices = [button["reply"] for button in action["buttons"]]
            limits, most = (20, 256), 3
        else:
            if not 1 <= len(action["button"]) <= 20:
                raise Refusal(131009, "button must have 1 to 20 characters")
            sections = action["sections"]
            if len(sections) > 1 and not all(section.get("title") for section in sections):
                raise Refusal(131009, "a section needs a title")
            choices = [row for section in sections for row in section["rows"]]
            limits, most = (24, 200), 10
            if any(len(row.get("description", "")) > 72 for row in choices):
                raise Refusal(131009, "description is too long")
        ids = [choice["id"] for choice in choices]
        if not 1 <= len(ids) <= most or len(set(ids)) < len(ids):
            raise Refusal(131009, "wrong number of choices, or two of one id")
        if any(not 1 <= len(c["title"]) <= limits[0] or len(c["id"]) > limits[1] for c in choices):
            raise Refusal(131009, "Button title length invalid")

    def check_template(self, wanted: Thing) -> None:
        """Hold the values against the template, as Meta does."""
        code = wanted["language"]["code"]
        known = [t for t in self.templates if (t["name"], t["language"]) == (wanted["name"], code)]
        if not known or known[0]["status"] not in ("APPROVED", "PAUSED"):
            raise Refusal(132001, f"template name ({wanted['name']}) does not exist in {code}")
        if known[0]["status"] == "PAUSED":
            raise Refusal(132015, "Template is paused")
        one, parts = known[0], wanted.get("components", [])
        params: dict[str, list[Thing]] = {}
        for part in parts:
            params[f"button{part['index']}" if part["type"] == "button" else part["type"]] = part["parameters"]
        for component in one["components"]:
            text = component.get("text", "")
            kind = component["type"].lower()
            if kind == "buttons":
                for number, button in enumerate(component["buttons"]):
                    holes = _OPEN.findall(button.get("url", "")) or (["code"] if button["type"] == "COPY_CODE" else [])
                    self._check_values(f"button{number}", holes, params, named=False)
            elif component.get("format") in ("IMAGE", "VIDEO", "DOCUMENT"):
                form = component["format"].lower()
                values = params.get("header", [])
                if len(values) != 1 or values[0].get("type") != form:
                    raise Refusal(132012, f"header: {form} expected")
                self.check_media(values[0][form], form)
                params.pop("header")
            elif kind in ("header", "body"):
                self._check_values(kind, _OPEN.findall(text), params, one["parameter_format"] == "NAMED")
        if params:
            raise Refusal(132000, f"unexpected: {', '.join(params)}")

    def _check_values(self, where: str, holes: list[str], params: dict[str, list[Thing]], named: bool) -> None:
        values, wanted = params.pop(where, []), list(dict.fromkeys(holes))
        if len(values) != len(wanted):
            raise Refusal(132000, f"{where}: number of localizable_params ({len(values)}) does not match {len(wanted)}")
        if named and sorted(value.get("parameter_name", "") for value in values) != sorted(wanted):
            raise Refusal(132000, f"{where}: parameter names do not match")
        if not named and any("parameter_name" in value for value in values):
            raise Refusal(132012, f"{where}: parameter_name is for named templates")
        for value in values:
            if value["type"] == "coupon_code" and len(value["coupon_code"]) > 15:
                raise Refusal(132012, "coupon code is too long")
            if value["type"] == "text" and (not value["text"] or re.search(r"[\n\t]| {5}", value["text"])):
                raise Refusal(132018, f"{where}: new lines, tabs or many spaces")

    def upload(self, request: Request) -> Response:
        """Take a file."""
        boundary = request.headers["content-type"].partition("boundary=")[2].encode()
        fields: dict[str, tuple[str, bytes]] = {}
        for part in request.body.split(b"--" + boundary)[1:-1]:
            head, _, content = part.removesuffix(b"\r\n").partition(b"\r\n\r\n")
            name = re.search(rb'name="(\w+)"', head)
            kind = re.search(rb"(?i)content-type: *(\S+)", head)
            fields[name[1].decode() if name else ""] = (kind[1].decode() if kind else "", content)
        if fields.get("messaging_product", ("", b""))[1] != b"whatsapp" or "file" not in fields:
            raise Refusal(100, "messaging_product and file are required")
        kind_of_file, content = fields["file"]
        if not _TYPES.fullmatch(kind_of_file) or fields["type"][1].decode() != kind_of_file:
            raise Refusal(100, f"Param file must be a file with one of the known types, not {kind_of_file}")
        return Response.of({"id": self.store(content, kind_of_file)})

    def get_node(self, request: Request, key: str) -> Response:
        """Return a file's address, or the error of what is not there."""
        if key not in self.media:
            message = f"Unsupported get request. Object with ID '{key}' does not exist"
            raise Refusal(100, message=message, error_subcode=33)
        kind, content = self.media[key]
        return Response.of(
            {
                "messaging_product": "whatsapp",
                "url": f"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={key}&hash=ARx",
                "mime_type": kind,
                "sha256": hashlib.sha256(content).hexdigest(),
                "file_size": str(len(content)),
                "id": key,
            }
        )

    def delete_node(self, request: Request, key: str) -> Response:
        if self.media.pop(key, None) is None:
            raise Refusal(100, error_subcode=33)
        return Response.of({"success": True})

    def post_node(self, request: Request, key: str) -> Response:
        """Change a template."""
        one = next((one for one in self.templates if one["id"] == key), None)
        if one is None:
            raise Refusal(100, error_subcode=33)
        if one["status"] not in ("APPROVED", "REJECTED", "PAUSED"):
            raise Refusal(100, "Message template cannot be edited", error_subcode=2593002)
        self._fits(request.json()["components"])
        one.update(components=request.json()["components"], status="PENDING", rejected_reason="NONE")
        return Response.of({"success": True})

    def download(self, request: Request) -> Response:
        key = dict(request.query)["mid"]
        kind, content = self.media[key]
        return Response(body=content, headers={"content-type": kind})

    def _page(self, request: Request, rows: list[Thing]) -> Response:
        query = dict(request.query)
        limit, start = int(query.get("limit", 25)), int(query.get("after", 0))
        part, after = rows[start : start + limit], str(min(start + limit, len(rows)))
        paging: Thing = {"cursors": {"before": str(start), "after": after}}
        if start + limit < len(rows):
            paging["next"] = f"{HOME}{request.path}?access_token={TOKEN}&after={after}"
        return Response.of({"data": part, **({"paging": paging} if part else {})})

    def list_templates(self, request: Request) -> Response:
        query = dict(request.query)
        rows = [
            one
            for one in self.templates
            if query.get("name", "") in one["name"]
            and query.get("name_or_content", "") in str(one)
            and query.get("status", one["status"]) == one["status"]
            and query.get("language", one["language"]) == one["language"]
        ]
        return self._page(request, [*rows, *self.odd])

    def _fits(self, components: list[Thing]) -> None:
        for part in components:
            names = FIELDS[part["type"]]
            buttons = part.get("buttons", [])
            if set(part) - {"type", *names} or any(set(b) - {"type", *BUTTONS[b["type"]]} for b in buttons):
                raise Refusal(100, f"unexpected key in {part}")
            holes = dict.fromkeys(_OPEN.findall(part.get("text", "")))
            if part["type"] == "BODY" and holes:
                if part["text"].startswith("{{") or part["text"].endswith("}}"):
                    raise Refusal(100, error_user_msg="Variables can't be at the start or end of the template.")
                example = part.get("example", {})
                count = len(example.get("body_text_named_params") or (example.get("body_text") or [[]])[0])
                if count != len(holes):
                    raise Refusal(100, error_user_msg="Each variable needs an example.", error_subcode=2388043)

    def create_template(self, request: Request) -> Response:
        body = request.json()
        if set(body) - {"name", "language", "category", "parameter_format", "components"}:
            raise Refusal(100, f"unexpected key in {sorted(body)}")
        if any((one["name"], one["language"]) == (body["name"], body["language"]) for one in self.templates):
            raise Refusal(100, error_user_msg="There is already content in this language.", error_subcode=2388024)
        self._fits(body["components"])
        one = {**template(self.key(), body["name"], ""), **body, "status": "PENDING"}
        self.templates.append(one)
        return Response.of({"id": one["id"], "status": "PENDING", "category": one["category"]})

    def delete_template(self, request: Request) -> Response:
        query = dict(request.query)
        gone = [t for t in self.templates if t["name"] == query["name"] and query.get("hsm_id", t["id"]) == t["id"]]
        if not gone:
            raise Refusal(100, error_user_msg="Message Template Not Found", error_subcode=2593002)
        self.templates = [one for one in self.templates if one not in gone]
        return Response.of({"success": True})

    def _fields(self, request: Request, known: Thing) -> Thing:
        """Return the fields that are asked for; one that is not there fails the whole request."""
        names = dict(request.query).get("fields", "id").split(",")
        for name in names:
            if name not in NUMBER_FIELDS and name not in known:
                raise Refusal(100, message=f"(#100) Tried accessing nonexisting field ({name})")
        return {name: known[name] for name in names if name in known}

    def phone_numbers(self, request: Request) -> Response:
        state = {"status": "CONNECTED", "quality_rating": "GREEN", "name_status": "APPROVED"}
        return self._page(request, [self._fields(request, {**one, **state}) for one in self.numbers])

    def phone_number(self, request: Request) -> Response:
        return Response.of({**self._fields(request, self.limits), "id": PHONE})

    def get_profile(self, request: Request) -> Response:
        return Response.of({"data": [{"messaging_product": "whatsapp", **self.profile}]})

    def post_profile(self, request: Request) -> Response:
        changes = {name: value for name, value in self._body(request).items() if name != "messaging_product"}
        longest = {"about": 139, "address": 256, "description": 256, "email": 128}
        if any(not 1 <= len(changes.get(name, "x")) <= most for name, most in longest.items()):
            raise Refusal(100, "a value is too long or empty")
        self.profile |= changes
        return Response.of({"success": True})

    def get_blocked(self, request: Request) -> Response:
        return self._page(request, [{"messaging_product": "whatsapp", "wa_id": one} for one in self.blocked])

    def block(self, request: Request) -> Response:
        (user,) = (one["user"] for one in self._body(request)["block_users"])
        wa_id = user.lstrip("+")
        if wa_id not in self.open:
            raise Refusal(139100, "User has not messaged the business in the last 24 hours")
        self.blocked.append(wa_id)
        added = [{"input": user, "wa_id": wa_id}]
        return Response.of({"messaging_product": "whatsapp", "block_users": {"added_users": added}})

    def unblock(self, request: Request) -> Response:
        (user,) = (one["user"] for one in self._body(request)["block_users"])
        wa_id, removed = user.lstrip("+"), []
        if wa_id in self.blocked:
            self.blocked.remove(wa_id)
            removed = [{"input": user, "wa_id": wa_id}]
        return Response.of({"messaging_product": "whatsapp", "block_users": {"removed_users": removed}})


CHECKS: dict[str, Callable[[FakeWhatsApp, Any], None]] = {
    "text": FakeWhatsApp.check_text,
    "location": FakeWhatsApp.check_location,
    "contacts": FakeWhatsApp.check_contacts,
    "reaction": FakeWhatsApp.check_reaction,
    "interactive": FakeWhatsApp.check_interactive,
    "template": FakeWhatsApp.check_template,
    "image": lambda fake, one: fake.check_media(one, "image"),
    "video": lambda fake, one: fake.check_media(one, "video"),
    "audio": lambda fake, one: fake.check_media(one, "audio"),
    "document": lambda fake, one: fake.check_media(one, "document"),
    "sticker": lambda fake, one: fake.check_media(one, "sticker"),
}
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("POST", f"{PHONE}/messages", FakeWhatsApp.messages),
    ("POST", f"{PHONE}/media", FakeWhatsApp.upload),
    ("GET", f"{WABA}/message_templates", FakeWhatsApp.list_templates),
    ("POST", f"{WABA}/message_templates", FakeWhatsApp.create_template),
    ("DELETE", f"{WABA}/message_templates", FakeWhatsApp.delete_template),
    ("GET", f"{WABA}/phone_numbers", FakeWhatsApp.phone_numbers),
    ("GET", f"{PHONE}/whatsapp_business_profile", FakeWhatsApp.get_profile),
    ("POST", f"{PHONE}/whatsapp_business_profile", FakeWhatsApp.post_profile),
    ("GET", f"{PHONE}/block_users", FakeWhatsApp.get_blocked),
    ("POST", f"{PHONE}/block_users", FakeWhatsApp.block),
    ("DELETE", f"{PHONE}/block_users", FakeWhatsApp.unblock),
    ("GET", PHONE, FakeWhatsApp.phone_number),
    ("GET", r"(?P<key>\d+)", FakeWhatsApp.get_node),
    ("DELETE", r"(?P<key>\d+)", FakeWhatsApp.delete_node),
    ("POST", r"(?P<key>\d+)", FakeWhatsApp.post_node),
    ("GET", r"/whatsapp_business/attachments/", FakeWhatsApp.download),
]
