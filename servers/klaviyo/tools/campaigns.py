"""Campaigns: prepare, schedule, take back, count. https://developers.klaviyo.com/en/reference/campaigns_api_overview"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from flotilla import Cursor, Limit, Page, Toolset, When, confirm, errors, readable, segment, will_ask
from flotilla.parsing import folded, listed, shown, to_utc

from ..client import all_of, api, condition, flat, page, post, related_ids, resource, send
from ..lookup import (
    MAIL,
    SMS,
    AudienceRef,
    CampaignRef,
    account,
    account_zone,
    audience_named,
    audiences,
    campaign_named,
    template_named,
    within,
)
from ..models import Campaign, CampaignRow, Changed, Estimation, Message, Recipients, Scheduled

tools = Toolset("campaigns")
READ = ["accounts:read campaigns:read lists:read segments:read"]
WRITE = ["accounts:read campaigns:read campaigns:write lists:read segments:read templates:read"]
STATES = {"draft": "Draft", "scheduled": "Scheduled", "sending": "Sending", "sent": "Sent", "cancelled": "Cancelled"}
SENDING = ("Adding Recipients", "Preparing to send", "Preparing to schedule", "Sending", "Sending Segments")
POLLS = 12  # times that an estimation is asked for
NOW = ("now", "maintenant", "tout de suite")


def moment(text: str) -> str:
    """Return "now" or a time as it was written; raises ValueError for a day without a time, and for other texts."""
    if folded(text) in NOW:
        return "now"
    if When.read(text).is_day:
        raise ValueError(f"`{errors.excerpt(text, 40)}` is a day without a time")
    return text.strip()


SendAt = Annotated[
    str,
    AfterValidator(moment),
    Field(
        description="Time to send, 2030-06-04T09:00 in the account's zone or with an offset; or now.",
        examples=["2030-06-04T09:00"],
    ),
]
Subject = Annotated[str | None, Field(min_length=1, max_length=500, description="Subject line of the e-mail.")]
PreviewText = Annotated[str | None, Field(max_length=500, description="Text that inboxes show after the subject.")]
TemplateName = Annotated[str | None, Field(description="Name of the Klaviyo template that the e-mail is made of.")]
Text = Annotated[str | None, Field(min_length=1, max_length=1600, description="Text of an SMS, in place of a subject.")]
LeftOut = Annotated[list[str] | None, Field(description="Names of lists or segments whose people are left out.")]
Audiences = Annotated[
    list[AudienceRef],
    Field(
        min_length=1,
        max_length=15,
        description="Names of the lists or segments that it goes to, from klaviyo_list_audiences.",
        examples=[["Newsletter"]],
    ),
]


@tools.reads(
    scopes=["accounts:read campaigns:read"],
    search=(
        "campagnes envois newsletters prévues envoyées brouillons mailings quand part quelles emailings "
        "mails promo déjà partis à venir dernière blasts sent scheduled upcoming drafts which went out "
        "recent programmé planned text masse"
    ),
    examples=[
        "Quelles campagnes sont prévues ?",
        "Which newsletters did we send last?",
        "Quels emailings sont partis ce mois-ci ?",
        "Qu'est-ce qui est programmé cette semaine ?",
        "On a des brouillons de newsletter ?",
        "C'était quand, le dernier envoi ?",
        "Liste les SMS de masse envoyés",
        "Which mailings went out this month?",
        "What's scheduled for this week?",
        "Do we have any drafts?",
        "When was the last newsletter sent?",
        "List our text message blasts",
    ],
)
async def list_campaigns(
    query: Annotated[str | None, Field(description="Words that the name contains.")] = None,
    status: Annotated[
        Literal["draft", "scheduled", "sending", "sent", "cancelled"] | None,
        Field(description="Only campaigns in this state."),
    ] = None,
    channel: Annotated[Literal["email", "sms"], Field(description="Campaigns of which channel to list.")] = "email",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CampaignRow]:
    """List e-mail or SMS campaigns, newest first, with their state and the time at which they are sent.

    For subject, audiences and sender of one, use klaviyo_get_campaign. To send a draft, use
    klaviyo_schedule_campaign.
    """
    conditions = [
        condition("equals", "messages.channel", channel),
        *([condition("contains", "name", query.strip())] if query and query.strip() else []),
        *([condition("equals", "status", STATES[status])] if status else []),
    ]
    params = {"filter": all_of(conditions), "sort": "-created_at"}
    rows = await page("/api/campaigns", CampaignRow, params=params, limit=limit, cursor=cursor)
    return rows.model_copy(update={"items": await within(rows.items)})


@tools.reads(
    scopes=READ,
    search=(
        "détail campagne objet destinataires expéditeur contenu de la newsletter ouvre à qui part quand "
        "du mail heure d'envoi vérifie open which audience what time subject line who gets sender check "
        "quelles listes when going"
    ),
    examples=[
        "À qui part la campagne Soldes d'été ?",
        "What is the subject of Friday's newsletter?",
        "C'est quoi l'objet du mail de vendredi ?",
        "À quelle heure part la newsletter ?",
        "Elle va à quelles listes, cette campagne ?",
        "Ouvre le brouillon des soldes",
        "Vérifie l'expéditeur du mailing",
        "Open the summer campaign",
        "When does Friday's mailing go out?",
        "What's the subject line?",
        "Which lists is it going to?",
        "Who is the sender of that one?",
    ],
)
async def get_campaign(campaign: CampaignRef) -> Campaign:
    """Get one campaign: its state, send time, audiences by name, and each message with subject and sender.

    Use it before klaviyo_schedule_campaign, which also counts the recipients.
    """
    return await _detailed(await campaign_named(campaign))


async def _detailed(row: CampaignRow) -> Campaign:
    """Return a campaign with the names of its audiences, and with its messages."""
    names = {one.id: one.name for kind in ("list", "segment") for one in await audiences(kind)}
    whole = Campaign(
        **dict(row),
        audiences=[names.get(one, one) for one in row.included],
        without=[names.get(one, one) for one in row.excluded],
        smart_sending=row.smart,
        messages=await _messages(row.id),
    )
    return whole.within(await account_zone())


async def _messages(campaign: str) -> list[Message]:
    rows = await _raw_messages(campaign)
    return readable(Message, [flat(row) for row in rows])


async def _raw_messages(campaign: str) -> list[Any]:
    path = f"/api/campaigns/{segment(campaign)}/campaign-messages"
    return await api.rows(path, "data", params={"include": "template"}, missing=True)


@tools.writes(
    creates=True,
    scopes=WRITE,
    search=(
        "créer préparer nouvelle campagne newsletter mailing brouillon SMS write newsletter rédige "
        "monte emailing mail promo écrire à tous nos clients annonce up draft put together text blast "
        "announce promotion fête mères Mother's Day Noël Christmas"
    ),
    examples=[
        "Prépare une newsletter Soldes pour la liste Newsletter.",
        "Draft a campaign to the VIP segment",
        "Monte un emailing pour les soldes",
        "Rédige un mail promo à tous les abonnés",
        "Prépare un SMS pour les clients fidèles",
        "Nouvelle newsletter pour annoncer l'ouverture",
        "Fais un brouillon d'e-mail Black Friday",
        "Put together a mailing for the sale",
        "Write a newsletter about the opening",
        "Draft a text message for loyal customers",
        "Prepare a promo e-mail, don't send it yet",
        "New campaign for Mother's Day",
    ],
)
async def create_campaign(
    name: Annotated[
        str, Field(min_length=1, max_length=255, description="Name inside Klaviyo.", examples=["Soldes d'été 2030"])
    ],
    audiences: Audiences,
    subject: Subject = None,
    template: TemplateName = None,
    preview_text: PreviewText = None,
    text: Text = None,
    without: LeftOut = None,
) -> Campaign:
    """Create a campaign as a draft: an e-mail with a subject and a template, or an SMS with its text. Sends nothing.

    The account's default sender is used. Fails where a draft has this name already. Then look at it with
    klaviyo_get_campaign, and send it with klaviyo_schedule_campaign.
    """
    if text and (subject or preview_text or template):
        raise errors.InvalidInputError(
            "A text makes an SMS, which has no subject and no template.", "Pass either the text or the e-mail's parts."
        )
    included, excluded = await _ids(audiences), await _ids(without or [])
    chosen = await template_named(template) if template else None
    channel = SMS if text else MAIL
    await _check_new(name, channel)
    content = {"body": text} if text else await _mail(subject, preview_text)
    message = resource("campaign-message", {"definition": {"channel": channel, "content": content}})
    attributes = {
        "name": name,
        "audiences": {"included": included, **({"excluded": excluded} if excluded else {})},
        "campaign-messages": {"data": [message]},
    }
    if chosen:
        api.follows("POST", "/api/campaign-message-assign-template", json={"data": _copy("{message}", chosen.id)})
    made = (await post("/api/campaigns", resource("campaign", attributes)))["data"]
    row = CampaignRow.model_validate(flat(made))
    if chosen:
        for one in related_ids(made, "campaign-messages") or [m.id for m in await _messages(row.id)]:
            await send("POST", "/api/campaign-message-assign-template", _copy(one, chosen.id))
    return await _detailed(row)


async def _ids(refs: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([(await audience_named(ref)).id for ref in refs]))


async def _check_new(name: str, channel: str) -> None:
    """Refuse a second draft of one name."""
    params = {
        "filter": all_of(
            [
                condition("equals", "messages.channel", channel),
                condition("contains", "name", name),
                condition("equals", "status", "Draft"),
            ]
        )
    }
    rows = readable(CampaignRow, [flat(row) for row in await api.rows("/api/campaigns", "data", params=params)])
    for row in rows:
        if folded(row.name) == folded(name) and row.status == "Draft":
            raise errors.InvalidInputError(
                f"There is a draft {errors.excerpt(row.name, 80)} already ({row.id}); nothing was done.",
                "Look at it with klaviyo_get_campaign, or take another name.",
            )


async def _mail(subject: str | None, preview_text: str | None) -> dict[str, str]:
    """Return the content of an e-mail, from the account's default sender."""
    known = await account()
    parts = {
        "subject": subject,
        "preview_text": preview_text,
        "from_email": known.default_sender_email,
        "from_label": known.default_sender_name,
    }
    return {name: value for name, value in parts.items() if value}


