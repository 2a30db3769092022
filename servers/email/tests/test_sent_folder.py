"""A copy in the Sent folder of a real IMAP server (pymap), with STARTTLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from imapclient import IMAPClient

from flotilla_testing import text_of
from flotilla_testing.ports import free_port
from flotilla_testing.waiting import eventually

from .conftest import PASSWORD, USER, Start

MAIL = {
    "to": ["jean@exemple.fr"],
    "bcc": ["compta@exemple.fr"],
    "subject": "Devis d’été",
    "text": "Le voici : 12,50 €.",
}


def listening(port: int) -> bool:
    """Return whether something answers at a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture
async def imap(tmp_path: Path, authority: trustme.CA) -> Any:
    """An IMAP server with the mailbox of the tests; yields its port."""
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for part in issued.cert_chain_pems:
        part.write_to_path(str(tmp_path / "cert.pem"), append=True)
    port = free_port()
    command = [Path(sysconfig.get_path("scripts")) / "pymap", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--cert", tmp_path / "cert.pem", "--key", tmp_path / "key.pem", "dict", "--demo-data"]
    command += ["--demo-user", USER, "--demo-password", PASSWORD]
    process = await asyncio.create_subprocess_exec(*map(str, command), stderr=asyncio.subprocess.DEVNULL)
    try:
        await eventually(lambda: listening(port))
        yield port
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
def stored(imap: int, ca_file: str) -> Iterator[Callable[[str], list[Any]]]:
    """Return the messages of a folder, as a mail program sees them."""
    with contextlib.ExitStack() as stack:

        def fetch(folder: str) -> list[Any]:
            client = IMAPClient("localhost", imap, ssl=False)
            stack.callback(client.logout)
            client.starttls(ssl.create_default_context(cafile=ca_file))
            client.plain_login(USER, PASSWORD)
            client.select_folder(folder, readonly=True)
            return list(client.fetch(client.search(), ["RFC822", "FLAGS", "INTERNALDATE"]).values())

        yield fetch


async def test_send_email_saves_a_copy(
    sink: Start, configured: Callable[..., None], call: Any, imap: int, stored: Callable[[str], list[Any]]
) -> None:
    smtp, before = await sink(), len(stored("Sent"))
    configured(smtp.port, IMAP_HOST="localhost", IMAP_PORT=str(imap))
    result = await call("send_email", **MAIL)
    assert not result.is_error, text_of(result)
    sent = result.structured_content
    assert (sent["sent_folder"], sent.get("note")) == ("Sent", None)
    *_, copy = stored("Sent")
    assert len(stored("Sent")) == before + 1
    assert copy[b"RFC822"] == smtp.envelopes[0].content
    assert rb"\Seen" in copy[b"FLAGS"]
    assert (await call("verify_connection")).structured_content["sent_folder"] == "Sent"


async def test_send_email_goes_out_where_no_copy_can_be_saved(
    sink: Start, configured: Callable[..., None], call: Any, imap: int, stored: Callable[[str], list[Any]]
) -> None:
    smtp = await sink()
    before = len(stored("Sent"))
    for settings, reason in (
        ({"IMAP_PORT": str(imap), "SENT_FOLDER": "Envoyés"}, "has no folder `Envoyés`. There are: INBOX"),
        ({"IMAP_PORT": "1"}, "localhost:1 did not do it"),
    ):
        configured(smtp.port, IMAP_HOST="localhost", **settings)
        sent = (await call("send_email", **MAIL)).structured_content
        assert "The mail was sent, but no copy of it was saved." in str(sent["note"])
        assert reason in str(sent["note"])
        assert reason in text_of(await call("verify_connection"))
    assert len(smtp.envelopes) == 2
    assert len(stored("Sent")) == before


async def test_send_email_unknown_certificate_gets_no_password(
    sink: Start, configured: Callable[..., None], call: Any, imap: int
) -> None:
    smtp = await sink(security="none", login=False)
    at = {"IMAP_HOST": "localhost", "IMAP_PORT": str(imap)}
    configured(smtp.port, SECURITY="none", USERNAME="", PASSWORD="", SENDER=USER, CA_FILE="", **at)
    sent = (await call("send_email", **MAIL)).structured_content
    assert len(smtp.envelopes) == 1
    assert "certificate" in str(sent["note"])
