"""Certificates and proxies of the environment count: a real TLS server, and a real proxy on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme

from flotilla import errors
from flotilla.http.retry import Retry
from flotilla_testing.scratch import ScratchApi, ScratchServer

Make = Callable[..., ScratchServer]


@pytest.fixture(autouse=True)
def quick(environ: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        environ.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    ca, path = trustme.CA(), tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path


async def read_head(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode()


@pytest.fixture
async def secure(authority: tuple[trustme.CA, Path]) -> AsyncIterator[int]:
    """Serve HTTPS on localhost; give the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\n" + b'{"tls":true}')
        await writer.drain()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority[0].issue_cert("localhost").configure_cert(context)
    server = await asyncio.start_server(serve, "localhost", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[int, list[str]]]:
    """Run a proxy that tunnels (CONNECT) and forwards; give its port and the request lines it saw."""
    seen: list[str] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await read_head(reader)).split("\r\n")[0]
        seen.append(line)
        method, target, _ = line.split()
        if method != "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n" + b'{"proxy":true}')
        elif target.startswith("refused"):
            writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
        else:
            host, _, port = target.rpartition(":")
            back, forth = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(pipe(reader, forth), pipe(back, writer))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], seen
    server.close()


def api_at(make: Make, environ: pytest.MonkeyPatch, url: str) -> ScratchApi:
    environ.setenv("ACME_BASE_URL", url)
    return ScratchApi(make())


async def test_tls_unknown_certificate_refused(make: Make, environ: pytest.MonkeyPatch, secure: int) -> None:
    with pytest.raises(errors.UpstreamError, match=r"cannot be reached \(ConnectError\); nothing was sent"):
        await api_at(make, environ, f"https://localhost:{secure}").post("/x", json={})


async def test_ssl_cert_file(
    make: Make, environ: pytest.MonkeyPatch, secure: int, authority: tuple[trustme.CA, Path]
) -> None:
    environ.setenv("SSL_CERT_FILE", str(authority[1]))
    assert await api_at(make, environ, f"https://localhost:{secure}").get("/x") == {"tls": True}
    with pytest.raises(errors.UpstreamError, match="ConnectError"):  # the name is checked too
        await api_at(make, environ, f"https://127.0.0.1:{secure}").get("/x")


async def test_https_proxy(
    make: Make,
    environ: pytest.MonkeyPatch,
    secure: int,
    authority: tuple[trustme.CA, Path],
    proxy: tuple[int, list[str]],
) -> None:
    environ.setenv("SSL_CERT_FILE", str(authority[1]))
    environ.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy[0]}")
    assert await api_at(make, environ, f"https://localhost:{secure}").get("/x") == {"tls": True}
    assert proxy[1] == [f"CONNECT localhost:{secure} HTTP/1.1"]


@pytest.mark.parametrize("value", ["http://127.0.0.1:{}", "127.0.0.1:{}"])  # Docker's gateway gives no scheme
async def test_http_proxy(make: Make, environ: pytest.MonkeyPatch, proxy: tuple[int, list[str]], value: str) -> None:
    environ.setenv("http_proxy", value.format(proxy[0]))
    environ.setenv("FLOTILLA_PLAIN_HTTP", "acme.test")
    assert await api_at(make, environ, "http://acme.test/api").get("/x") == {"proxy": True}
    assert proxy[1] == ["GET http://acme.test/api/x HTTP/1.1"]


async def test_no_proxy(make: Make, environ: pytest.MonkeyPatch, proxy: tuple[int, list[str]]) -> None:
    environ.setenv("http_proxy", f"http://127.0.0.1:{proxy[0]}")
    environ.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(errors.UpstreamError, match="ConnectError"):
        await api_at(make, environ, "http://127.0.0.1:9").get("/x")
    assert proxy[1] == []


async def test_https_proxy_refusal_has_sent_nothing(
    make: Make, environ: pytest.MonkeyPatch, proxy: tuple[int, list[str]]
) -> None:
    environ.setenv("https_proxy", f"http://127.0.0.1:{proxy[0]}")
    with pytest.raises(errors.UpstreamError, match=r"cannot be reached \(ProxyError\); nothing was sent"):
        await api_at(make, environ, "https://refused.test").post("/x", json={})
    assert len(proxy[1]) == Retry.attempts