def _copy(message: str, template: str) -> dict[str, Any]:
    """Return the data that gives a message a copy of a template."""
    relation = {"template": {"data": resource("template", id=template)}}
    return {**resource("campaign-message", id=message), "relationships": relation}


@tools.writes(
    creates=True,
    asks=True,
    replaces=True,
    deadline=55,
    scopes=WRITE,
    search=(
        "programmer envoyer planifier la campagne newsletter maintenant demain send newsletter fais "
        "partir lance l'envoi balance expédie go vas-y à telle heure launch fire out blast schedule for "
        "at it"
    ),
    examples=[
        "Programme la campagne Soldes d'été pour mardi 9 h.",
        "Send the VIP newsletter now",
        "Envoie la newsletter tout de suite",
        "Fais partir l'emailing demain à 8 h",
        "Lance la campagne",
        "C'est bon, tu peux l'envoyer",
        "Programme le SMS pour samedi matin",
        "Launch the mailing",
        "Send it out tomorrow at eight",
        "The newsletter is ready, go",
        "Schedule the text blast for Saturday",
        "Let it go out on Monday morning",
    ],
)
async def schedule_campaign(campaign: CampaignRef, send_at: SendAt) -> Scheduled:
    """Schedule a draft campaign for a time, or send it now. Klaviyo counts the recipients first, and the user is asked.

    The question names the number of recipients, the audiences, the subject and the time. What is sent cannot be called
    back; until then klaviyo_cancel_campaign makes it a draft again. Look first with klaviyo_get_campaign.
    """
    zone = await account_zone()
    begin = None if send_at == "now" else When.read(send_at).at(zone)
    if begin and begin.astimezone(UTC) <= datetime.now(UTC) + timedelta(minutes=1):
        raise errors.InvalidInputError("send_at is in the past.", "Pass a later time, or now.")
    known = await _detailed(await campaign_named(campaign))
    _check_ready(known)
    estimated = None
    if will_ask():
        estimated = await estimate(known.id, known.name)
        if not estimated:
            raise errors.InvalidInputError(
                f"Nobody would get «{errors.excerpt(known.name, 80)}»: its audiences are empty; nothing was done.",
                "Ask the user to choose other audiences, or to wait until there are people in them.",
            )
        when = f"on {shown(begin, zone)}" if begin else "now, at once"
        await confirm(_question(known, estimated, when))
    strategy: dict[str, Any] = {"method": "immediate"}
    if begin:
        strategy = {"method": "static", "datetime": to_utc(begin), "options": {"is_local": False}}
    job = resource("campaign-send-job", id=known.id)
    if not _same(known, strategy, begin):
        api.follows("POST", "/api/campaign-send-jobs", json={"data": job})
        change = resource("campaign", {"send_strategy": strategy}, id=known.id)
        await send("PATCH", f"/api/campaigns/{segment(known.id)}", change)
    answer = flat((await post("/api/campaign-send-jobs", job))["data"])
    state = answer.get("status") if isinstance(answer, Mapping) else None
    return Scheduled(
        id=known.id,
        name=known.name,
        send_at=begin,
        estimated_recipients=estimated,
        status=state or "queued",
    )


