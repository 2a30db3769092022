"""A fake Microsoft Graph with the Teams of one organization, which keeps state; as strict as the documentation.

    with FakeTeams() as graph:
        …
        assert graph.messages[graph.chat("Marie")][-1]["body"]["content"] == "Bonjour"

Hélène is the account. Mentions must be those of the text, a pair has one chat however often it is created.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served, form_of

GRAPH, TOKEN = "https://graph.microsoft.com/v1.0", "eyJ-graph-token"
Thing = dict[str, Any]


def guid(number: int) -> str:
    """Return an id of a user or a team."""
    return f"{number:08d}-0000-4000-8000-000000000000"


ME, MARIE, PAUL, ZOE = (guid(number) for number in (1, 2, 3, 4))
NAMES = {ME: "Hélène Martin", MARIE: "Marie Dupont", PAUL: "Paul Petit", ZOE: "Zoé Lefèvre"}
ATELIER, COMMERCE = guid(101), guid(102)


def address(key: str) -> str:
    """Return the address of a user: that of the first name."""
    return {ME: "helene", MARIE: "marie", PAUL: "paul", ZOE: "zoe"}.get(key, f"p{int(key[:8])}") + "@atelier.example"


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An error response of Graph."""

    def __init__(self, status: int, code: str, message: str = "The request is refused.") -> None:
        super().__init__(message)
        self.answer = Response.of({"error": {"code": code, "message": message, "innerError": {}}}, status)


