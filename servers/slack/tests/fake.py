"""A fake Slack that keeps state, as strict as the methods' pages: https://docs.slack.dev/reference/methods

    with FakeSlack() as slack:
        …
        assert slack.texts("ventes") == ["Signé"]

Zoé's workspace: Marie and Paul are in it, and another Marie; a bot is in #ventes alone. What Slack refuses it answers
with 200 and ok=false. Message times are counted up from 2030-01-01, so that the order is that of writing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flotilla_testing import FakeVendor, Request, Response
from flotilla_testing.fake_api import FakeApi, Served, form_of

PERSON, BOT, ROTATED = "xoxp-zoe-0123456789", "xoxb-bot-0123456789", "xoxe.xoxp-rotated-"
ZOE, MARIE, MARIE_B, PAUL, ROBOT = "U00000ZOE", "U0000MARI", "U000MARIB", "U0000PAUL", "U00000BOT"
BOT_ID = "B00000BOT"
START = 1_893_452_400  # 2030-01-01 00:00 in Paris
JSON_METHODS = ("chat.postMessage", "chat.update", "chat.scheduleMessage", "users.profile.set")
ONLY_PEOPLE = ("search.", "reminders.", "users.profile.set")
Thing = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer with ok=false."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.answer = {"ok": False, "error": error, **more}


def without_blocks(value: Any) -> Any:
    """Return an answer without the blocks of messages, whose shapes the contract knows from a few samples alone."""
    if isinstance(value, dict):
        return {name: without_blocks(one) for name, one in value.items() if name != "blocks"}
    return [without_blocks(one) for one in value] if isinstance(value, list) else value


class FakeSlack(Served, FakeApi):
    """The workspace, and what was done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor(self)
        self.tokens = {PERSON: ZOE, BOT: ROBOT}
        self.scopes: set[str] | None = None  # all of them
        self.clock = START
        self.users = {
            one["id"]: one
            for one in (
                self.person(ZOE, "zoe", "Zoé Lefèvre", "zoe@atelier.example"),
                self.person(MARIE, "marie", "Marie Curie", "marie@atelier.example", "+33 6 98 76 54 32"),
                self.person(MARIE_B, "marieb", "Marie Bernard", "bernard@atelier.example"),
                self.person(PAUL, "paul", "Paul Roy", "paul@atelier.example"),
                {**self.person(ROBOT, "robot", "Robot", ""), "is_bot": True},
            )
        }
        self.channels: dict[str, Thing] = {}
        self.messages: dict[str, list[Thing]] = {}
        self.read: dict[str, str] = {}
        self.scheduled: list[Thing] = []
        self.reminders: list[Thing] = []
        self.files: dict[str, Thing] = {}
        self.contents: dict[str, bytes] = {}
        self.profile: Thing = {}
        self.hooked: list[Thing] = []
        self.refreshed: list[dict[str, Any]] = []
        self.fail: dict[str, list[Response]] = {}  # by method: how the next calls are answered
        self.odd = False  # its answers are not what the contract says
        self._last = 0
        self.ventes = self.add_channel("ventes", [ZOE, MARIE, PAUL, ROBOT])
        self.equipe = self.add_channel("équipe-commerciale", [ZOE, MARIE])
        self.support = self.add_channel("support", [PAUL])
        self.prive = self.add_channel("direction", [ZOE], is_private=True)
        self.direct = self.add_direct([ZOE, MARIE])
        self.on("POST", r"/api/(?P<method>[\w.]+)", self._api)
        self.on("POST", r"/upload/v1/(?P<file>\w+)", self._upload)
        self.on("GET", r"/files-pri/(?P<file>\w+)/download/(?P<name>[^/]+)", self._download)
        self.on("POST", r"/services/T0000TEAM/B0000HOOK/(?P<key>\w+)", self._hook)

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which a server speaks to it, with the person's token."""
        url = self.vendor.url
        return {
            "SLACK_TOKEN": PERSON,
            "SLACK_BASE_URL": f"{url}/api",
            "SLACK_FILES_URL": url,
            "SLACK_HOOKS_URL": f"{url}/services",
            "SLACK_TOKEN_URL": f"{url}/api/oauth.v2.access",
        }

    # -- what a test puts in

    def key(self, kind: str) -> str:
        """Return a new id."""
        self._last += 1
        return f"{kind}{self._last:08d}"

    def person(self, key: str, handle: str, name: str, email: str, phone: str = "") -> Thing:
        """Return a member of the workspace."""
        profile = {"real_name": name, "display_name": handle, "email": email, "phone": phone, "title": ""}
        return {
            "id": key,
            "team_id": "T0000TEAM",
            "name": handle,
            "deleted": False,
            "real_name": name,
            "tz": "Europe/Paris",
            "profile": {**profile, "status_text": "", "status_emoji": ""},
            "is_bot": False,
        }

    def add_channel(self, name: str, members: list[str], **more: Any) -> str:
        """Add a channel, and return its id."""
        key = self.key("C")
        flags = {"is_channel": True, "is_private": False, "is_im": False, "is_mpim": False, "is_archived": False}
        topic = {
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }
        self.channels[key] = {"id": key, "name": name, "created": START, **flags, **topic, "people": members, **more}
        self.messages[key] = []
        return key

    def add_direct(self, members: list[str]) -> str:
        """Add a direct conversation, and return its id."""
        key = self.key("D")
        group = len(members) > 2
        name = {"name": f"mpdm-{'--'.join(self.users[one]['name'] for one in members)}-1"} if group else {}
        flags = {"is_im": not group, "is_mpim": group, "is_private": True, "is_archived": False}
        self.channels[key] = {"id": key, "created": START, **flags, **name, "people": members}
        self.messages[key] = []
        return key

    def write(self, channel: str, user: str, text: str, **more: Any) -> str:
        """Write a message, and return its timestamp."""
        self.clock += 60
        ts = f"{self.clock}.{self._last:06d}"
        self.messages[channel].append(
            {"type": "message", "user": user, "ts": ts, "text": text, "team": "T0000TEAM", **more}
        )
        return ts

    def texts(self, channel: str) -> list[str]:
        """Return the texts in a channel, by its name or id, in the order of writing."""
        key = next((one["id"] for one in self.channels.values() if one.get("name") == channel), channel)
        return [one["text"] for one in self.messages[key]]

    def at(self, channel: str, ts: str) -> Thing:
        """Return a message; raises the refusal of Slack."""
        for one in self.messages.get(channel, []):
            if one["ts"] == ts:
                return one
        raise Refusal("message_not_found")

    # -- how it answers

    def _api(self, request: Request, method: str) -> Response:
        if self.fail.get(method):
            return self.fail[method].pop(0)
        json_body = "json" in request.headers.get("content-type", "")
        arguments = (request.json() if method in JSON_METHODS else {}) if json_body else form_of(request)
        if method == "oauth.v2.access":
            return self._token(request, arguments)
        try:
            me = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
            if not me:
                raise Refusal("invalid_auth")
            if me == ROBOT and method.startswith(ONLY_PEOPLE):
                raise Refusal("not_allowed_token_type")
            handler: Callable[..., Thing] | None = getattr(self, method.replace(".", "_"), None)
            if handler is None:
                raise Refusal("unknown_method")
            return Response.of(without_blocks({"ok": True, **handler(me, **arguments)}))
        except Refusal as refused:
            return Response.of(refused.answer)

    def need(self, scope: str) -> None:
        """Refuse a token without a scope."""
        if self.scopes is not None and scope not in self.scopes:
            raise Refusal("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def seen(self, request: Request) -> Request:
        """Return the request, marked when it only asks."""
        from dataclasses import replace

        method = request.path.rsplit("/", 1)[-1]
        reads = method.endswith((".list", ".info", ".history", ".replies", ".members", ".test", ".conversations"))
        asks = reads or method.startswith(("search.", "users.get", "users.lookup", "oauth."))
        return replace(request, asks=asks)

    def visible(self, me: str, channel: str) -> Thing:
        """Return a channel that somebody may see."""
        one = self.channels.get(channel)
        if one is None or (one["is_private"] and me not in one["people"]):
            raise Refusal("channel_not_found")
        return one

    def joined(self, me: str, channel: str) -> Thing:
        """Return a channel that somebody is in."""
        one = self.visible(me, channel)
        if one["is_archived"]:
            raise Refusal("is_archived")
        if me not in one["people"]:
            raise Refusal("not_in_channel")
        return one

    def shown(self, me: str, one: Thing, info: bool = False) -> Thing:
        """Return a channel as its methods do."""
        people = one["people"]
        more: Thing = {"is_member": me in people} if not one["is_im"] else {}
        if one["is_im"]:
            more["user"] = next(who for who in people if who != me)
        if info and me in people:
            more["last_read"] = self.read.get(one["id"], "0000000000.000000")
        return {**{k: v for k, v in one.items() if k != "people"}, **more, "num_members": len(people)}

    @staticmethod
    def page(rows: list[Thing], at: str, limit: Any, cursor: str | None) -> Thing:
        """Return one page of a list."""
        start, size = int(cursor or 0), int(limit or 100)
        if not 1 <= size <= 1000:
            raise Refusal("invalid_limit")
        following = str(start + size) if start + size < len(rows) else ""
        return {at: rows[start : start + size], "response_metadata": {"next_cursor": following}}

    def auth_test(self, me: str) -> Thing:
        bot = {"bot_id": BOT_ID} if me == ROBOT else {}
        who = self.users[me]["name"]
        return {
            "url": "https://atelier.slack.com/",
            "team": "Atelier",
            "user": who,
            "team_id": "T0000TEAM",
            "user_id": me,
            **bot,
        }

    def users_list(self, me: str, limit: Any = 0, cursor: str | None = None) -> Thing:
        self.need("users:read")
        return self.page(list(self.users.values()), "members", limit, cursor)

    def users_info(self, me: str, user: str) -> Thing:
        if user not in self.users:
            raise Refusal("user_not_found")
        return {"user": self.users[user]}

    def users_lookupByEmail(self, me: str, email: str) -> Thing:  # noqa: N802 - Slack's name
        for one in self.users.values():
            if one["profile"]["email"] == email.lower():
                return {"user": one}
        raise Refusal("users_not_found")

    def users_getPresence(self, me: str, user: str) -> Thing:  # noqa: N802
        return {"presence": "active" if user == MARIE else "away"}

    def users_profile_set(self, me: str, profile: Thing) -> Thing:
        if bool(profile["status_emoji"]) and not profile["status_text"]:
            raise Refusal("profile_set_failed")
        self.profile = profile
        return {"profile": profile}

    def users_conversations(
        self, me: str, types: str, exclude_archived: str = "", limit: Any = 0, cursor: str | None = None
    ) -> Thing:
        rows = [self.shown(me, one) for one in self.channels.values() if me in one["people"] and not one["is_archived"]]
        return self.page(rows, "channels", limit, cursor)

    def conversations_list(
        self, me: str, types: str, exclude_archived: str = "", limit: Any = 0, cursor: str | None = None
    ) -> Thing:
        rows = [
            self.shown(me, one)
            for one in self.channels.values()
            if "name" in one and not one["is_mpim"] and (not one["is_private"] or me in one["people"])
        ]
        return self.page([row for row in rows if not row["is_archived"]], "channels", limit, cursor)

    def conversations_info(self, me: str, channel: str, include_num_members: str = "") -> Thing:
        return {"channel": self.shown(me, self.visible(me, channel), info=True)}

    def conversations_members(self, me: str, channel: str, limit: Any = 0, cursor: str | None = None) -> Thing:
        rows: Any = self.visible(me, channel)["people"]
        return self.page(rows, "members", limit, cursor)

    def conversations_history(
        self,
        me: str,
        channel: str,
        oldest: str = "0",
        latest: str = "9999999999",
        limit: Any = 0,
        cursor: str | None = None,
    ) -> Thing:
        self.need("channels:history")
        one = self.visible(me, channel)
        if me == ROBOT and me not in one["people"]:
            raise Refusal("not_in_channel")
        rows = [
            row
            for row in reversed(self.messages[channel])
            if float(oldest) < float(row["ts"]) < float(latest) and row.get("thread_ts", row["ts"]) == row["ts"]
        ]
        return self.page([self._with_replies(channel, row) for row in rows], "messages", limit, cursor)

    def _with_replies(self, channel: str, row: Thing) -> Thing:
        count = sum(one.get("thread_ts") == row["ts"] != one["ts"] for one in self.messages[channel])
        return {**row, "thread_ts": row["ts"], "reply_count": count} if count else row

    def conversations_replies(
        self,
        me: str,
        channel: str,
        ts: str,
        limit: Any = 0,
        cursor: str | None = None,
        oldest: str = "0",
        latest: str = "9999999999",
        inclusive: str = "false",
    ) -> Thing:
        self.visible(me, channel)
        if not any(one["ts"] == ts for one in self.messages[channel]):
            raise Refusal("thread_not_found")
        rows = [
            one
            for one in self.messages[channel]
            if one["ts"] == ts or (one.get("thread_ts") == ts and self._within(one["ts"], oldest, latest, inclusive))
        ]
        return self.page([self._with_replies(channel, row) for row in rows], "messages", limit, cursor)

    @staticmethod
    def _within(ts: str, oldest: str, latest: str, inclusive: str) -> bool:
        edge = inclusive == "true" and ts in (oldest, latest)
        return edge or float(oldest) < float(ts) < float(latest)

    def conversations_open(self, me: str, users: str) -> Thing:
        whom = users.split(",")
        if any(one not in self.users for one in whom):
            raise Refusal("user_not_found")
        members = [me, *whom]
        for one in self.channels.values():
            if (one["is_im"] or one["is_mpim"]) and set(one["people"]) == set(members):
                return {"channel": {"id": one["id"]}, "no_op": True, "already_open": True}
        return {"channel": {"id": self.add_direct(members)}}

    def conversations_join(self, me: str, channel: str) -> Thing:
        one = self.visible(me, channel)
        if one["is_private"]:
            raise Refusal("method_not_supported_for_channel_type")
        one["people"] = [*dict.fromkeys([*one["people"], me])]
        return {"channel": self.shown(me, one)}

    def conversations_invite(self, me: str, channel: str, users: str) -> Thing:
        one, whom = self.joined(me, channel), users.split(",")
        if me in whom:
            raise Refusal("cant_invite_self")
        if set(whom) & set(one["people"]):
            raise Refusal("already_in_channel")
        one["people"] = [*one["people"], *whom]
        return {"channel": self.shown(me, one)}

    def conversations_create(self, me: str, name: str, is_private: str = "false") -> Thing:
        if name != name.lower() or " " in name or "." in name:
            raise Refusal("invalid_name_specials")
        if any(one.get("name") == name for one in self.channels.values()):
            raise Refusal("name_taken")
        key = self.add_channel(name, [me], is_private=is_private == "true")
        return {"channel": self.shown(me, self.channels[key])}

    def conversations_setTopic(self, me: str, channel: str, topic: str) -> Thing:  # noqa: N802
        one = self.joined(me, channel)
        one["topic"] = {"value": topic, "creator": me, "last_set": START}
        return {"channel": self.shown(me, one)}

    def conversations_mark(self, me: str, channel: str, ts: str) -> Thing:
        self.joined(me, channel)
        self.at(channel, ts)
        self.read[channel] = ts
        return {}

    def chat_postMessage(  # noqa: N802
        self,
        me: str,
        channel: str,
        text: str,
        blocks: list[Thing],
        thread_ts: str = "",
        reply_broadcast: bool = False,
    ) -> Thing:
        self.need("chat:write")
        self.joined(me, channel)
        if thread_ts and self.at(channel, thread_ts).get("thread_ts", thread_ts) != thread_ts:
            raise Refusal("cannot_reply_to_message")
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        bot = {"bot_id": BOT_ID} if me == ROBOT else {}
        ts = self.write(channel, me, text, blocks=blocks, **thread, **bot)
        return {"channel": channel, "ts": ts, "message": self.at(channel, ts)}

    def chat_scheduleMessage(  # noqa: N802
        self, me: str, channel: str, text: str, post_at: int, blocks: list[Thing], thread_ts: str = ""
    ) -> Thing:
        self.joined(me, channel)
        one = {"id": self.key("Q"), "channel_id": channel, "post_at": post_at, "date_created": START, "text": text}
        self.scheduled.append(one)
        return {"channel": channel, "scheduled_message_id": one["id"], "post_at": post_at}

    def chat_scheduledMessages_list(  # noqa: N802
        self, me: str, channel: str = "", limit: Any = 0, cursor: str | None = None
    ) -> Thing:
        rows = [one for one in self.scheduled if channel in ("", one["channel_id"])]
        return self.page(rows, "scheduled_messages", limit, cursor)

    def chat_deleteScheduledMessage(self, me: str, channel: str, scheduled_message_id: str) -> Thing:  # noqa: N802
        before = len(self.scheduled)
        self.scheduled = [one for one in self.scheduled if one["id"] != scheduled_message_id]
        if len(self.scheduled) == before:
            raise Refusal("invalid_scheduled_message_id")
        return {}

    def chat_update(self, me: str, channel: str, ts: str, text: str, blocks: list[Thing]) -> Thing:
        one = self.at(channel, ts)
        if one["user"] != me:
            raise Refusal("cant_update_message")
        one |= {"text": text, "blocks": blocks, "edited": {"user": me, "ts": ts}}
        return {"channel": channel, "ts": ts, "text": text}

    def chat_delete(self, me: str, channel: str, ts: str) -> Thing:
        one = self.at(channel, ts)
        if one["user"] != me:
            raise Refusal("cant_delete_message")
        self.messages[channel].remove(one)
        return {"channel": channel, "ts": ts}

    def reactions_add(self, me: str, channel: str, timestamp: str, name: str) -> Thing:
        one = self.at(channel, timestamp)
        reactions = one.setdefault("reactions", [])
        if any(me in each["users"] for each in reactions if each["name"] == name):
            raise Refusal("already_reacted")
        reactions.append({"name": name, "count": 1, "users": [me]})
        return {}

    def reactions_remove(self, me: str, channel: str, timestamp: str, name: str) -> Thing:
        one = self.at(channel, timestamp)
        if not any(each["name"] == name and me in each["users"] for each in one.get("reactions", [])):
            raise Refusal("no_reaction")
        one["reactions"] = [each for each in one["reactions"] if each["name"] != name]
        return {}

    def search_messages(
        self, me: str, query: str, sort: str = "score", sort_dir: str = "desc", count: Any = 20, page: Any = 1
    ) -> Thing:
        self.need("search:read")
        terms = [word for word in query.split() if ":" not in word]
        rows = [
            {
                **one,
                "channel": {"id": key, "name": channel.get("name") or channel["people"][1], "is_im": channel["is_im"]},
            }
            for key, channel in self.channels.items()
            if me in channel["people"]
            for one in self.messages[key]
            if all(word.lower() in one["text"].lower() for word in terms)
        ]
        size, number = int(count), int(page)
        total = max(1, -(-len(rows) // size))
        part = rows[(number - 1) * size : number * size]
        return {
            "query": query,
            "messages": {"total": len(rows), "paging": {"page": number, "pages": total}, "matches": part},
        }

    def search_files(self, me: str, query: str, sort: str, sort_dir: str, count: Any, page: Any) -> Thing:
        rows = [one for one in self.files.values() if query.lower() in one["name"].lower()]
        return {"query": query, "files": {"total": len(rows), "paging": {"page": 1, "pages": 1}, "matches": rows}}

    def files_getUploadURLExternal(self, me: str, filename: str, length: str) -> Thing:  # noqa: N802
        key = self.key("F")
        self.files[key] = {
            "id": key, "name": filename, "title": filename, "size": int(length), "user": me, "created": START,
            "mimetype": "application/pdf", "is_external": False,
            "permalink": f"https://atelier.slack.com/files/{me}/{key}/{filename}",
            "url_private_download": f"{self.vendor.url}/files-pri/{key}/download/{filename}",
        }  # fmt: skip
        return {"upload_url": f"{self.vendor.url}/upload/v1/{key}", "file_id": key}

    def _upload(self, request: Request, file: str) -> Response:
        if file not in self.files or len(request.body) != self.files[file]["size"]:
            return Response(400, b"wrong size")
        self.contents[file] = request.body
        return Response(200, f"OK - {len(request.body)}".encode(), {"content-type": "text/plain"})

    def files_completeUploadExternal(  # noqa: N802
        self, me: str, files: str, channel_id: str = "", thread_ts: str = "", initial_comment: str = ""
    ) -> Thing:
        done = []
        for one in json.loads(files):
            if one["id"] not in self.contents:
                raise Refusal("file_not_found")
            self.files[one["id"]]["title"] = one["title"]
            done.append(self.files[one["id"]])
        if channel_id:
            self.joined(me, channel_id)
            thread = {"thread_ts": thread_ts} if thread_ts else {}
            self.write(channel_id, me, initial_comment, files=done, **thread)
        return {"files": done}

    def files_info(self, me: str, file: str) -> Thing:
        if file not in self.files:
            raise Refusal("file_not_found")
        return {"file": self.files[file]}

    def _download(self, request: Request, file: str, name: str) -> Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Response(200, b"<html>Sign in</html>", {"content-type": "text/html; charset=utf-8"})
        return Response(200, self.contents[file], {"content-type": "application/pdf"})

    def reminders_add(self, me: str, text: str, time: str) -> Thing:
        one = {"id": self.key("Rm"), "creator": me, "user": me, "text": text, "recurring": False, "complete_ts": 0}
        self.reminders.append({**one, "time": int(time)})
        return {"reminder": self.reminders[-1]}

    def reminders_list(self, me: str) -> Thing:
        return {"reminders": self.reminders}

    def reminders_complete(self, me: str, reminder: str) -> Thing:
        self._reminder(reminder)["complete_ts"] = START
        return {}

    def reminders_delete(self, me: str, reminder: str) -> Thing:
        self.reminders.remove(self._reminder(reminder))
        return {}

    def _reminder(self, key: str) -> Thing:
        for one in self.reminders:
            if one["id"] == key:
                return one
        raise Refusal("not_found")

    def _hook(self, request: Request, key: str) -> Response:
        plain = {"content-type": "text/plain"}
        if key != "secret0123":
            return Response(404, b"no_service", plain)
        body = request.json()
        if not body.get("text"):
            return Response(400, b"no_text", plain)
        self.hooked.append(body)
        return Response(200, b"ok", plain)

    def _token(self, request: Request, form: dict[str, Any]) -> Response:
        """Each use of a refresh token ends it, and ends the access token that came before."""
        self.refreshed.append(form)
        if form.get("refresh_token") != f"xoxe-{len(self.refreshed)}":
            return Response.of({"ok": False, "error": "invalid_refresh_token"})
        token = f"{ROTATED}{len(self.refreshed)}"
        self.tokens = {PERSON: ZOE, BOT: ROBOT, token: ZOE}
        following = f"xoxe-{len(self.refreshed) + 1}"
        tokens = {"access_token": token, "refresh_token": following, "expires_in": 43_200, "token_type": "user"}
        return Response.of({"ok": True, **tokens, "scope": "chat:write"})