def _check_ready(known: Campaign) -> None:
    """Raise errors.InvalidInputError for a campaign that is no draft, or that has nothing to send."""
    if known.status != "Draft":
        raise errors.InvalidInputError(
            f"«{errors.excerpt(known.name, 80)}» is not a draft: Klaviyo calls it {known.status}; nothing was done.",
            "To change the time of a scheduled one, take it back with klaviyo_cancel_campaign first.",
        )
    if known.strategy.get("method") in ("ab_test_campaign", "unsupported"):
        raise errors.InvalidInputError(
            f"«{errors.excerpt(known.name, 80)}» is an A/B test, whose way of sending would be lost; nothing was done.",
            "Ask the user to schedule it in Klaviyo.",
        )
    for one in known.messages:
        lacking = [
            label
            for label, value in (("a subject", one.subject), ("a template", one.template))
            if one.channel == MAIL and not value
        ] or (["a text"] if one.channel == SMS and not one.text else [])
        if lacking:
            raise errors.InvalidInputError(
                f"«{errors.excerpt(known.name, 80)}» has not got {' and '.join(lacking)} yet; nothing was done.",
                "Ask the user to complete it in Klaviyo.",
            )


def _question(known: Campaign, estimated: int, when: str) -> str:
    channel = "SMS" if any(one.channel == SMS for one in known.messages) else "e-mail"
    subject = next((f", subject «{one.subject}»" for one in known.messages if one.subject), "")
    left = f", without {listed(known.without)}" if known.without else ""
    method = str(known.strategy.get("method") or "static")
    replaced = "" if method in ("static", "immediate") else f" Its way of sending ({method}) is replaced by this."
    people = "1 recipient" if estimated == 1 else f"{estimated:,} recipients"
    return (
        f"Send the {channel} campaign «{known.name}»{subject} {when} to about {people} "
        f"({listed(known.audiences)}{left})?{replaced}"
    )


