"""The MCP connector of the Messages API: servers that a request names, their tools run here for any model.

Local servers are ours to ask always. Remote ones are asked where the user allowed their host and not every
candidate speaks the Messages API itself; else the fields pass on as they came, and an upstream that cannot
serve them says so. Calls run through the runner like all others: judged, asked about, noted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from proxy.config import ProxyConfig
from proxy.dialects.loose_json import as_object
from proxy.dialects.own_calls import MCP_MARK, mcp_call
from proxy.mcp.gateway_values import McpServers
from proxy.mcp.values import McpProblem, ServerPhase
from proxy.messages.errors import invalid_request
from proxy.messages.message import JsonObject
from proxy.messages.request import MessageParam, MessagesRequest, OtherBlock, ToolParam
from proxy.permissions.tool_names import canonical
from proxy.routing.aliases import Route
from proxy.service.mcp_wishes import (
    WishedServer,
    has_servers,
    host_label,
    is_allowed,
    wished_servers,
    without,
)
from proxy.service.own_tools import ModelCall, OwnTool
from proxy.service.toolsets import ToolsetTool
from proxy.tools.base import Tool
from proxy.tools.catalogue import Catalogue, definition_of
from proxy.tools.judge import Judge
from proxy.tools.run_values import RunScope
from proxy.tools.runner import ToolRunner

if TYPE_CHECKING:  # it loads the SDK, which takes a second
    from proxy.mcp.remote_visit import RemoteVisit


@dataclass(frozen=True, slots=True)
class ConnectorTool:
    """A server's tool in one request, shown to the client by its own name."""

    inner: ToolsetTool
    own_name: str
    label: str

    @property
    def may_run_beside_others(self) -> bool:
        """It changes nothing."""
        return self.inner.may_run_beside_others

    @property
    def is_server_tool(self) -> bool:
        """Its calls do not wait for those of the client."""
        return False

    def shown(self, call: JsonObject) -> JsonObject:
        """Returns the `mcp_tool_use` block of a `tool_use` block."""
        return mcp_call(str(call.get("id")), self.own_name, as_object(call.get("input")), self.label)

    async def run(self, call: ModelCall) -> JsonObject:
        """Runs a call through the runner: judged, asked about, noted."""
        return await self.inner.run(call)

    def refused(self, call: ModelCall, why: str) -> JsonObject:
        """Returns an error result."""
        return self.inner.refused(call, why)


@dataclass(frozen=True, slots=True)
class McpConnector:
    """Serves `mcp_servers`."""

    judge: Judge
    runner: ToolRunner
    catalogue: Catalogue
    servers: Callable[[], McpServers | None]

    def concerns(self, config: ProxyConfig, request: MessagesRequest, route: Route) -> bool:
        """Whether a request names a server that we ask; judges nothing that is not ours."""
        if not has_servers(request):
            return False
        rows: Any = (request.model_extra or {}).get("mcp_servers")
        urls = [
            as_object(each).get("url") for each in cast("list[Any]", rows if isinstance(rows, list) else [])
        ]
        return any(isinstance(url, str) and _is_ours(url, config, route) for url in urls)

    async def declared(
        self,
        config: ProxyConfig,
        request: MessagesRequest,
        route: Route,
        scope: RunScope,
        own: dict[str, OwnTool],
        visits: list[RemoteVisit],
    ) -> MessagesRequest:
        """Returns the request with our servers' tools as functions, and without what they came from.

        Args:
            config: Which hosts may be asked.
            request: The request.
            route: What would serve it.
            scope: For whom and where calls run.
            own: Takes who runs the calls, by function.
            visits: Takes the connections that were opened; the caller closes them, whatever happens.

        Raises:
            ClientError: The fields are not as the API has them, or a server cannot be used.
        """
        if not self.concerns(config, request, route):
            return request
        ours = [each for each in wished_servers(request) if _is_ours(each.url, config, route)]
        labels = _labels(ours)
        found = await asyncio.gather(*(self._tools_of(each, labels, visits) for each in ours))
        taken = {canonical(each.name) for each in request.tools or () if each.name}
        functions: list[ToolParam] = []
        for server, tools in zip(ours, found, strict=True):
            chosen = await self._chosen(server, tools, scope)
            _check_new([tool for _, tool in chosen], taken, server.label)
            functions += _functions(server, [(name, tool) for name, tool in chosen])
            own.update(
                {
                    tool.name: ConnectorTool(
                        ToolsetTool(tool, self.runner, self._scope(scope, server, tool)), name, server.label
                    )
                    for name, tool in chosen
                }
            )
        bare = without(request, frozenset(each.label for each in ours))
        made = bare.model_copy(update={"tools": [*(bare.tools or ()), *functions] or None})
        return _named_as_declared(made, own)

    # The parts --------------------------------------------------------------------------------

    async def _tools_of(
        self, server: WishedServer, labels: Mapping[str, str], visits: list[RemoteVisit]
    ) -> Sequence[Tool]:
        servers = self.servers()
        statuses = {} if servers is None else {each.name: each for each in servers.statuses()}
        name = server.local_name
        if name is None:
            label = labels[server.label]
            if label in statuses:  # rules about the one must not count for the other
                raise invalid_request(
                    f"mcp_servers: {label} is the name of an MCP server here ({server.label})"
                )
            return await self._remote_tools(server, label, visits)
        status = statuses.get(name)
        if status is None:
            raise invalid_request(
                f"mcp_servers: there is no MCP server called {name!r} here ({server.label})"
            )
        if status.phase is not ServerPhase.CONNECTED:
            reason = f": {status.reason}" if status.reason else ""
            raise invalid_request(f"mcp_servers: the MCP server {name!r} is {status.phase.value}{reason}")
        return self.catalogue.offered((f"mcp:{name}",))

    async def _remote_tools(
        self, server: WishedServer, label: str, visits: list[RemoteVisit]
    ) -> Sequence[Tool]:
        made = await asyncio.to_thread(_new_visit, server.url, label, server.token)
        visits.append(made)
        try:
            await made.open()
        except McpProblem as problem:
            raise invalid_request(
                f"mcp_servers: the MCP server {server.label!r} cannot be used: {problem}"
            ) from None
        return made.tools

    async def _chosen(
        self, server: WishedServer, tools: Sequence[Tool], scope: RunScope
    ) -> list[tuple[str, Tool]]:
        wanted = [(name, tool) for tool in tools if server.takes(name := _own_name(tool))]
        names = [tool.name for _, tool in wanted]
        denied = frozenset(await self.judge.denied_by_name(names, scope.workspace))
        return [(name, tool) for name, tool in wanted if tool.name not in denied]

    def _scope(self, scope: RunScope, server: WishedServer, tool: Tool) -> RunScope:
        return scope if server.local_name is not None else replace(scope, instead=tool)


