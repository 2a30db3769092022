"""A client at work, through a door: a report and a table become files, the files a mail, and the mail is read back."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import email
import email.policy
import hashlib
import io
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import yaml
from aiosmtpd.controller import Controller
from fastmcp import Client

from flotilla_cli import client, clients, up
from flotilla_cli import gateway as door
from flotilla_cli import paths as place
from flotilla_cli import system as machine
from flotilla_launcher.naming import catalog_name

SERVERS = ["filesystem", "export", "email"]
ROWS = 10_000
SUBJECT = "Rapport de juin : 1 234 567,89 € encaissés, à vérifier d’ici l’été"
REPORT = """\
# Rapport de juin 2025

L’équipe « Ventes » a encaissé **1 234 567,89 €**, soit 12 % de plus qu’en mai.

| Région | Chiffre d’affaires | Évolution |
|---|---:|---:|
| Île-de-France | 834 000,00 € | +15 % |
| Côte d’Azur | 250 567,89 € | +8 % |
| Bruxelles — Wallonie | 150 000,00 € | −2 % |

## À faire

1. Relancer les impayés : « Forêt & Fils », « Garçon SA », « Œuvres Çà et Là ».
2. Vérifier la TVA à 5,5 %.
"""
COLUMNS = ["N°", "Date", "Client", "Montant HT", "Payée"]
TYPES = ["integer", "date", "text", "money EUR", "boolean"]
CLIENTS = ("Forêt & Fils", "Garçon SA", "Œuvres Çà et Là", "Société Générale d’Été", "Naïve €uros")


def rows() -> list[list[Any]]:
    """Return the table: invoices of one year."""
    start = datetime.date(2025, 1, 1)
    return [
        [n, str(start + datetime.timedelta(n % 365)), CLIENTS[n % 5], f"{n * 7919 % 1_000_000 / 100:.2f}", n % 3 > 0]
        for n in range(1, ROWS + 1)
    ]


# -- the mail server --------------------------------------------------------------------------------------------------


class Sink:
    """A mail server that keeps what it gets. `host` is what the email server calls it by."""

    def __init__(self, address: str, host: str) -> None:
        self.mails: list[bytes] = []
        self.host = host
        with socket.create_server((address, 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._controller = Controller(self, hostname=address, port=self.port)
        self._controller.start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        self.mails.append(envelope.content)
        return "250 Message accepted for delivery"

    def close(self) -> None:
        """Stop listening."""
        self._controller.stop()


@contextmanager
def sink(run: str) -> Iterator[Sink]:
    """Run a mail server on an address that the email server reaches and the network does not."""
    bridge = machine.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    ways = [("127.0.0.1", "127.0.0.1")]
    if run == "docker":  # Docker Desktop has the bridge in a virtual machine, where a name leads to our 127.0.0.1
        ways = [*([(bridge, bridge)] if bridge else []), ("127.0.0.1", "host.docker.internal")]
    found = None
    for address, host in ways:
        try:
            found = Sink(address, host)
            break
        except OSError:
            continue
    if found is None:
        raise RuntimeError("No address was found for a mail server that the containers can reach.")
    try:
        yield found
    finally:
        found.close()


# -- the door ---------------------------------------------------------------------------------------------------------


@contextmanager
def fleet(kind: str, run: str, box: Sink, data: Path) -> Iterator[list[str]]:
    """Give the command of a door of its own: own volume, own settings, nothing of the user's."""
    name = f"{place.owner()}-demo-{os.getpid()}"
    state = f"{place.owner()}-demo-state-{os.getpid()}"
    catalog = yaml.safe_load(place.CATALOG.read_text(encoding="utf-8"))
    catalog["registry"] = {name: catalog["registry"][name] for name in map(catalog_name, SERVERS)}
    for server in catalog["registry"].values():
        server["volumes"] = [f"{name}:/data", f"{state}:/state"]
    mail = {"smtp_host": box.host, "smtp_port": box.port, "security": "none", "sender": "ventes@exemple.fr"}
    config = {catalog_name("email"): {"sender_name": "Équipe Ventes"}}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flotilla-demo-")))
        place.write(folder / "config.yaml", yaml.safe_dump(config, allow_unicode=True))
        place.write(
            folder / "secrets.env", "".join(f"{catalog_name('email')}.{key}={value}\n" for key, value in mail.items())
        )
        path = place.mcp_home() / "catalogs" / f"{name}.yaml" if kind == "gateway" else folder / "catalog.yaml"
        stack.callback(path.unlink, missing_ok=True)
        place.write(path, yaml.safe_dump(catalog, allow_unicode=True))
        files = door.files(folder / "secrets.env", folder / "config.yaml")
        if kind == "gateway":
            command = door.gateway_command(SERVERS, path.name)
        else:
            command = door.switchboard_command(SERVERS, run, path)
            command += ["--data", str(data), "--state", str(folder / "state")] if run == "process" else []
        if run == "docker":
            stack.callback(_drop, name)
            stack.callback(_drop, state)
        yield command + files


