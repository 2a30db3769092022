"""`flotilla words`: refuses names and phrases that a reader who never saw this project would not know.

Each is listed once, with what replaces it. Names are looked for in Python, as identifiers; phrases in strings, comments
and docstrings, in scripts, in YAML and in Markdown.
"""

from __future__ import annotations

import argparse
import fnmatch
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Identifiers, whole: what to write instead.
NAMES = {
    "acted": "may_have_side_effects",
    "ahead": "read_ahead",
    "blink": "launcher",
    "desk": "fake",
    "doubt": "uncertainty_note",
    "effect": "kind",
    "found": "the thing's name: result, matches, path",
    "front": "gateway, or the client side",
    "given": "the thing's name: params, options, values",
    "gives": "output_adapter, call_ok",
    "here": "the thing's name: folder, machine",
    "Input": "InvalidInputError",
    "kept": "the thing's name: replayed_lines, cache",
    "keyed": "the thing's name: by_key",
    "landed": "side_effect_confirmed",
    "lasting": "refresh_source",
    "life": "process",
    "Life": "ProcessRun",
    "meaning": "map_error",
    "NotFound": "NotFoundError",
    "play": "fake",
    "Problem": "an error class with a name of its own",
    "proof": "header_value",
    "Rate": "RateLimitError",
    "Rehearsed": "DryRunResult",
    "road": "cli",
    "said": "error_message, message",
    "Scope": "PermissionDeniedError",
    "settled": "map_error, scheme",
    "Setup": "ConfigurationError",
    "spared": "mark_not_sent",
    "takes": "input_adapter",
    "then": "the thing's name: difference, next_step",
    "told": "the thing's name: payload, message",
    "trade": "exchange",
    "Unanswered": "ConfirmationRequired",
    "unhurried": "pause_deadline",
    "Upstream": "UpstreamError",
    "Voice": "CallMiddleware",
    "way": "the thing's name: scheme, option",
    "ways": "auth_options",
    "what": "the thing's name: result, message",
    "Wire": "Transport",
    "words": "the thing's name: message, terms",
    "Words": "CommaSeparated",
    "world": "environment",
    "World": "Environment",
}
# Parts of identifiers, between underscores.
PARTS = {
    "baked": "precomputed",
    "blink": "launcher",
    "door": "gateway",
    "doors": "gateways",
    "stories": "scenarios",
    "story": "scenario",
    "zygote": "fork_server",
}
# In text. Regular expressions, without regard to case.
PHRASES = {
    r"\bmend(s|ed|ing)?\b": "fix, correct",
    r"\b(is|are) told\b": "is reported",
    r"\bin words\b": "as a sentence",
    r"(?<!there )(?<!that )(?<!which )\bis no (?!longer|more\b|such)[a-z]": "is not a valid …",
    r"\b(front )?doors?\b(?! bell)": "gateway, server side",
    r"\bblink\b": "launcher",
    r"\bbaked\b": "precomputed",
    r"\bzygote\b": "fork server",
    r"\bone voice\b": "a consistent format",
    r"\bthe road\b": "the command line",
    r"\bthe user must grant\b": "Ask the user to grant …",
    r"\b(is|are) played\b": "is answered by a fake",
}
# By file, as a glob: names and phrases (their first column above) that are the right ones there.
ALLOWED: dict[str, tuple[str, ...]] = {
    "scripts/flotilla_cli/words.py": ("*",),
    "servers/google_drive/*": ("words",),  # an argument of its tools
    "tests/scenarios/google/*": ("words",),
    "tests/cli/test_words.py": ("*",),
    "CHANGELOG.md": ("*",),  # history
    "docs/decisions/*": ("*",),  # history
    "*/fixtures/*": ("*",),  # vendors' words
    "docs/quality.md": ("*",),  # generated; its source is checked
    "docs/configuration.md": ("*",),
}

TEXT_TOKENS = ("STRING", "FSTRING_MIDDLE")  # the second since Python 3.12
TEXTS = (".md", ".yaml", ".yml", ".sh", ".j2", ".toml", "")
GENERATED = "Written by `make generate`"
Finding = tuple[str, int, str, str]  # file, line, what stands there, what to write


def files(root: Path = ROOT) -> list[str]:
    """Return the files that git knows, without generated ones."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout.decode()
    return [
        name
        for name in listed.split("\0")
        if name and Path(name).suffix in (".py", *TEXTS) and (root / name).is_file() and not (root / name).is_symlink()
    ]


def is_allowed(path: str, word: str) -> bool:
    """Return whether a name or phrase is the right one in a file."""
    return any(word in words or "*" in words for glob, words in ALLOWED.items() if fnmatch.fnmatch(path, glob))


def in_text(path: str, text: str, first: int = 1) -> Iterator[Finding]:
    """Yield the phrases that stand in a text, whose first line is number `first` of the file."""
    for number, line in enumerate(text.splitlines(), first):
        for phrase, instead in PHRASES.items():
            if (match := re.search(phrase, line, re.IGNORECASE)) and not is_allowed(path, phrase):
                yield path, number, match[0], instead


def in_python(path: str, source: str) -> Iterator[Finding]:
    """Yield the names and phrases of a Python file."""
    decorators = {"given"} if "from hypothesis import" in source else set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type == tokenize.NAME and token.string not in decorators:
            if (instead := NAMES.get(token.string)) and not is_allowed(path, token.string):
                yield path, line, token.string, instead
            for part in token.string.lower().split("_"):
                if (instead := PARTS.get(part)) and not is_allowed(path, part):
                    yield path, line, token.string, instead
        elif token.type == tokenize.COMMENT or tokenize.tok_name[token.type] in TEXT_TOKENS:
            yield from in_text(path, token.string, line)


def findings(root: Path = ROOT, paths: list[str] | None = None) -> list[Finding]:
    """Return everything that is to be renamed, in the files that git knows or in those below `paths`."""
    result: list[Finding] = []
    for name in files(root):
        if paths and not any(name == path or name.startswith(f"{path.rstrip('/')}/") for path in paths):
            continue
        text = (root / name).read_text(encoding="utf-8", errors="replace")
        if GENERATED in text[:200] or is_allowed(name, "*"):
            continue
        result += in_python(name, text) if name.endswith(".py") else in_text(name, text)
    return result


def main(argv: list[str]) -> int:
    """Print file:line of each; 1 when there is one."""
    parser = argparse.ArgumentParser(prog="flotilla words", description=__doc__)
    parser.add_argument("paths", nargs="*", help="only these files and folders")
    hits = findings(ROOT, parser.parse_args(argv).paths)
    for path, line, word, instead in hits:
        print(f"{path}:{line}: {word!r}: write {instead}")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