def _same(known: Campaign, wanted: Mapping[str, Any], begin: datetime | None) -> bool:
    """Tell whether a campaign is to be sent in this way already."""
    options = known.strategy.get("options")
    local = isinstance(options, Mapping) and bool(options.get("is_local"))
    return known.strategy.get("method") == wanted["method"] and (
        begin is None or (known.send_at == begin and not local)
    )


async def estimate(campaign: str, name: str) -> int:
    """Return how many people a campaign would reach, counted now; raises errors.UpstreamError where that takes long."""
    job = resource("campaign-recipient-estimation-job", id=campaign)
    answer = await post("/api/campaign-recipient-estimation-jobs", job, reads=True)
    for turn in range(POLLS):
        state = flat(answer["data"])
        status = state.get("status") if isinstance(state, Mapping) else None
        if status == "complete":
            path = f"/api/campaign-recipient-estimations/{segment(campaign)}"
            return Estimation.model_validate(flat((await api.get(path))["data"])).recipients
        if status == "cancelled":
            break
        await api.connection.network.retry.sleep(min(0.5 * (turn + 1), 3))
        answer = await api.get(f"/api/campaign-recipient-estimation-jobs/{segment(campaign)}")
    raise errors.UpstreamError(
        f"Klaviyo has not counted the recipients of «{errors.excerpt(name, 80)}» yet; nothing was done.",
        "Try again in a minute.",
    )


@tools.reads(
    core=False,
    deadline=55,
    scopes=["accounts:read campaigns:read campaigns:write"],
    search=(
        "combien de destinataires nombre de personnes campagne estimation how many recipients portée à "
        "touche audience estimée reach would get size before sending"
    ),
    examples=[
        "Combien de personnes recevront la campagne Soldes ?",
        "How many people does this campaign reach?",
        "À combien de gens ça partirait ?",
        "Ça touche combien de personnes, ce mail ?",
        "Combien de destinataires pour la campagne de vendredi ?",
        "Quelle est la portée de cet emailing ?",
        "Compte les destinataires avant l'envoi",
        "How many people would get this?",
        "What's the reach of that mailing?",
        "How many recipients before we send?",
        "Count who this newsletter goes to",
    ],
)
async def count_recipients(campaign: CampaignRef) -> Recipients:
    """Count how many people a campaign would reach at present, without sending anything.

    klaviyo_schedule_campaign counts by itself before it asks. The number changes with the lists and segments, and with
    who unsubscribes until then.
    """
    known = await campaign_named(campaign)
    return Recipients(campaign=known.name, estimated_recipients=await estimate(known.id, known.name))


