"""What the images are put together with: runs in the build stages of shared/Dockerfile, never in a server's image.

    assemble.py root <packages> <root>       the base image's file system: interpreter, shared objects, dependencies
    assemble.py library <source> <root>      the library and the entry point
    assemble.py layer <module> <source> <root> one server's own files
    assemble.py sqlite <root>                SQLite, for servers that import it
    assemble.py extras <requirements> <base> <root>  a server's own dependencies, as far as the base has none of them
    assemble.py offered <source> <root>      the switchboard's: SQLite, the catalog and the servers' discovery files
    assemble.py fleet <source> <base> <root> the switchboard and all servers, each as a command: see fleet.Dockerfile

Python files become byte code without sources: found without looking at any source's date, no debug ranges
(PYTHONNODEBUGRANGES), no docstrings but where one can reach a model.
"""

from __future__ import annotations

import ast
import concurrent.futures
import fnmatch
import importlib.util
import marshal
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

EPOCH = 0  # of every file: the same input gives the same layers, whenever it is built
LIB = Path("app/lib")  # below the root: what servers import beside the standard library
PYTHON = "/usr/bin/python3.13"
STDLIB = "/usr/lib/python3.13"
TRIPLET = os.uname().machine + "-linux-gnu"

# Distributions of requirements/base.txt that no server imports. Their absence is tried by the tests in the images;
# a server that does need one names it in requirements/<slug>.in and gets it in its own layer.
UNUSED_PACKAGES = """
    py-key-value-aio beartype cachetools   FastMCP's store of sessions, which flotilla.compat turns off
    aiofile caio pathvalidate          the same on disk
    backports-tarfile importlib-metadata zipp
    cyclopts docstring-parser docutils rich-rst mdurl markdown-it-py pyperclip   FastMCP's command line, rich's Markdown
    pyjwt                              mcp's client of servers that want a machine's credentials
    keyring jaraco-classes jaraco-context jaraco-functools more-itertools secretstorage jeepney   OAuth client's keyring
    openapi-pydantic jsonschema-path pathable   servers out of OpenAPI files
    griffelib                          FastMCP reads docstrings with it: ours are read by flotilla.tool and .toolset
    httpx httpcore certifi             httpx2 does their work, with the system's certificates
    cryptography cffi pycparser        Debian's serve, see DEBIAN_MODULES
    tzdata                             Debian's is there
    dnspython                          mail domains looked up: nobody does
    watchfiles websockets              uvicorn's reloader and web sockets
    jsonschema jsonschema-specifications referencing rpds-py attrs   a client checks results with them (the switchboard)
"""

# Modules of Debian's, below DEBIAN_LIB, and the distribution in whose place each stands: its cryptography loads the
# system's OpenSSL, where the wheel carries a second one of 8 MB (docs/decisions/0017-image-size.md).
DEBIAN_LIB = Path("/usr/lib/python3/dist-packages")
DEBIAN_MODULES = {"cryptography": "cryptography", f"_cffi_backend.cpython-313-{TRIPLET}.so": "cffi"}

# The same among what servers bring along.
UNUSED_EXTRAS = """
    charset-normalizer                 reportlab reads XML of unknown encoding with it: nobody gives it any
    dnspython                          as above
"""

