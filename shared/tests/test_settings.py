"""Settings: what counts as not configured, and what is said then."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field, HttpUrl, SecretStr, model_validator

from flotilla import CommaSeparated, Model, Preference, ServerSettings, errors
from flotilla.settings import FleetSettings, guards, is_secret, load, remember_secret, scrub
from flotilla_launcher.environment import SettingError, is_placeholder, listed, name_set, setting, switched_on
from flotilla_testing.client import call, text_of, tools_of
from flotilla_testing.scratch import ScratchServer

Make = Callable[..., ScratchServer]
PLACEHOLDERS = [
    "", "  ", "<UNKNOWN>", "<your token>", "se://calendly/token", "{{acme.token}}", "{{ x }}", "your_key_here",
    "YOUR-TOKEN", "your_api_key",
]  # fmt: skip


class All(ServerSettings):
    token: SecretStr = Field(description="API token, from acme.example > API.", examples=["acme_live_1"])
    spare: SecretStr | None = None
    base_url: HttpUrl = HttpUrl("https://api.acme.example")
    pages: Annotated[int, Preference] = 3
    fast: bool = False
    names: Annotated[list[str], CommaSeparated] = []  # noqa: RUF012 - pydantic copies it
    needed: str


def load_error(name: str = "acme") -> str:
    with pytest.raises(errors.ConfigurationError) as problem:
        load(All, name)
    return str(problem.value)


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_placeholder_means_not_configured(environ: pytest.MonkeyPatch, value: str) -> None:
    assert is_placeholder(value)
    environ.setenv("ACME_TOKEN", value)
    environ.setenv("ACME_NEEDED", "x")
    environ.setenv("ACME_PAGES", value)
    assert load_error() == (
        "ACME_TOKEN is not set (secret `flotilla-acme.token` in the Docker catalog). "
        "Ask the user to set it: API token, from acme.example > API."
    )


@pytest.mark.parametrize("value", ["x", "<half", "half>", "yours", "{{half", "sea://"])
def test_placeholder_other_values_are_values(value: str) -> None:
    assert not is_placeholder(value)


def test_load_reads_and_checks_values(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("ACME_NEEDED", " x ")
    environ.setenv("ACME_PAGES", "7")
    environ.setenv("ACME_FAST", "on")
    environ.setenv("ACME_NAMES", " a, b ,,c")
    environ.setenv("NEEDED", "not this")
    environ.setenv("acme_pages", "not this either")
    read = load(All, "acme")
    assert (read.needed, read.pages, read.fast, read.names) == ("x", 7, True, ["a", "b", "c"])
    assert read.token.get_secret_value() == "canary-7f3a9c"
    assert "canary" not in repr(read)
    assert [n for n, f in All.model_fields.items() if is_secret(f)] == ["token", "spare"]
    assert All(token=SecretStr("t"), needed="n", names=["a"]).names == ["a"]


def test_load_missing_setting_without_description(environ: pytest.MonkeyPatch) -> None:
    assert (
        load_error()
        == "ACME_NEEDED is not set (secret `flotilla-acme.needed` in the Docker catalog). Ask the user to set it."
    )


def test_load_wrong_values_not_repeated_in_the_error(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("ACME_NEEDED", "x")
    environ.setenv("ACME_PAGES", "canary-pages")
    assert load_error() == (
        "ACME_PAGES is wrong: Input should be a valid integer, unable to parse string as an integer. "
        "Ask the user to set it."
    )


def test_load_settings_that_do_not_fit_together() -> None:
    class Pair(ServerSettings):
        """Two that belong together."""

        @model_validator(mode="after")
        def _both(self) -> "Pair":
            raise ValueError("set user and password, or neither")

    with pytest.raises(errors.ConfigurationError, match="The settings of acme do not fit together: set user and") as it:
        load(Pair, "acme")
    assert it.value.hint == "Ask the operator to correct them."


class Several(ServerSettings):
    """Two ways in, and what both need."""

    auth_options = (("token",), ("refresh_token", "client_id"))

    token: SecretStr = Field(description="Token")
    refresh_token: SecretStr = Field(description="In place of the token")
    client_id: str = Field(description="Client")
    account: str = Field(description="Account")


@pytest.mark.parametrize(
    ("params", "lacks"),
    [
        ({}, "TOKEN"),
        ({"TOKEN": "t-1234"}, ""),
        ({"REFRESH_TOKEN": "r-1234"}, "CLIENT_ID"),
        ({"REFRESH_TOKEN": "r-1234", "CLIENT_ID": "c"}, ""),
        ({"TOKEN": "t-1234", "REFRESH_TOKEN": "r-1234"}, ""),  # complete beats begun
        ({"TOKEN": "<UNKNOWN>", "CLIENT_ID": "c"}, "REFRESH_TOKEN"),
    ],
)
def test_load_one_of_several_credentials_suffices(
    environ: pytest.MonkeyPatch, params: dict[str, str], lacks: str
) -> None:
    """Of several ways to authenticate, one is enough."""
    environ.delenv("ACME_TOKEN")
    environ.setenv("ACME_ACCOUNT", "a")
    for name, value in params.items():
        environ.setenv(f"ACME_{name}", value)
    if lacks:
        with pytest.raises(errors.ConfigurationError, match=f"ACME_{lacks} is not set"):
            load(Several, "acme")
    else:
        assert load(Several, "acme").account == "a"


def test_required_settings() -> None:
    assert Several.required() == [["token", "account"], ["refresh_token", "client_id", "account"]]
    assert All.required() == [["token", "needed"]]
    assert ServerSettings.required() == [[]]


def test_load_secret_from_a_file(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    environ.setenv("ACME_NEEDED", "x")
    environ.setenv("ACME_TOKEN", "<UNKNOWN>")
    environ.setenv("ACME_TOKEN_FILE", str(path))
    unreadable = (
        "ACME_TOKEN_FILE names a file that cannot be read, or that is empty. "
        "Ask the user to correct the path or the file, or to unset ACME_TOKEN_FILE."
    )
    assert load_error() == unreadable
    path.write_text("\n")
    assert load_error() == unreadable
    path.write_bytes(b"\xff\xfe")
    assert load_error() == unreadable
    path.write_text("from-the-file\n")
    assert load(All, "acme").token.get_secret_value() == "from-the-file"
    environ.setenv("ACME_TOKEN", "from-the-variable")
    assert load(All, "acme").token.get_secret_value() == "from-the-variable"
    environ.setenv("ACME_TOKEN", "")
    environ.setenv("ACME_TOKEN_FILE", "<UNKNOWN>")
    assert load_error().startswith("ACME_TOKEN is not set")


def test_load_slug_with_a_dash(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("GOOGLE_CALENDAR_TOKEN", "t")
    assert load_error("google-calendar").startswith(
        "GOOGLE_CALENDAR_NEEDED is not set (secret `flotilla-google-calendar.needed`"
    )


def test_switched_on_words_and_setting() -> None:
    for off in ("", "0", "false", "No", "OFF", "<UNKNOWN>", '"false"'):
        assert not switched_on("X", {"X": off})
    for on in ("1", "true", "yes", "on", '"true"', " TRUE "):
        assert switched_on("X", {"X": on})
    assert name_set("X", {"X": "a, b,,"}) == {"a", "b"}
    assert name_set("X", {}) == frozenset()
    assert setting("X", {"X": " v "}) == "v"


@pytest.mark.parametrize("unclear", ["anything", "tru", "2", "se://docker/mcp/x", "{{x.y}}", "your_choice", "<on>"])
def test_switched_on_unclear_value(unclear: str) -> None:
    """A guard that is neither yes nor no is an error, never "off"."""
    with pytest.raises(SettingError, match=r"^X "):
        switched_on("X", {"X": unclear})


@pytest.mark.parametrize("text", ["[a b]", "a,b", " a ; b ", "[A, B]", '["a", "b"]', "a\nb"])
def test_words_every_notation_of_a_list(text: str) -> None:
    assert name_set("X", {"X": text}) == {"a", "b"}


@pytest.mark.parametrize("text", [",", "[]", ";", "[ , ]"])
def test_words_list_that_names_nothing(text: str) -> None:
    assert listed(text) == []
    with pytest.raises(SettingError, match="X is set, but names nothing"):
        name_set("X", {"X": text})


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_setting_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """A file that is named and cannot be read is an error for every setting, guard or not."""
    path = tmp_path / "value"
    if content is not None:
        path.write_bytes(content)
    for guard in (False, True):
        with pytest.raises(SettingError, match="X_FILE names a file that cannot be read, or that is empty"):
            setting("X", {"X_FILE": str(path)}, guard=guard)


def test_setting_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [setting("FLOTILLA_TIER")]
    for value in ("all", "core"):
        monkeypatch.setenv("FLOTILLA_TIER", value)
        seen.append(setting("FLOTILLA_TIER"))
    monkeypatch.delenv("FLOTILLA_TIER")
    assert [*seen, setting("FLOTILLA_TIER", os.environ)] == [None, "all", "core", None]


def test_setting_guard_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("yes\n")
    assert switched_on("X", {"X": "<UNKNOWN>", "X_FILE": str(tmp_path / "value")})
    (tmp_path / "value").write_text("<UNKNOWN>\n")
    with pytest.raises(SettingError, match="placeholder"):
        switched_on("X", {"X_FILE": str(tmp_path / "value")})


def test_load_optional_secret_with_unreadable_file(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("ACME_NEEDED", "x")
    environ.setenv("ACME_SPARE_FILE", "/nonexistent")
    assert load_error().startswith("ACME_SPARE_FILE names a file that cannot be read")


def test_base_url_unclear(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("ACME_NEEDED", "x")
    environ.setenv("ACME_BASE_URL", "se://docker/mcp/acme.base_url")
    assert load_error().startswith("ACME_BASE_URL holds a reference (se://…) that nobody resolved")
    environ.setenv("ACME_BASE_URL", "<UNKNOWN>")
    assert str(load(All, "acme").base_url) == "https://api.acme.example/"
    assert guards(All, "acme", files=True) == [
        "ACME_BASE_URL", "ACME_FAST", "ACME_NAMES", "ACME_NEEDED", "FLOTILLA_DATA_QUOTA",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://api.acme.example", True),
        ("http://127.0.0.1:9555", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://172.17.0.1:9555", False),
        ("http://api.acme.example", False),
        ("http://localhost.acme.example", False),
    ],
)
def test_base_url_for_credentials(environ: pytest.MonkeyPatch, url: str, fine: bool) -> None:
    environ.setenv("ACME_NEEDED", "x")
    environ.setenv("ACME_BASE_URL", url)
    if fine:
        assert str(load(All, "acme").base_url).startswith(url)
    else:
        assert load_error().startswith("ACME_BASE_URL is wrong: it must begin with https://")
        environ.setenv("FLOTILLA_PLAIN_HTTP", url.removeprefix("http://"))
        assert str(load(All, "acme").base_url).startswith(url)


@pytest.mark.parametrize("value", ["your_secret_abc123", "<s3cret-0123456789>", "se://docker/mcp/token"])
@pytest.mark.parametrize("name", ["HTTP_TOKEN", "STATE_KEY", "CONFIRM", "DRY_RUN"])
def test_fleet_settings_placeholder(environ: pytest.MonkeyPatch, name: str, value: str) -> None:
    environ.setenv(f"FLOTILLA_{name}", value)
    with pytest.raises(errors.ConfigurationError, match=f"^FLOTILLA_{name} holds ") as problem:
        load(FleetSettings, "flotilla")
    assert value not in str(problem.value)


@pytest.mark.parametrize(
    ("value", "means"),
    [("on", True), ("OFF", False), ('"false"', False), ("strict", "strict"), ("New-Recipients", "new-recipients")],
)
def test_confirm_values(environ: pytest.MonkeyPatch, value: str, means: Any) -> None:
    environ.setenv("FLOTILLA_CONFIRM", value)
    assert load(FleetSettings, "flotilla").confirm == means


def test_scrub_secrets() -> None:
    remember_secret("canary-scrub")
    remember_secret("canary-scrub-longer")
    remember_secret("abc")  # too short: it would blank out ordinary words
    assert scrub("canary-scrub-longer canary-scrub abc") == "*** *** abc"


class Out(Model):
    ok: bool = True


def with_tool(server: ScratchServer) -> ScratchServer:
    @server.reads
    async def get_it() -> Out:
        """It."""
        return Out(ok=bool(server.connection.settings.token))

    return server


async def test_server_lists_tools_with_nothing_configured(make: Make, environ: pytest.MonkeyPatch) -> None:
    lists = []
    for value in (None, "<UNKNOWN>", "set"):
        environ.setenv("ACME_TOKEN", value) if value else environ.delenv("ACME_TOKEN")
        lists.append(await tools_of(with_tool(make())))
    assert lists[0] == lists[1] == lists[2] != []


async def test_call_reports_missing_settings_until_set(make: Make, environ: pytest.MonkeyPatch) -> None:
    environ.delenv("ACME_TOKEN")
    server = with_tool(make())
    assert text_of(await call(server, "acme_get_it")).startswith(
        "Error: ACME_TOKEN is not set (secret `flotilla-acme.token`"
    )
    environ.setenv("ACME_TOKEN", "now-it-is")
    assert (await call(server, "acme_get_it")).structured_content == {"ok": True}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("FLOTILLA_DEADLINE", "soon", "FLOTILLA_DEADLINE is wrong: Input should be a valid number"),
        ("FLOTILLA_DEADLINE", "0", "FLOTILLA_DEADLINE is wrong: Input should be greater than 0"),
        ("FLOTILLA_STATE_KEY", "short-canary", "FLOTILLA_STATE_KEY is wrong: Value should have at least 32 items"),
        ("FLOTILLA_TRANSPORT", "carrier pigeon", "FLOTILLA_TRANSPORT is wrong"),
        ("FLOTILLA_PORT", "70000", "FLOTILLA_PORT is wrong"),
    ],
)
async def test_fleet_setting_wrong_reported_by_each_call(
    make: Make, environ: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    environ.setenv(name, value)
    server = with_tool(make())
    assert len(await tools_of(server)) == 1
    for tool in ("acme_get_it", "acme_get_it", "acme_unknown"):
        text = text_of(await call(server, tool))
        assert text.startswith(f"Error: {sentence}")
        assert "canary" not in text
    environ.delenv(name)
    server.reset()
    assert not (await call(server, "acme_get_it")).is_error


@pytest.mark.slow
def test_launcher_modules_need_only_the_standard_library() -> None:
    code = (
        "import sys; import flotilla_launcher.__main__, flotilla_launcher.filters, flotilla_launcher.environment; "
        "heavy = {m.split('.')[0] for m in sys.modules} & {'pydantic', 'fastmcp', 'mcp', 'httpx2', 'structlog'}; "
        "assert not heavy, heavy; import flotilla; assert flotilla.Server and flotilla.errors and flotilla.files"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": os.environ["PATH"]})
