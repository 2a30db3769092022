"""Scopes of the Google servers: what each tool declares, what a login of one account with all of its servers asks for,
and what is said of what stays closed.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from flotilla.http.scopes import fewest, needs
from flotilla_cli import access_levels
from flotilla_cli.generator.servers import folder_of, server_of
from flotilla_testing.arguments import examples_of
from flotilla_testing.contract import Several, declared, read
from flotilla_testing.discovery_doc import DiscoveryDocument
from flotilla_testing.subject import WITHOUT_CONFIRMATION, Subject

GOOGLE = ("gmail", "google-calendar", "google-docs", "google-drive", "google-sheets")
ACCESS = "GOOGLE_DRIVE_ACCESS"
AUTH = "https://www.googleapis.com/auth/"
OWN_ALONE = {"drive.file"}


def asked(slugs: tuple[str, ...], **environ: str) -> set[str]:
    """Return the short names of the scopes that a login for these servers asks for."""
    wanted = fewest([need for slug in slugs for need in needs(server_of(slug).integration, environ)])
    return {scope.removeprefix(AUTH) for scope in wanted}


def coverage(slug: str, granted: set[str], tier: str = "all") -> dict[str, str]:
    """Return by tool how much of its work the scopes allow."""
    integration = server_of(slug).integration
    scopes = {AUTH + name for name in granted}
    return {
        name: needed.coverage(scopes)
        for name, needed in integration.scopes.items()
        if tier == "all" or integration.attributes[name]["tier"] == tier
    }


@pytest.mark.parametrize("slug", GOOGLE)
async def test_scopes_suffice_for_every_request(slug: str) -> None:
    """Every alternative is enough for every request."""
    declaration = declared(folder_of(slug))
    assert declaration
    if not declaration.path.is_file():
        pytest.skip(f"the contract is not here ({declaration.path.name}; see FLOTILLA_SPECS)")
    contract = read(declaration)
    documents = contract.documents if isinstance(contract, Several) else [contract]
    wrong = []
    with Subject(slug) as case:
        for tool in await case.tools():
            needed = case.server.integration.scopes[tool["name"]]
            alternatives = (*needed.sufficient, *needed.tolerated)
            if not needed.sufficient:
                wrong.append(f"{tool['name']} declares no scopes")
            async with case.session(WITHOUT_CONFIRMATION, recorded=True) as session:
                for arguments in examples_of(tool, case.known(tool)):
                    await session.call(tool["name"], **arguments)
                for request in session.requests:
                    known = [d.method(request) for d in documents if isinstance(d, DiscoveryDocument)]
                    method = next((one for one in known if one), None)
                    if method is None:  # an upload's session, whose address Google gives; the contract suite checks it
                        continue
                    allowed = set(method.get("scopes", ()))
                    wrong += [
                        f"{tool['name']}: {one} is not enough for {request.method} {request.path}"
                        for one in alternatives
                        if not allowed & set(one.split())
                    ]
    assert wrong == []


def test_login_for_all_servers_opens_what_a_person_made_by_hand() -> None:
    """drive.file, which Drive is content with, stood in for spreadsheets and documents."""
    assert {"spreadsheets", "documents", "drive.file"} <= asked(GOOGLE)
    assert not {"drive", "drive.readonly"} & asked(GOOGLE)


@pytest.mark.parametrize("level", ["own", "read", "all"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_no_server_gets_less_because_of_another_one(level: str, size: int) -> None:
    """Whatever servers share the consent, each tool can do what it could do with a consent of its server alone."""
    for slugs in itertools.combinations(GOOGLE, size):
        together = asked(slugs, **{ACCESS: level})
        for slug in slugs:
            alone = coverage(slug, asked((slug,), **{ACCESS: level}), "core")
            both = coverage(slug, together, "core")
            assert {name: (alone[name], both[name]) for name in alone if alone[name] == "full" != both[name]} == {}
            assert "none" not in both.values()


@pytest.mark.parametrize(
    ("level", "scopes", "full", "part"),
    [
        ("own", {"drive.file"}, (), ("gdrive_search_files", "gdrive_upload_file")),
        ("read", {"drive.file", "drive.readonly"}, ("gdrive_search_files",), ("gdrive_upload_file",)),
        ("all", {"drive"}, ("gdrive_search_files", "gdrive_upload_file"), ()),
    ],
)
def test_drive_opens_what_the_user_chose(level: str, scopes: set[str], full: Any, part: Any) -> None:
    assert asked(("google-drive",), **{ACCESS: level}) == scopes
    result = coverage("google-drive", scopes)
    assert {result[name] for name in full} <= {"full"}
    assert {result[name] for name in part} <= {"part"}


def test_drive_opens_its_own_files_unless_something_else_is_set() -> None:
    for environ in ({}, {ACCESS: ""}, {ACCESS: "everything"}, {"FLOTILLA_TIER": "all"}):
        assert asked(("google-drive",), **environ) == OWN_ALONE


def test_a_level_that_covers_the_other_servers_is_asked_for_alone() -> None:
    environ = {ACCESS: "all", "GOOGLE_DOCS_ACCESS": "all"}
    assert asked(("google-docs", "google-drive", "google-sheets"), **environ) == {"drive"}


def test_docs_asks_for_all_of_drive_only_where_the_user_chose_it() -> None:
    assert asked(("google-docs",)) == {"documents", "drive.metadata.readonly", "drive.file"}
    assert asked(("google-docs",), GOOGLE_DOCS_ACCESS="all") == {"drive"}
    assert coverage("google-docs", asked(("google-docs",)))["gdocs_copy_document"] == "part"


@pytest.mark.parametrize("slug", ["google-sheets", "google-docs"])
def test_an_own_files_consent_is_better_than_nothing(slug: str) -> None:
    assert set(coverage(slug, OWN_ALONE).values()) == {"part"}
    assert set(coverage(slug, {"gmail.modify"}).values()) == {"none"}


@pytest.mark.parametrize(
    ("slug", "level", "text"),
    [
        (
            "google-drive",
            "own",
            "With this consent gdrive_read_file, gdrive_download_file, gdrive_upload_file, gdrive_create_folder, "
            "gdrive_copy_file, gdrive_move_file, gdrive_trash_file, gdrive_share_file, gdrive_unshare_file of "
            "google-drive reach only files that Flotilla made. "
            "To open more, run `scripts/login google-drive` again with --drive read or --drive all.",
        ),
        (
            "google-drive",
            "read",
            "With this consent gdrive_upload_file, gdrive_create_folder, gdrive_copy_file, gdrive_move_file, "
            "gdrive_trash_file, gdrive_share_file, gdrive_unshare_file of google-drive reach only files that Flotilla "
            "made. "
            "To open more, run `scripts/login google-drive` again with --drive all.",
        ),
        ("google-drive", "all", ""),
        ("google-sheets", "own", ""),
    ],
)
def test_login_says_what_stays_closed(slug: str, level: str, text: str) -> None:
    environ = {ACCESS: level, "FLOTILLA_TIER": "core"}
    granted = {AUTH + scope for scope in asked(GOOGLE, **environ)}
    assert access_levels.limits(server_of(slug), granted, environ) == text


def test_login_says_how_to_open_more_where_there_is_no_choice() -> None:
    text = access_levels.limits(server_of("google-sheets"), {AUTH + "drive.file"}, {})
    assert text == (
        "With this consent all tools of google-sheets reach only spreadsheets that Flotilla made. "
        "To open more, run `scripts/login google-sheets` again and agree to everything that it asks for."
    )