# Parts that nobody imports of distributions that are needed; below app/lib.
UNUSED_PARTS = """
    */tests *.pyi py.typed */py.typed *.h *.c *.pyx *.rst *.md cffi setuptools pip bin share
    annotated_types/test_cases.*
    anyio/_backends/_trio.* anyio/pytest_plugin.*
    authlib/integrations/django_* authlib/integrations/flask_* authlib/integrations/starlette_*
    authlib/integrations/sqla_* authlib/integrations/requests_* authlib/jose
    authlib/oauth2/drafts authlib/oauth2/rfc7591 authlib/oauth2/rfc7592 authlib/oauth2/rfc8628 authlib/oauth2/rfc9068
    authlib/oidc/registration authlib/oidc/discovery authlib/oidc/rpinitiated
    dotenv/cli.*
    fastmcp/cli fastmcp/contrib fastmcp/experimental fastmcp/utilities/mcp_server_config
    fastmcp/utilities/tests.* fastmcp/utilities/cli.* fastmcp/server/auth/oauth_proxy fastmcp/server/auth/oidc_proxy.*
    fastmcp/server/auth/providers/[!_ij]* fastmcp/server/providers/openapi fastmcp/utilities/openapi
    fastmcp/apps/file_upload.* fastmcp/apps/generative.* fastmcp/apps/form.* fastmcp/apps/approval.*
    fastmcp/apps/choice.* fastmcp/server/event_store.* fastmcp/server/middleware/caching.*
    fastmcp/server/middleware/rate_limiting.* fastmcp/server/middleware/logging.*
    fastmcp/server/middleware/error_handling.* fastmcp/server/middleware/timing.*
    fastmcp/server/middleware/response_limiting.* fastmcp/utilities/inspect.*
    fastmcp/utilities/asgi_transport.*
    mcp/cli
    fastmcp/client fastmcp/server/providers/proxy.* httpcore2/_async/http2.* httpcore2/_sync/http2.*
    imapclient/livetest.* imapclient/interact.* imapclient/config.* imapclient/testable_imapclient.*
    jinja2/constants.* jinja2/nativetypes.*
    jsonschema/benchmarks
    olefile/olefile2.*
    packaging/[!_v]* packaging/_[!_s]*
    phonenumbers/shortdata/region_*
    pydantic/v1 pydantic/mypy.* pydantic/experimental
    pygments/lexers/[!_p]* pygments/lexers/p[!y]* pygments/lexers/_[!_m]* pygments/lexers/_mql* pygments/lexers/_mysql*
    pygments/styles/[!_dm]* pygments/formatters/[!_]* pygments/cmdline.* pygments/sphinxext.*
    prometheus_client/parser.* prometheus_client/openmetrics/parser.* prometheus_client/bridge
    rich/layout.* rich/prompt.* rich/tree.* rich/markdown.*
    rich/_win* rich/__main__.* rich/_unicode_data/unicode[1-9]-* rich/_unicode_data/unicode1[0-6]-*
    starlette/testclient.* starlette/staticfiles.* starlette/endpoints.* starlette/schemas.* starlette/templating.*
    starlette/config.* starlette/middleware/gzip.* starlette/middleware/wsgi.* starlette/middleware/sessions.*
    starlette/middleware/opentelemetry.* starlette/middleware/trustedhost.*
    uvicorn/workers.* click/testing.*
    uvicorn/protocols/websockets/websockets_impl.* uvicorn/protocols/websockets/wsproto_impl.*
    uvicorn/protocols/http/httptools_impl.* uvicorn/protocols/http/*zttp*
    websockets/legacy websockets/sync websockets/trio websockets/cli.* websockets/__main__.* websockets/auth.*
    websockets/asyncio/router.* websockets/asyncio/server.*
    PIL/_avif.* PIL/_imagingtk.* PIL/_imagingcms.* PIL/_imagingft.* PIL/Image*Tk.*
    reportlab/fonts reportlab/graphics
    rinoh_typeface_*/*.txt rinoh_typeface_*/[ABN]* rinoh_typeface_dejavusansmono/*Oblique*
    rinoh_typeface_dejavusans/DejaVuMath* rinoh_typeface_dejavusans/DejaVuSans[!C]*
"""

# The standard library without what is for terminals, windows, developers and their tests, and without protocols and
# pools of processes that nobody uses; _py*.py are what serves where a compiled module is missing.
UNUSED_STDLIB = """
    test idlelib tkinter turtle.py turtledemo ensurepip venv lib2to3 pydoc.py pydoc_data __pycache__ dist-packages
    unittest doctest.py pdb.py bdb.py cProfile.py profile.py pstats.py trace.py tabnanny.py pyclbr.py
    curses dbm sqlite3 _pyrepl rlcompleter.py antigravity.py this.py xmlrpc
    imaplib.py ftplib.py poplib.py multiprocessing/dummy multiprocessing/managers.py multiprocessing/pool.py
    multiprocessing/shared*
    mailbox.py modulefinder.py pickletools.py wave.py _android_support.py _ios_support.py _osx_support.py
    bz2.py lzma.py tarfile.py lib-dynload/_bz2.* lib-dynload/_lzma.*
    _pydatetime.py _pydecimal.py _pyio.py asyncio/windows_* asyncio/proactor_events.py
    symtable.py compileall.py zipapp.py fileinput.py filecmp.py shelve.py sched.py json/tool.py
    wsgiref/validate.py urllib/robotparser.py
    config-3.13-* _sysconfigdata__[!l]* sysconfig/__main__.py sitecustomize.py LICENSE.txt EXTERNALLY-MANAGED __phello__
    lib-dynload/*test* lib-dynload/xx* lib-dynload/_dbm.* lib-dynload/_gdbm.* lib-dynload/_curses*
    lib-dynload/_sqlite3.* lib-dynload/_tkinter.* lib-dynload/readline.* lib-dynload/_lsprof.*
"""

