"""Each image by itself, as a user runs it: `docker run -i --rm <image>`, with the strictest isolation there is."""

from __future__ import annotations

import asyncio
import io
import json
import os
import secrets
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from python_on_whales import Container, DockerClient

from flotilla_cli import servers
from flotilla_launcher.naming import image, module_of
from flotilla_testing.leftovers import name_of_run

from .conftest import HARDENED, ROOT, RUN, hello, speak

SLUGS = list(servers.registry())
KINDS = [
    "calendly",
    "email",
    "export",
    "filesystem",
]  # REST, own protocol, own dependencies, files: the rest are as these


def discovery_of(slug: str) -> dict[str, Any]:
    discovery: dict[str, Any] = json.loads(
        (ROOT / "servers" / module_of(slug) / "discovery.json").read_text(encoding="utf-8")
    )
    return discovery


def core(slug: str) -> list[dict[str, Any]]:
    discovery = discovery_of(slug)
    return [tool for tool in discovery["tools"] if discovery["attributes"]["tools"][tool["name"]]["tier"] == "core"]


def run(slug: str, *options: str) -> list[str]:
    return [
        "docker",
        "run",
        "-i",
        "--rm",
        "--name",
        f"{RUN}-{slug}-{secrets.token_hex(3)}",
        *options,
        image(slug),
    ]


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"id": 5, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every image imports and calls below; what else a container shows does not depend on the server."""
    if metafunc.function is test_server_alone:
        metafunc.parametrize("slug", SLUGS if metafunc.config.getoption("--every-tool") else KINDS)


def test_server_alone(slug: str) -> None:
    alone(slug, HARDENED)


@pytest.mark.parametrize("slug", SLUGS)
def test_server_imports_and_calls(slug: str) -> None:
    """Without the discovery file the server itself answers: nothing that one of its modules imports was left out."""
    tool = core(slug)[0]["name"]
    code = f"""
