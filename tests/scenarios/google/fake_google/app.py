"""What all APIs share: who asks and what for, errors in Google's form, pages, and uploads in parts."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flotilla_testing import Request, Response
from flotilla_testing.oauth import OAuthServer, Token

MAIL = "https://mail.google.com/"
AUTH = "https://www.googleapis.com/auth/"


class Refusal(Exception):  # noqa: N818
    """An error answer, raised in a handler."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        domain = "usageLimits" if "imit" in reason else "global"
        reported = [{"domain": domain, "reason": reason, "message": message or reason}]
        self.answer = Response.of({"error": {"code": status, "message": message or reason, "errors": reported}}, status)


@dataclass
class Upload:
    """A resumable upload: what has arrived, what is done with it at the end, and the answer to that."""

    total: int
    finish: Callable[[bytes], Response]
    received: bytearray = field(default_factory=bytearray)
    answer: Response | None = None


@dataclass
class Google(OAuthServer):
    """The app. `limited`: that many calls from now on are over the rate limit. `keeps`: of the next part of an upload,
    only so many bytes arrive."""

    limited: int = 0
    keeps: int | None = None
    uploads: dict[str, Upload] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)  # method and path of what was let in
    mail: Any = None
    calendars: Any = None
    drive: Any = None
    sheets: Any = None
    documents: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.on("PUT", r"/uploads/(?P<session>\w+)", self._part)

    def api(self, method: str, path: str, scopes: str, handler: Callable[..., Response | dict[str, Any]]) -> None:
        """Add a route. `scopes`: short names, any of which will do. The handler gets the account's address, the request
        and the groups of the path; it returns an answer or the JSON of one, or raises Refusal."""
        wanted = {MAIL if scope == "mail" else AUTH + scope for scope in scopes.split()}

        def let_in(request: Request, **groups: str) -> Response:
            try:
                token = self._token(request, wanted)
                self.calls.append((method, request.path))
                params = handler(token.user, request, **groups)
            except Refusal as refusal:
                return refusal.answer
            return params if isinstance(params, Response) else Response.of(params)

        self.on(method, path, let_in)

    def _token(self, request: Request, wanted: set[str]) -> Token:
        token = self.holder(request)
        if token is None:
            raise Refusal(401, "authError", "Invalid Credentials")
        if self.limited > 0:
            self.limited -= 1
            raise Refusal(403, "userRateLimitExceeded", "User Rate Limit Exceeded")
        if not wanted & set(token.scope.split()):
            raise Refusal(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        return token

    def scopes_of(self, request: Request) -> set[str]:
        """Return the short names of the scopes that a request's token has."""
        token = self.holder(request)
        return {scope.rsplit("/", 1)[-1] for scope in (token.scope if token else "").split()}

    def upload(self, request: Request, finish: Callable[[bytes], Response]) -> Response:
        """Open a resumable upload, in the handler of its first request."""
        session = secrets.token_hex(8)
        self.uploads[session] = Upload(int(request.headers["x-upload-content-length"]), finish)
        return Response(200, b"", {"location": f"http://{request.headers['host']}/uploads/{session}"})

    def _part(self, request: Request, session: str) -> Response:
        upload = self.uploads.get(session)
        if upload is None:
            return Refusal(404, "notFound").answer
        span = request.headers["content-range"]
        result = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", span)
        if result and int(result[1]) == len(upload.received):
            body, self.keeps = request.body if self.keeps is None else request.body[: self.keeps], None
            upload.received += body
        elif not result and span != f"bytes */{upload.total}":
            return Refusal(400, "badRequest", f"Content-Range {span}").answer
        if len(upload.received) == upload.total:
            upload.answer = upload.answer or upload.finish(bytes(upload.received))
            return upload.answer
        arrived = {"range": f"bytes=0-{len(upload.received) - 1}"} if upload.received else {}
        return Response(308, b"", arrived)


def body(request: Request) -> dict[str, Any]:
    """Return the JSON of a request."""
    if "application/json" not in request.headers.get("content-type", ""):
        raise Refusal(400, "badRequest", "Not JSON")
    result = json.loads(request.body or b"{}")
    assert isinstance(result, dict)
    return result


def paged(items: list[Any], request: Request, size: str, name: str = "items") -> dict[str, Any]:
    """Return one page: a token is a position."""
    query = dict(request.query)
    start, count = int(query.get("pageToken", 0)), int(query.get(size, 100))
    following = start + count
    return {name: items[start:following], **({"nextPageToken": str(following)} if following < len(items) else {})}