@tools.destroys(
    asks=True,
    scopes=["accounts:read campaigns:read campaigns:write"],
    search=(
        "annuler arrêter déprogrammer suspendre envoi campagne newsletter stop unschedule stoppe ne "
        "l'envoie pas bloque l'envoi retire trop tard erreur dans le mail halt don't send call off "
        "abort pull back hold mistake remettre revert undo"
    ),
    examples=[
        "Annule l'envoi de la campagne de vendredi.",
        "Stop the newsletter that is scheduled for tomorrow",
        "Stoppe l'envoi, il y a une erreur !",
        "N'envoie pas la newsletter de demain",
        "Déprogramme le mailing",
        "Suspends la campagne des soldes",
        "Remets-la en brouillon",
        "Don't send tomorrow's mailing",
        "Halt it, there's a mistake in it",
        "Call off the campaign",
        "Unschedule the text blast",
        "Pull it back to draft",
    ],
)
async def cancel_campaign(
    campaign: CampaignRef,
    for_good: Annotated[
        bool, Field(description="True cancels it for good; without it, a scheduled one becomes a draft again.")
    ] = False,
) -> Changed:
    """Stop a campaign that is scheduled or being sent, and make it a draft again or cancel it for good. Asks first.

    What was sent already cannot be called back. A draft can be scheduled anew with klaviyo_schedule_campaign; a
    campaign that was cancelled for good cannot.
    """
    known = await campaign_named(campaign)
    if known.status != "Scheduled" and known.status not in SENDING:
        raise errors.InvalidInputError(
            f"«{errors.excerpt(known.name, 80)}» is neither scheduled nor being sent: Klaviyo calls it {known.status}.",
            "There is nothing to stop.",
        )
    when = f", planned for {shown(known.send_at, await account_zone())}" if known.send_at else ""
    end = "It is cancelled for good." if for_good else "It becomes a draft again."
    sent = " Some people may have got it already." if known.status in SENDING else ""
    await confirm(f"Stop the campaign «{known.name}»{when}? {end}{sent}")
    action = resource("campaign-send-job", {"action": "cancel" if for_good else "revert"}, id=known.id)
    await send("PATCH", f"/api/campaign-send-jobs/{segment(known.id)}", action)
    return Changed(id=known.id, name=known.name, status="Cancelled" if for_good else "Draft")


