"""Who may open the console: a token in the first URL, a cookie from then on, and requests of its own pages only.

A page of another site cannot read it (Host is checked, against DNS rebinding) nor send it a form (Origin is checked).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from flotilla_launcher.environment import setting, wrong
from flotilla_launcher.key_files import key_in

ROOT = "/console"  # where all its addresses begin
TOKEN = "FLOTILLA_CONSOLE_TOKEN"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers would send `Origin: null` with the page's own forms
    "X-Content-Type-Options": "nosniff",
}


def console_token(state: Path) -> str:
    """Return the token that opens the console: FLOTILLA_CONSOLE_TOKEN, else one kept in the state folder.

    It is not the token of clients: a client could otherwise approve its own calls. Raises SettingError.
    """
    if value := setting(TOKEN, guard=True):
        return value
    path = state / "switchboard" / "console-token"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return key_in(path)
    except (OSError, ValueError) as error:
        raise wrong(f"The console has no token: {error}.", f"Delete that file, or set {TOKEN}.") from None


class Access:
    """Decides for each request whether it comes from a person who has the token, by a page of this console."""

    def __init__(self, token: str, hosts: Iterable[str]) -> None:
        if not token:
            raise ValueError("an empty token would let anybody in")
        self._token, self._hosts = token, {host.lower().strip("[]") for host in hosts}
        self._session = hmac.new(token.encode(), b"flotilla console session", hashlib.sha256).hexdigest()

    def known_host(self, request: Request) -> bool:
        """Tell whether the request names one of the hosts that are served."""
        with suppress(ValueError):
            return (urlsplit(f"//{request.headers.get('host', '')}").hostname or "") in self._hosts
        return False

    def own_form(self, request: Request) -> bool:
        """Tell whether a form was sent by a page of this console: browsers say where every POST comes from."""
        origin = urlsplit(request.headers.get("origin", ""))
        return origin.scheme in ("http", "https") and origin.netloc == request.headers.get("host")

    def is_token(self, text: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(text.encode(), self._token.encode())

    def signed_in(self, request: Request) -> bool:
        """Tell whether the request carries the cookie."""
        cookie = request.cookies.get(self._cookie(request), "")
        return hmac.compare_digest(cookie.encode(), self._session.encode())

    def sign_in(self, request: Request, response: Response) -> None:
        """Give the browser the cookie, until it is closed."""
        response.set_cookie(self._cookie(request), self._session, path=ROOT, httponly=True, samesite="strict")

    def sign_out(self, request: Request, response: Response) -> None:
        """Take the cookie back."""
        response.delete_cookie(self._cookie(request), path=ROOT, httponly=True, samesite="strict")

    def _cookie(self, request: Request) -> str:
        """Name it by the port: cookies are shared by all ports of a host."""
        return f"flotilla-console-{request.url.port or ''}"
