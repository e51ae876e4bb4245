"""The official MCP client against a running proxy, servers that a test scripts, and what both say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from proxy.mcp.results import CallResult
from proxy.mcp.tools import McpTool, tool_of
from proxy.mcp.values import McpProblem, ServerPhase, ServerStatus, ToolFacts
from tests.proxy.scripted import TOKEN, Running

ERAS = ("legacy", "2026-07-28")
"""The client's words for revisions with a handshake, and the one without."""


@asynccontextmanager
async def mcp_client(
    proxy: Running,
    mode: str = "legacy",
    headers: Mapping[str, str] | None = None,
    is_listening: asyncio.Event | None = None,
    **more: Any,
) -> AsyncGenerator[Client]:
    """Connects the official SDK's client to `/mcp`; `is_listening` is set when it hears of changes."""
    all_headers = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}

    async def note(response: httpx2.Response) -> None:
        if is_listening is not None and response.request.method == "GET":
            is_listening.set()

    hooks: dict[str, list[Callable[..., Any]]] = {"response": [note]}
    http: httpx2.AsyncClient = httpx2.AsyncClient(headers=all_headers, timeout=20, event_hooks=hooks)
    async with (
        http,
        Client(
            streamable_http_client(f"{proxy.url}/mcp", http_client=http),
            mode=cast("Any", mode),
            client_info=Implementation(name="the-tester", version="1"),
            **more,
        ) as client,
    ):
        yield client


@dataclass(slots=True)
class ScriptedServers:
    """Stands for the supervisor: two servers that are connected and one that is not."""

    on_call: Callable[[str, Mapping[str, Any]], Any] = lambda tool, arguments: f"{tool} of {dict(arguments)}"
    called: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list[Any])
    broken: frozenset[str] = frozenset()
    """Servers that answer no question."""
    definitions: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            "box": [{"name": "lever", "description": "Pulls.", "inputSchema": {"type": "object"}}],
            "line": [
                {"name": "lamp", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}
            ],
        }
    )

    def statuses(self) -> tuple[ServerStatus, ...]:
        connected = [
            ServerStatus(
                name,
                "stdio",
                ServerPhase.CONNECTED,
                started_at=1.0,
                tools=tuple(
                    ToolFacts(each["name"], f"mcp__{name}__{each['name']}", "", {}, True, None, 9)
                    for each in definitions
                ),
                resources=1,
                prompts=1,
                argv=("/opt/secret/program",),
            )
            for name, definitions in self.definitions.items()
        ]
        return (*connected, ServerStatus("down", "stdio", ServerPhase.FAILED, "exit 1: no such file"))

    def tools(self) -> tuple[McpTool, ...]:
        return tuple(
            tool_of(name, f"mcp__{name}__{each['name']}", each, self.call)
            for name, definitions in self.definitions.items()
            for each in definitions
        )

    async def call(self, server: str, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        self.called.append((server, tool, dict(arguments)))
        answer = self.on_call(tool, arguments)
        if asyncio.iscoroutine(answer):
            answer = await answer
        return CallResult(({"type": "text", "text": str(answer)},))

    async def resources(self, name: str) -> tuple[Mapping[str, Any], ...]:
        self._ask(name)
        return ({"uri": f"file:///{name}.txt", "name": f"{name}.txt"},)

    async def resource_templates(self, name: str) -> tuple[Mapping[str, Any], ...]:
        self._ask(name)
        return ({"uriTemplate": "file:///{path}", "name": "files"},)

    async def read_resource(self, name: str, uri: str) -> Mapping[str, Any]:
        self._ask(name)
        return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": f"{name} has {uri}"}]}

    async def prompts(self, name: str) -> tuple[Mapping[str, Any], ...]:
        self._ask(name)
        return ({"name": "review", "arguments": [{"name": "what", "required": True}]},)

    async def get_prompt(self, name: str, prompt: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        self._ask(name)
        text = {"type": "text", "text": f"{prompt} {arguments['what']} in {name}"}
        link = {"type": "resource", "resource": {"uri": "file:///x", "text": "x"}}
        return {"messages": [{"role": "user", "content": text}, {"role": "user", "content": link}]}

    def _ask(self, name: str) -> None:
        if name in self.broken:
            raise McpProblem(f"{name} does not answer")

    def offer(self, proxy: Running) -> None:
        """Puts the servers behind a proxy, and tells it of every change since."""
        proxy.server.use_mcp(cast("Any", self))


def text_of(result: Any) -> str:
    """The text of a call's result."""
    return "".join(each.text for each in result.content)