import importlib, pkgutil, runpy, sys
sys.path.append("/app/lib")
import flotilla_servers.{module_of(slug)} as package
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(found.name)
sys.argv = ["/app/boot.pyc", {slug!r}]
runpy.run_path("/app/boot.pyc", run_name="__main__")
"""
    options = [*HARDENED, "-e", "FLOTILLA_PRECOMPUTED=off", "--entrypoint=/usr/bin/python3.13"]
    answers = speak(
        [*run(slug, *options), "-I", "-S", "-c", code],
        *hello(),
        {"id": 1, "method": "tools/list", "params": {}},
        {"id": 2, "method": "tools/call", "params": {"name": tool, "arguments": {}}},
    )
    assert answers[1]["result"]["tools"] == core(slug)
    assert "failed inside Flotilla" not in answer(answers[2])


@pytest.mark.parametrize("slug", KINDS)
@pytest.mark.parametrize("isolation", [[], [*HARDENED, "--user=12345:23456"]], ids=["plain", "other user"])
def test_server_with_other_restrictions(slug: str, isolation: list[str]) -> None:
    alone(slug, isolation)


def alone(slug: str, isolation: list[str]) -> None:
    answers = speak(run(slug, *isolation), *hello(), {"id": 1, "method": "tools/list", "params": {}})
    assert answers[0]["result"]["serverInfo"]["name"] == f"flotilla-{slug}"
    assert answers[1]["result"]["tools"] == core(slug)


@pytest.mark.parametrize("slug", KINDS)
def test_server_in_protocol_2026_07_28(slug: str) -> None:
    prefix = "io.modelcontextprotocol/"
    about = {f"{prefix}protocolVersion": "2026-07-28", f"{prefix}clientInfo": {"name": "t", "version": "1"}}
    meta = {"_meta": {**about, f"{prefix}clientCapabilities": {}}}
    answers = speak(
        run(slug, *HARDENED),
        {"id": 1, "method": "server/discover", "params": meta},
        {"id": 2, "method": "tools/list", "params": meta},
    )
    assert "2026-07-28" in answers[0]["result"]["supportedVersions"]
    assert answers[1]["result"]["tools"] == core(slug)


def test_files_with_hardened_containers(volume: str) -> None:
    isolation = [*HARDENED, "-v", f"{volume}:/data"]
    written = speak(run("filesystem", *isolation), *hello(), call("fs_write_file", path="é/€.txt", content="œuf\n"))[1][
        "result"
    ]
    assert written["structuredContent"]["path"] == "é/€.txt"
    made = speak(
        run("export", *isolation), *hello(), call("export_create_pdf", path="é/t.pdf", columns=["€"], rows=[["œ"]])
    )
    assert made[1]["result"]["structuredContent"]["pages"] == 1
    book = speak(run("export", *isolation), *hello(), call("export_create_xlsx", path="t", columns=["€"], rows=[["œ"]]))
    assert book[1]["result"]["structuredContent"]["rows"] == 1
    text = "# Été\n\n- **a** `b`\n\n| c | d |\n|---|---|\n| 1 | 2 |\n"
    report = speak(run("export", *isolation), *hello(), call("export_create_report_pdf", path="r", markdown=text))
    assert report[1]["result"]["structuredContent"] == {**report[1]["result"]["structuredContent"], "warnings": []}
    read = speak(run("filesystem", *isolation), *hello(), call("fs_read_file", path="é/€.txt"))[1]["result"]
    assert read["structuredContent"]["content"] == "œuf\n"


def test_documents_read_in_the_image(volume: str) -> None:
    """Each library that reads documents finds what it imports, in the worker's own process."""
    isolation = [*HARDENED, "-v", f"{volume}:/data"]
    table = {"columns": ["Œuvre"], "rows": [["Été"]]}
    speak(run("export", *isolation), *hello(), call("export_create_pdf", path="d.pdf", **table))
    speak(run("export", *isolation), *hello(), call("export_create_xlsx", path="d.xlsx", **table))
    *docker_run, name = run("filesystem", *isolation, "--entrypoint=/usr/bin/python3.13")
    write = "import sys; open('/data/d.docx', 'wb').write(sys.stdin.buffer.read())"
    subprocess.run([*docker_run, name, "-I", "-S", "-c", write], input=word_document("Été"), check=True)
    for path, text in (
        ("d.html", "<p>Été</p>"),
        ("d.eml", "Subject: d\nContent-Type: text/html; charset=utf-8\n\n<p>Été</p>"),
        ("d.rtf", "{\\rtf1\\ansi \\'c9t\\'e9}"),
    ):
        speak(run("filesystem", *isolation), *hello(), call("fs_write_file", path=path, content=text))
    for path in ("d.pdf", "d.xlsx", "d.docx", "d.html", "d.eml", "d.rtf"):
        read = speak(run("filesystem", *isolation), *hello(), call("fs_read_document", path=path))[1]["result"]
        assert "Été" in json.dumps(read.get("structuredContent"), ensure_ascii=False), (path, read)


def word_document(text: str) -> bytes:
    """Return a DOCX file of one paragraph."""
    types = "application/vnd.openxmlformats-package.relationships+xml"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Default Extension="rels" ContentType="{types}"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
        f"<w:t>{text}</w:t></w:r></w:p></w:body></w:document>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_missing_secret_says_where_to_get_it() -> None:
    for options in ([], ["-e", "CALENDLY_TOKEN="], ["-e", "CALENDLY_TOKEN=<UNKNOWN>"]):
        got = speak(run("calendly", *options), *hello(), call("calendly_get_current_user"))[1]["result"]
        assert got["isError"]
        for word in ("CALENDLY_TOKEN", "calendly.token", "calendly.com"):
            assert word in got["content"][0]["text"]


def test_secret_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "token"
    path.write_text("eyJ\n")
    path.chmod(0o644)
    options = ["--network=none", "-v", f"{path}:/run/secrets/token:ro", "-e", "CALENDLY_TOKEN_FILE=/run/secrets/token"]
    got = speak(run("calendly", *options), *hello(), call("calendly_get_current_user"))[1]["result"]
    assert "CALENDLY_TOKEN" not in got["content"][0]["text"], "it was found; what is missing now is the network"
    assert "eyJ" not in got["content"][0]["text"]