UNUSED_ZONES = "posix right localtime posixrules leapseconds leap-seconds.list tzdata.zi"

DOCSTRINGS_KEPT = ("flotilla",)  # a tool's docstring is its description
SOURCES_KEPT = ()  # packages that read their own source when imported


def patterns_of(text: str) -> list[str]:
    """Return the patterns of a list above; what stands behind three blanks is a remark."""
    return [word for line in text.splitlines() for word in re.split(r"(?<=\S) {3,}", line.strip())[0].split()]


def left_out(path: str, patterns: Iterable[str]) -> bool:
    """Return whether a path, or a folder around it, matches a pattern."""
    parts = path.split("/")
    return any(fnmatch.fnmatchcase("/".join(parts[: i + 1]), p) for i in range(len(parts)) for p in patterns)


def files(folder: Path) -> Iterator[str]:
    """Return the paths of all files below a folder, relative to it, in an order of their own."""
    for path, folders, names in os.walk(folder):
        folders.sort()
        yield from (os.path.relpath(os.path.join(path, name), folder) for name in sorted(names))


def without_docstrings(tree: ast.Module) -> ast.Module:
    """Put a blank where each docstring was: code that works on `__doc__` still finds a string there."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str()) as docstring), *_]:
                    docstring.value = " "
    return tree


def compile_one(source: str, target: str, name: str, docstrings: bool) -> None:
    """Write the byte code of one source file; `name` is the path that tracebacks show."""
    text = Path(source).read_bytes()
    tree = ast.parse(text, name)
    code = compile(tree if docstrings else without_docstrings(tree), name, "exec", dont_inherit=True, optimize=0)
    # Twice through marshal: what it marks as shared depends on reference counts, which are the same the second time.
    body = marshal.dumps(marshal.loads(marshal.dumps(code)))
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(text)
    Path(target).write_bytes(head + body)  # flag 1: found by a hash that is not checked


def copy_tree(source: Path, target: Path, shown: str, patterns: Iterable[str], docstrings: bool | None = None) -> None:
    """Copy a tree of Python, sources as byte code, without what the patterns leave out."""
    jobs = []
    for path in files(source):
        if left_out(path, patterns) or "__pycache__" in path:
            continue
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        top = path.split("/")[0].removesuffix(".py")
        if path.endswith(".py") and top not in SOURCES_KEPT:
            keep = top in DOCSTRINGS_KEPT if docstrings is None else docstrings
            jobs.append((str(source / path), str(target / path) + "c", f"{shown}/{path}", keep))
        else:
            shutil.copyfile(source / path, target / path)
            (target / path).chmod(0o644)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        list(pool.map(compile_one, *zip(*jobs, strict=True), chunksize=16) if jobs else ())


def copy_module(source: Path, target: Path) -> None:
    """Copy one of Debian's modules: a package as byte code, or a compiled module as it is."""
    if source.is_dir():
        copy_tree(source, target, f"/{LIB}/{source.name}", patterns_of(UNUSED_PARTS), docstrings=False)
    else:
        shutil.copyfile(source, target)


def canonical(name: str) -> str:
    """Return a distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(lib: Path) -> dict[str, str]:
    """Return the distributions below a folder and their versions."""
    versions = {}
    for metadata in sorted(lib.glob("*.dist-info/METADATA")):
        head = metadata.read_text(encoding="utf-8").split("\n\n")[0]
        name, version = (re.search(rf"^{field}: (\S+)", head, re.M) for field in ("Name", "Version"))
        if name and version:
            versions[canonical(name[1])] = version[1]
    return versions


def metadata_of(packages: Path, lib: Path) -> None:
    """Keep of each distribution's metadata the head (name, version, licence: for scanners) and its entry points."""
    for info in sorted(packages.glob("*.dist-info")):
        if not (lib / info.name).exists() and not any((lib / info.name).glob("*")):
            (lib / info.name).mkdir(parents=True, exist_ok=True)
        head = (info / "METADATA").read_text(encoding="utf-8").split("\n\n")[0]
        (lib / info.name / "METADATA").write_text(head + "\n", encoding="utf-8")
        if (info / "entry_points.txt").exists():
            shutil.copyfile(info / "entry_points.txt", lib / info.name / "entry_points.txt")


