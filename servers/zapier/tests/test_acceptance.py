from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flotilla_servers.zapier.tests.fake import HOOKS, TOKEN, FakeMcp
from flotilla_testing.acceptance import suite


@contextmanager
def zapier(folder: Path) -> Iterator[Mapping[str, str]]:
    """The MCP endpoint, a real server on loopback; the webhooks answer from answers.yaml."""
    with FakeMcp().running() as mcp:
        named = f"devis={HOOKS}/123456/b7c2xyz/, relance={HOOKS}/123456/c8d3abc/silent/"
        yield {"ZAPIER_HOOKS": named, "ZAPIER_MCP_TOKEN": TOKEN, "ZAPIER_MCP_URL": mcp.url}


TestAcceptance = suite("zapier", setup=zapier)
