"""What the `/mcp` door and the connector need of servers and tools, and the errors they answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.context import RequestContext
from proxy.mcp.values import ServerStatus
from proxy.tools.base import Tool, ToolOutput

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002
"""Until 2025-11-25; later it is `INVALID_PARAMS`."""
REQUEST_CANCELLED = -32800

MODERN = "2026-07-28"
"""The first revision without a handshake."""


@dataclass(eq=False)
class RpcError(Exception):
    """A request that is answered with an error of JSON-RPC."""

    code: int
    message: str
    data: Any = None

    def __str__(self) -> str:
        return self.message

    def body(self, request_id: str | int | None) -> dict[str, Any]:
        """Returns the answer that carries it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": "2.0", "id": request_id, "error": error}


class McpServers(Protocol):
    """The servers that run; nothing here starts, stops or configures one."""

    def statuses(self) -> tuple[ServerStatus, ...]:
        """Returns all servers as they are now."""
        ...

    async def resources(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Returns a server's resources as they stand on the wire; raises McpProblem."""
        ...

    async def resource_templates(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Returns a server's resource templates as they stand on the wire; raises McpProblem."""
        ...

    async def read_resource(self, name: str, uri: str) -> Mapping[str, Any]:
        """Returns the result of `resources/read`; raises McpProblem."""
        ...

    async def prompts(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Returns a server's prompts as they stand on the wire; raises McpProblem."""
        ...

    async def get_prompt(self, name: str, prompt: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        """Returns the result of `prompts/get`; raises McpProblem."""
        ...


class Offer(Protocol):
    """The tools as one MCP client may see and call them."""

    async def tools(self, caller: RequestContext) -> Sequence[Tool]:
        """Returns the tools that are switched on and not denied, in order."""
        ...

    async def call(self, name: str, arguments: Mapping[str, Any], caller: RequestContext) -> ToolOutput:
        """Runs a call through the runner: judged, asked about, noted; only cancelled calls raise.

        Raises:
            RpcError: The caller names a workspace that it cannot have.
        """
        ...
