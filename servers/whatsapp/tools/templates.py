"""Templates: listed, read, created, changed, deleted.

https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from flotilla import Cursor, Limit, Model, Page, Phone, Toolset, confirm, errors, segment
from flotilla.parsing import listed

from .. import templates
from ..client import account, api, country
from ..models import Done, Template, TemplateDetail, TemplateRow, TemplateSaved
from ..sending import short

tools = Toolset("templates")

Category = Literal["UTILITY", "MARKETING", "AUTHENTICATION"]
Name = Annotated[
    str, Field(min_length=1, description="Name from whatsapp_list_templates.", examples=["livraison_prevue"])
]
CODE = r"^[A-Za-z]{2,3}([_-][A-Za-z]{2,4})?$"
ExactName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9_]{1,512}$",
        description="Exact name from whatsapp_list_templates.",
        examples=["livraison_prevue"],
    ),
]
Language = Annotated[str | None, Field(description="Language code, such as fr or en_US.", examples=["fr"])]
_OPEN = re.compile(r"\{\{([^{}]*)\}\}")


@tools.reads(
    search="liste modèles messages templates statut approuvé refusé en attente rejected pending approved",
    examples=["Quels modèles WhatsApp avons-nous ?", "Why was the template refused?"],
)
async def list_templates(
    query: Annotated[str | None, Field(description="Part of name or text.")] = None,
    status: Annotated[
        Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"] | None,
        Field(description="APPROVED for those that can be sent."),
    ] = None,
    language: Language = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[TemplateRow]:
    """List the message templates, each with status, category, text, placeholders and why Meta refused it.

    A template reaches people outside of the 24-hour window: whatsapp_send_template sends one; whatsapp_get_template
    shows header, buttons and what each placeholder wants.
    """
    params = {"fields": templates.FIELDS, "name_or_content": query, "status": status, "language": language}
    page = await api.page(account("/message_templates"), Template, params=params, limit=limit, cursor=cursor)
    return Page(items=[templates.row_of(one) for one in page.items], next_cursor=page.next_cursor)


@tools.reads(
    search="montre modèle template détails paramètres variables placeholders raison du refus rejection reason",
    examples=["Que contient le modèle livraison ?", "Which values does the template need?"],
)
async def get_template(template: Name, language: Language = None) -> TemplateDetail:
    """Get one template: header, text, footer, buttons, and each placeholder with what whatsapp_send_template wants.

    It also tells status, quality, why Meta refused it, and why it cannot be sent. Without a language, the only or the
    first approved one.
    """
    matches = await templates.named(template)
    approved = [one for one in matches if one.status == "APPROVED"] or matches
    one = templates.in_language(matches, language) if language else approved[0]
    return templates.detail_of(one, [other.language for other in matches])


class TemplateButton(Model):
    """A button of a template, as an argument."""

    label: str = Field(description="At most 25 characters.")
    kind: Literal["quick_reply", "url", "phone"] = Field("quick_reply", description="What a tap does.")
    target: str | None = Field(None, description="Link or phone number.")
    example: str | None = Field(None, description="Whole link, where target ends in {{1}}.")


@tools.writes(
    core=False,
    creates=True,
    search="crée nouveau modèle template soumets approbation create submit approval",
    examples=["Crée un modèle pour annoncer une livraison"],
)
async def create_template(
    name: Annotated[
        str, Field(pattern=r"^[a-z0-9_]{1,512}$", description="Lower case, digits, _.", examples=["rappel_rendez_vous"])
    ],
    language: Annotated[
        str, Field(min_length=2, max_length=10, description="Language code, such as fr or en_US.", examples=["fr"])
    ],
    category: Annotated[
        Literal["UTILITY", "MARKETING"],
        Field(description="UTILITY for orders and appointments.", examples=["UTILITY"]),
    ],
    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1024,
            description="Text with placeholders {{1}} or {{first_name}}.",
            examples=["Bonjour {{1}}, à {{2}} !"],
        ),
    ],
    examples: Annotated[
        list[str] | None,
        Field(description="One for each placeholder, in order.", examples=[["Zoé", "3 juin"]]),
    ] = None,
    header: Annotated[str | None, Field(description="Title of at most 60 characters.")] = None,
    footer: Annotated[str | None, Field(description="Small line of at most 60 characters.")] = None,
    buttons: Annotated[list[TemplateButton] | None, Field(max_length=10, description="Up to ten buttons.")] = None,
) -> TemplateSaved:
    """Hand a new template in to Meta, which approves or refuses it within minutes to a day.

    Look with whatsapp_list_templates for one that fits first, and there for its status later. Headers with pictures
    and one-time codes are made in WhatsApp Manager.
    """
    parts = _components(text, examples, header, footer, buttons)
    body = {
        "name": name,
        "language": language.replace("-", "_"),
        "category": category,
        "parameter_format": "NAMED" if _is_named(text) else None,
        "components": parts,
    }
    known = [one for one in await templates.every(name=name) if one.name == name]
    if same := next((one for one in known if one.language == body["language"]), None):
        raise errors.InvalidInputError(
            f"The template «{name}» ({same.language}) exists already, with the status {same.status.lower()}.",
            "Change it with whatsapp_update_template, or choose another name.",
        )
    answer = await api.post(account("/message_templates"), json=body)
    return TemplateSaved(
        id=str(answer.get("id") or "") or None,
        name=name,
        language=str(body["language"]),
        status=_text(answer, "status"),
        category=_text(answer, "category"),
    )


@tools.writes(
    core=False,
    replaces=True,
    search="modifie corrige modèle template refusé resoumets edit resubmit",
    examples=["Corrige le modèle refusé"],
)
async def update_template(
    template: Name,
    text: Annotated[
        str, Field(min_length=1, max_length=1024, description="The new text.", examples=["Bonjour {{1}}, à mardi !"])
    ],
    language: Language = None,
    examples: Annotated[
        list[str] | None,
        Field(description="An example for each placeholder of the text, in its order.", examples=[["Zoé"]]),
    ] = None,
) -> TemplateSaved:
    """Replace the text of a template and hand it in again; its header, footer and buttons stay. It asks first.

    For one that Meta refused or paused: whatsapp_get_template tells why. An approved one can be changed once a day and
    ten times in 30 days, and cannot be sent before it is approved again.
    """
    one = templates.in_language(await templates.named(template), language)
    if one.status not in ("APPROVED", "REJECTED", "PAUSED"):
        raise errors.InvalidInputError(
            f"The template «{one.name}» ({one.language}) has the status {one.status.lower()}, so it cannot be changed.",
            "Wait until Meta has decided, or create another one.",
        )
    if str(templates.component(one, "HEADER").get("format") or "TEXT").upper() != "TEXT":
        raise errors.InvalidInputError(
            f"The header of «{one.name}» takes a file or place, whose example would have to be handed in again.",
            "Tell the user to change it in WhatsApp Manager.",
        )
    if _is_named(text) != (one.parameter_format.upper() == "NAMED") and _OPEN.search(text):
        raise errors.InvalidInputError(
            "The placeholders of the new text are not of the template's kind.", "Write them as in the old text."
        )
    new = _body(text, examples)
    parts = [new if str(part.get("type")).upper() == "BODY" else part for part in one.components]
    old = templates.text_of(templates.component(one, "BODY"))
    await confirm(
        f"Replace the text of the template «{one.name}» ({one.language}, {one.status.lower()})? Old: «{old}» "
        f"New: «{text}»",
        one.components,
    )
    await api.post(f"/{segment(one.id)}", json={"components": parts})
    return TemplateSaved(id=one.id, name=one.name, language=one.language, status="PENDING", category=one.category)


@tools.destroys(core=False, asks=True, idempotent=True, search="supprime efface modèle template delete remove")
async def delete_template(
    template: ExactName,
    language: Annotated[
        str | None, Field(pattern=CODE, description="Language code; without it all languages go.", examples=["fr"])
    ] = None,
) -> Done:
    """Delete a template in one language or in all of them for good. It asks with text and languages first.

    Its name cannot be used again for 30 days. The name comes from whatsapp_list_templates.
    """
    matches = await templates.named(template)
    gone = [templates.in_language(matches, language)] if language else matches
    text = errors.excerpt(templates.text_of(templates.component(gone[0], "BODY")), 200)
    await confirm(
        f"Delete the template «{gone[0].name}» in {listed(one.language for one in gone)} for good? «{text}»",
        sorted(one.id for one in gone),
    )
    params = {"name": gone[0].name, "hsm_id": gone[0].id if language else None}
    await api.delete(account("/message_templates"), params=params)
    return Done()


# -- what Meta wants of a new one -------------------------------------------------------------------------------------


def _text(answer: dict[str, Any], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) else None


def _is_named(text: str) -> bool:
    return any(not key.strip().isdigit() for key in _OPEN.findall(text))


def _body(text: str, examples: list[str] | None) -> dict[str, Any]:
    """Return the body of a template; raises errors.InvalidInputError for what Meta would refuse at once."""
    keys = list(dict.fromkeys(key.strip() for key in _OPEN.findall(text)))
    if any(not re.fullmatch(r"[a-z0-9_]+", key) for key in keys):
        raise errors.InvalidInputError(
            "A placeholder has other characters than a-z, 0-9 and _.", "Write {{1}} or {{first_name}}."
        )
    numbers = [int(key) for key in keys if key.isdigit()]
    if numbers and (len(numbers) < len(keys) or sorted(numbers) != list(range(1, len(keys) + 1))):
        raise errors.InvalidInputError(
            "The placeholders are not numbered from 1 without a gap.", "Use {{1}}, {{2}} and so on, or names alone."
        )
    bare = text.strip()
    if keys and (bare.startswith("{{") or bare.endswith("}}")):
        raise errors.InvalidInputError(
            "Meta refuses a text that begins or ends with a placeholder.", "Add words there."
        )
    shown = [one for one in examples or [] if one.strip()]
    if len(shown) != len(keys):
        raise errors.InvalidInputError(
            f"The text has {len(keys)} placeholders and there are {len(shown)} examples.",
            "Pass one for each placeholder, in the order of the text.",
        )
    example: dict[str, Any] = {}
    if numbers:
        by_key = dict(zip(keys, shown, strict=True))
        example = {"body_text": [[by_key[str(number)] for number in sorted(numbers)]]}
    elif keys:
        pairs = zip(keys, shown, strict=True)
        example = {"body_text_named_params": [{"param_name": key, "example": one} for key, one in pairs]}
    return {"type": "BODY", "text": text, **({"example": example} if example else {})}


def _components(
    text: str,
    examples: list[str] | None,
    header: str | None,
    footer: str | None,
    buttons: list[TemplateButton] | None,
) -> list[dict[str, Any]]:
    title, foot = short(header, 60, "header"), short(footer, 60, "footer")
    if _OPEN.search(f"{title}{foot}"):
        raise errors.InvalidInputError("Header and footer take no placeholder here.", "Put it into the text.")
    parts: list[dict[str, Any]] = [{"type": "HEADER", "format": "TEXT", "text": title}] if title else []
    parts.append(_body(text, examples))
    parts += [{"type": "FOOTER", "text": foot}] if foot else []
    parts += [{"type": "BUTTONS", "buttons": [_button(one) for one in buttons]}] if buttons else []
    return parts


def _button(one: TemplateButton) -> dict[str, Any]:
    label = short(one.label, 25, "label")
    if not label:
        raise errors.InvalidInputError("A button has no label.", "Pass one.")
    if one.kind == "quick_reply":
        return {"type": "QUICK_REPLY", "text": label}
    target = (one.target or "").strip()
    if one.kind == "phone":
        return {"type": "PHONE_NUMBER", "text": label, "phone_number": Phone.read(target).e164(country())}
    if not target.startswith(("https://", "http://")):
        raise errors.InvalidInputError(f"The button «{label}» has no link.", "Pass an https address as target.")
    if _OPEN.search(target):
        if not target.endswith("{{1}}") or not one.example:
            raise errors.InvalidInputError(
                f"The link of the button «{label}» needs {{{{1}}}} at its end, and an example.", "Pass both."
            )
        return {"type": "URL", "text": label, "url": target, "example": [one.example]}
    return {"type": "URL", "text": label, "url": target}
