"""A server that a test makes up, to which tools can be added while it stands, and its Api."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flotilla import Api, Integration, Server, Toolset


class ScratchServer(Server[Any]):
    """A server of an integration that exists in one test only. `options` are those of `Integration`.

    `reads`, `writes`, `destroys`, `prompt` and `resource` are those of `Toolset`.
    """

    def __init__(self, slug: str, **options: Any) -> None:
        super().__init__(Integration(slug, **options), toolsets=[])

    def reset(self) -> None:
        """Forget the environment that was read, but not how requests travel."""
        network = self.connection.network
        super().reset()
        self.connection.network = network

    def reads(self, fn: Any = None, /, **options: Any) -> Any:
        """Add a tool that reads."""
        return self._added("reads", fn, options)

    def writes(self, fn: Any = None, /, **options: Any) -> Any:
        """Add a tool that writes."""
        return self._added("writes", fn, options)

    def destroys(self, fn: Any = None, /, **options: Any) -> Any:
        """Add a tool that destroys."""
        return self._added("destroys", fn, options)

    def prompt(self, fn: Any) -> Any:
        """Add a prompt."""
        self._add_prompt(fn)
        return fn

    def resource(self, uri: str, **options: Any) -> Callable[[Any], Any]:
        """Add a resource."""
        return lambda fn: self._with(lambda tools: tools.resource(uri, **options)(fn), fn)

    def _added(self, kind: str, fn: Any, options: Any) -> Any:
        if fn is None:
            return lambda real: self._added(kind, real, options)
        return self._with(lambda tools: getattr(tools, kind)(**options)(fn), fn)

    def _with(self, register: Callable[[Toolset], Any], fn: Any) -> Any:
        tools = Toolset()
        register(tools)
        for tool in tools.tools:
            self._add_tool(tool, "")
        for resource in tools.resources:
            self._add_resource(resource)
        return fn


class ScratchApi(Api):
    """Requests of a scratch server. `options` are those of `Api`."""

    def __init__(self, server: ScratchServer, **options: Any) -> None:
        super().__init__(server.integration, **options)
        self.server = server
