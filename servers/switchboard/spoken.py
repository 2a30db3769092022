"""Sentences for a person who waits: while a call takes long, and when a server cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from .client_request import ClientRequest

LOOKING = {"en": "Looking in {} …", "fr": "Je cherche dans {} …"}
WORKING = {"en": "Working on it in {} …", "fr": "Je m’en occupe dans {} …"}
STARTING = {"en": "Starting it in {} …", "fr": "Je lance cela dans {} …"}
SENDING = {"en": "Getting it sent with {} …", "fr": "Je prépare l’envoi avec {} …"}
BY_VERB = {  # of the tool's name; true also where the tool asks first
    "check": {"en": "Checking in {} …", "fr": "Je vérifie dans {} …"},
    "forward": SENDING, "reply": SENDING, "send": SENDING,
    "retry": STARTING, "run": STARTING, "start": STARTING, "trigger": STARTING,
}  # fmt: skip
UNREACHABLE = {"en": "I cannot reach {} at the moment.", "fr": "Je ne peux pas accéder à {} pour le moment."}


def language(option: str, environ: Mapping[str, str]) -> str:
    """Return the language of sentences, en or fr: the option's, for auto that of the machine."""
    if option != "auto":
        return option
    name = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return "fr" if name.lower().startswith("fr") else "en"


@dataclass(frozen=True)
class Sentences:
    """The sentences in one language. `after` is in seconds: how long a client waits for the first, 0 for ever."""

    language: str = "en"
    after: float = 0

    @contextmanager
    def meanwhile(self, client: ClientRequest, terms: list[str], title: str, *, reads: bool) -> Iterator[None]:
        """Send a client that wants progress a sentence, where nothing has come from the server in that time."""
        if not self.after:
            yield
            return
        timer = asyncio.get_running_loop().call_later(self.after, client.announce, self.working(terms, title, reads))
        try:
            yield
        finally:
            timer.cancel()

    def working(self, terms: list[str], title: str, reads: bool) -> str:
        """Return what is said of a call that is under way, by the words of the tool's name: its verb first."""
        return BY_VERB.get("".join(terms[:1]), LOOKING if reads else WORKING)[self.language].format(title)

    def unreachable(self, title: str) -> str:
        """Return what a model is to say of a server that cannot be reached."""
        return f"Tell the user: “{UNREACHABLE[self.language].format(title)}”"
