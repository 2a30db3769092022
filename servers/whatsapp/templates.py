"""Templates: found by name and language, their placeholders, and messages made of them.

https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flotilla import choose, errors, readable
from flotilla.parsing import folded, listed

from . import media
from .client import PAGES, WindowClosedError, account, api
from .models import PlaceholderRow, Template, TemplateDetail, TemplateRow

FIELDS = "id,name,language,status,category,components,parameter_format,rejected_reason,quality_score"
MOST_PAGES, PER_PAGE = 20, 100
LONGEST_BODY = 1024  # characters, with the values
OFFERED = 5  # templates in the error of the closed window
MEDIA = ("IMAGE", "VIDEO", "DOCUMENT")
_OPEN = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_REASONS = {
    "ABUSIVE_CONTENT": "its content counts as abusive",
    "INCORRECT_CATEGORY": "its text does not fit its category",
    "INVALID_FORMAT": "its placeholders or its format are wrong",
    "PROMOTIONAL": "it advertises, which its category does not allow",
    "SCAM": "it looks like a fraud",
    "TAG_CONTENT_MISMATCH": "its language or content does not fit what was stated",
}


@dataclass(frozen=True)
class Placeholder:
    """One value that a template leaves open."""

    key: str  # as it is passed: 1, customer_name, header, button 1
    part: str  # body, header or button
    content: str  # text, image, video, document or coupon_code
    example: str = ""
    position: int = 0  # of a button, from 0


# -- finding ----------------------------------------------------------------------------------------------------------


async def every(**filters: str) -> list[Template]:
    """Return the templates of the account, up to MOST_PAGES pages of them."""
    result: list[Template] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        params = {"fields": FIELDS, **filters, **PAGES.query(PER_PAGE, cursor)}
        answer = await api.get(account("/message_templates"), params=params)
        result += readable(Template, api.rows_in(answer, "data", missing=True))
        _, cursor = PAGES.read(answer, {}, PER_PAGE, cursor)
        if not cursor:
            break
    return result


async def named(name: str) -> list[Template]:
    """Return a template in all its languages, by its name as people write it.

    Raises errors.NotFoundError with the names that there are.
    """
    if _NAME.fullmatch(name):  # the filter also finds names that contain it
        exact = [one for one in await every(name=name) if one.name == name]
        if exact:
            return exact
    known = await every()
    by_name = {one.name: one for one in known}
    chosen = choose(
        name,
        by_name.values(),
        id=lambda one: one.name,
        name=lambda one: one.name,
        kind="template",
        listed_by="whatsapp_list_templates",
    )
    return [one for one in known if one.name == chosen.name]


def in_language(templates: list[Template], language: str | None) -> Template:
    """Return the template of a language: the only one there is, of this code, or the only variant of the language.

    Raises errors.InvalidInputError with the languages where the choice is open.
    """
    languages = listed(one.language for one in templates)
    if language is None:
        approved = [one for one in templates if one.status == "APPROVED"] or templates
        if len(approved) == 1:
            return approved[0]
        raise errors.InvalidInputError(
            f"The template «{templates[0].name}» exists in several languages.", f"Pass language, one of: {languages}."
        )
    wanted = language.strip().replace("-", "_").lower()
    exact = [one for one in templates if one.language.lower() == wanted]
    near = [one for one in templates if one.language.lower().split("_")[0] == wanted.split("_")[0]]
    fitting = exact or near
    if len(fitting) == 1:
        return fitting[0]
    raise errors.InvalidInputError(
        f"The template «{templates[0].name}» has no single variant for `{errors.excerpt(language, 20)}`.",
        f"Pass language, one of: {languages}.",
    )


# -- what a template is -----------------------------------------------------------------------------------------------


def component(template: Template, kind: str) -> Mapping[str, Any]:
    """Return a template's component of a kind (HEADER, BODY, FOOTER, BUTTONS), empty without one."""
    return next((one for one in template.components if str(one.get("type")).upper() == kind), {})


def text_of(part: Mapping[str, Any]) -> str:
    """Return a component's text, "" without one."""
    text = part.get("text")
    return text if isinstance(text, str) else ""


def buttons_of(template: Template) -> list[dict[str, Any]]:
    """Return the buttons of a template."""
    buttons = component(template, "BUTTONS").get("buttons")
    return [one for one in buttons if isinstance(one, dict)] if isinstance(buttons, list) else []


def placeholders(template: Template) -> list[Placeholder]:
    """Return what a template leaves open, in the order of the message."""
    header, result = component(template, "HEADER"), []
    form = str(header.get("format") or "").upper()
    if form in MEDIA:
        result.append(Placeholder("header", "header", form.lower()))
    elif opened := _OPEN.search(text_of(header)):
        result.append(Placeholder("header", "header", "text", _examples(header, "header_text").get(opened[1], "")))
    body = component(template, "BODY")
    examples = _examples(body, "body_text")
    for key in dict.fromkeys(_OPEN.findall(text_of(body))):
        result.append(Placeholder(key, "body", "text", examples.get(key, "")))
    for number, button in enumerate(buttons_of(template)):
        kind = str(button.get("type") or "").upper()
        example = button.get("example")
        shown = str(example[0]) if isinstance(example, list) and example else str(example or "")
        if kind == "COPY_CODE":
            result.append(Placeholder(f"button {number + 1}", "button", "coupon_code", shown, number))
        elif kind == "OTP" or (kind == "URL" and _OPEN.search(str(button.get("url") or ""))):
            result.append(Placeholder(f"button {number + 1}", "button", "text", shown, number))
    return result


