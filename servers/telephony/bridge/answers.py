"""What a tool's result tells the model. A question to a person becomes one that the model asks the caller."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json, to_json

MOST = 20_000  # characters of an output: the model reads it all before it speaks
UNCERTAIN = "It may have been done or not: look before you try again."


class ArgumentsError(ValueError):
    """A tool cannot be called so; the text is what the model reads."""


class Answers:
    """The outputs of one call's tools. Keeps the tokens of questions: a model that speaks should not spell them."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, int]] = {}  # by handle: the token, and how often the caller had spoken
        self._questions = self._turns = 0

    def caller_spoke(self) -> None:
        """Take note that the caller said something, or pressed a key."""
        self._turns += 1

    def arguments(self, text: str) -> dict[str, Any]:
        """Return a tool's arguments as the server wants them.

        Raises ArgumentsError for what is not a JSON object, and for a yes that the caller cannot have said.
        """
        try:
            arguments = from_json(text or "{}")
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            raise ArgumentsError("Error: The arguments are not a JSON object. Call the tool again with one.")
        handle = str(arguments.get("confirm_token", ""))
        if handle in self._tokens:
            token, turns = self._tokens[handle]
            if turns == self._turns:
                raise ArgumentsError(
                    "Error: The caller has not answered the question. Say it to them, and wait for their answer."
                )
            del self._tokens[handle]
            arguments["confirm_token"] = token
        return arguments

    def output(self, tool: str, result: dict[str, Any]) -> str:
        """Return the text of a `tools/call` result for the model."""
        text = "\n".join(str(part.get("text", "")) for part in _contents(result) if part.get("type") == "text")
        if question := _question(result, text):
            return self._asked(tool, *question)
        if not text:
            text = to_json(result.get("structuredContent") or {}).decode()
        return text if len(text) <= MOST else f"{text[:MOST]} … (cut: {len(text)} characters)"

    def _asked(self, tool: str, question: str, token: str) -> str:
        self._questions += 1
        handle = f"yes-{self._questions}"
        self._tokens[handle] = (token, self._turns)
        step = (
            "Nothing was done yet. Say this question to the caller in their language, with the amount, the person and "
            f"the object, and wait for the answer. Only after a clear yes call {tool} again with the same arguments "
            f"and confirm_token {handle}. After a no, or without an answer, do not call it."
        )
        return to_json({"question": question, "confirm_token": handle, "next": step}).decode()


def _contents(result: dict[str, Any]) -> list[dict[str, Any]]:
    contents = result.get("content")
    return [part for part in contents if isinstance(part, dict)] if isinstance(contents, list) else []


def _question(result: dict[str, Any], text: str) -> tuple[str, str] | None:
    """Return question and token of a preview, as the library writes it; None for any other result."""
    structured = result.get("structuredContent")
    preview = structured.get("preview") if isinstance(structured, dict) else None
    if not isinstance(preview, dict) or not preview.get("confirm_token"):
        return None
    return str(preview.get("question", text)), str(preview["confirm_token"])