def leave_out(packages: Path, names: Iterable[str]) -> None:
    """Remove distributions, and whatever then belongs to none."""
    for info in packages.glob("*.dist-info"):
        if canonical(info.name.split("-")[0]) in names:
            shutil.rmtree(info)
    records = (record.read_text(encoding="utf-8") for record in packages.glob("*.dist-info/RECORD"))
    owned = {line.split(",")[0].split("/")[0] for record in records for line in record.splitlines()}
    for path in packages.iterdir():
        if path.name not in owned:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def packages_into(packages: Path, lib: Path) -> None:
    """Copy installed distributions, as byte code and without their unused parts."""
    copy_tree(packages, lib, f"/{LIB}", [*patterns_of(UNUSED_PARTS), "*.dist-info"])
    metadata_of(packages, lib)


def strip(root: Path) -> None:
    """Take the symbols that only a debugger or a linker reads out of every shared object."""
    objects = [str(root / f) for f in files(root) if re.search(r"\.so(\.|$)", f) and not (root / f).is_symlink()]
    if objects:
        subprocess.run(["strip", "--strip-unneeded", *objects], check=True)


def leave_out_libraries(lib: Path) -> None:
    """Remove the shared objects that a wheel brought for parts that were left out."""
    carried = {path.name: path for path in lib.glob("*.libs/*.so*")}
    todo = [path for path in lib.glob("**/*.so*") if path.name not in carried]
    needed: set[str] = set()
    while todo:
        listing = subprocess.run(["readelf", "-d", todo.pop()], capture_output=True, text=True, check=True).stdout
        more = {name for name in re.findall(r"\(NEEDED\).*\[(.*)\]", listing) if name in carried} - needed
        needed |= more
        todo += [carried[name] for name in more]
    for name in carried.keys() - needed:
        carried[name].unlink()


def needed_objects(binaries: Iterable[Path]) -> set[str]:
    """Return the system's shared objects that these binaries load, and those in turn."""
    listing = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False).stdout
    return {match for match in re.findall(r"(?:=> )?(/\S+) \(0x", listing) if match.startswith(("/lib", "/usr/lib"))}


def debian_package(path: str) -> str:
    """Return the package that a file came with, empty when none did."""
    for candidate in (path, path.removeprefix("/usr"), "/usr" + path, os.path.realpath(path)):
        output = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True, check=False).stdout
        if owner := re.search(r"^(?!diversion )([^:, ]+)", output, re.M):
            return owner[1]
    return ""


def record_debian(names: Iterable[str], root: Path, status: str = "/var/lib/dpkg/status") -> None:
    """Leave the packages' names, versions and licences where scanners look for them, as distroless images do."""
    paragraphs = {p.split("\n")[0].removeprefix("Package: "): p for p in Path(status).read_text().split("\n\n") if p}
    target = root / "var/lib/dpkg/status.d"
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted(set(names) - {""}):
        (target / name).write_text(paragraphs[name].rstrip("\n") + "\n")
        licence = Path(f"/usr/share/doc/{name}/copyright")
        if licence.exists():
            (root / f"usr/share/doc/{name}").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(licence, root / f"usr/share/doc/{name}/copyright")


