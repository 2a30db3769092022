"""Filters and the vacation reply. https://developers.google.com/workspace/gmail/api/guides/filter_settings"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, confirm, errors, readable, segment, sliced, will_ask
from flotilla.parsing import from_milliseconds, html_to_text, period, to_milliseconds

from ..client import COST, FILTERS, ME, READ, READ_SETTINGS, SETTINGS, api
from ..labels import ids_of, names_of
from ..models import Deleted, Filter, VacationReply

tools = Toolset("settings")

FilterId = Annotated[str, Field(description="Id of the filter, from gmail_list_filters.", examples=["ANe1Bmj8"])]
PATH, VACATION = f"{ME}/settings/filters", f"{ME}/settings/vacation"


@tools.reads(
    core=False,
    scopes=READ,
    search=(
        "filtres règles automatiques mails entrants tri existent filtrage automatique qui trient archivent "
        "rules filters sorting incoming automatically exist pourquoi why rule règle"
    ),
    examples=[
        "quels filtres sont en place",
        "qu'est-ce qui trie mes mails automatiquement",
        "pourquoi ces mails partent direct en archive",
        "montre les règles de ma messagerie",
        "il y a une règle pour les factures ?",
        "what mail rules do I have",
        "why does this mail skip my inbox",
        "show the filters",
        "which automatic sorting is set up",
        "are there any rules on my mailbox",
    ],
)
async def list_filters(limit: Limit = 20, cursor: Cursor = None) -> Page[Filter]:
    """List the filters that sort incoming mail: what each looks for, and which labels it adds and removes.

    A filter that adds TRASH deletes mail, one that removes INBOX archives it. gmail_create_filter makes another one,
    gmail_delete_filter removes one.
    """
    rows = await api.rows(PATH, "filter", missing=True, cost=COST["filters.list"])
    return sliced(await _filters(rows), limit, cursor)


@tools.writes(
    core=False,
    creates=True,
    asks=True,
    scopes=FILTERS,
    search=(
        "créer un filtre règle classer automatiquement les mails de dorénavant désormais avenir reçois trier "
        "seul range nouvelle bloquer expéditeur now whenever always automatically new rule block sender "
        "auto-sort directement arrivent voir every time straight future"
    ),
    examples=[
        "dorénavant, range les mails de la banque dans Banque",
        "bloque cet expéditeur",
        "que les newsletters n'arrivent plus dans ma boîte de réception",
        "à chaque facture reçue, mets le libellé Compta",
        "trie tout seul les mails du fournisseur à l'avenir",
        "from now on put mail from the bank under Bank",
        "always archive these newsletters",
        "whenever an invoice comes in, label it",
        "block this sender",
        "set up a rule for mail from school",
        "que ses messages aillent directement dans Archives",
        "every time the shop writes, put it straight in Ads",
    ],
)
async def create_filter(
    add: Annotated[
        list[str] | None, Field(description="Labels to put on the mail, from gmail_list_labels; TRASH deletes it.")
    ] = None,
    remove: Annotated[
        list[str] | None, Field(description="Labels to take off; INBOX archives, UNREAD marks as read.")
    ] = None,
    sender: Annotated[str | None, Field(description="Sender's address, domain or name.")] = None,
    to: Annotated[str | None, Field(description="Recipient's address or name.")] = None,
    subject: Annotated[str | None, Field(description="Words in the subject.")] = None,
    query: Annotated[str | None, Field(description="Words and operators, as in Gmail's search box.")] = None,
    has_attachment: Annotated[bool | None, Field(description="Only mail that has an attachment.")] = None,
) -> Filter:
    """Create a filter for future mail: what fits all that is given gets the labels. Mail that is there stays as it is.

    For mail that is there, use gmail_search_messages with gmail_modify_labels. A filter cannot be changed: delete it
    with gmail_delete_filter and create another one. The user is asked before one that puts mail into the trash.
    """
    criteria = {"from": sender, "to": to, "subject": subject, "query": query, "hasAttachment": has_attachment or None}
    criteria = {name: value for name, value in criteria.items() if value}
    if not criteria or not (add or remove):
        raise errors.InvalidInputError(
            "A filter needs something to look for and something to do.",
            "Pass one of sender, to, subject, query and has_attachment, and labels in `add` or `remove`.",
        )
    added, removed = await ids_of(add or []), await ids_of(remove or [])
    if "TRASH" in added or "SPAM" in added:
        where = "the trash" if "TRASH" in added else "spam"
        await confirm(f"Put all future mail that fits {_matches(criteria)} into {where}?")
    action = {name: value for name, value in (("addLabelIds", added), ("removeLabelIds", removed)) if value}
    add, remove = await names_of(added), await names_of(removed)
    answer = await api.post(PATH, json={"criteria": criteria, "action": action}, cost=COST["filters.create"])
    return Filter(id=answer["id"], matches=_matches(criteria), add=add, remove=remove)


@tools.destroys(
    core=False,
    asks=True,
    idempotent=True,
    scopes=FILTERS,
    search=(
        "supprimer un filtre règle enlève retire arrêter trier automatiquement classer débloquer désactiver "
        "remove rule stop sorting automatically unblock drop filter"
    ),
    examples=[
        "enlève la règle qui archive les newsletters",
        "arrête de classer automatiquement ses mails",
        "supprime ce filtre",
        "je ne veux plus que ce soit trié tout seul",
        "débloque cet expéditeur",
        "remove that mail rule",
        "stop auto-archiving the newsletters",
        "get rid of the filter for invoices",
        "unblock this sender",
        "that rule is wrong, drop it",
        "je n'ai plus besoin de la règle pour les factures",
    ],
)
async def delete_filter(filter: FilterId) -> Deleted:  # noqa: A002 - the argument's name
    """Delete one filter, after the user agreed. Mail that it has sorted stays as it is.

    Find its id with gmail_list_filters. A filter cannot be changed: delete it, then use gmail_create_filter.
    """
    path = f"{PATH}/{segment(filter)}"
    if will_ask():
        (old,) = await _filters([await api.get(path, cost=COST["filters.get"])])
        effects = [f"adds {', '.join(old.add)}"] if old.add else []
        effects += [f"removes {', '.join(old.remove)}"] if old.remove else []
        effects += [f"forwards to {old.forwarded_to}"] if old.forwarded_to else []
        await confirm(f"Delete the filter for {old.matches}, which {' and '.join(effects) or 'does nothing'}?")
    await api.delete(path, cost=COST["filters.delete"])
    return Deleted(deleted=filter)


@tools.reads(
    core=False,
    scopes=READ_SETTINGS,
    search=(
        "réponse automatique absence congés message d'absence répondeur mail activé actuel jusqu'à quand "
        "office ooo autoresponder status current"
    ),
    examples=[
        "mon message d'absence est-il activé",
        "qu'est-ce que reçoivent les gens quand je suis en congé",
        "le répondeur de mes mails dit quoi",
        "jusqu'à quand court ma réponse automatique",
        "est-ce que j'ai bien coupé l'absence du bureau",
        "is my out of office on",
        "what does my auto-reply say",
        "until when does the vacation message run",
        "did I switch off the autoresponder",
        "show my away message",
    ],
)
async def get_vacation_reply() -> VacationReply:
    """Get the automatic answer of the mailbox: whether it is on, its subject and text, and when it is sent.

    gmail_set_vacation_reply switches it on and off and changes it. It takes no arguments.
    """
    return _vacation(await api.get(VACATION, cost=COST["getVacation"]))


@tools.writes(
    core=False,
    additive=False,
    idempotent=True,
    scopes=SETTINGS,
    search=(
        "activer réponse automatique absence du bureau congés désactiver message pars vacances répondeur mail "
        "programmer couper éteindre office ooo away autoresponder turn off set enable disable absent holiday "
        "vacation leave parti rentré"
    ),
    examples=[
        "je pars en vacances lundi, mets un message d'absence",
        "active le répondeur de ma boîte mail jusqu'au 15",
        "coupe la réponse automatique, je suis rentré",
        "dis aux gens qui m'écrivent que je suis absent cette semaine",
        "change le texte de mon absence du bureau",
        "turn on my out of office from Friday",
        "I'm back, switch off the auto-reply",
        "set an away message until the 15th",
        "tell whoever emails me that I'm on holiday",
        "turn the vacation responder off",
    ],
)
async def set_vacation_reply(
    enabled: Annotated[bool, Field(description="True switches it on, false off.", examples=[True])],
    text: Annotated[str | None, Field(description="Text of the answer; else it keeps the one that it has.")] = None,
    subject: Annotated[str | None, Field(description="Subject of the answer, one line of text.")] = None,
    start: Annotated[When | None, Field(description="First day or time; without it, at once.")] = None,
    end: Annotated[
        When | None, Field(description="Last day, included, or time; without it, until switched off.")
    ] = None,
    contacts_only: Annotated[bool | None, Field(description="Answer only people of the user's contacts.")] = None,
    domain_only: Annotated[bool | None, Field(description="Answer only people of the user's own domain.")] = None,
) -> VacationReply:
    """Switch the automatic answer on or off, with its text and the days of an absence. Everybody who writes gets it.

    Look at gmail_get_vacation_reply first: what is left out stays as it is, but for the days. Days and local times are
    read in Flotilla's own time zone, since Gmail does not tell the user's.
    """
    begins, ends = period(start, end, api.zone)
    old = await api.get(VACATION, cost=COST["getVacation"])
    body = {name: value for name, value in old.items() if not enabled or name not in ("startTime", "endTime")}
    body["enableAutoReply"] = enabled
    changes: dict[str, Any] = {
        "responseSubject": subject,
        "responseBodyPlainText": text,
        "startTime": begins and str(to_milliseconds(begins)),
        "endTime": ends and str(to_milliseconds(ends)),
        "restrictToContacts": contacts_only,
        "restrictToDomain": domain_only,
    }
    if text is not None:
        body.pop("responseBodyHtml", None)  # Gmail would prefer it to the new text
    body |= {name: value for name, value in changes.items() if value is not None}
    texts = ("responseSubject", "responseBodyPlainText", "responseBodyHtml")
    if enabled and not any(str(body.get(name) or "").strip() for name in texts):
        raise errors.InvalidInputError("The answer has no text.", "Pass `text`.")
    return _vacation(await api.put(VACATION, json=body, idempotent=True, cost=COST["updateVacation"]))


async def _filters(rows: Sequence[Mapping[str, Any]]) -> list[Filter]:
    """Return filters of the API with the names of their labels, without those that cannot be read."""
    actions = [action if isinstance(action := row.get("action"), Mapping) else {} for row in rows]
    lists = ("addLabelIds", "removeLabelIds")
    ids = list(dict.fromkeys(one for action in actions for name in lists for one in action.get(name) or ()))
    names = dict(zip(ids, await names_of(ids), strict=True))
    shown = [
        {
            "id": row.get("id"),
            "matches": _matches(row.get("criteria") or {}),
            "add": [names[one] for one in action.get("addLabelIds") or ()],
            "remove": [names[one] for one in action.get("removeLabelIds") or ()],
            "forwarded_to": action.get("forward"),
        }
        for row, action in zip(rows, actions, strict=True)
    ]
    return readable(Filter, shown)


def _matches(criteria: Mapping[str, Any]) -> str:
    """Return what a filter looks for, as in Gmail's search box."""
    terms = [f"{name}:{_quoted(criteria[name])}" for name in ("from", "to", "subject") if criteria.get(name)]
    terms += [str(criteria["query"])] if criteria.get("query") else []
    terms += [f"-{{{criteria['negatedQuery']}}}"] if criteria.get("negatedQuery") else []
    terms += ["has:attachment"] if criteria.get("hasAttachment") else []
    terms += [f"{criteria['sizeComparison']}:{criteria['size']}"] if criteria.get("size") else []
    return " ".join(terms) or "all mail"


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _vacation(raw: Mapping[str, Any]) -> VacationReply:
    text = raw.get("responseBodyPlainText") or html_to_text(raw.get("responseBodyHtml") or "")
    start, end = raw.get("startTime"), raw.get("endTime")
    return VacationReply(
        enabled=bool(raw.get("enableAutoReply")),
        subject=raw.get("responseSubject") or None,
        text=text or None,
        start=from_milliseconds(start, api.zone) if start and start != "0" else None,
        end=from_milliseconds(end, api.zone) if end and end != "0" else None,
        contacts_only=bool(raw.get("restrictToContacts")),
        domain_only=bool(raw.get("restrictToDomain")),
    )
