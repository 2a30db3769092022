"""Searching messages and files, with the user's own token. https://docs.slack.dev/reference/methods/search.messages"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from flotilla import Cursor, Limit, Page, Toolset, When, cursor_number, errors, readable

from ..client import call, user_api
from ..lookup import account_zone, channel, is_person, names, person, time_of
from ..models import FoundFile, Message, inner
from ..reading import reader

tools = Toolset("search")
SCOPES = ["search:read users:read channels:read groups:read im:read mpim:read"]
LAST_PAGE = 100  # Slack shows no more

Query = Annotated[
    str,
    Field(description='Words; "in quotation marks" for a phrase, has:link and the like work too.', examples=["devis"]),
]
In = Annotated[str | None, Field(description="Only in this channel (#ventes), or with this person (@Marie).")]
By = Annotated[str | None, Field(description="Only of this person: @Marie, name, e-mail address, or me.")]
After = Annotated[When | None, Field(description="Only of this day or later; a time counts as its day.")]
Before = Annotated[When | None, Field(description="Only of this day or earlier; a time counts as its day.")]


@tools.reads(
    scopes=SCOPES,
    search="cherche trouve retrouve message discussion qui a dit parlé de conversation find",
    examples=["Qui a parlé du devis Dupont sur Slack ?", "Find what Paul wrote about the invoice"],
)
async def search_messages(
    query: Query = "",
    channel: In = None,
    author: By = None,
    after: After = None,
    before: Before = None,
    sort: Annotated[Literal["newest", "relevance"], Field(description="Which messages come first.")] = "newest",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Message]:
    """Search messages in all channels and conversations of the user by words, channel, author and day.

    Needs a user token. Returns each message with its channel, its id and its link; to read around one, use
    slack_read_thread or slack_read_channel. New messages appear some seconds late.
    """
    wanted = await _query(query, channel, author, after, before)
    rows, following = await _found("messages", wanted, sort, limit, cursor)
    by, known = await reader(rows), await names()
    items = [by.message(row, str(inner(row, "channel", "id") or ""), _channel(row, known)) for row in rows]
    return Page(items=readable(Message, items), next_cursor=following)


def _channel(row: dict[str, Any], known: dict[str, str]) -> str:
    name = str(inner(row, "channel", "name") or inner(row, "channel", "id") or "")
    if inner(row, "channel", "is_im") or name in known:
        return f"@{known.get(name, name)}"
    return f"#{name}"


@tools.reads(
    core=False,
    scopes=SCOPES,
    search="cherche trouve fichier document pdf image envoyé partagé sur slack file",
    examples=["Retrouve le PDF que Marie a posté"],
)
async def search_files(
    query: Query = "",
    channel: In = None,
    author: By = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[FoundFile]:
    """Search the files that were sent in Slack by words of their name or text, channel, author and day, newest first.

    Needs a user token. To save one in the data folder, use slack_download_file with its id.
    """
    wanted = await _query(query, channel, author, after, before)
    rows, following = await _found("files", wanted, "newest", limit, cursor)
    known, zone = await names(), await account_zone()
    return Page(items=readable(FoundFile, [file_fields(row, known, zone) for row in rows]), next_cursor=following)


def file_fields(row: Any, known: dict[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """Return the fields of a file as a result has them."""
    name, title = row.get("name") or "", row.get("title") or ""
    return {
        "id": row.get("id"),
        "name": name or title,
        "title": title if title != name else None,
        "bytes": row.get("size"),
        "type": row.get("mimetype"),
        "author": known.get(str(row.get("user")), row.get("user")),
        "created": time_of(row.get("created"), zone),
        "link": row.get("permalink"),
    }


async def _query(terms: str, where: str | None, by: str | None, after: When | None, before: When | None) -> str:
    """Return a search in Slack's own words; its days are exclusive, ours are not."""
    zone = await account_zone()
    parts = [terms.strip()]
    if where and await is_person(where):
        parts.append(f"in:<@{(await person(where)).id}>")
    elif where:
        parts.append(f"in:{(await channel(where)).name.removeprefix('#')}")
    if by:
        parts.append(f"from:<@{(await person(by)).id}>")
    first, last = (after.day(zone) if after else None), (before.day(zone) if before else None)
    if first and last and last < first:
        raise errors.InvalidInputError("`before` is earlier than `after`.", "Correct one of them.")
    if first:
        parts.append(f"after:{first - timedelta(days=1)}")
    if last:
        parts.append(f"before:{last + timedelta(days=1)}")
    if not any(parts):
        raise errors.InvalidInputError("The search is empty.", "Pass words, a channel, an author or a day.")
    return " ".join(part for part in parts if part)


async def _found(
    kind: str, query: str, sort: str, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Return one page of a search, and the cursor of the next: Slack counts pages here."""
    number = cursor_number(cursor, 1)
    answer = await call(
        f"search.{kind}",
        reads=True,
        query=query,
        sort="timestamp" if sort == "newest" else "score",
        sort_dir="desc",
        count=limit,
        page=number,
    )
    rows = user_api.rows_in(answer, f"{kind}.matches", missing=True)
    total = inner(answer, kind, "paging", "pages")
    more = isinstance(total, int) and number < min(total, LAST_PAGE)
    return rows, str(number + 1) if more and rows else None