@contextmanager
def stdio(slug: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server that has answered and now waits."""
    command = run(slug, *HARDENED)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin
    assert process.stdout
    for message in hello():
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
    process.stdout.readline()
    try:
        yield process, command[command.index("--name") + 1]
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.parametrize("slug", KINDS)
def test_end_of_input_ends_the_container(slug: str) -> None:
    with stdio(slug) as (process, _):
        assert process.stdin
        started = time.monotonic()
        process.stdin.close()
        assert process.wait(10) == 0
        assert time.monotonic() - started < 2.5  # 2 s, and what the engine takes to remove it


@pytest.mark.parametrize("slug", KINDS)
@pytest.mark.parametrize("signal", ["TERM", "INT"])
def test_signal_ends_the_container_even_as_process_1(slug: str, signal: str) -> None:
    """Without --init the server is process 1, which ignores every signal that it does not ask for."""
    with stdio(slug) as (process, name):
        started = time.monotonic()
        subprocess.run(["docker", "kill", "--signal", signal, name], check=True, capture_output=True)
        assert process.wait(10) == 0
        assert time.monotonic() - started < 2.5


@contextmanager
def listening(docker: DockerClient, slug: str, **environ: str) -> Iterator[tuple[Container, str]]:
    """A server over HTTP in a container of its own."""
    container = docker.run(
        image(slug),
        detach=True,
        name=f"{RUN}-{slug}-{secrets.token_hex(3)}",
        read_only=True,
        cap_drop=["ALL"],
        tmpfs=["/tmp"],
        cpus=1,
        memory="512m",
        health_interval=1,
        publish=[("127.0.0.1:0", 8000)],
        envs={
            "FLOTILLA_TRANSPORT": "http",
            "FLOTILLA_HOST": "0.0.0.0",
            "FLOTILLA_HTTP_TOKEN": "server-token",
            **environ,
        },
    )
    try:
        port = container.network_settings.ports["8000/tcp"][0]["HostPort"]
        yield container, f"http://127.0.0.1:{port}"
    finally:
        container.remove(force=True, volumes=True)


@pytest.mark.parametrize("slug", KINDS)
async def test_server_over_http(docker: DockerClient, slug: str) -> None:
    with listening(docker, slug) as (container, url):
        end = time.monotonic() + 40
        while (container.state.health and container.state.health.status) != "healthy":
            assert time.monotonic() < end, container.logs()
            await asyncio.sleep(0.2)
            container.reload()
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{url}/health")).status_code == 200
            assert (await http.post(f"{url}/mcp", json={})).status_code == 401
            evil = {"Authorization": "Bearer server-token", "Host": "evil.example"}
            assert (await http.post(f"{url}/mcp", json={}, headers=evil)).status_code in (403, 421)
        async with Client(StreamableHttpTransport(f"{url}/mcp", auth="server-token"), timeout=30) as client:
            assert [tool.name for tool in await client.list_tools()] == [tool["name"] for tool in core(slug)]
        started = time.monotonic()
        container.stop(time=10)
        assert time.monotonic() - started < 3.5
        container.reload()
        assert container.state.exit_code == 0
        assert "server-token" not in str(container.logs())


@pytest.mark.parametrize("slug", SLUGS)
def test_image_labels_and_configuration(docker: DockerClient, slug: str) -> None:
    inspected = docker.image.inspect(image(slug))
    assert inspected.config.user == "10001:10001"
    assert inspected.config.healthcheck
    labels = inspected.config.labels or {}
    assert "io.docker.server.metadata" not in labels, "a gateway takes neither volumes nor secrets from a label"
    for name in ("title", "description", "version", "licenses", "source"):
        assert labels[f"org.opencontainers.image.{name}"]
    history = json.dumps(subprocess.check_output(["docker", "history", "--no-trunc", image(slug)], text=True))
    for variable in ("HTTPS_PROXY", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        if value := os.environ.get(variable):
            assert value not in history, "the builder's machine shows in the image"


def answer(text: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in text["result"]["content"])


@pytest.mark.parametrize("isolation", [[], ["--read-only", "--tmpfs", "/tmp"]], ids=["plain", "read-only"])
def test_write_refused_where_data_is_lost_with_the_container(docker: DockerClient, isolation: list[str]) -> None:
    """`docker run -i --rm` without a volume: no result says that a file was written that is lost with it."""
    command = [
        "docker",
        "run",
        "-i",
        "--rm",
        "--network=none",
        *isolation,
        "--name",
        name_of_run(),
    ]
    write = {"name": "fs_write_file", "arguments": {"path": "x", "content": "x"}}
    look = {"name": "fs_list_directory", "arguments": {}}
    asked = [{"id": n, "method": "tools/call", "params": params} for n, params in enumerate((write, look), 1)]
    _, written, listed = speak([*command, image("filesystem")], *hello(), *asked)
    assert written["result"]["isError"]
    assert "is lost with it" in answer(written)
    assert "`-v flotilla-data:/data`" in answer(written)
    assert json.loads(answer(listed)) == {"items": []}


def test_idempotency_key_needs_a_state_volume(docker: DockerClient, volume: str) -> None:
    """One container previews a deletion, the next one does it: once."""
    base = ["docker", "run", "-i", "--rm", "--network=none", "-v", f"{volume}:/data"]

    def ask(name: str, *options: str, **arguments: Any) -> dict[str, Any]:
        own = ["--name", name_of_run(), *options, image("filesystem")]
        call = {"id": 1, "method": "tools/call", "params": {"name": f"fs_{name}", "arguments": arguments}}
        return speak([*base, *own], *hello(), call)[-1]

    keyed_requests = ask("write_file", path="x", content="x", idempotency_key="k")
    assert "`-v flotilla-filesystem:/state`. The same call without idempotency_key works." in answer(keyed_requests)
    state = ("-v", f"{volume}-state:/state")
    for _ in range(2):
        again = ask("write_file", *state, path="x", content="x", idempotency_key="k")
        assert not again["result"].get("isError"), answer(again)
    token = json.loads(answer(ask("delete_file", *state, path="x")))["preview"]["confirm_token"]
    done = ask("delete_file", *state, path="x", confirm_token=token)
    assert json.loads(answer(done))["files"] == 1
    assert ask("delete_file", *state, path="x", confirm_token=token)["result"]["isError"]


def test_switchboard_can_keep_its_log(docker: DockerClient) -> None:
    """The base has no SQLite."""
    docker.run(
        image("switchboard"), ["-I", "-S", "-c", "import sqlite3"], entrypoint="/usr/bin/python3.13", remove=True
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_image_size(docker: DockerClient, slug: str) -> None:
    """Under 50 MB, but where a server needs more than the base has; docs/decisions/0017 says why."""
    larger = {"filesystem": 54e6, "export": 65e6, "switchboard": 56e6, "webhooks": 52e6, "zapier": 51e6}
    assert docker.image.inspect(image(slug)).size < larger.get(slug, 50e6)


def test_images_share_one_base(docker: DockerClient) -> None:
    base = docker.image.inspect(image("base")).root_fs.layers
    assert base
    for slug in SLUGS:
        layers = docker.image.inspect(image(slug)).root_fs.layers
        assert layers
        assert layers[: len(base)] == base
        assert len(layers) > len(base)


def test_builds_read_nothing_outside_of_the_checkout() -> None:
    """Newer versions of buildx refuse that: https://github.com/docker/buildx/pull/2796."""
    common = json.loads((ROOT / "build" / "bake.json").read_text(encoding="utf-8"))["target"]["_common"]
    sources = [part.removeprefix("src=") for one in common["secret"] for part in one.split(",") if "src=" in part]
    assert [source for source in sources if not (ROOT / source).resolve().is_relative_to(ROOT)] == []
    assert len(sources) == len(common["secret"]) > 1


def test_image_build_deterministic(docker: DockerClient) -> None:
    """A server's own layers, with and without the cache; the base's byte code has a test of its own."""
    layers = []
    for cache in ("false", "true"):
        tag = f"{RUN}-{secrets.token_hex(4)}"
        command = ["docker", "buildx", "bake", "--builder", "default", "--progress", "plain", "--load"]
        command += ["-f", "docker-bake.hcl", "-f", "build/bake.json", "--set", f"filesystem.no-cache={cache}"]
        command += ["--set", f"filesystem.tags={tag}", "filesystem"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        layers.append(docker.image.inspect(tag).root_fs.layers)
        docker.image.remove(tag, force=True)
    assert layers[0] == layers[1]
