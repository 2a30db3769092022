"""Messages to one person. https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from flotilla import Address, Model, Phone, Toolset, confirm, errors

from .. import media, templates
from ..client import api, country, own
from ..media import Kind
from ..models import Done, Sent
from ..sending import TEMPLATE, ReplyTo, To, deliver, message, short

tools = Toolset("messages")

MessageId = Annotated[
    str,
    Field(
        pattern=r"^wamid\.\S{4,300}$",
        description="The customer's message, as wamid.… from the user's webhook.",
        examples=["wamid.HBgLMzM2MTIzNDU2NzgVAgASGA"],
    ),
]
Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        description="Text above them, at most 1024 characters.",
        examples=["Quand livrer ?"],
    ),
]
Header = Annotated[str | None, Field(description="Bold title above the text, at most 60 characters.")]
Footer = Annotated[str | None, Field(description="Small line below the text, at most 60 characters.")]


@tools.writes(
    creates=True,
    additive=False,
    search="envoie écris réponds message texte whatsapp client send write reply text",
    examples=["Écris à Jean sur WhatsApp que son colis est là", "Reply to the customer on WhatsApp"],
)
async def send_text(
    to: To,
    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=4096,
            description="Text; *bold*, _italic_ and links are shown as such.",
            examples=["Bonjour, votre colis est arrivé."],
        ),
    ],
    preview_link: Annotated[bool, Field(description="True to show a preview of the first link.")] = False,
    reply_to: ReplyTo = None,
) -> Sent:
    """Send a text to a customer who wrote to the business within the last 24 hours. It cannot be called back.

    Outside of that window WhatsApp takes only a template: the error then names those that fit, for
    whatsapp_send_template. Past messages cannot be read here: WhatsApp gives them to the user's webhook alone.
    """
    content = {"body": text, "preview_url": preview_link}
    return await deliver(message(to, "text", content, reply_to), text)


@tools.writes(
    creates=True,
    asks=True,
    additive=False,
    deadline=55,
    search="envoie modèle template message hors fenêtre 24 heures notification rappel livraison first message",
    examples=["Préviens Jean par WhatsApp de sa livraison", "Send the delivery template to this number"],
)
async def send_template(
    to: To,
    template: Annotated[str, Field(min_length=1, description="Name of the template.", examples=["livraison_prevue"])],
    values: Annotated[
        dict[str, Any] | None,
        Field(description="Text by placeholder, as whatsapp_get_template lists them: 1, header, button 1."),
    ] = None,
    language: Annotated[
        str | None, Field(description="Language code, such as fr or en_US; needed where there are several.")
    ] = None,
) -> Sent:
    """Send an approved template, which reaches people outside of the 24-hour window or for the first time.

    WhatsApp may bill it, so the finished text is shown and asked about first. The values are checked against the
    template's placeholders. Find it with whatsapp_list_templates. Within the window, whatsapp_send_text is free.
    """
    one = templates.in_language(await templates.named(template), language)
    if reason := templates.obstacle(one):
        raise errors.InvalidInputError(
            f"The template «{one.name}» ({one.language}) cannot be sent: {reason}.",
            "Choose another one with whatsapp_list_templates.",
        )
    filled = templates.checked(one, values or {})
    file = header = None
    if any(part.part == "header" and part.content != "text" for part in templates.placeholders(one)):
        header, file = await templates.header_media(one, filled["header"])
    number, text = to.e164(country()), templates.rendered(one, filled)
    if file:
        body = message(to, "template", templates.message_of(one, filled, header))
        api.follows("POST", own("/messages"), json=body)
    rest = "".join(f"; {key}: {value}" for key, value in filled.items() if key.startswith(("header", "button")))
    await confirm(
        f"Send to {to.international(country())} the template «{one.name}» ({one.language}, {one.category.lower()}; "
        f"WhatsApp may bill it)? «{text}»{rest}",
        [number, one.components],
    )
    if file and header:
        header = {**header, "id": await media.upload(*file)}
    sent = await deliver(message(to, "template", templates.message_of(one, filled, header)), text, TEMPLATE)
    return sent.model_copy(update={"text": text or None})


@tools.writes(
    creates=True,
    additive=False,
    deadline=55,
    search="envoie photo image vidéo audio document pdf fichier pièce jointe send picture file attachment",
    examples=["Envoie la facture PDF à Jean sur WhatsApp", "Send this picture to the customer"],
)
async def send_media(
    to: To,
    source: Annotated[
        str,
        Field(
            min_length=1,
            description="Path in the data folder, public link, or media_id of an earlier result.",
            examples=["https://atelier.example/photos/lampe.jpg"],
        ),
    ],
    caption: Annotated[
        str | None, Field(max_length=1024, description="Text below a picture, video or file.", examples=["Votre lampe"])
    ] = None,
    kind: Annotated[Kind | None, Field(description="Where the name does not tell, or to send as document.")] = None,
    filename: Annotated[str | None, Field(description="Name of a document, as the customer sees it.")] = None,
    reply_to: ReplyTo = None,
) -> Sent:
    """Send a picture, video, audio, sticker or document to a customer who wrote within the last 24 hours.

    Takes pictures of 5 MB, videos and audio of 16 MB, documents of 100 MB. Outside of the window, send a template
    whose header takes the file with whatsapp_send_template. It cannot be called back.
    """
    file = None
    if source.startswith(("https://", "http://")):
        chosen, content = media.kind_of_link(source, kind), {"link": source}
    elif re.fullmatch(r"[0-9]{5,30}", source):
        known = await media.about(source)
        chosen, content = media.kind_of(known.mime_type, kind, f"The file {source}"), {"id": source}
    else:
        data, mime, chosen = await media.local(source, kind)
        file, content = (source, data, mime), {"id": "{media}"}
    if caption and chosen in ("audio", "sticker"):
        raise errors.InvalidInputError(f"WhatsApp shows no caption with {chosen}.", "Send it with whatsapp_send_text.")
    name = filename or (media.name_of(source) if "link" in content or file else None)
    content = media.media_object(**content, caption=caption, filename=name if chosen == "document" else None)
    body = message(to, chosen, content, reply_to)
    if file:
        api.follows("POST", own("/messages"), json=body)
        content["id"] = await media.upload(*file)
    sent = await deliver(body, caption or "", uploaded=content["id"] if file else None)
    return sent.model_copy(update={"media_id": content.get("id")})


@tools.writes(
    creates=True,
    additive=False,
    search="boutons choix question oui non réponse rapide interactive buttons quick reply ask",
    examples=["Demande à Jean s'il préfère mardi ou mercredi", "Ask the customer with buttons"],
)
async def send_buttons(
    to: To,
    text: Text,
    buttons: Annotated[
        list[str],
        Field(
            min_length=1,
            max_length=3,
            description="One to three labels of at most 20 characters.",
            examples=[["Mardi", "Jeudi"]],
        ),
    ],
    header: Header = None,
    footer: Footer = None,
) -> Sent:
    """Ask a customer something with one to three buttons, within 24 hours after they wrote.

    For more choices use whatsapp_send_list. The answer comes to the user's webhook with the label of the button; no
    tool reads it.
    """
    labels = _unlike([short(label, 20, "label") for label in buttons], "label")
    action = {"buttons": [{"type": "reply", "reply": {"id": label, "title": label}} for label in labels]}
    content = _interactive("button", text, header, footer, action)
    return await deliver(message(to, "interactive", content), text)


class ListRow(Model):
    """One choice of a list, as an argument."""

    title: str = Field(description="Label of at most 24 characters.")
    description: str | None = Field(None, description="Line below it, at most 72 characters.")
    section: str | None = Field(None, description="Heading of its group, at most 24 characters.")


@tools.writes(
    creates=True,
    additive=False,
    search="liste de choix menu créneaux options interactive list menu",
    examples=["Propose ces cinq créneaux à Jean", "Send the customer a menu"],
)
async def send_list(
    to: To,
    text: Text,
    rows: Annotated[
        list[ListRow],
        Field(min_length=1, max_length=10, description="Up to ten choices.", examples=[[{"title": "Mardi 9 h"}]]),
    ],
    button: Annotated[
        str, Field(min_length=1, description="Label that opens the list, at most 20 characters.")
    ] = "Menu",
    header: Header = None,
    footer: Footer = None,
) -> Sent:
    """Let a customer choose from a list of up to ten rows, within 24 hours after they wrote.

    For two or three choices whatsapp_send_buttons is easier to tap. The choice comes to the user's webhook with the
    title of the row; no tool reads it.
    """
    titles = _unlike([short(row.title, 24, "title") for row in rows], "title")
    sections: dict[str, list[dict[str, Any]]] = {}
    for title, row in zip(titles, rows, strict=True):
        about = short(row.description, 72, "description")
        group = sections.setdefault(short(row.section, 24, "section") or "", [])
        group.append({"id": title, "title": title, **({"description": about} if about else {})})
    if len(sections) > 1 and "" in sections:
        raise errors.InvalidInputError("Some rows have a section and others do not.", "Give each row one, or none.")
    groups = [{**({"title": name} if name else {}), "rows": group} for name, group in sections.items()]
    action = {"button": short(button, 20, "label of the button") or "Menu", "sections": groups}
    content = _interactive("list", text, header, footer, action)
    return await deliver(message(to, "interactive", content), text)


def _unlike(texts: list[str | None], part: str) -> list[str]:
    labels = [text for text in texts if text]
    if len(labels) < len(texts) or len({label.casefold() for label in labels}) < len(labels):
        raise errors.InvalidInputError(f"Each {part} must be there, and differ from the others.", "Change them.")
    return labels


def _interactive(
    kind: str, text: str, header: str | None, footer: str | None, action: dict[str, Any]
) -> dict[str, Any]:
    title, foot = short(header, 60, "header"), short(footer, 60, "footer")
    return {
        "type": kind,
        **({"header": {"type": "text", "text": title}} if title else {}),
        "body": {"text": text},
        **({"footer": {"text": foot}} if foot else {}),
        "action": action,
    }


@tools.writes(
    creates=True,
    additive=False,
    search="envoie position lieu adresse carte plan localisation send location map place",
    examples=["Envoie l'adresse du magasin à Jean", "Send our location"],
)
async def send_location(
    to: To,
    latitude: Annotated[float, Field(ge=-90, le=90, description="Degrees north, decimal.", examples=[45.7578])],
    longitude: Annotated[float, Field(ge=-180, le=180, description="Degrees east, decimal.", examples=[4.832])],
    name: Annotated[str | None, Field(description="Name of the place.")] = None,
    address: Annotated[str | None, Field(description="Postal address, shown below the name.")] = None,
) -> Sent:
    """Send a place on the map, with its name and address, to a customer who wrote within the last 24 hours.

    It takes coordinates and does not look an address up: an address alone goes with whatsapp_send_text.
    """
    if address and not name:
        name = address  # WhatsApp shows no address without a name
    place = {"latitude": latitude, "longitude": longitude, "name": name, "address": address}
    content = {key: value for key, value in place.items() if value is not None}
    return await deliver(message(to, "location", content), name or "")


@tools.writes(
    creates=True,
    additive=False,
    search="envoie contact carte de visite numéro coordonnées send contact card vcard",
    examples=["Envoie à Jean le contact du plombier", "Share Marie's number with the customer"],
)
async def send_contact(
    to: To,
    name: Annotated[
        str, Field(min_length=1, max_length=200, description="First and last name.", examples=["Marie Roy"])
    ],
    phones: Annotated[
        list[Phone],
        Field(min_length=1, max_length=10, description="Numbers of the contact.", examples=[["04 72 00 00 00"]]),
    ],
    email: Annotated[Address | None, Field(description="E-mail address of the contact.")] = None,
    company: Annotated[str | None, Field(description="Company of the contact.")] = None,
    job_title: Annotated[str | None, Field(description="Role in the company.")] = None,
) -> Sent:
    """Send a contact card, which can be saved or called, to a customer who wrote within the last 24 hours.

    The card is about somebody else than the customer in `to`. For a number alone use whatsapp_send_text.
    """
    first, _, last = " ".join(name.split()).partition(" ")
    firm = {"company": company, "title": job_title}
    card = {
        "name": {
            "formatted_name": " ".join(name.split()),
            "first_name": first,
            **({"last_name": last} if last else {}),
        },
        "phones": [{"phone": phone.e164(country()), "type": "WORK"} for phone in phones],
        **({"emails": [{"email": email.address, "type": "WORK"}]} if email else {}),
        **({"org": {key: value for key, value in firm.items() if value}} if company or job_title else {}),
    }
    return await deliver(message(to, "contacts", [card]), name)


@tools.writes(
    creates=True,
    additive=False,
    idempotent=True,
    search="réagis réaction emoji pouce cœur react thumbs up heart",
    examples=["Mets un pouce à son message", "React with a heart"],
)
async def send_reaction(
    to: To,
    message_id: MessageId,
    emoji: Annotated[str | None, Field(max_length=16, description="One emoji; without it the reaction goes.")] = None,
) -> Sent:
    """React to a customer's message with an emoji, replace the reaction, or take it back.

    The message is at most 30 days old. To answer with a text use whatsapp_send_text with reply_to.
    """
    content = {"message_id": message_id, "emoji": emoji or ""}
    return await deliver(message(to, "reaction", content), emoji or "")


@tools.writes(
    additive=False,
    idempotent=True,
    search="marque lu coches bleues en train d'écrire mark read blue ticks typing",
    examples=["Marque son message comme lu", "Show that we are typing"],
)
async def mark_message_read(
    message_id: MessageId,
    typing: Annotated[bool, Field(description="True to show for 25 seconds that an answer is being typed.")] = False,
) -> Done:
    """Mark a customer's message, and all before it, as read: the customer sees blue ticks.

    With `typing`, answer soon after with whatsapp_send_text.
    """
    body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    if typing:
        body["typing_indicator"] = {"type": "text"}
    answer = await api.post(own("/messages"), json=body)
    return Done(done=bool(answer.get("success", True)))