@tools.writes(
    core=False,
    creates=True,
    scopes=WRITE,
    search=(
        "copier dupliquer reprendre campagne cloner refaire newsletter duplicate clone réutilise même "
        "que la dernière fois repars de modèle double reuse same again as last time repeat based on "
        "copie copies"
    ),
    examples=[
        "Reprends la newsletter de mai pour juin.",
        "Copy last month's campaign",
        "Refais la même newsletter que le mois dernier",
        "Duplique l'emailing des soldes",
        "Réutilise la campagne de Noël",
        "Repars du dernier envoi",
        "Fais-en une copie",
        "Same newsletter as last month again",
        "Duplicate the sale mailing",
        "Reuse the Christmas campaign",
        "Base a new one on the last mailing",
    ],
)
async def copy_campaign(
    campaign: CampaignRef,
    name: Annotated[
        str, Field(min_length=1, max_length=255, description="Name of the copy.", examples=["Soldes d'été 2031"])
    ],
) -> Campaign:
    """Copy a campaign, also one that was sent, as a new draft with the same audiences, subject and contents.

    Change the copy with klaviyo_update_campaign and send it with klaviyo_schedule_campaign. Fails where a draft has
    this name already.
    """
    known = await campaign_named(campaign)
    channel = next((one.channel for one in await _messages(known.id) if one.channel), MAIL)
    await _check_new(name, channel)
    data = resource("campaign", {"new_name": name}, id=known.id)
    made = (await post("/api/campaign-clone", data))["data"]
    return await _detailed(CampaignRow.model_validate(flat(made)))


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=WRITE,
    search=(
        "modifier changer objet destinataires modèle campagne brouillon edit newsletter corrige "
        "remplace titre texte du SMS autre liste cible faute rectifie renomme fix subject line typo "
        "change audience rename text replace exclure plutôt instead exclude leave out reword rewrite"
    ),
    examples=[
        "Change l'objet de la campagne Soldes d'été.",
        "Use another template for the VIP newsletter",
        "Change le titre du mail",
        "Envoie-la plutôt à la liste VIP",
        "Il y a une faute dans l'objet, corrige",
        "Exclus les nouveaux inscrits de la campagne",
        "Réécris le texte du SMS",
        "Fix the typo in the subject line",
        "Send it to the VIP list instead",
        "Rename that draft",
        "Leave out the new subscribers",
        "Reword the text message",
    ],
)
async def update_campaign(
    campaign: CampaignRef,
    name: Annotated[str | None, Field(min_length=1, max_length=255, description="New name inside Klaviyo.")] = None,
    audiences: Annotated[
        list[str] | None,
        Field(min_length=1, description="All lists or segments it goes to, by name, in place of the old."),
    ] = None,
    without: Annotated[
        list[str] | None, Field(description="All lists or segments left out, by name; an empty list for none.")
    ] = None,
    subject: Subject = None,
    preview_text: PreviewText = None,
    template: TemplateName = None,
    text: Text = None,
) -> Campaign:
    """Change a draft campaign: its name, audiences, subject, preview text, template, or the text of an SMS.

    Only what is passed changes; a template is copied, so that later changes of it do not count. A scheduled campaign
    must be taken back with klaviyo_cancel_campaign first. Look at the result with klaviyo_get_campaign.
    """
    known = await campaign_named(campaign)
    if known.status != "Draft":
        raise errors.InvalidInputError(
            f"«{errors.excerpt(known.name, 80)}» is not a draft: Klaviyo calls it {known.status}; nothing was done.",
            "Take a scheduled one back with klaviyo_cancel_campaign first.",
        )
    requests = await _changes(known, name, audiences, without)
    requests += await _message_changes(known, {"subject": subject, "preview_text": preview_text}, template, text)
    if not requests:
        raise errors.InvalidInputError("There is nothing to change.", "Pass at least one value.")
    for method, path, data in requests[1:]:
        api.follows(method, path, json={"data": data})
    for method, path, data in requests:
        await send(method, path, data)
    return await _detailed(await campaign_named(known.id))


Prepared = list[tuple[str, str, dict[str, Any]]]


async def _changes(known: CampaignRow, name: str | None, refs: list[str] | None, without: list[str] | None) -> Prepared:
    """Return the request that changes a campaign itself, none where nothing of it changes."""
    attributes: dict[str, Any] = {"name": name}
    if refs is not None or without is not None:
        attributes["audiences"] = {
            "included": known.included if refs is None else await _ids(refs),
            "excluded": known.excluded if without is None else await _ids(without),
        }
    data = resource("campaign", attributes, id=known.id)
    return [("PATCH", f"/api/campaigns/{segment(known.id)}", data)] if data["attributes"] else []


async def _message_changes(
    known: CampaignRow, parts: dict[str, str | None], template: str | None, text: str | None
) -> Prepared:
    """Return the requests that change what a campaign sends. A message's other content goes along as it is."""
    new = {name: value for name, value in {**parts, "body": text}.items() if value is not None}
    if not new and not template:
        return []
    chosen, requests = await template_named(template) if template else None, Prepared()
    for row in await _raw_messages(known.id):
        raw = flat(row)
        definition = raw.get("definition") if isinstance(raw, Mapping) else None
        if not isinstance(definition, Mapping):
            continue
        mail = definition.get("channel") == MAIL
        if "body" in new if mail else (chosen or set(new) - {"body"}):
            raise errors.InvalidInputError(
                "An e-mail has a subject and a template, an SMS has a text; nothing was done.",
                "Look at the campaign with klaviyo_get_campaign.",
            )
        if new:
            old = definition.get("content")
            content = {
                k: v for k, v in (old if isinstance(old, Mapping) else {}).items() if v is not None and k != "media_url"
            }
            changed = {"channel": definition["channel"], "content": {**content, **new}}
            data = resource("campaign-message", {"definition": changed}, id=raw["id"])
            requests.append(("PATCH", f"/api/campaign-messages/{segment(raw['id'])}", data))
        if chosen:
            requests.append(("POST", "/api/campaign-message-assign-template", _copy(raw["id"], chosen.id)))
    return requests
