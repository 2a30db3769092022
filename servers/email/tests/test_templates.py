"""Templates: filled, escaped, told what is missing; and never a way out of the sandbox."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from flotilla import errors
from flotilla_servers.email import render, templates
from flotilla_servers.email.templates import Rendered, fill, names


@pytest.fixture
def folder(data: Path) -> Path:
    made = data / "templates"
    made.mkdir()
    return made


def put(folder: Path, **parts: str) -> None:
    for name, text in parts.items():
        base, _, kind = name.rpartition("__")
        (folder / f"{base}.{kind.replace('_', '.')}").write_text(text, encoding="utf-8")


def one(source: str, ending: str = "html", **variables: Any) -> dict[str, Any]:
    return render.render({f"t.{ending}": source}, {"html": f"t.{ending}"}, variables)


def test_template_filled(folder: Path) -> None:
    put(
        folder,
        relance__subject_txt="Facture n° {{ numero }} : {{ total }} €\n",
        relance__html="{% extends '_lettre.html' %}{% block corps %}<p>Bonjour {{ nom }}</p>"
        "{% for l in lignes %}<li>{{ l.quoi }}</li>{% endfor %}"
        "{% if remise %}Remise {{ remise }}{% endif %}{% endblock %}",
        relance__txt="Bonjour {{ nom }}, {{ remarque | default('rien à signaler') }} {{ '%.2f' | format(total) }} €",
        _lettre__html="<html>{% include '_logo.html' %}{% block corps %}{% endblock %}</html>",
        _logo__html="<b>É</b>",
    )
    filled = fill("relance", {"numero": 42, "total": 12.5, "nom": "<Hélène> & Cie", "lignes": [{"quoi": "Œufs"}]})
    assert filled == Rendered(
        subject="Facture n° 42 : 12.5 €",
        text="Bonjour <Hélène> & Cie, rien à signaler 12.50 €",
        html="<html><b>É</b><p>Bonjour &lt;Hélène&gt; &amp; Cie</p><li>Œufs</li></html>",
    )
    assert fill("templates/_logo.html", {}) == fill("_logo", {}) == Rendered(html="<b>É</b>")


def test_template_missing_variables_all_named(folder: Path) -> None:
    put(
        folder,
        relance__subject_txt="{{ numero }}",
        relance__html="{{ nom }}{% for l in lignes %}{% endfor %}{{ client.ville }}{{ articles | length }}"
        "{{ total * 2 }}",
        relance__txt="{{ prix | round(2) }}{{ nom }}{% if facultatif %}x{% endif %}{{ autre | default('') }}",
    )
    with pytest.raises(errors.InvalidInputError) as caught:
        fill("relance", {"client": {"nom": "x"}})
    assert "needs variables that were not given: articles, lignes, nom, numero, prix, total, ville." in str(
        caught.value
    )
    with pytest.raises(errors.InvalidInputError, match="not given: nom, prix"):
        fill("relance", {"numero": 1, "lignes": [], "client": {"ville": "Lyon"}, "articles": [], "total": 1})


def test_template_what_counts_as_missing() -> None:
    everything = "{{ a }}{{ b.c }}{{ d['e'] }}{% for x in f %}{% endfor %}{{ g | length }}{{ h * 2 }}{{ i | round(2) }}"
    assert one(everything) == {"missing": ["a", "b", "d", "f", "g", "h"]}  # a sum cannot go on: i comes after it
    assert one("{{ i | round(2) }}{{ a }}") == {"missing": ["a", "i"]}
    assert one("{% if a %}{% endif %}{{ b is defined }}{{ c | default('-') }}")["parts"]["html"] == "False-"


def test_render_process_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    job = {"sources": {"t.txt": "Bonjour {{ nom }}"}, "parts": {"text": "t.txt"}, "variables": {"nom": "Hélène"}}
    monkeypatch.setattr(render, "limited", lambda: None)  # they would be ours
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(job)))
    render.main()
    assert json.loads(capsys.readouterr().out) == {"parts": {"text": "Bonjour Hélène"}}


def test_render_process_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, t__txt="x")
    monkeypatch.setattr("sys.executable", "/bin/true")
    with pytest.raises(errors.InvalidInputError, match="too much memory or time"):
        fill("t", {})


def test_template_unknown_lists_available_names(folder: Path, data: Path) -> None:
    put(folder, relance__html="x", merci__txt="x", merci__subject_txt="x", _lettre__html="x", seul__subject_txt="x")
    (folder / "fr").mkdir()
    put(folder / "fr", bienvenue__html="x")
    (folder / "image.png").write_bytes(b"x")
    assert names() == ["fr/bienvenue", "merci", "relance"]
    with pytest.raises(
        errors.NotFoundError, match=r"relanse.*not found.*Available templates: fr/bienvenue, merci, relance\."
    ):
        fill("relanse", {})
    with pytest.raises(errors.NotFoundError, match="Template 'seul' not found"):
        fill("seul", {})
    assert fill("fr/bienvenue", {}).html == "x"


def test_template_without_folder(data: Path) -> None:
    with pytest.raises(errors.NotFoundError, match="Available templates: none"):
        fill("relance", {})


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{% if %}", "line 1"),
        ("\n\n{{ 'x' }", "line 3"),
        ("{% include nom %}", "whose name is computed"),
        ("{% include '../../secret.txt' %}", "is not in templates/"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ 'a'.nothing() }}", "has no attribute|is undefined|not given"),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}", "parameter 'a' was not provided"),
        ("{{ 'x' | nofilter }}", "nofilter"),
    ],
)
def test_template_broken_explained(folder: Path, source: str, says: str) -> None:
    put(folder, t__txt=source)
    with pytest.raises(errors.InvalidInputError, match=says):
        fill("t", {"nom": "x"})


def test_template_unusable_files_refused(folder: Path) -> None:
    (folder / "latin.txt").write_bytes("é".encode("latin-1"))
    (folder / "huge.txt").write_bytes(b"x" * (templates.BIGGEST + 1))
    put(
        folder,
        wants__txt="{% include 'gone.txt' %}",
        **{f"p{i}__txt": f"{{% include 'p{i + 1}.txt' %}}" for i in range(40)},
    )
    for name, kind, says in (
        ("latin", errors.InvalidInputError, "is not UTF-8"),
        ("huge", errors.InvalidInputError, "more than 262144 bytes"),
        ("wants", errors.NotFoundError, "includes gone.txt, which does not exist"),
        ("p0", errors.InvalidInputError, "more than 30 files"),
        ("../t", errors.InvalidInputError, "is not in templates/"),
    ):
        with pytest.raises(kind, match=says):
            fill(name, {})


def test_template_symlink_to_outside_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "lien.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(errors.InvalidInputError, match="is a link"):
        fill("lien", {})


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ().__class__.__base__.__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ self.__init__ }}",
        "{{ x.__class__ }}",
        "{{ absent.__class__.__init__.__globals__ }}",
        "{{ absent._note.__globals__ }}",
        "{{ x | attr('__class__') }}",
        "{{ x['__class__'] }}",
        "{{ '{0.__class__.__init__}'.format(x) }}",
        "{{ '{a.__class__}'.format_map({'a': x}) }}",
        "{{ (x | map(attribute='__class__') | list)[0] }}",
        "{{ l.append(1) }}",
        "{{ d.update(a=1) }}",
        "{{ range(999999999) | list }}",
        "{% for i in range(99999) %}{{ 'x' * 99 }}{% endfor %}",
        "{{ config.items() }}{{ lipsum.__globals__ }}",
    ],
)
def test_template_sandbox(source: str) -> None:
    answer = one(source, x="secret", l=[], d={})
    assert answer.keys() <= {"error", "missing"}, answer
    assert "object at 0x" not in str(answer)


def test_template_values_neither_evaluated_nor_markup() -> None:
    assert one("<p>{{ x }}</p>", x="{{ 7*7 }}<script>")["parts"]["html"] == "<p>{{ 7*7 }}&lt;script&gt;</p>"
    assert one("<a title='{{ x }}'>", x="' onclick='evil()")["parts"]["html"] == "<a title='&#39; onclick=&#39;evil()'>"
    assert one("{{ x }}", "txt", x="<Hélène> & Cie")["parts"]["html"] == "<Hélène> & Cie"


@pytest.mark.timeout(60)
def test_template_endless_stopped(folder: Path) -> None:
    put(folder, t__txt="{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")
    with pytest.raises(errors.InvalidInputError, match=r"takes longer than 0\.5 seconds"):
        fill("t", {}, seconds=0.5)


def test_template_memory_limited(folder: Path) -> None:
    put(
        folder,
        t__txt="{{ 'a' * 10 ** 10 }}",
        u__txt="{% set ns = namespace(x='a') %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    )
    for name in ("t", "u"):
        with pytest.raises(errors.InvalidInputError, match=r"MemoryError|too much memory"):
            fill(name, {})


def test_render_process_has_an_empty_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    seen: dict[str, Any] = {}
    real = subprocess.run

    def run(*args: Any, **kwargs: Any) -> Any:
        seen.update(kwargs)
        return real(*args, **kwargs)

    monkeypatch.setenv("EMAIL_PASSWORD", "canari")
    monkeypatch.setattr(subprocess, "run", run)
    put(folder, t__txt="x")
    assert fill("t", {}).text == "x"
    assert seen["env"] == {}


def test_described_names_parts_and_variables(folder: Path) -> None:
    put(
        folder,
        relance__subject_txt="{{ numero }}",
        relance__html="{% include '_logo.html' %}{% for l in lignes %}{{ l.quoi }}{% endfor %}",
        _logo__html="{{ societe }}",
        cassee__txt="{% if %}",
    )
    broken, whole = templates.described()
    assert whole == {"name": "relance", "parts": ["subject", "html"], "variables": ["lignes", "numero", "societe"]}
    assert (broken["name"], broken["variables"]) == ("cassee", [])
    assert "cassee.txt, line 1" in broken["problem"]
