"""Show the calls that went through the switchboard: when, who, which tool, how it ended, how long it took."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from flotilla_cli import paths
from flotilla_launcher.environment import SettingError
from flotilla_servers.switchboard.action_log import COLUMNS, read


def main(argv: list[str]) -> int:
    """Print the newest calls, the newest last; returns 0."""
    parser = argparse.ArgumentParser(prog="scripts/flotilla log", description=__doc__)
    parser.add_argument("--trace", default="", help="the calls of one trace; its first characters will do")
    parser.add_argument("--server", default="", help="the calls of one server, as hubspot")
    parser.add_argument("--tool", default="", help="the calls of one tool, as hubspot_create_contact")
    parser.add_argument(
        "--outcome",
        default="",
        help="ok, error, asked, denied, refused, not_started, timeout, lost, broken or cancelled",
    )
    parser.add_argument("--limit", type=int, default=50, help="how many, the newest (default: 50)")
    parser.add_argument("--state", type=Path, default=paths.state_folder(), help="the switchboard's state folder")
    parser.add_argument("--tenant", default="", help="the calls of one tenant; see `scripts/flotilla tenant`")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all columns as JSON lines")
    form.add_argument("--csv", action="store_true", help="print all columns as CSV")
    options = parser.parse_args(argv)
    wanted = {name: getattr(options, name) for name in ("trace", "server", "tool", "outcome", "limit")}
    state = options.state
    if options.tenant:
        try:
            state = _state_of(options.tenant, state)
        except SettingError as error:
            return paths.fail(str(error))
    rows = list(read(state, **wanted))[::-1]
    if options.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    elif options.csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    else:
        for row in rows:
            print(_line(row))
        if not rows:
            print("No call is logged here. Calls through the switchboard are, unless FLOTILLA_LOG=off.")
    return 0


def _state_of(name: str, state: Path) -> Path:
    """Return the state folder of one tenant. Raises SettingError where there is none of that name."""
    from flotilla_servers.switchboard.tenants.setup import database, folders  # imports the library
    from flotilla_servers.switchboard.tenants.store import Store
    from flotilla_servers.switchboard.tenants.tenant import TenantError
    from flotilla_servers.switchboard.tenants.tenants import Tenants

    url = database(state)
    if "://" not in url and not Path(url).is_file():  # which the store would make
        raise TenantError(f"There is no tenant `{name}`: {url} does not exist.", "Name the state folder with --state.")
    return folders(paths.data_folder(), state, Tenants(Store(url)).named(name).id)[1]


def _line(row: dict[str, Any]) -> str:
    when = datetime.fromtimestamp(row["time"]).astimezone()
    arguments = row["arguments"] if len(row["arguments"]) <= 100 else f"{row['arguments'][:100]}…"
    return (
        f"{when:%Y-%m-%d %H:%M:%S}  {row['tool_name']}  {row['outcome']}  {row['latency_ms']:.0f} ms  "
        f"{row['trace_id'][:8]}  {arguments}"
    )
