"""scripts/login against a real OAuth 2 server; the browser is a plain HTTP client."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest

from flotilla.http.scopes import fewest
from flotilla_cli import consent, login, secrets_file
from flotilla_cli.generator.servers import server_of
from flotilla_servers.gmail.server import server as gmail
from flotilla_servers.google_calendar.server import server as gcal
from flotilla_testing import FakeVendor, faults
from flotilla_testing.fake_api import FakeApi
from flotilla_testing.oauth import Client, OAuthServer, approve
from flotilla_testing.responses import Request, Response

pytestmark = pytest.mark.slow
SERVERS = {"gmail": gmail, "google-calendar": gcal}
AUTH = "https://www.googleapis.com/auth/"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's files, in a folder of the test."""
    monkeypatch.setenv("FLOTILLA_SECRETS", str(tmp_path / "secrets.env"))
    monkeypatch.setenv("FLOTILLA_CONFIG", str(tmp_path / "config.yaml"))
    return tmp_path


@pytest.fixture
def own(vendor: FakeVendor, oauth: OAuthServer, monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    """The two servers, with their vendor on loopback."""
    at = {
        "authorize_url": f"{vendor.url}/authorize",
        "token_url": f"{vendor.url}/token",
        "revoke_url": f"{vendor.url}/revoke",
        "who_url": f"{vendor.url}/userinfo",
    }
    assert gmail.integration.consent
    about = dataclasses.replace(gmail.integration.consent, **at)
    for server in SERVERS.values():
        monkeypatch.setattr(server.integration, "consent", about)
    monkeypatch.setattr(login, "connectable", lambda: dict(SERVERS))
    monkeypatch.setattr(login, "browser", lambda: True)
    monkeypatch.setattr(secrets_file, "has_keychain", lambda: False)
    monkeypatch.setenv("GMAIL_CLIENT_SECRET", "hush")
    monkeypatch.setenv("GOOGLE_CALENDAR_CLIENT_SECRET", "hush")


def change_consent(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    about = gmail.integration.consent
    assert about
    monkeypatch.setattr(gmail.integration, "consent", dataclasses.replace(about, **fields))


class Browser:
    """Somebody at a browser who presses the button. `opened` are the consent pages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[str] = []
        self.shown = ""
        original = consent.in_browser

        def patient(*params: Any, **more: Any) -> Any:
            return original(*params, **{"show": self.open, "timeout": 10, **more})

        monkeypatch.setattr(consent, "in_browser", patient)

    def open(self, url: str) -> None:
        self.opened.append(url)
        self.shown = httpx.get(self.press(url)).text

    @staticmethod
    def press(url: str) -> str:
        with httpx.Client() as http:
            return approve(http.get, http.post, url)

    @property
    def asked(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.opened[-1]).query).items()}


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    return Browser(monkeypatch)


def run(*argv: str) -> int:
    return login.main(["--client-id", "desktop", *argv] if "--list" not in argv else list(argv))


def stored(files: Path) -> dict[str, str]:
    lines = (files / "secrets.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


@pytest.mark.usefixtures("own")
class TestBrowser:
    def test_login_google_connects_both_servers_with_one_consent(
        self, files: Path, browser: Browser, oauth: OAuthServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (files / "secrets.env").write_text("# mine\nother.key=a=b\nflotilla-gmail.refresh_token=\nlast.line=1")
        assert run("google") == 0
        token = oauth.tokens[-1]
        assert (files / "secrets.env").read_text() == (
            f"# mine\nother.key=a=b\nflotilla-gmail.refresh_token={token.refresh}\nlast.line=1\n"
            "flotilla-gmail.client_id=desktop\nflotilla-gmail.client_secret=hush\n"
            f"flotilla-google-calendar.client_id=desktop\nflotilla-google-calendar.client_secret=hush\n"
            f"flotilla-google-calendar.refresh_token={token.refresh}\n"
        )
        assert (files / "secrets.env").stat().st_mode & 0o777 == 0o600
        message = capsys.readouterr().out
        assert "Connected: helene@atelier.example, for gmail, google-calendar." in message
        assert token.refresh not in message
        assert token.access not in message
        assert "Connected." in browser.shown

    def test_login_uses_pkce_state_loopback_and_offline_access(self, browser: Browser) -> None:
        run("gmail")
        asked = browser.asked
        assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
        assert len(asked["state"]) >= 30
        assert urlsplit(asked["redirect_uri"]).hostname == "127.0.0.1"
        assert (asked["access_type"], asked["prompt"], asked["response_type"]) == ("offline", "consent", "code")

    @pytest.mark.parametrize(
        ("guards", "label", "scopes"),
        [
            ("", "gmail", ["gmail.modify"]),
            ("flotilla-gmail.read_only=true", "gmail", ["gmail.readonly"]),
            ("flotilla-gmail.allow=gmail_send_email", "gmail", ["gmail.send"]),
            (
                "flotilla-gmail.allow=[gmail_send_email gmail_search_messages]",
                "gmail",
                ["gmail.readonly", "gmail.send"],
            ),
            (
                "flotilla-gmail.deny=gmail_modify_labels,gmail_trash_message",
                "gmail",
                ["gmail.readonly", "gmail.compose"],
            ),
            (
                "flotilla-gmail.allow=gmail_send_email\nflotilla-google-calendar.allow=gcal_check_availability",
                "google",
                ["gmail.send", "calendar.freebusy"],
            ),
        ],
    )
    def test_login_scopes_only_of_the_enabled_tools(
        self, files: Path, browser: Browser, guards: str, label: str, scopes: list[str]
    ) -> None:
        (files / "secrets.env").write_text(f"{guards}\n")
        assert run(label) == 0
        assert sorted(browser.asked["scope"].split()) == sorted(["openid", "email", *(AUTH + s for s in scopes)])

    def test_login_consent_refused(self, files: Path, browser: Browser, oauth: OAuthServer, capsys: Any) -> None:
        oauth.refuses = True
        assert run("gmail") == 1
        assert "access_denied" in capsys.readouterr().err
        assert not (files / "secrets.env").exists()
        assert "Nothing was connected" in browser.shown

    def test_login_reuses_the_client_of_another_google_server(
        self, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second time nothing is asked but consent."""
        run("gmail")
        monkeypatch.delenv("GMAIL_CLIENT_SECRET")
        monkeypatch.delenv("GOOGLE_CALENDAR_CLIENT_SECRET")
        assert login.main(["google-calendar"]) == 0  # the client that gmail has is google's

    def test_login_wrong_client(
        self, browser: Browser, monkeypatch: pytest.MonkeyPatch, capsys: Any, files: Path
    ) -> None:
        monkeypatch.setenv("GMAIL_CLIENT_SECRET", "wrong")
        assert run("gmail") == 1
        assert "invalid_client" in capsys.readouterr().err
        assert not (files / "secrets.env").exists()

    def test_login_without_client_and_terminal(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        """Without a terminal, nobody can be asked for a client."""
        monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115
        assert login.main(["gmail"]) == 1
        assert "--client-id" in capsys.readouterr().err

    def test_login_foreign_state_refused(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        original = consent.in_browser

        def foreign(url: str) -> None:
            came = urlsplit(Browser.press(url))
            httpx.get(came._replace(query="code=stolen&state=theirs").geturl())

        monkeypatch.setattr(consent, "in_browser", lambda a, o: original(a, o, foreign, 10))
        assert run("gmail") == 1
        assert "another attempt" in capsys.readouterr().err

    def test_login_times_out(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        """Nobody comes back from the browser."""
        original = consent.in_browser
        monkeypatch.setattr(consent, "in_browser", lambda a, o: original(a, o, lambda url: None, 0.2))
        assert run("gmail") == 1
        assert "--paste" in capsys.readouterr().err

    def test_login_reports_tools_without_their_scopes(
        self, browser: Browser, oauth: OAuthServer, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        """Scopes that the user unticked are reported."""
        monkeypatch.setattr(Client, "get_allowed_scope", lambda self, scope: "")
        original = oauth.token_of

        def less(*params: Any, **about: Any) -> Any:
            return original(*params, **{**about, "scope": f"openid email {AUTH}gmail.readonly"})

        oauth.server.register_token_generator("default", less)
        assert run("gmail") == 0
        message = capsys.readouterr().out
        lacking = message.partition("Consent was not given for these tools of gmail, so they will fail: ")[2]
        assert "gmail_send_email" in lacking
        assert "gmail_search_messages" not in lacking


@pytest.mark.usefixtures("own")
class TestElsewhere:
    def test_login_paste(self, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, oauth: OAuthServer) -> None:
        def typed(prompt: str) -> str:
            (url,) = [line.strip() for line in capsys.readouterr().out.splitlines() if "/authorize?" in line]
            return Browser.press(url)

        monkeypatch.setattr(consent, "by_paste", _with(consent.by_paste, read=typed))
        assert run("gmail", "--paste") == 0
        assert stored(files)["flotilla-gmail.refresh_token"] == oauth.tokens[-1].refresh

    @pytest.mark.parametrize("text", ["", "http://127.0.0.1:8765/", "no address"])
    def test_login_paste_of_something_else(self, monkeypatch: pytest.MonkeyPatch, capsys: Any, text: str) -> None:
        monkeypatch.setattr(consent, "by_paste", _with(consent.by_paste, read=lambda prompt: text))
        assert run("gmail", "--paste") == 1
        assert capsys.readouterr().err.startswith("Error: ")

    def test_login_paste_without_a_browser(self, monkeypatch: pytest.MonkeyPatch) -> None:
        taken: list[str] = []
        monkeypatch.setattr(login, "browser", lambda: False)
        monkeypatch.setattr(consent, "by_paste", lambda *params: taken.append("paste") or {})
        assert run("gmail") == 1
        assert taken == ["paste"]

    def test_login_device(
        self, files: Path, vendor: FakeVendor, oauth: OAuthServer, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        change_consent(monkeypatch, device_url=f"{vendor.url}/device")
        oauth.clients["desktop"] = Client("desktop")  # such clients are public ones
        monkeypatch.delenv("GMAIL_CLIENT_SECRET")
        monkeypatch.delenv("GOOGLE_CALENDAR_CLIENT_SECRET")
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                (device,) = oauth.devices.values()
                assert device.user_code in capsys.readouterr().out
                oauth.answered[device.user_code] = True

        monkeypatch.setattr(consent, "by_device", _with(consent.by_device, sleep=sleep))
        assert run("gmail", "--device") == 0
        assert pauses == [1, 1, 6]  # slow_down adds five seconds
        assert stored(files)["flotilla-gmail.refresh_token"] == oauth.tokens[-1].refresh

    def test_login_device_refused_for_google(self, capsys: Any) -> None:
        assert run("gmail", "--device") == 1
        assert "--paste" in capsys.readouterr().err


def _with(function: Callable[..., Any], **more: Any) -> Callable[..., Any]:
    return lambda *params: function(*params, **more)


@pytest.mark.usefixtures("own")
class TestAfterwards:
    def test_login_list(self, browser: Browser, oauth: OAuthServer, files: Path, capsys: Any) -> None:
        (files / "secrets.env").write_text("flotilla-gmail.read_only=true\n")
        run("gmail")
        capsys.readouterr()
        assert run("--list") == 0
        assert capsys.readouterr().out.splitlines() == [
            "gmail: connected as helene@atelier.example",
            "google-calendar: not connected (scripts/login google-calendar)",
        ]
        held = (files / "secrets.env").read_text().replace("read_only=true", "allow=gmail_get_message,gmail_send_email")
        (files / "secrets.env").write_text(held)
        run("--list", "gmail")
        assert "no consent yet for gmail_send_email" in capsys.readouterr().out
        oauth.end(oauth.tokens[-1])
        run("--list", "gmail")
        assert "the consent has ended (invalid_grant); run scripts/login gmail again" in capsys.readouterr().out

    def test_login_list_does_not_try_rotating_tokens(
        self, browser: Browser, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        """Trying a rotating token would spend it."""
        run("gmail")
        change_consent(monkeypatch, rotates=True)
        vendor.requests.clear()
        run("--list", "gmail")
        assert "gmail: connected" in capsys.readouterr().out
        assert vendor.requests == []

    def test_login_revoke(self, browser: Browser, oauth: OAuthServer, files: Path, capsys: Any) -> None:
        run("google")
        assert run("gmail", "--revoke") == 0  # one consent for two: both end
        assert "Disconnected: gmail, google-calendar." in capsys.readouterr().out
        assert all(token.revoked for token in oauth.tokens)
        assert (
            stored(files)["flotilla-gmail.refresh_token"],
            stored(files)["flotilla-google-calendar.refresh_token"],
        ) == (
            "",
            "",
        )
        assert stored(files)["flotilla-gmail.client_id"] == "desktop"
        assert run("gmail", "--revoke") == 1

    def test_login_revoke_failed_at_the_vendor(
        self, browser: Browser, vendor: FakeVendor, files: Path, capsys: Any
    ) -> None:
        run("gmail")
        vendor.fails(faults.status(401), method="POST")
        assert run("gmail", "--revoke") == 1
        assert "nothing was revoked" in capsys.readouterr().err
        assert stored(files)["flotilla-gmail.refresh_token"]

    def test_login_list_and_revoke_with_docker_desktop(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        """Docker Desktop gives no value back."""
        monkeypatch.setattr(secrets_file, "has_keychain", lambda: True)
        monkeypatch.setattr(secrets_file, "keychain_names", lambda: '[{"name": "flotilla-gmail.refresh_token"}]')
        monkeypatch.setattr(secrets_file, "forget", lambda names, desktop: None)
        run("--list")
        assert capsys.readouterr().out.splitlines() == [
            "gmail: stored in Docker Desktop's keychain, which returns no values, so it was not checked",
            "google-calendar: not connected (scripts/login google-calendar)",
        ]
        assert run("gmail", "--revoke") == 0
        assert "could not be revoked at the vendor" in capsys.readouterr().out

    def test_login_other_client_does_not_get_the_old_secret(
        self, files: Path, browser: Browser, vendor: FakeVendor, oauth: OAuthServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        oauth.clients["another"] = Client("another")
        run("gmail")
        monkeypatch.delenv("GMAIL_CLIENT_SECRET")
        monkeypatch.delenv("GOOGLE_CALENDAR_CLIENT_SECRET")
        vendor.requests.clear()
        assert run("gmail", "--client-id", "another") == 0
        assert not [request for request in vendor.requests if b"hush" in request.body]
        assert stored(files)["flotilla-gmail.client_secret"] == ""

    def test_login_unknown_server(self, capsys: Any) -> None:
        assert run("hotmail") == 1
        assert "The names are gmail, google, google-calendar." in capsys.readouterr().err


@pytest.mark.parametrize("accepts", ["header", "parameter"])
def test_who_with_token_in_header_or_query(accepts: str) -> None:
    """The account is found whichever way the token is sent."""

    def account(request: Request) -> Response:
        header, parameter = request.headers.get("authorization"), dict(request.query).get("access_token")
        good = header == "Bearer t" if accepts == "header" else parameter == "t"
        return Response.of({"email": "zoé@example.fr"}) if good else Response.of({}, 401)

    vendor = FakeApi()
    vendor.on("GET", "/account.json", account)
    about = login.connectable()["facturation-pro"].integration.consent
    assert about
    with FakeVendor(vendor) as running:
        about = dataclasses.replace(about, who_url=f"{running.url}/account.json")
        assert consent.account_name(about, {"access_token": "t"}) == "zoé@example.fr"


def test_who_in_an_address_of_the_token() -> None:
    """The address may name a field of the token's answer, with headers of the vendor; without the field it fails."""
    asked: list[Request] = []

    def account(request: Request) -> Response:
        asked.append(request)
        return Response.of({"location": {"name": "Agence Lumière"}})

    vendor = FakeApi()
    vendor.on("GET", "/locations/loc%2F1", account)
    about = login.connectable()["gohighlevel"].integration.consent
    assert about
    with FakeVendor(vendor) as running:
        about = dataclasses.replace(about, who_url=f"{running.url}/locations/{{locationId}}")
        assert consent.account_name(about, {"access_token": "t", "locationId": "loc/1"}) == "Agence Lumière"
        with pytest.raises(consent.ConsentError, match="names no locationId"):
            consent.account_name(about, {"access_token": "t"})
    assert (asked[0].headers["authorization"], asked[0].headers["version"]) == ("Bearer t", "2021-07-28")


@pytest.mark.parametrize(("data", "name"), [([{"name": "Atelier"}], "Atelier"), ([], "an account without a name")])
def test_who_at_a_position_of_a_list(data: list[dict[str, str]], name: str) -> None:
    vendor = FakeApi()
    vendor.on("GET", "/accounts", lambda _: Response.of({"data": data}))
    about = login.connectable()["facturation-pro"].integration.consent
    assert about
    with FakeVendor(vendor) as running:
        about = dataclasses.replace(about, who_url=f"{running.url}/accounts", who="data.0.name")
        assert consent.account_name(about, {"access_token": "t"}) == name


def test_connectable_servers() -> None:
    result = login.connectable()
    google = {"gmail", "google-calendar", "google-docs", "google-drive", "google-sheets"}
    assert {*google, "facturation-pro", "gohighlevel", "hubspot", "notion"} <= set(result)
    assert not {"switchboard", "filesystem"} & set(result)


def test_file_with_duplicate_lines_sets_all() -> None:
    """The last of two lines counts."""
    assert secrets_file.with_values("a=1\nb=2\na=3\n", {"a": "new"}) == "a=new\nb=2\na=new\n"


def test_store_in_docker_desktop_passes_values_by_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\n[ "$3" != set ] || {{ cat; echo; }} >>{tmp_path}/values\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert secrets_file.store({"flotilla-gmail.refresh_token": "rt-1"}, True) == "Docker Desktop's keychain"
    assert (tmp_path / "calls").read_text() == "mcp secret set flotilla-gmail.refresh_token\n"
    assert (tmp_path / "values").read_text() == "rt-1\n"
    docker.write_text("#!/bin/sh\necho 'no keychain' >&2; exit 1\n")
    with pytest.raises(OSError, match="no keychain"):
        secrets_file.store({"flotilla-gmail.refresh_token": "rt-1"}, True)


def test_desktop_store_option() -> None:
    assert secrets_file.chosen_keychain("desktop")
    assert not secrets_file.chosen_keychain("file")


@pytest.mark.parametrize(
    ("needs", "scopes"),
    [
        ([], []),
        ([["a", "all"]], ["a"]),
        ([["a", "all"], ["all"]], ["all"]),
        ([["a", "all"], ["b", "all"]], ["a", "b"]),
        ([["a b", "all"], ["b", "all"]], ["a", "b"]),
        ([["a b", "c"], ["c"]], ["c"]),
        ([[]], []),
    ],
)
def test_fewest_scopes(needs: list[list[str]], scopes: list[str]) -> None:
    assert fewest(needs) == scopes


@pytest.mark.parametrize(
    ("slug", "field", "written", "host"),
    [
        ("zendesk", "subdomain", "https://Atelier.zendesk.com/agent", "atelier.zendesk.com"),
        ("zendesk", "subdomain", "evil.example/", ""),
        ("zendesk", "subdomain", "a.b", ""),
        ("shopify", "shop", "atelier-lyon", "atelier-lyon.myshopify.com"),
        ("shopify", "shop", "https://atelier-lyon.myshopify.com/admin", "atelier-lyon.myshopify.com"),
        ("shopify", "shop", "evil.example", ""),
        ("shopify", "shop", "é", ""),
    ],
)
def test_about_of_fills_in_the_account_as_the_server_reads_it(
    files: Path, monkeypatch: pytest.MonkeyPatch, slug: str, field: str, written: str, host: str
) -> None:
    servers = {slug: server_of(slug)}
    assert f"{{{field}}}" in login.about_of(servers).token_url
    with pytest.raises(consent.ConsentError, match=rf"flotilla-{slug}\.{field}"):
        login.credentials(servers, argparse.Namespace(client_id="app"))
    (files / "secrets.env").write_text(f"flotilla-{slug}.{field}={written}\n")
    addresses = [login.about_of(servers).authorize_url, login.about_of(servers).token_url]
    assert [urlsplit(address).netloc for address in addresses] == [
        host or f"{{{field}}}{'.zendesk.com' * (slug == 'zendesk')}"
    ] * 2
    (files / "secrets.env").write_text("")
    monkeypatch.setenv(f"{slug.upper()}_{field.upper()}", written)
    assert urlsplit(login.about_of(servers).token_url).netloc == urlsplit(addresses[1]).netloc


def test_who_with_a_token_in_a_header_of_the_vendor(files: Path) -> None:
    asked: list[Request] = []

    def shop(request: Request) -> Response:
        asked.append(request)
        return Response.of({"shop": {"name": "Atelier Lyon"}})

    vendor = FakeApi()
    vendor.on("GET", "/shop.json", shop)
    about = server_of("shopify").integration.consent
    assert about
    with FakeVendor(vendor) as running:
        about = dataclasses.replace(about, who_url=f"{running.url}/shop.json")
        assert consent.account_name(about, {"access_token": "shpat_1"}) == "Atelier Lyon"
    assert asked[0].headers["x-shopify-access-token"] == "shpat_1"
    assert "authorization" not in asked[0].headers