def _drop(volume: str) -> None:
    """Remove the volume as soon as the last container has let go of it."""
    end = time.monotonic() + 15
    while machine.docker("volume", "rm", "--force", volume) is None and time.monotonic() < end:
        time.sleep(0.2)


# -- the work ---------------------------------------------------------------------------------------------------------


@dataclass
class Work:
    """The session, and what each of its calls took."""

    session: Client[Any]
    seen: set[str] = field(default_factory=set)
    calls: int = 0
    seconds: float = 0.0

    async def call(self, tool: str, what: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and print a line about it."""
        started = time.monotonic()
        got = await client.call(self.session, tool, **arguments)
        took = time.monotonic() - started
        server = tool.split("_")[0]
        line(tool, what.format(**got), took, first=server not in self.seen)
        self.seen.add(server)
        self.calls, self.seconds = self.calls + 1, self.seconds + took
        return got


def line(call: str, what: str, seconds: float, first: bool = False) -> None:
    """Print one call."""
    place.say(f"  {call:26}{what:50}{thousands(seconds * 1000):>8} ms{' *' if first else ''}")


def thousands(number: float) -> str:
    """Write a number as the report does."""
    return f"{number:,.0f}".replace(",", "\u202f")


def check(what: str, fits: bool) -> None:
    """Stop when something is not as it must be."""
    if not fits:
        raise RuntimeError(f"{what} is not as it was sent.")


async def work(session: Client[Any], box: Sink) -> dict[str, bytes]:
    """Do the work and check every result; return the files that came out of the mail."""
    do = Work(session)
    started = time.monotonic()
    tools = await session.list_tools()
    line("tools/list", f"{len(tools)} tools of {len(SERVERS)} servers", time.monotonic() - started)

    await do.call("fs_write_file", "{path}", path="juin/rapport.md", content=REPORT)
    pdf = await do.call(
        "export_create_report_pdf",
        "{path}, {pages} page",
        path="juin/rapport.pdf",
        source="juin/rapport.md",
        language="fr",
    )
    table = {"columns": COLUMNS, "types": TYPES}
    csv = await do.call(
        "export_create_csv",
        "{path}, {rows} rows",
        path="juin/factures.csv",
        rows=rows(),
        dialect="excel_fr",
        **table,
    )
    xlsx = await do.call(
        "export_create_xlsx",
        "{path}, {rows} rows",
        path="juin/factures.xlsx",
        rows=rows(),
        sheet="Factures réglées",
        **table,
    )
    check("The number of rows", csv["rows"] == xlsx["rows"] == ROWS)
    await do.call("fs_list_directory", "juin/: what is there now", path="juin")
    head = await do.call("fs_read_file", "{path}: its first lines", path=csv["path"], limit=200)
    check("The table as CSV", "Forêt & Fils" in head["content"] or "Garçon SA" in head["content"])
    await do.call("email_verify_connection", "{server} takes mail")
    sent = await do.call(
        "email_send_email",
        "a mail with rapport.pdf and factures.xlsx",
        to=["Élodie Lefèvre <elodie@exemple.fr>"],
        subject=SUBJECT,
        text="Bonjour Élodie,\n\nci-joint le rapport et les 10 000 factures.\n\nÀ bientôt\n",
        attachments=[pdf["path"], xlsx["path"]],
    )
    check("The verdict on the recipient", [r["status"] for r in sent["recipients"]] == ["accepted"])
    files = read_back(box, sent["message_id"])
    check("The PDF", hashlib.sha256(files["rapport.pdf"]).hexdigest() == pdf["sha256"])
    check("The workbook", hashlib.sha256(files["factures.xlsx"]).hexdigest() == xlsx["sha256"])
    place.say(f"  {'':26}{f'{do.calls} calls':50}{thousands(do.seconds * 1000):>8} ms")
    place.say("  * the first call of a server starts it\n")
    place.say("  Read back from the mail server: subject, names and text as sent; the PDF holds the report, the")
    place.say(f"  workbook {thousands(ROWS)} rows; both attachments have the checksums that the export server told.")
    return files


def read_back(box: Sink, message_id: str) -> dict[str, bytes]:
    """Read the mail as its reader would; return its attachments and itself."""
    check("The number of mails", len(box.mails) == 1)
    mail = email.message_from_bytes(box.mails[0], policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    check("The subject", mail["Subject"] == SUBJECT)
    check("The recipient", str(mail["To"]) == "Élodie Lefèvre <elodie@exemple.fr>")
    check("The Message-ID", mail["Message-ID"] == message_id)
    body = mail.get_body(("plain",))
    check("The text", body is not None and "ci-joint" in body.get_content())
    files = {str(part.get_filename()): part.get_payload(decode=True) for part in mail.iter_attachments()}
    check("The list of attachments", sorted(files) == ["factures.xlsx", "rapport.pdf"])
    kept = {name: content for name, content in files.items() if isinstance(content, bytes)}
    text = pypdf.PdfReader(io.BytesIO(kept["rapport.pdf"])).pages[0].extract_text()
    check("The text of the PDF", "Île-de-France" in text and "1 234 567,89 €" in text.replace("\u00a0", " "))
    book = openpyxl.load_workbook(io.BytesIO(kept["factures.xlsx"]), read_only=True)
    last = list(book["Factures réglées"].iter_rows(values_only=True))
    check("The table in the workbook", len(last) == ROWS + 1 and last[1][2] == CLIENTS[1])
    return {**kept, "mail.eml": box.mails[0]}


async def session(command: list[str], box: Sink, log: Path) -> dict[str, bytes]:
    """Open the door and work through it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FLOTILLA_")}
    async with client.over_stdio(command, env, log, timeout=120) as opened:
        return await work(opened, box)


def main(argv: list[str]) -> int:
    """Run it, and leave only the files in build/demo/ to look at."""
    argparse.ArgumentParser(prog="scripts/demo", description=__doc__).parse_args(argv)
    kind, run = clients.road()
    if run == "docker" and not up.build(SERVERS):
        place.say("Images: they could not be built (see above); the servers run as local processes for now.")
        kind, run = "switchboard", "process"
    how = "in containers" if run == "docker" else "as local processes"
    place.say(f"A client goes through {door.NAMES[kind]}, which runs {', '.join(SERVERS)} {how}.\n")
    with tempfile.TemporaryDirectory(prefix="flotilla-demo-data-") as folder:
        log = Path(folder) / "door.log"
        data = Path(folder) / "data"
        data.mkdir()
        try:
            with sink(run) as box, fleet(kind, run, box, data) as command:
                files = asyncio.run(session(command, box, log))
        except (RuntimeError, OSError) as problem:
            said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []
            hint = ""
            if run == "docker" and "email_verify_connection" in str(problem):
                hint = "\nA firewall may keep containers from it: let docker0 in (FLOTILLA_ENGINE=none does without)"
            return place.fail(f"{problem}{hint}\n" + "\n".join(said))
    target = place.ROOT / "build" / "demo"
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (target / name).write_bytes(content)
    place.say(f"  To look at: {', '.join(place.short(target / name) for name in sorted(files))}")
    return 0
