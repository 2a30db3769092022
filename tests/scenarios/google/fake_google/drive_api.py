"""Google Drive: files and folders, what drive.file may see, searches, exports, uploads in parts, sharing."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flotilla_testing import Request, Response

from .app import Google, Refusal, body, paged

BASE = "/drive/v3"
READ = "drive drive.file drive.readonly drive.metadata.readonly"
WRITE = "drive drive.file"
WHOLE = ("drive", "drive.readonly", "drive.metadata.readonly")


@dataclass
class Files:
    """All files. `made`: ids of those that the app made or the user opened with it, which drive.file may see."""

    google: Google
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    shares: list[tuple[str, str, str]] = field(default_factory=list)  # file, who, role
    ids: Any = field(default_factory=lambda: itertools.count(1))

    def put(self, account: str, about: dict[str, Any], content: bytes = b"", made: bool = False) -> dict[str, Any]:
        """Store a new file; returns what Drive says about it."""
        result = f"1File{next(self.ids)}"
        parents = [self.root(account) if p == "root" else p for p in about.get("parents", ["root"])]
        self.files[result] = {
            "mimeType": "application/octet-stream",
            "modifiedTime": "2030-06-02T11:00:00.000Z",
            "trashed": False,
            **about,
            "id": result,
            "parents": parents,
            "owners": [{"emailAddress": account}],
            "webViewLink": f"https://drive.google.example/file/d/{result}/view",
        }
        if made:
            self.made.add(result)
        return self.fill(result, content)

    def fill(self, result: str, content: bytes) -> dict[str, Any]:
        """Give a file its content."""
        if not self.files[result]["mimeType"].startswith("application/vnd.google-apps."):
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            self.files[result] |= {"size": str(len(content)), "md5Checksum": digest}
        self.contents[result] = content
        return self.files[result]

    def root(self, account: str) -> str:
        """Return the id of an account's My Drive."""
        return "0Root" + hashlib.sha256(account.encode()).hexdigest()[:8]

    def seen(self, account: str, request: Request) -> list[dict[str, Any]]:
        """Return the files that the account has and the token may see."""
        mine = (f for f in self.files.values() if f["owners"][0]["emailAddress"] == account)
        return [f for f in mine if self.google.scopes_of(request) & set(WHOLE) or f["id"] in self.made]


