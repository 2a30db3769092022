"""What is words on the phone: its language, its voice, and TwiML, which is written by a library.

https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from flotilla import errors
from flotilla.parsing import folded

MOST = 4000  # characters of TwiML that go with a request
LANGUAGE = "^[a-z]{2,3}-[A-Z]{2}$"
VOICE = "^(man|woman|(Polly|Google|ElevenLabs)[.][A-Za-z0-9_-]{2,60})$"
# Words by which a text shows its language; none of them is a word of the other.
_FRENCH = """
le la les un une des du au aux et ou vous nous votre vos notre nos je est sont pour avec dans sur que qui ne pas
bonjour bonsoir merci rendez demain ce cette ces il elle de en tapez appuyez heures oui
"""
_ENGLISH = """
the a an and or you we your our is are for with in that which not hello good thank thanks tomorrow this these he she of
to at press please yes call it have will be
"""
_WORDS = {"fr-FR": frozenset(_FRENCH.split()), "en-US": frozenset(_ENGLISH.split())}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # https://www.w3.org/TR/xml/#charsets


def known_language(text: str) -> str:
    """Return a language with its country, such as fr-FR; raises ValueError for anything else."""
    if not re.fullmatch(LANGUAGE, text.strip()):
        raise ValueError("it must be a language and a country, such as fr-FR or en-GB")
    return text.strip()


def known_voice(text: str) -> str:
    """Return a voice by its name at Twilio, "" for none; raises ValueError for anything else."""
    if text.strip() and not re.fullmatch(VOICE, text.strip()):
        raise ValueError("it must be a voice of Twilio, such as Polly.Lea-Neural or Google.fr-FR-Neural2-A")
    return text.strip()


def language_of(text: str, usual: str) -> str:
    """Return the language that a text shows, French or English, else `usual`, whose country is kept where it fits."""
    pieces = [word.strip('.,;:!?«»"()') for word in folded(text).split()]
    counts = {language: sum(word in known for word in pieces) for language, known in _WORDS.items()}
    fewest = 1 if usual[:2] in ("fr", "en") else 2  # one word alone may be of a third language, as la and de are
    if len(set(counts.values())) == 1 or max(counts.values()) < fewest:
        return usual
    shown = max(counts, key=lambda language: counts[language])
    return usual if usual[:2] == shown[:2] else shown


def voice_of(language: str, usual_language: str, usual_voice: str) -> str:
    """Return the voice of the settings where it speaks this language, else ""."""
    return usual_voice if language == usual_language else ""


def spoken(text: str, language: str) -> str:
    """Return a text without what a flow of Studio could take for markup: & is words, < and > are left out."""
    conjunction = " et " if language.startswith("fr") else " and "
    return " ".join(cleaned(text).replace("&", conjunction).replace("<", " ").replace(">", " ").split())


def cleaned(text: str) -> str:
    """Return a text without the characters that no XML document may hold."""
    return _NOT_XML.sub("", text)


class Twiml:
    """What a call hears and does, verb by verb. Texts are escaped; attributes that are empty are left out."""

    def __init__(self) -> None:
        self.root = ElementTree.Element("Response")

    def say(self, text: str, language: str, voice: str = "") -> Twiml:
        """Say a text."""
        self._verb("Say", cleaned(text), language=language, voice=voice)
        return self

    def play_file(self, address: str) -> Twiml:
        """Play a sound file by its address."""
        self._verb("Play", cleaned(address))
        return self

    def pause(self, seconds: int) -> Twiml:
        """Say nothing for some seconds."""
        self._verb("Pause", length=str(seconds))
        return self

    def dial(self, number: str, caller: str) -> Twiml:
        """Call another number (E.164) and join both; `caller` is the number that it sees."""
        ElementTree.SubElement(self._verb("Dial", callerId=caller), "Number").text = number
        return self

    def _verb(self, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
        verb = ElementTree.SubElement(self.root, name, {k: v for k, v in attributes.items() if v})
        verb.text = text or None
        return verb

    def __str__(self) -> str:
        """Return the document; raises errors.InvalidInputError where it is longer than Twilio takes."""
        document = ElementTree.tostring(self.root, encoding="unicode")
        if len(document) > MOST:
            raise errors.InvalidInputError(
                f"The text is too long for a call: with its markup it has {len(document):,} characters, not {MOST:,}.",
                "Shorten it.",
            )
        return document
