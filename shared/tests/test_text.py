"""One table of hidden characters: what is dropped, what is shown, what is kept because it means something."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flotilla import Model, announce
from flotilla.text import cleaned, escaped, hides, named, plain, unescaped
from flotilla_testing.client import call
from flotilla_testing.scratch import ScratchServer

MEANT = [
    "famille 👨\u200d👩\u200d👧 ❤\ufe0f 👩\u200d❤\ufe0f\u200d👨 👩🏽\u200d💻 🏳\ufe0f\u200d🌈 1\ufe0f\u20e3 ☎\ufe0e",
    "می\u200cخواهم",  # Persian: without the sign it is another word
    "ക്\u200dഷ क\u094d\u200dष ශ්\u200dරී",
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland
    "\ue000 an icon of a font",
]
HIDING = [
    ("a\u200bb", "ab", "a⟨U+200B⟩b"),
    ("a\u200db", "ab", "a⟨U+200D⟩b"),
    ("x\U000e0041", "x", "x⟨U+E0041⟩"),
    ("😀\ufe0f\ufe0f\ufe0f", "😀", "😀⟨U+FE0F⟩⟨U+FE0F⟩⟨U+FE0F⟩"),
    ("😀\U000e0101\U000e0102", "😀", "😀⟨U+E0101⟩⟨U+E0102⟩"),
    ("م\u200c\u200d\u200cx", "مx", "م⟨U+200C⟩⟨U+200D⟩⟨U+200C⟩x"),
    ("\U0001f3f4\U000e0061\U000e0062\U000e007f", "\U0001f3f4", "\U0001f3f4⟨U+E0061⟩⟨U+E0062⟩⟨U+E007F⟩"),
    ("gpj.\u202etxt\u2066", "gpj.txt", "gpj.⟨U+202E⟩txt⟨U+2066⟩"),
]


@pytest.mark.parametrize("text", [*MEANT, "so\xadft hy\xadphen"])
def test_cleaned_keeps_meaningful_characters(text: str) -> None:
    assert cleaned(text) == (text, 0)
    assert escaped(text) == text


@pytest.mark.parametrize(("text", "without", "shown"), HIDING)
def test_plain_drops_and_escaped_shows_hidden_characters(text: str, without: str, shown: str) -> None:
    assert plain(text) == without
    assert escaped(text) == escaped(text, name=True) == shown
    assert hides(text).startswith("U+")


@pytest.mark.parametrize("text", MEANT)
def test_named_keeps_meaningful_characters(text: str) -> None:
    assert hides(text) == ""
    assert named(text) == text
    assert hides("so\xadft") == "U+00AD"


@given(some.text() | some.text(alphabet="⟨⟩U+200BEa\u200b\u200d\ufe0f❤م\U000e0041\n"))
def test_unescaped_reverses_escaped(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert unescaped(escaped(text, name=True)) == text
    assert plain(escaped(text)) == escaped(text)


async def test_result_strings_cleaned_and_counted(acme: ScratchServer) -> None:
    class Row(Model):
        tags: list[str]
        fields: dict[str, str]
        content: str = "x\u200b"

    @acme.reads(exact=["content"])
    async def get_row() -> Row:
        """Row."""
        return Row(tags=["v\u200b\u202e"], fields={"na\U000e0041me": "❤\ufe0f\u2066"})

    result = await call(acme, "acme_get_row")
    assert result.structured_content == {
        "tags": ["v"],
        "fields": {"name": "❤\ufe0f"},
        "content": "x\u200b",
        "removed": "4 hidden characters",
    }


async def test_dry_run_shows_hidden_characters(acme: ScratchServer) -> None:
    class Done(Model):
        id: str

    @acme.writes
    async def add_note(text: str) -> Done:
        """Add."""
        announce(action="add", text=[text])
        return Done(id="1")

    result = await call(acme, "acme_add_note", text="a\u202eb", dry_run=True)
    assert result.structured_content == {"dry_run": {"action": "add", "text": ["a⟨U+202E⟩b"]}}
