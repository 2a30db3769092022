"""Several accounts of one server: its tools are listed once, with one more argument that says which account to use."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .backend import Backend
from .jsonrpc import Message

MAIN = "main"  # the account without a name; no other one is called so
ARGUMENT = "use_account"  # tools of vendors have an argument `account`


class NamedAccounts:
    """The accounts of one server: for each, the server that works for it and the names of the tools that it has."""

    def __init__(self, accounts: Mapping[str, tuple[Backend, Collection[str]]]) -> None:
        self._accounts = accounts

    def definition(self, tool: Message) -> Message:
        """Return a tool's definition with the argument."""
        names, schema = self._names(tool["name"]), tool["inputSchema"]
        how = "Without it: main." if MAIN in names else "Ask the user where that is not clear."
        argument = {"type": "string", "enum": names, "description": f"The account to work with. {how}"}
        made = {**schema, "properties": {**schema.get("properties", {}), ARGUMENT: argument}}
        if MAIN not in names:
            made["required"] = [*schema.get("required", ()), ARGUMENT]
        return {**tool, "inputSchema": made}

    def chosen(self, tool: str, arguments: Message) -> tuple[str, Backend] | None:
        """Return the account that a call is for, and its server; None where it names none that there is."""
        name, names = arguments.get(ARGUMENT, MAIN), self._names(tool)
        return (name, self._accounts[name][0]) if type(name) is str and name in names else None

    def refusal(self, tool: str) -> str:
        """Return what to say to a call that is for no account."""
        names = ", ".join(f"`{name}`" for name in self._names(tool))
        return (
            f"`{ARGUMENT}` must be the name of an account. `{tool}` has {names}. Nothing was done. Call again with one."
        )

    def _names(self, tool: str) -> list[str]:
        return [name for name, (_, tools) in self._accounts.items() if tool in tools]


def without_account(arguments: Message) -> Message:
    """Return the arguments that a server gets, which knows one account alone."""
    return {name: value for name, value in arguments.items() if name != ARGUMENT}


def asked_for(account: str, result: Message) -> Message:
    """Return a result that asks a person, each question with the account that it is about."""
    questions = {}
    for key, question in (result.get("inputRequests") or {}).items():
        params = question.get("params")
        if type(params) is dict and type(params.get("message")) is str:
            question = {**question, "params": {**params, "message": f"[{account}] {params['message']}"}}
        questions[key] = question
    return {**result, "inputRequests": questions} if questions else result