class FakeTeams(Served, FakeApi):
    """The organization: two teams, their channels, chats and people."""

    def __init__(self, personal: bool = False) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.personal = personal
        self.names = dict(NAMES)
        self.teams = {ATELIER: "Atelier", COMMERCE: "Commerce"}
        self.team_members = {ATELIER: [ME, MARIE, PAUL], COMMERCE: [ME, MARIE]}
        self.channels = {
            ATELIER: {"19:general-a@thread.tacv2": "Général", "19:chantiers@thread.tacv2": "Chantiers"},
            COMMERCE: {"19:general-c@thread.tacv2": "Général", "19:ventes@thread.tacv2": "Ventes"},
        }
        self.chats: dict[str, Thing] = {}
        self.messages: dict[str, list[Thing]] = {}
        self.replies: dict[str, list[Thing]] = {}
        self.presence: Thing = {"availability": "Available", "activity": "Available"}
        self.read: list[str] = []
        self._last = 1616990032000
        for method, path, handler in ROUTES:
            self.on(method, path, self._checked(handler))
        self.add_chat([MARIE])
        self.add_chat([MARIE, PAUL], "Chantier Lyon")

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it."""
        return {
            "TEAMS_ACCESS_TOKEN": TOKEN,
            "TEAMS_BASE_URL": f"{self.vendor.url}/v1.0",
            "TEAMS_LOGIN_URL": self.vendor.url,
        }

    # -- what a test puts in

    def add_chat(self, others: list[str], topic: str = "") -> str:
        """Add a chat of the account, and return its id."""
        kind = "group" if len(others) > 1 else "oneOnOne"
        key = f"19:chat{len(self.chats) + 1}@thread.v2"
        self.chats[key] = {"id": key, "chatType": kind, "members": [ME, *others], "topic": topic}
        self.messages[key] = []
        return key

    def chat(self, name: str) -> str:
        """Return the id of a chat by its topic, or the one other person's first name."""
        for key, one in self.chats.items():
            others = [self.names[member] for member in one["members"] if member != ME]
            if name in (one["topic"], others[0].split()[0] if len(others) == 1 else ""):
                return key
        raise KeyError(name)

    def write(self, place: str, sender: str, text: str, **more: Any) -> Thing:
        """Write a message in a chat or channel."""
        self._last += 1
        message = {
            "id": str(self._last),
            "messageType": "message",
            "createdDateTime": f"2030-06-03T09:{self._last % 60:02}:00Z",
            "importance": "normal",
            "from": {"user": {"id": sender, "displayName": self.names[sender]}},
            "body": {"contentType": "html", "content": text},
            "attachments": [],
            "mentions": [],
            "reactions": [],
            **more,
        }
        self.messages.setdefault(place, []).append(message)
        return message

    # -- how it answers

    def _checked(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, **names: str) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}" and "/oauth2/" not in request.path:
                return Refusal(401, "InvalidAuthenticationToken").answer
            try:
                return handler(self, request, **names)
            except Refusal as refusal:
                return refusal.answer

        return answer

    def _page(self, request: Request, rows: list[Thing], default: int = 20, most: int = 50) -> Response:
        query = dict(request.query)
        size, start = int(query.get("$top", default)), int(query.get("$skiptoken", 0))
        if size > most:
            raise Refusal(400, "BadRequest", f"The limit of '{most}' for Top query has been exceeded.")
        following = {**query, "$top": str(size), "$skiptoken": str(start + size)}
        path = request.path.removeprefix("/v1.0")
        link = f"{GRAPH}{path}?" + "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in following.items())
        more = {"@odata.nextLink": link} if start + size < len(rows) else {}
        return Response.of({"value": rows[start : start + size], **more})

    def _user(self, key: str) -> Thing:
        name = self.names[key]
        return {"id": key, "displayName": name, "mail": address(key), "userPrincipalName": address(key)}

    def _members(self, keys: list[str]) -> list[Thing]:
        kind = "#microsoft.graph.aadUserConversationMember"
        return [
            {
                "@odata.type": kind,
                "id": f"M{k[:8]}",
                "roles": [],
                "displayName": self.names[k],
                "userId": k,
                "email": address(k),
            }
            for k in keys
        ]

    def me(self, request: Request) -> Response:
        return Response.of({**self._user(ME), "id": "48d31887f0b1a2c3" if self.personal else ME})

    def mailbox(self, request: Request) -> Response:
        return Response.of({"timeZone": "Romance Standard Time"})

    def get_user(self, request: Request, user: str) -> Response:
        for key in self.names:
            if user in (key, address(key)):
                return Response.of(self._user(key))
        raise Refusal(404, "Request_ResourceNotFound", "The user does not exist.")

    def users(self, request: Request) -> Response:
        query = dict(request.query)
        if request.headers.get("consistencylevel") != "eventual":
            raise Refusal(400, "Request_UnsupportedQuery", "Search needs ConsistencyLevel: eventual.")
        asked = re.findall(r'"(\w+):([^"]+)"', query["$search"])
        terms = dict(asked)["displayName"].lower().split()
        rows = [
            self._user(k) for k, name in self.names.items() if all(t in f"{name} {address(k)}".lower() for t in terms)
        ]
        return self._page(request, rows, 100, 999)

    def _chat(self, key: str) -> Thing:
        one = self.chats.get(key)
        if not one or ME not in one["members"]:
            raise Refusal(404, "NotFound", "The chat was not found.")
        shown = {**one, "members": self._members(one["members"]), "webUrl": f"https://teams.microsoft.com/l/chat/{key}"}
        if messages := self.messages[key]:
            shown["lastMessagePreview"] = {n: messages[-1][n] for n in ("id", "createdDateTime", "from", "body")}
        shown["viewpoint"] = {"lastMessageReadDateTime": "2030-06-03T09:30:00Z"}
        return {name: value for name, value in shown.items() if value != ""}

    def list_chats(self, request: Request) -> Response:
        return self._page(request, [self._chat(key) for key in self.chats])

    def get_chat(self, request: Request, chat: str) -> Response:
        return Response.of(self._chat(chat))

    def create_chat(self, request: Request) -> Response:
        body = request.json()
        members = []
        for one in body["members"]:
            if one["@odata.type"] != "#microsoft.graph.aadUserConversationMember" or one["roles"] != ["owner"]:
                raise Refusal(400, "BadRequest", "A member is not described.")
            bound = re.fullmatch(re.escape(f"{GRAPH}/users('") + r"([^']+)'\)", one["user@odata.bind"])
            members.append(bound[1] if bound else "")
        if ME not in members or (body["chatType"] == "oneOnOne") is not (len(members) == 2) or len(set(members)) < 2:
            raise Refusal(400, "BadRequest", "The members do not fit the type.")
        if body["chatType"] == "oneOnOne" and "topic" in body:
            raise Refusal(400, "BadRequest", "A one-to-one chat has no topic.")
        others = [one for one in members if one != ME]
        pair = [k for k, c in self.chats.items() if len(others) == 1 and set(c["members"]) == {ME, *others}]
        key = pair[0] if pair else self.add_chat(others, body.get("topic") or "")
        return Response.of(self._chat(key), 201)

    def members(self, request: Request, chat: str = "", team: str = "", channel: str = "") -> Response:
        keys = self.chats[chat]["members"] if chat else self.team_members[team]
        return self._page(request, self._members(keys), 4, 999)  # a page of 100 members in truth

    def list_messages(self, request: Request, chat: str = "", team: str = "", channel: str = "") -> Response:
        rows = list(reversed(self.messages.get(chat or channel, [])))
        if "replies" in dict(request.query).get("$expand", ""):
            rows = [{**one, "replies": list(reversed(self.replies.get(one["id"], [])))} for one in rows]
        return self._page(request, rows)

    def list_replies(self, request: Request, message: str, team: str, channel: str) -> Response:
        return self._page(request, list(reversed(self.replies.get(message, []))))

    def post(self, request: Request, chat: str = "", team: str = "", channel: str = "", message: str = "") -> Response:
        if chat:
            self._chat(chat)
        body = request.json()
        content = body["body"]["content"]
        if body["body"].get("contentType", "text") == "text" and body.get("mentions"):
            raise Refusal(400, "BadRequest", "Mentions need HTML.")
        if {int(one) for one in re.findall(r'<at id="(\d+)">', content)} != {m["id"] for m in body.get("mentions", [])}:
            raise Refusal(400, "BadRequest", "The mentions are not those of the text.")
        ids = re.findall(r'<attachment id="([^"]+)">', content)
        if ids != [one["id"] for one in body.get("attachments", [])]:
            raise Refusal(400, "BadRequest", "The attachments are not those of the text.")
        for one in body.get("attachments", []):
            json.loads(one["content"])
        more = {name: body[name] for name in ("subject", "importance", "mentions", "attachments") if body.get(name)}
        if message:
            made = self.write("replies", ME, content, replyToId=message, **more)
            self.replies.setdefault(message, []).append(self.messages["replies"].pop())
        else:
            made = self.write(chat or channel, ME, content, **more)
        return Response.of({**made, "webUrl": f"https://teams.microsoft.com/l/message/{made['id']}"}, 201)

    def _message(self, place: str, message: str) -> Thing:
        return next(one for one in self.messages[place] if one["id"] == message)

    def get_message(
        self, request: Request, message: str, chat: str = "", team: str = "", channel: str = ""
    ) -> Response:
        return Response.of(self._message(chat or channel, message))

    def edit(self, request: Request, message: str, chat: str = "", team: str = "", channel: str = "") -> Response:
        self._message(chat or channel, message)["body"] = request.json()["body"]
        return Response(204)

    def delete(self, request: Request, message: str, chat: str = "", team: str = "", channel: str = "") -> Response:
        self._message(chat or channel, message)["deletedDateTime"] = "2030-06-03T10:00:00Z"
        return Response(204)

    def react(self, request: Request, message: str, chat: str = "", team: str = "", channel: str = "") -> Response:
        self._message(chat or channel, message)["reactions"].append({"reactionType": request.json()["reactionType"]})
        return Response(204)

    def mark(self, request: Request, chat: str) -> Response:
        if request.json()["user"]["id"] != ME:
            raise Refusal(403, "Forbidden")
        self.read.append(chat)
        return Response(204)

    def joined(self, request: Request, user: str = "") -> Response:
        rows = [{"id": key, "displayName": name, "description": ""} for key, name in self.teams.items()]
        return Response.of({"value": rows})

    def list_channels(self, request: Request, team: str) -> Response:
        rows = [{"id": k, "displayName": n, "membershipType": "standard"} for k, n in self.channels[team].items()]
        return Response.of({"value": rows})

    def folder(self, request: Request, team: str, channel: str) -> Response:
        return Response.of({"id": "01FOLDER", "name": "Ventes", "parentReference": {"driveId": "b!drive"}})

    def files(self, request: Request, path: str = "") -> Response:
        rows = [
            {"id": "01A", "name": "Devis", "folder": {"childCount": 1}, "size": 0},
            {"id": "01B", "name": "tarifs.xlsx", "file": {}, "size": 21000, "webUrl": "https://x.sharepoint.com/t"},
        ]
        return self._page(request, [{"id": "01C", "name": f"dans {path}", "file": {}}] if path else rows, 200, 200)

    def presences(self, request: Request) -> Response:
        busy = {"availability": "Busy", "activity": "InAMeeting"}
        note = {"statusMessage": {"message": {"content": "Rappeler à 15 h", "contentType": "text"}}}
        rows = [{"id": k, **(self.presence if k == ME else {**busy, **note})} for k in request.json()["ids"]]
        return Response.of({"value": rows})

    def set_presence(self, request: Request, action: str) -> Response:
        body = request.json() or {}
        if action == "setStatusMessage":
            self.presence["statusMessage"] = body["statusMessage"]
        elif action == "clearUserPreferredPresence":
            self.presence |= {"availability": "Available", "activity": "Available"}
        else:
            pairs = {"Offline": "OffWork"}
            if body["activity"] != pairs.get(body["availability"], body["availability"]):
                raise Refusal(400, "BadRequest", "The combination is not valid.")
            self.presence |= {name: body[name] for name in ("availability", "activity")}
        return Response(200)

    def meet(self, request: Request) -> Response:
        body = request.json()
        link = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_1"
        return Response.of({"id": "MSo1", **body, "joinWebUrl": link}, 201)

    def search(self, request: Request) -> Response:
        (asked,) = request.json()["requests"]
        if asked["entityTypes"] != ["chatMessage"] or asked["size"] > 25:
            raise Refusal(400, "BadRequest")
        word = asked["query"]["queryString"].lower()
        hits = []
        for place, messages in self.messages.items():
            for one in messages:
                if word in one["body"]["content"].lower():
                    where = {"chatId": place} if place in self.chats else {"channelIdentity": self._channel(place)}
                    thing = {n: one[n] for n in ("id", "createdDateTime", "from")} | where
                    hits.append({"hitId": one["id"], "summary": one["body"]["content"], "resource": thing})
        start = asked["from"]
        page = hits[start : start + asked["size"]]
        more = start + len(page) < len(hits)
        return Response.of({"value": [{"hitsContainers": [{"hits": page, "moreResultsAvailable": more}]}]})

    def _channel(self, key: str) -> Thing:
        return {"teamId": next(team for team, known in self.channels.items() if key in known), "channelId": key}

    def token(self, request: Request, tenant: str) -> Response:
        """The token endpoint: an app by itself."""
        assert form_of(request)["grant_type"] == "client_credentials"
        return Response.of({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})


