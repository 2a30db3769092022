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
    permissions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by file, the owner's left out
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by file
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

    def know(self, account: str, file: str, name: str, kind: str, made: bool = False) -> None:
        """Know a file of another API under the id that it has there; `kind` is document, spreadsheet, …"""
        about = {"name": name, "mimeType": f"application/vnd.google-apps.{kind}"}
        del self.files[(new := self.put(account, about)["id"])]
        self.files[file] = {**about, "id": file, "parents": [self.root(account)], "trashed": False}
        self.files[file] |= {"owners": [{"emailAddress": account}], "modifiedTime": "2030-06-02T11:00:00.000Z"}
        self.contents[file] = self.contents.pop(new)
        if made:
            self.made.add(file)

    def fill(self, result: str, content: bytes) -> dict[str, Any]:
        """Give a file its content."""
        if not self.files[result]["mimeType"].startswith("application/vnd.google-apps."):
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            self.files[result] |= {"size": str(len(content)), "md5Checksum": digest}
        self.contents[result] = content
        return self.files[result]

    def readers(self, file: str) -> list[str]:
        """Return the addresses of those with whom a file is shared."""
        return [one.get("emailAddress", "") for one in self.permissions.get(file, ())]

    def root(self, account: str) -> str:
        """Return the id of an account's My Drive."""
        return "0Root" + hashlib.sha256(account.encode()).hexdigest()[:8]

    def seen(self, account: str, request: Request) -> list[dict[str, Any]]:
        """Return the files that the account has or was given, and the token may see."""
        mine = (f for f in self.files.values() if account in (f["owners"][0]["emailAddress"], *self.readers(f["id"])))
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

    def content_of(account: str, request: Request, file: str) -> bytes:
        """Return a file's content; a token that only sees names may not have it."""
        find(account, request, file)
        if not google.scopes_of(request) & {"drive", "drive.readonly"} and file not in drive.made:
            message = f"The user has not granted the app 1234567890 read access to the file {file}."
            raise Refusal(403, "appNotAuthorizedToFile", message)
        return drive.contents[file]

    def listed(account: str, request: Request) -> dict[str, Any]:
        query = dict(request.query)
        if query.get("corpora") == "drive" and not query.get("driveId"):
            raise Refusal(
                400, "invalid", "The driveId parameter must be specified if and only if corpora is set to drive."
            )
        if "nextPageToken" not in query.get("fields", "nextPageToken"):
            raise Refusal(400, "badRequest", "A test's complaint: paging would end silently")
        if query.get("corpora") in ("drive", "allDrives") and query.get("includeItemsFromAllDrives") != "true":
            raise Refusal(403, "invalid", "includeItemsFromAllDrives must be set with these corpora.")
        wanted = _conditions(query.get("q", ""), drive.root(account), account)
        result = [f for f in drive.seen(account, request) if all(fits(f) for fits in wanted)]
        return paged(result, request, "pageSize", "files")

    def got(account: str, request: Request, file: str) -> dict[str, Any] | Response:
        about = find(account, request, file)
        if dict(request.query).get("alt") != "media":
            return about
        content = content_of(account, request, file)
        part = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        kind = {"content-type": about["mimeType"]}
        return Response(206, content[int(part[1]) :], kind) if part else Response(200, content, kind)

    def exported(account: str, request: Request, file: str) -> Response:
        if not find(account, request, file)["mimeType"].startswith("application/vnd.google-apps."):
            raise Refusal(403, "fileNotExportable", "Export only supports Docs Editors files.")
        content = content_of(account, request, file)
        if file in google.documents.texts:  # no real PDF, but the text of the document is in it
            content = b"%PDF-1.4\n" + google.documents.texts[file].plain.encode()
        return Response(200, content, {"content-type": dict(request.query)["mimeType"]})

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
        key = "anyoneWithLink" if params["type"] == "anyone" else f"{len(drive.shares):04}"
        drive.permissions.setdefault(file, []).append({"id": key, **params})
        return {"kind": "drive#permission", "id": key, **params}

    def permissions(account: str, request: Request, file: str) -> dict[str, Any]:
        about = find(account, request, file)
        owner = {"id": "0000", "type": "user", "role": "owner", **about["owners"][0]}
        return paged([owner, *drive.permissions.get(file, ())], request, "pageSize", "permissions")

    def unshared(account: str, request: Request, file: str, permission: str) -> Response:
        changeable(account, request, file)
        left = [one for one in drive.permissions.get(file, ()) if one["id"] != permission]
        if len(left) == len(drive.permissions.get(file, ())):
            raise Refusal(404, "notFound", f"Permission not found: {permission}.")
        drive.permissions[file] = left
        return Response(204)

    def copied(account: str, request: Request, file: str) -> dict[str, Any]:
        about, params = changeable(account, request, file), body(request)
        new = {"name": params.get("name", f"Copy of {about['name']}"), "mimeType": about["mimeType"]}
        new["parents"] = params.get("parents", about["parents"])
        made = drive.put(account, new, drive.contents[file], made=True)
        if file in google.documents.texts:
            google.documents.texts[made["id"]] = google.documents.texts[file].copied(new["name"])
        return made

    def storage(account: str, request: Request) -> dict[str, Any]:
        if "fields" not in dict(request.query):
            raise Refusal(400, "required", "The 'fields' parameter is required for this method.")
        used = str(sum(map(len, drive.contents.values())))
        return {"user": {"emailAddress": account}, "storageQuota": {"limit": "16106127360", "usage": used}}

    def commented(account: str, request: Request, file: str) -> dict[str, Any]:
        if "fields" not in dict(request.query):
            raise Refusal(400, "required", "The 'fields' parameter is required for this method.")
        content_of(account, request, file)
        return paged(drive.comments.get(file, []), request, "pageSize", "comments")

    def answered(account: str, request: Request, file: str, comment: str) -> dict[str, Any]:
        if "fields" not in dict(request.query):
            raise Refusal(400, "required", "The 'fields' parameter is required for this method.")
        changeable(account, request, file)
        params = body(request)
        for one in drive.comments.get(file, []):
            if one["id"] == comment:
                if not params.get("content") and not params.get("action"):
                    raise Refusal(400, "required", "Content is required")
                one["replies"] = [*one.get("replies", []), {"content": "", **params}]
                if params.get("action"):
                    one["resolved"] = params["action"] == "resolve"
                return {"id": f"r{len(one['replies'])}", **params}
        raise Refusal(404, "notFound", f"Comment not found: {comment}.")

    one = rf"{BASE}/files/(?P<file>[^/]+)"
    google.api("GET", f"{BASE}/files", READ, listed)
    google.api("GET", one, READ, got)
    google.api("GET", f"{one}/export", "drive drive.file drive.readonly", exported)
    google.api("POST", f"{BASE}/files", WRITE, made)
    google.api("PATCH", one, WRITE, changed)
    google.api("POST", f"/upload{BASE}/files", WRITE, uploaded)
    google.api("PATCH", f"/upload{one}", WRITE, replaced)
    google.api("POST", f"{one}/copy", WRITE, copied)
    google.api("POST", f"{one}/permissions", WRITE, shared)
    google.api("GET", f"{one}/permissions", READ, permissions)
    google.api("DELETE", rf"{one}/permissions/(?P<permission>[^/]+)", WRITE, unshared)
    google.api("GET", f"{one}/comments", "drive drive.file drive.readonly", commented)
    google.api("POST", rf"{one}/comments/(?P<comment>[^/]+)/replies", WRITE, answered)
    google.api("GET", f"{BASE}/about", READ, storage)


def _conditions(q: str, root: str, account: str) -> list[Any]:
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
            r"(?:(name|fullText|mimeType) (contains|=) \$(\d+)|\$(\d+) in (parents|owners))|"
            r"trashed = false|sharedWithMe = true",
            condition,
        )
        if not known:
            raise Refusal(400, "invalid", f"Invalid Value: {condition}")
        name, how, number, parent = known[1], known[2], known[3], known[4]
        if condition == "trashed = false":
            result.append(lambda f: not f["trashed"])
        elif condition == "sharedWithMe = true":
            result.append(lambda f: f["owners"][0]["emailAddress"] != account)
        elif known[5] == "owners":
            result.append(lambda f: f["owners"][0]["emailAddress"] == account)
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