def put(root: Path, path: str, text: str) -> None:
    """Write a small text file below the root."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def normalize(root: Path) -> None:
    """Give everything one date and plain rights, so that the same input is the same image."""
    for parent, folders, names in os.walk(root, topdown=False):
        for name in [*names, *folders]:
            path = os.path.join(parent, name)
            if not os.path.islink(path) and os.stat(path).st_mode & 0o7000 == 0:
                program = os.stat(path).st_mode & 0o100 and (".so" not in name or name.startswith("ld-"))
                os.chmod(path, 0o755 if program or os.path.isdir(path) else 0o644)
            os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
    os.utime(root, (EPOCH, EPOCH))


def make_root(packages: Path, root: Path) -> None:
    """Put the base image's file system together."""
    leave_out(packages, patterns_of(UNUSED_PACKAGES))
    packages_into(packages, root / LIB)
    for name in DEBIAN_MODULES:
        copy_module(DEBIAN_LIB / name, root / LIB / name)
    copy_tree(Path(STDLIB), root / STDLIB.lstrip("/"), STDLIB, patterns_of(UNUSED_STDLIB), docstrings=False)
    (root / "usr/bin").mkdir(parents=True)
    shutil.copyfile(PYTHON, root / PYTHON.lstrip("/"))
    (root / PYTHON.lstrip("/")).chmod(0o755)
    strip(root)

    binaries = [root / f for f in files(root) if re.search(r"\.so(\.|$)", f)] + [root / PYTHON.lstrip("/")]
    objects = needed_objects(binaries) | {f"/lib/{TRIPLET}/libresolv.so.2"}
    for path in sorted(objects):
        place = root / ("usr" + path if path.startswith("/lib") else path.lstrip("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copyfile(os.path.realpath(path), place)
            place.chmod(0o755)
    for name in ("lib", "lib64"):  # as Debian has it since /usr was merged
        if (root / "usr" / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    strip(root / "usr" / "lib" / TRIPLET)

    zones = Path("/usr/share/zoneinfo")
    for zone in files(zones):
        if not left_out(zone, patterns_of(UNUSED_ZONES)):
            place = root / "usr/share/zoneinfo" / zone
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(zones / zone, place, follow_symlinks=False)
    put(root, "etc/ssl/certs/ca-certificates.crt", Path("/etc/ssl/certs/ca-certificates.crt").read_text())
    put(root, "etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\nflotilla:x:10001:10001:flotilla:/tmp:/sbin/nologin\n")
    put(root, "etc/group", "root:x:0:\nflotilla:x:10001:\n")
    put(root, "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    put(root, "etc/os-release", Path("/etc/os-release").read_text())
    put(root, "etc/debian_version", Path("/etc/debian_version").read_text())
    record_debian(
        {debian_package(p) for p in [*objects, PYTHON, f"{STDLIB}/json/__init__.py", f"{STDLIB}/os.py"]}
        | {debian_package(str(DEBIAN_LIB / name)) for name in DEBIAN_MODULES}
        | {"ca-certificates", "tzdata"},
        root,
    )
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    for folder in ("data", "state"):
        (root / folder).mkdir()
        os.chown(root / folder, 10001, 10001)
    normalize(root)


def make_library(source: Path, root: Path) -> None:
    """Put the library at app/lib/flotilla, the launcher beside it, and the entry point at app/boot.pyc."""
    copy_tree(source, root / LIB, f"/{LIB}", ["*.egg-info", "*/py.typed", "flotilla_testing"])
    shutil.copyfile(root / LIB / "flotilla_launcher/__main__.pyc", root / "app/boot.pyc")
    compile_one(str(Path(__file__).with_name("health.py")), str(root / "app/health.pyc"), "/app/health.py", False)
    normalize(root)


def make_layer(module: str, source: Path, root: Path) -> None:
    """Put one server's modules at app/lib/flotilla_servers/<module>, and the data files that they read."""
    package = LIB / "flotilla_servers" / module
    unused = ["tests", "*.md", "*.yaml", "tools.json", "discovery.json", "Dockerfile"]
    copy_tree(source, root / package, f"/{package}", unused, docstrings=True)
    normalize(root)


def make_extras(requirements: Path, base: Path, root: Path) -> None:
    """Install what a folder of requirements files pins and the base image does not hold: a layer below the server's."""
    have = {*installed(base / LIB), *DEBIAN_MODULES.values()}
    packages = Path("/own")
    for path in sorted(requirements.glob("*.txt")):
        pins = re.split(r"\n(?=\S)", path.read_text().strip())
        path.write_text("\n".join(p for p in pins if canonical(re.split(r"[=<>~ \[;]", p)[0]) not in have) + "\n")
        subprocess.run(["/opt/fetch", packages, path], check=True)
    (root / LIB).mkdir(parents=True)
    if packages.exists():
        leave_out(packages, patterns_of(UNUSED_EXTRAS))
        packages_into(packages, root / LIB)
        leave_out_libraries(root / LIB)
        strip(root / LIB)
    normalize(root)


def add_sqlite(root: Path) -> None:
    """Add the standard library's SQLite, which the base leaves out."""
    copy_tree(Path(STDLIB, "sqlite3"), root / STDLIB.lstrip("/") / "sqlite3", f"{STDLIB}/sqlite3", [], docstrings=False)
    [module] = Path(STDLIB, "lib-dynload").glob("_sqlite3.*.so")
    [library] = (path for path in needed_objects([module]) if "/libsqlite3." in path)
    for path in (str(module), library):
        place = root / ("usr" + path if path.startswith("/lib") else path.lstrip("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(os.path.realpath(path), place)
    strip(root)
    record_debian({debian_package(library)}, root)


def make_sqlite(root: Path) -> None:
    """Put SQLite where Python finds it."""
    add_sqlite(root)
    normalize(root)


def make_offered(source: Path, root: Path) -> None:
    """Put a catalog at app/catalog.json, discovery files at app/discovery, and SQLite where Python finds it."""
    add_sqlite(root)
    shutil.copytree(source / "discovery", root / "app/discovery")
    put(root, "app/catalog.json", (source / "catalog.json").read_text())
    normalize(root)


COMMAND = """\
#!{python} -P
import sys
from {module} import main
sys.exit(main({arguments}))
"""


def make_fleet(source: Path, base: Path, root: Path) -> None:
    """Put all servers of a checkout below one root, with their dependencies, discovery files and commands.

    In this image servers are processes that the switchboard starts by their commands, with Python's own search path.
    """
    servers = source / "servers"
    slugs = {path.parent.name.replace("_", "-") for path in servers.glob("*/server.py")}
    needed = source / "needed"
    needed.mkdir()
    for path in (source / "requirements").glob("*.txt"):
        if path.stem == "postgresql" or any(path.stem in (slug, f"{slug}-fonts") for slug in slugs):
            shutil.copyfile(path, needed / path.name)
    make_extras(needed, base, root)
    add_sqlite(root)
    unused = ["*/tests", "*/*.md", "*/*.yaml", "*/tools.json", "*/Dockerfile"]
    copy_tree(servers, root / LIB / "flotilla_servers", f"/{LIB}/flotilla_servers", unused, docstrings=True)
    copy_tree(source / "flotilla_cli", root / LIB / "flotilla_cli", f"/{LIB}/flotilla_cli", [], docstrings=True)
    shutil.copyfile(source / "catalog.json", root / "app/catalog.json")
    put(root, "usr/local/lib/python3.13/dist-packages/flotilla.pth", f"/{LIB}\n")
    put(
        root, "usr/bin/flotilla-fleet", COMMAND.format(python=PYTHON, module="flotilla_launcher.__main__", arguments="")
    )
    put(
        root,
        "usr/bin/flotilla-tenant",
        COMMAND.format(python=PYTHON, module="flotilla_cli.tenant", arguments="sys.argv[1:]"),
    )
    for name in ("fleet", "tenant"):
        (root / f"usr/bin/flotilla-{name}").chmod(0o755)
    for slug in sorted(slugs):
        (root / f"usr/bin/flotilla-{slug}").symlink_to("flotilla-fleet")
    (root / "usr/lib/ssl").mkdir(parents=True)  # where OpenSSL looks, for servers get no SSL_CERT_FILE
    (root / "usr/lib/ssl/cert.pem").symlink_to("/etc/ssl/certs/ca-certificates.crt")
    normalize(root)


if __name__ == "__main__":
    job, *arguments = sys.argv[1:]
    if job == "layer":
        make_layer(arguments[0], Path(arguments[1]), Path(arguments[2]))
    elif job == "root":
        make_root(*map(Path, arguments))
    elif job == "library":
        make_library(*map(Path, arguments))
    elif job == "extras":
        make_extras(*map(Path, arguments))
    elif job == "sqlite":
        make_sqlite(Path(arguments[0]))
    elif job == "offered":
        make_offered(*map(Path, arguments))
    elif job == "fleet":
        make_fleet(*map(Path, arguments))