CHAT = r"/v1\.0/chats/(?P<chat>[^/]+)"
TEAM = r"/v1\.0/teams/(?P<team>[^/]+)"
CHANNEL = rf"{TEAM}/channels/(?P<channel>[^/]+)"
ONE = r"/messages/(?P<message>[^/]+)"
ROUTES: list[tuple[str, str, Callable[..., Response]]] = [
    ("POST", r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", FakeTeams.token),
    ("GET", r"/v1\.0/me", FakeTeams.me),
    ("GET", r"/v1\.0/me/mailboxSettings", FakeTeams.mailbox),
    ("GET", r"/v1\.0/me/chats", FakeTeams.list_chats),
    ("GET", r"/v1\.0/(?:me|users/(?P<user>[^/]+))/joinedTeams", FakeTeams.joined),
    ("GET", r"/v1\.0/users", FakeTeams.users),
    ("GET", r"/v1\.0/users/(?P<user>[^/]+)", FakeTeams.get_user),
    ("POST", r"/v1\.0/chats", FakeTeams.create_chat),
    ("GET", CHAT, FakeTeams.get_chat),
    ("POST", f"{CHAT}/markChatReadForUser", FakeTeams.mark),
    ("GET", f"{TEAM}/channels", FakeTeams.list_channels),
    ("GET", f"{TEAM}/members", FakeTeams.members),
    ("GET", f"{CHANNEL}/filesFolder", FakeTeams.folder),
    ("GET", r"/v1\.0/drives/b%21drive/items/01FOLDER(?::/(?P<path>.+):)?/children", FakeTeams.files),
    ("GET", f"{CHANNEL}{ONE}/replies", FakeTeams.list_replies),
    ("POST", f"{CHANNEL}{ONE}/replies", FakeTeams.post),
    ("POST", r"/v1\.0/communications/getPresencesByUserId", FakeTeams.presences),
    ("POST", r"/v1\.0/me/presence/(?P<action>\w+)", FakeTeams.set_presence),
    ("POST", r"/v1\.0/me/onlineMeetings", FakeTeams.meet),
    ("POST", r"/v1\.0/search/query", FakeTeams.search),
]
for base in (CHAT, CHANNEL):
    ROUTES += [
        ("GET", f"{base}/members", FakeTeams.members),
        ("GET", f"{base}/messages", FakeTeams.list_messages),
        ("POST", f"{base}/messages", FakeTeams.post),
        ("GET", base + ONE, FakeTeams.get_message),
        ("PATCH", base + ONE, FakeTeams.edit),
        ("POST", f"{base}{ONE}/softDelete", FakeTeams.delete),
        ("POST", f"{base}{ONE}/setReaction", FakeTeams.react),
    ]
