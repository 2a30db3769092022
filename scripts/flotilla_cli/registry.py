"""The commands of `scripts/flotilla`: name, what runs it, and its line in `--help`.

Standard library only, since `--help` must answer before .venv is there.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """A command. `module` is one of this package whose `main(argv)` returns the exit status.

    Without a module it is the shell script of the same name in scripts/: what must run before Python does.
    """

    name: str
    summary: str
    module: str = ""


COMMANDS = {
    command.name: command
    for command in (
        Command(
            "up", "Set up what is missing, start the gateway in the background, make one real call through it.", "up"
        ),
        Command("down", "Stop the gateway and every container of Flotilla; your data stays.", "down"),
        Command("status", "Show whether the gateway runs, where, and with how many servers and tools.", "status"),
        Command("doctor", "Check this machine and your settings, and say how to correct what is wrong.", "doctor"),
        Command(
            "demo", "Run a client that does real work through a gateway of its own: files, tables, PDF, mail.", "demo"
        ),
        Command(
            "connect", "Add Flotilla to the settings of Claude Desktop, VS Code, Cursor or another client.", "connect"
        ),
        Command("assist", "Set everything up step by step: servers, accounts, clients, one real call.", "assist"),
        Command("add", "Connect one server: ask for what its account needs, store it, try it.", "add"),
        Command("remove", "Disconnect one server: forget the keys of its account.", "remove"),
        Command("console", "Open the pages where calls are approved, permissions set and the log is read.", "console"),
        Command(
            "servers", "Add servers of your own to the switchboard, look at their tools, remove them.", "own_servers"
        ),
        Command(
            "register", "Set up Docker Desktop's MCP Toolkit: profile, secrets, clients; --status shows it.", "register"
        ),
        Command("log", "Show the calls that went through the switchboard, or export them as JSON or CSV.", "log"),
        Command(
            "notes", "List what could not be done while a server was down, show it, replay it, or delete it.", "notes"
        ),
        Command(
            "login", "Connect an account by consent in a browser, list the connected ones, or revoke one.", "login"
        ),
        Command("tenant", "Create, change, export or delete the customers that one switchboard serves.", "tenant"),
        Command(
            "install", "Copy the catalog to where Docker's MCP gateway reads it, with example settings.", "install"
        ),
        Command("new", "Create the folder of a new server, with tests that fail until it is filled in.", "new"),
        Command(
            "generate",
            "Write manifests, catalog, compose files and tables from the servers' code.",
            "generator.__main__",
        ),
        Command(
            "check-manifests",
            "Report what docker/mcp-registry or a gateway would refuse in the generated files.",
            "check_manifests",
        ),
        Command("release", "Release a version: images, signatures, catalogs, packages, notes.", "release.__main__"),
        Command("registry-tree", "Write the pull request for docker/mcp-registry.", "release.registry_tree"),
        Command("site-pages", "Copy the documentation's pages for the site.", "site_pages"),
        Command("site", "Write the documentation as a site to build/site."),
        Command("words", "Report names and phrases that the project's glossary replaces.", "words"),
        Command("setup", "Create or update the Python environment in .venv."),
        Command("engine", "Find a Docker engine, or install and start one where that is possible."),
        Command("browser", "Find Chromium for the console's tests, or install it where that is possible."),
        Command("base-image", "Make the image available that all builds start from."),
        Command("build", "Build the images of all servers, or of those named."),
        Command("release-tools", "Get what a release needs beside Docker."),
        Command("check", "Check formatting, lint, types, generated files and manifests."),
        Command("test", "Run all checks and all tests."),
        Command("conformance", "Run the official MCP conformance suite."),
        Command("bench", "Measure sizes, start times, calls and memory."),
        Command("lock", "Pin the requirements again, by hash."),
    )
}


def usage() -> str:
    """Return what `scripts/flotilla --help` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  {command.name:{width}}  {command.summary}" for command in COMMANDS.values()]
    return "\n".join(
        [
            "usage: scripts/flotilla COMMAND [OPTION…]",
            "",
            "Flotilla runs one MCP server for each of your business tools, and one gateway in front of them.",
            "",
            "commands:",
            *lines,
            "",
            "`scripts/flotilla COMMAND --help` shows the options of a command.",
        ]
    )
