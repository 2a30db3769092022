"""The names that others see: of the project, of the images and of the catalog's entries. Each is written here only.

Standard library only: the launcher's side of the switchboard reads it before anything heavy is imported.
"""

from __future__ import annotations

from flotilla_launcher.version import VERSION

PROJECT = "https://github.com/flotilla-mcp/flotilla"
REGISTRY = "ghcr.io/flotilla-mcp"  # of the project's own organisation: nobody else can push an image there
PREFIX = "flotilla-"  # Docker's catalog has servers called filesystem, hubspot and notion
NAMESPACE = "io.github.flotilla-mcp"  # of the MCP registry: only the same organisation can publish there
GATEWAY_IMAGE = "docker/mcp-gateway:v2"  # the tag that docker/mcp-gateway's own build pushes


def image(slug: str, tag: str = VERSION) -> str:
    """Return the image of a server, of the switchboard, or of what they stand on (`base`), with its tag."""
    return f"{REGISTRY}/{slug}:{tag}"


def catalog_name(slug: str) -> str:
    """Return what a server is called in a gateway's catalog, in the registry, and in the secrets and settings files."""
    return PREFIX + slug


def registry_name(slug: str) -> str:
    """Return what a server is called in the MCP registry, and in the label by which its image proves that."""
    return f"{NAMESPACE}/{slug}"


def slug_of(name: str) -> str:
    """Return the slug of a catalog name; a name that is not one of ours, or is a slug already, stays as it is."""
    return name.removeprefix(PREFIX)


def module_of(slug: str) -> str:
    """Return the folder and Python package of a server: `google_docs` for google-docs."""
    return slug.replace("-", "_")


def words_of(tool: str, *, foreign: bool = False) -> list[str]:
    """Return the words of a tool's name, its verb first. The fleet's names have a prefix before it."""
    return tool.split("_")[0 if foreign else 1 :]