def mount(google: Google) -> None:
    """Add the API."""
    drive = google.drive = Files(google)

    def find(account: str, request: Request, file: str) -> dict[str, Any]:
        for result in drive.seen(account, request):
            if result["id"] == file:
                return result
        raise Refusal(404, "notFound", f"File not found: {file}.")

    def changeable(account: str, request: Request, file: str) -> dict[str, Any]:
        """Return a file that the token may change: with drive.file, one that the app made."""
        about = find(account, request, file)
        if "drive" not in google.scopes_of(request) and file not in drive.made:
            message = f"The user has not granted the app 1234567890 write access to the file {file}."
            raise Refusal(403, "appNotAuthorizedToFile", message)
        return about

    def listed(account: str, request: Request) -> dict[str, Any]:
        query = dict(request.query)
        if query.get("corpora") == "drive" and not query.get("driveId"):
            raise Refusal(
                400, "invalid", "The driveId parameter must be specified if and only if corpora is set to drive."
            )
        if "nextPageToken" not in query.get("fields", "nextPageToken"):
            raise Refusal(400, "badRequest", "A test's complaint: paging would end silently")
        wanted = _conditions(query.get("q", ""), drive.root(account))
        result = [f for f in drive.seen(account, request) if all(fits(f) for fits in wanted)]
        return paged(result, request, "pageSize", "files")

    def got(account: str, request: Request, file: str) -> dict[str, Any] | Response:
        about = find(account, request, file)
        if dict(request.query).get("alt") != "media":
            return about
        content = drive.contents[file]
        part = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        kind = {"content-type": about["mimeType"]}
        return Response(206, content[int(part[1]) :], kind) if part else Response(200, content, kind)

    def exported(account: str, request: Request, file: str) -> Response:
        if not find(account, request, file)["mimeType"].startswith("application/vnd.google-apps."):
            raise Refusal(403, "fileNotExportable", "Export only supports Docs Editors files.")
        return Response(200, drive.contents[file], {"content-type": dict(request.query)["mimeType"]})

    def made(account: str, request: Request) -> dict[str, Any]:
        return drive.put(account, body(request), made=True)

    def uploaded(account: str, request: Request) -> Response:
        about = {"mimeType": request.headers["x-upload-content-type"], **body(request)}
        return google.upload(request, lambda content: Response.of(drive.put(account, about, content, made=True)))

    def replaced(account: str, request: Request, file: str) -> Response:
        changeable(account, request, file).update(body(request))
        return google.upload(request, lambda content: Response.of(drive.fill(file, content)))

    def changed(account: str, request: Request, file: str) -> dict[str, Any]:
        about, query = changeable(account, request, file), dict(request.query)
        params = body(request)
        if "parents" in params:
            raise Refusal(403, "fieldNotWritable", "The parents field is not directly writable in update requests.")
        gone = query.get("removeParents", "").split(",")
        added = [drive.root(account) if p == "root" else p for p in query.get("addParents", "").split(",") if p]
        about |= {**params, "parents": [*(p for p in about["parents"] if p not in gone), *added]}
        return about

    def shared(account: str, request: Request, file: str) -> dict[str, Any]:
        params = body(request)
        about = changeable(account, request, file)
        drive.shares.append((about["id"], params.get("emailAddress", params["type"]), params["role"]))
        return {"kind": "drive#permission", "id": str(len(drive.shares)), **params}

    one = rf"{BASE}/files/(?P<file>[^/]+)"
    google.api("GET", f"{BASE}/files", READ, listed)
    google.api("GET", one, READ, got)
    google.api("GET", f"{one}/export", "drive drive.file drive.readonly", exported)
    google.api("POST", f"{BASE}/files", WRITE, made)
    google.api("PATCH", one, WRITE, changed)
    google.api("POST", f"/upload{BASE}/files", WRITE, uploaded)
    google.api("PATCH", f"/upload{one}", WRITE, replaced)
    google.api("POST", f"{one}/permissions", WRITE, shared)


def _conditions(q: str, root: str) -> list[Any]:
    """Read a search; what is not understood is refused."""
    text, strings = "", list[str]()
    rest = iter(q)
    for letter in rest:
        if letter != "'":
            text += letter
            continue
        value = ""
        for inner in rest:
            if inner == "'":
                break
            value += next(rest) if inner == "\\" else inner
        strings.append(value)
        text += f"${len(strings) - 1}"
    result: list[Any] = []
    for condition in text.split(" and "):
        known = re.fullmatch(
            r"(?:(name|fullText|mimeType) (contains|=) \$(\d+)|\$(\d+) in (parents))|trashed = false", condition
        )
        if not known:
            raise Refusal(400, "invalid", f"Invalid Value: {condition}")
        name, how, number, parent = known[1], known[2], known[3], known[4]
        if condition == "trashed = false":
            result.append(lambda f: not f["trashed"])
        elif parent:
            folder = strings[int(parent)]
            result.append(lambda f, folder=folder: (root if folder == "root" else folder) in f["parents"])
        else:
            result.append(_matches(name, how, strings[int(number)].lower()))
    return result


def _matches(name: str, how: str, value: str) -> Callable[[dict[str, Any]], bool]:
    """Return a condition. A name contains each word that it has a word beginning with, but no middle of a word."""
    key = "name" if name == "fullText" else name
    if how == "=":
        return lambda f: value == f[key].lower()
    if key != "name":
        return lambda f: f[key].lower().startswith(value)  # Google: a prefix of the type
    return lambda f: all(
        any(word.startswith(wanted) for word in re.findall(r"\w+", f[key].lower()))
        for wanted in re.findall(r"\w+", value)
    )