def _is_ours(url: str, config: ProxyConfig, route: Route) -> bool:
    """Whether we ask a server: one of ours, or a remote one that we may ask and some candidate cannot."""
    if url.startswith("signalbox:"):
        return True
    providers = [config.providers.get(candidate.provider) for candidate in route.candidates]
    if all(each is not None and each.dialect == "anthropic-messages" for each in providers):
        return False
    return is_allowed(url, config.mcp_allowed_hosts)


def _labels(servers: Sequence[WishedServer]) -> Mapping[str, str]:
    """What stands for each remote server in its tools' names: its host, numbered where one has several."""
    hosts = [host_label(each.url) for each in servers]
    made: dict[str, str] = {}
    for index, (server, host) in enumerate(zip(servers, hosts, strict=True)):
        number = hosts[:index].count(host)
        made[server.label] = f"{host}-{number + 1}" if number else host
    return made


def _new_visit(url: str, label: str, token: str | None) -> RemoteVisit:
    from proxy.mcp.remote_visit import RemoteVisit  # noqa: PLC0415 - it loads the SDK, which takes a second

    return RemoteVisit(url, label, token)


def _own_name(tool: Tool) -> str:
    """A server's own name for its tool."""
    return str(getattr(tool, "tool", tool.name))


def _check_new(tools: Sequence[Tool], taken: set[str], label: str) -> None:
    """Two entries may lead to one server, and a client may declare a function of such a name itself."""
    for tool in tools:
        if tool.name in taken:
            raise invalid_request(f"mcp_servers: a tool of {label!r} is declared twice ({tool.name})")
        taken.add(tool.name)


def _functions(server: WishedServer, tools: Sequence[tuple[str, Tool]]) -> list[ToolParam]:
    made: list[JsonObject] = [
        {**definition_of(tool), **({"defer_loading": True} if server.is_deferred(name) else {})}
        for name, tool in tools
    ]
    hint = server.toolset.get("cache_control")
    if made and hint is not None and not made[-1].get("defer_loading"):
        made[-1]["cache_control"] = hint
    return [ToolParam.model_validate(each) for each in made]


def _named_as_declared(request: MessagesRequest, own: Mapping[str, OwnTool]) -> MessagesRequest:
    """Earlier calls of these tools stand in the conversation under the servers' own names for them."""
    names = {
        (tool.label, tool.own_name): name for name, tool in own.items() if isinstance(tool, ConnectorTool)
    }
    messages = [_renamed(message, names) for message in request.messages]
    return request.model_copy(update={"messages": messages})


def _renamed(message: MessageParam, names: Mapping[tuple[str, str], str]) -> MessageParam:
    if message.role != "assistant" or isinstance(message.content, str):
        return message
    made = [
        OtherBlock.model_validate({**block.model_dump(exclude_unset=True), "name": name})
        if isinstance(block, OtherBlock) and (name := _declared_name(block, names)) is not None
        else block
        for block in message.content
    ]
    return message.model_copy(update={"content": made})


def _declared_name(block: OtherBlock, names: Mapping[tuple[str, str], str]) -> str | None:
    extra = block.model_extra or {}
    if block.type != "mcp_tool_use" or not str(extra.get("id")).startswith(MCP_MARK):
        return None
    return names.get((str(extra.get("server_name")), str(extra.get("name"))))