def _examples(part: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return the examples of a component by placeholder: named ones, or a list in the order of their numbers."""
    example = part.get("example")
    if not isinstance(example, Mapping):
        return {}
    by_name = example.get(f"{name}_named_params")
    if isinstance(by_name, list):
        return {str(one.get("param_name")): str(one.get("example") or "") for one in by_name if isinstance(one, dict)}
    rows = example.get(name)
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], list) else rows
    return {str(n): str(text) for n, text in enumerate(row, 1)} if isinstance(row, list) else {}


def obstacle(template: Template) -> str:
    """Return why these tools cannot send a template, "" where they can."""
    kinds = {str(one.get("type") or "").upper() for one in template.components}
    buttons = {str(one.get("type") or "").upper() for one in buttons_of(template)}
    form = str(component(template, "HEADER").get("format") or "").upper()
    if odd := sorted(kinds & {"CAROUSEL", "LIMITED_TIME_OFFER"} | buttons & {"MPM", "SPM", "CATALOG", "ORDER_DETAILS"}):
        return f"it has a part that these tools do not fill ({odd[0].lower()})"
    if form == "LOCATION":
        return "its header is a place on the map, which these tools do not fill"
    if template.status != "APPROVED":
        reason = f": {reason_of(template)}" if template.rejected_reason else ""
        return f"its status is {template.status.lower() or 'unknown'}{reason}"
    return ""


def reason_of(template: Template) -> str:
    """Return why Meta refused a template, as words and with its own code."""
    code = template.rejected_reason
    return f"{_REASONS[code]} ({code})" if code in _REASONS else code


def row_of(template: Template) -> TemplateRow:
    """Return a template as a row of a list."""
    return TemplateRow(
        name=template.name,
        language=template.language,
        status=template.status,
        category=template.category,
        text=text_of(component(template, "BODY")),
        placeholders=[one.key for one in _asked(template)] or None,
        rejected_reason=reason_of(template) or None,
    )


def detail_of(template: Template, others: Iterable[str] = ()) -> TemplateDetail:
    """Return a template as a whole."""
    header = component(template, "HEADER")
    form = str(header.get("format") or "")
    buttons = [f"{one.get('text') or ''} ({str(one.get('type') or '').lower()})" for one in buttons_of(template)]
    values = [
        PlaceholderRow(placeholder=one.key, content=_CONTENTS[one.content], example=one.example or None)
        for one in _asked(template)
    ]
    return TemplateDetail(
        **row_of(template).model_dump(),
        id=template.id,
        header=text_of(header) or (form.lower() if form else None),
        footer=text_of(component(template, "FOOTER")) or None,
        buttons=buttons or None,
        values=values or None,
        quality=template.quality or None,
        cannot_be_sent=obstacle(template) or None,
        other_languages=[one for one in others if one != template.language] or None,
    )


_CONTENTS = {
    "text": "a text in one line",
    "coupon_code": "a coupon code of at most 15 characters",
    "image": "a picture: path in the data folder, public link or media id",
    "video": "a video: path in the data folder, public link or media id",
    "document": "a PDF: path in the data folder, public link or media id",
}


def _asked(template: Template) -> list[Placeholder]:
    """Return the placeholders that a caller fills: the button of a one-time code takes the code of the body."""
    every_one = placeholders(template)
    coded = template.category == "AUTHENTICATION" and any(one.part == "body" for one in every_one)
    return [one for one in every_one if not (coded and one.part == "button")]


# -- a message of it --------------------------------------------------------------------------------------------------


def checked(template: Template, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the value of each placeholder as one line of text.

    Raises errors.InvalidInputError, with the placeholders, unless they are exactly those of the template.
    """
    asked = _asked(template)
    passed = {" ".join(str(key).strip("{} ").replace("_", " ").split()).lower(): value for key, value in values.items()}
    keys = {" ".join(one.key.replace("_", " ").split()).lower(): one for one in asked}
    wanted = listed(f"{one.key} ({_CONTENTS[one.content]})" for one in asked) or "none"
    missing = [one.key for key, one in keys.items() if key not in passed]
    unknown = [key for key in passed if key not in keys]
    title = f"«{template.name}» ({template.language})"
    if missing or unknown:
        wrong = [f"it has no value for {listed(missing)}"] if missing else []
        wrong += [f"there is no placeholder {listed(unknown)}"] if unknown else []
        raise errors.InvalidInputError(
            f"The values do not fit the template {title}: {'; '.join(wrong)}.", f"Pass in values exactly: {wanted}."
        )
    result = {}
    for key, one in keys.items():
        value = passed[key]
        text = " ".join(str(value).split()) if isinstance(value, str | int | float) else ""
        if not text or isinstance(value, bool):
            raise errors.InvalidInputError(f"The value of {one.key} is not a text or number.", "Pass a text.")
        if one.content == "coupon_code" and len(text) > 15:
            raise errors.InvalidInputError("A coupon code has at most 15 characters.", "Pass a shorter one.")
        result[one.key] = text
    if len(rendered(template, result)) > LONGEST_BODY:
        raise errors.InvalidInputError(
            f"With these values {title} has more than {LONGEST_BODY} characters.", "Pass shorter values."
        )
    return result


def rendered(template: Template, values: Mapping[str, str]) -> str:
    """Return the body of a template with its values."""
    return _OPEN.sub(lambda match: values.get(match[1], match[0]), text_of(component(template, "BODY")))


async def header_media(template: Template, value: str) -> tuple[dict[str, Any], tuple[str, bytes, str] | None]:
    """Return the media object of a template's header, and what has to be uploaded for it (path, content, type).

    Raises errors.InvalidInputError for a file that does not fit the header.
    """
    form = str(component(template, "HEADER").get("format")).lower()
    if value.startswith(("https://", "http://")):
        return media.media_object(link=value, filename=media.name_of(value) if form == "document" else ""), None
    if re.fullmatch(r"[0-9]{5,30}", value):
        return {"id": value}, None
    data, mime, kind = await media.local(value)
    if kind != form or (form == "document" and mime != "application/pdf"):
        raise errors.InvalidInputError(
            f"{value} is {mime}, and the header of «{template.name}» wants {_CONTENTS[form]}.", "Pass another file."
        )
    named_file = media.media_object(id="{media}", filename=media.name_of(value) if form == "document" else "")
    return named_file, (value, data, mime)


def message_of(template: Template, values: Mapping[str, str], header: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the template object of a message."""
    by_name = template.parameter_format.upper() == "NAMED"
    parts: list[dict[str, Any]] = []
    body: list[dict[str, Any]] = []
    code = next((values[one.key] for one in placeholders(template) if one.part == "body"), "")
    for one in placeholders(template):
        value = values.get(one.key, code)
        text = {"type": "text", "text": value}
        if one.part == "body":
            body.append({**text, "parameter_name": one.key} if by_name else text)
        elif one.part == "header" and one.content != "text":
            parts.append({"type": "header", "parameters": [{"type": one.content, one.content: dict(header or {})}]})
        elif one.part == "header":
            opened = _OPEN.search(text_of(component(template, "HEADER")))
            named_one = {"parameter_name": opened[1]} if by_name and opened else {}
            parts.append({"type": "header", "parameters": [{**text, **named_one}]})
        else:
            kind = "copy_code" if one.content == "coupon_code" else "url"
            parameter = {"type": "coupon_code", "coupon_code": value} if kind == "copy_code" else text
            parts.append({"type": "button", "sub_type": kind, "index": str(one.position), "parameters": [parameter]})
    if body:
        parts.insert(1 if parts and parts[0]["type"] == "header" else 0, {"type": "body", "parameters": body})
    return {
        "name": template.name,
        "language": {"code": template.language},
        **({"components": parts} if parts else {}),
    }


# -- the closed window ------------------------------------------------------------------------------------------------


async def window_closed(closed: WindowClosedError, text: str, kind: str) -> WindowClosedError:
    """Return the error of the closed window with the templates that fit best: by their kind, then by their text.

    Where the templates cannot be read, it is the error as it was.
    """
    with suppress(errors.FlotillaError):
        fitting = _fitting([one for one in await every(status="APPROVED") if not obstacle(one)], text, kind)
        closed.hint = (
            f"Send one with whatsapp_send_template: {'; '.join(map(_offer, fitting))}."
            if fitting
            else "There is no approved template: ask the user to create one, or to reach the customer in another way."
        )
    return closed


def _fitting(templates: list[Template], text: str, kind: str) -> list[Template]:
    terms = set(_words(text))

    def rank(one: Template) -> tuple[bool, int, bool, int]:
        shared = terms & set(_words(f"{one.name} {text_of(component(one, 'BODY'))}"))
        form = str(component(one, "HEADER").get("format") or "").lower()
        unlike = form != kind if kind.upper() in MEDIA else form.upper() in MEDIA
        return unlike, -len(shared), one.category != "UTILITY", len(placeholders(one))

    usable = [one for one in templates if one.category != "AUTHENTICATION"]
    return sorted(usable, key=rank)[:OFFERED]


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", folded(text)) if len(word) > 3]


def _offer(one: Template) -> str:
    keys = ", ".join(part.key for part in _asked(one))
    body = errors.excerpt(text_of(component(one, "BODY")), 120)
    return f"{one.name} ({one.language}, {one.category.lower()}) «{body}»" + (
        f" with values for {keys}" if keys else ""
    )
