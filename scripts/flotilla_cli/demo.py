"""Run a client that does real work through a gateway, and print each call: a report and a table become files, the files
go into a mail, and the mail is read back.

It starts a gateway and a mail server of its own, with data of its own, and removes them all at the end.
"""

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

from flotilla_cli import client, clients, gateway, paths, system, up
from flotilla_launcher.naming import catalog_name
from flotilla_launcher.user_files import read_document

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


class MailServer:
    """A mail server that keeps the mails it receives. `host` is its name as the email server sees it."""

    def __init__(self, address: str, host: str) -> None:
        self.mails: list[bytes] = []
        self.host = host
        with socket.create_server((address, 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._controller = Controller(self, hostname=address, port=self.port)
        self._controller.start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Store a mail."""
        self.mails.append(envelope.content)
        return "250 Message accepted for delivery"

    def close(self) -> None:
        """Stop listening."""
        self._controller.stop()


@contextmanager
def mail_server(run: str) -> Iterator[MailServer]:
    """Run a mail server on an address that the email server can reach and the network cannot."""
    bridge = system.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    addresses = [("127.0.0.1", "127.0.0.1")]
    if run == "docker":  # Docker Desktop's bridge is in a virtual machine, where this name stands for our 127.0.0.1
        addresses = [*([(bridge, bridge)] if bridge else []), ("127.0.0.1", "host.docker.internal")]
    server = None
    for address, host in addresses:
        try:
            server = MailServer(address, host)
            break
        except OSError:
            continue
    if server is None:
        raise RuntimeError("No address was found on which the containers could reach a mail server.")
    try:
        yield server
    finally:
        server.close()


# -- the gateway ------------------------------------------------------------------------------------------------------


@contextmanager
def own_gateway(kind: str, run: str, box: MailServer, data: Path) -> Iterator[list[str]]:
    """Give the command of a gateway with its own volumes and settings, and nothing of the user's."""
    name = f"{paths.owner()}-demo-{os.getpid()}"
    state = f"{paths.owner()}-demo-state-{os.getpid()}"
    catalog = read_document(paths.CATALOG)
    catalog["registry"] = {name: catalog["registry"][name] for name in map(catalog_name, SERVERS)}
    for server in catalog["registry"].values():
        server["volumes"] = [f"{name}:/data", f"{state}:/state"]
    mail = {"smtp_host": box.host, "smtp_port": box.port, "security": "none", "sender": "ventes@exemple.fr"}
    config = {catalog_name("email"): {"sender_name": "Équipe Ventes"}}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flotilla-demo-")))
        paths.write(folder / "config.yaml", yaml.safe_dump(config, allow_unicode=True))
        paths.write(
            folder / "secrets.env", "".join(f"{catalog_name('email')}.{key}={value}\n" for key, value in mail.items())
        )
        path = paths.mcp_home() / "catalogs" / f"{name}.yaml" if kind == "docker" else folder / "catalog.yaml"
        stack.callback(path.unlink, missing_ok=True)
        paths.write(path, yaml.safe_dump(catalog, allow_unicode=True))
        files = gateway.files(folder / "secrets.env", folder / "config.yaml")
        if kind == "docker":
            command = gateway.docker_command(SERVERS, path.name)
        else:
            command = gateway.switchboard_command(SERVERS, run, path)
            command += ["--data", str(data), "--state", str(folder / "state")] if run == "process" else []
        if run == "docker":
            stack.callback(_drop, name)
            stack.callback(_drop, state)
        yield command + files


def _drop(volume: str) -> None:
    """Remove the volume as soon as no container uses it any more."""
    end = time.monotonic() + 15
    while system.docker("volume", "rm", "--force", volume) is None and time.monotonic() < end:
        time.sleep(0.2)


# -- the work ---------------------------------------------------------------------------------------------------------


@dataclass
class Work:
    """The session, and how long its calls took."""

    session: Client[Any]
    seen: set[str] = field(default_factory=set)
    calls: int = 0
    seconds: float = 0.0

    async def call(self, tool: str, summary: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and print a line about it."""
        started = time.monotonic()
        result = await client.call(self.session, tool, **arguments)
        took = time.monotonic() - started
        server = tool.split("_")[0]
        line(tool, summary.format(**result), took, first=server not in self.seen)
        self.seen.add(server)
        self.calls, self.seconds = self.calls + 1, self.seconds + took
        return result


def line(call: str, summary: str, seconds: float, first: bool = False) -> None:
    """Print one call."""
    paths.say(f"  {call:26}{summary:50}{thousands(seconds * 1000):>8} ms{' *' if first else ''}")


def thousands(number: float) -> str:
    """Write a number as the report does."""
    return f"{number:,.0f}".replace(",", "\u202f")


def check(subject: str, correct: bool) -> None:
    """Raise RuntimeError when something is not as it was sent."""
    if not correct:
        raise RuntimeError(f"{subject} is not as it was sent.")


async def work(session: Client[Any], box: MailServer) -> dict[str, bytes]:
    """Do the work and check every result; return the files that were read back from the mail."""
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
    await do.call("fs_list_directory", "juin/: the new files", path="juin")
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
    check("The status of the recipient", [r["status"] for r in sent["recipients"]] == ["accepted"])
    files = read_back(box, sent["message_id"])
    check("The PDF", hashlib.sha256(files["rapport.pdf"]).hexdigest() == pdf["sha256"])
    check("The workbook", hashlib.sha256(files["factures.xlsx"]).hexdigest() == xlsx["sha256"])
    paths.say(f"  {'':26}{f'{do.calls} calls':50}{thousands(do.seconds * 1000):>8} ms")
    paths.say("  * a server's first call includes its start\n")
    paths.say("  Read back from the mail server: subject, names and text are as sent; the PDF contains the report, the")
    paths.say(
        f"  workbook {thousands(ROWS)} rows; both attachments have the checksums that the export server returned."
    )
    return files


def read_back(box: MailServer, message_id: str) -> dict[str, bytes]:
    """Read the mail as its recipient would; return its attachments and the mail itself."""
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
    binary = {name: content for name, content in files.items() if isinstance(content, bytes)}
    text = pypdf.PdfReader(io.BytesIO(binary["rapport.pdf"])).pages[0].extract_text()
    check("The text of the PDF", "Île-de-France" in text and "1 234 567,89 €" in text.replace("\u00a0", " "))
    book = openpyxl.load_workbook(io.BytesIO(binary["factures.xlsx"]), read_only=True)
    last = list(book["Factures réglées"].iter_rows(values_only=True))
    check("The table in the workbook", len(last) == ROWS + 1 and last[1][2] == CLIENTS[1])
    return {**binary, "mail.eml": box.mails[0]}


async def session(command: list[str], box: MailServer, log: Path) -> dict[str, bytes]:
    """Start the gateway and work through it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FLOTILLA_")}
    async with client.over_stdio(command, env, log, timeout=120) as opened:
        return await work(opened, box)


def main(argv: list[str]) -> int:
    """Run it; only the files in build/demo/ stay, to look at."""
    argparse.ArgumentParser(
        prog="scripts/flotilla demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(argv)
    system.use_engine()
    try:
        kind, run = clients.own_gateway()
    except gateway.GatewayError as problem:
        return paths.fail(str(problem))
    if run == "docker" and not up.build(SERVERS):
        paths.say(up.NOT_BUILT)
        kind, run = "switchboard", "process"
    paths.say(f"A client works through {gateway.KINDS[kind]}, which runs {', '.join(SERVERS)} {gateway.RUNS[run]}.\n")
    with tempfile.TemporaryDirectory(prefix="flotilla-demo-data-") as folder:
        log = Path(folder) / "gateway.log"
        data = Path(folder) / "data"
        data.mkdir()
        try:
            with mail_server(run) as box, own_gateway(kind, run, box, data) as command:
                files = asyncio.run(session(command, box, log))
        except (RuntimeError, OSError) as problem:
            ending = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []
            hint = ""
            if run == "docker" and "email_verify_connection" in str(problem):
                hint = (
                    "\nA firewall may keep containers from reaching this machine: allow the interface docker0, or run "
                    "`FLOTILLA_ENGINE=none make demo`."
                )
            return paths.fail(f"{problem}{hint}\n" + "\n".join(ending))
    target = paths.ROOT / "build" / "demo"
    target.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (target / name).write_bytes(content)
    paths.say(f"  The files: {', '.join(paths.short(target / name) for name in sorted(files))}")
    return 0
