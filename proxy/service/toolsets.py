"""Tools of the catalogue that the loop runs: toolsets of an alias, and what clients declare by our names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proxy.dialects.loose_json import as_object
from proxy.dialects.own_calls import OWN_SERVER, mcp_call, mcp_result
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest, ToolParam
from proxy.permissions.tool_names import canonical
from proxy.permissions.values import ToolCall
from proxy.service.answer_round import unreadable
from proxy.service.own_tools import ModelCall
from proxy.service.parents import PARENT, Parent
from proxy.tools.base import Tool
from proxy.tools.catalogue import BUILTIN, BUILTIN_NAMES, Catalogue, definition_of, toolset_of
from proxy.tools.run_values import RunScope
from proxy.tools.runner import ToolRunner

_BESIDE_BASH = ("BashOutput", "KillShell")


@dataclass(frozen=True, slots=True)
class ToolsetTool:
    """A tool of the catalogue; shown to the client as a tool of an MCP server."""

    tool: Tool
    runner: ToolRunner
    scope: RunScope
    parent: Parent | None = None
    """What it is to a conversation that the call may start."""

    @property
    def may_run_beside_others(self) -> bool:
        """It changes nothing."""
        return self.tool.may_run_beside_others

    @property
    def is_server_tool(self) -> bool:
        """It is none of the API's own."""
        return False

    def shown(self, call: JsonObject) -> JsonObject:
        """Returns the `mcp_tool_use` block of a `tool_use` block."""
        return mcp_call(
            str(call.get("id")), str(call.get("name")), as_object(call.get("input")), self._server
        )

    async def run(self, call: ModelCall) -> JsonObject:
        """Runs a call through the runner: judged, asked about, noted."""
        if call.input is None:
            return self.refused(call, unreadable(call))
        PARENT.set(self.parent)  # in this call's own task
        output = await self.runner.run(ToolCall(call.name, call.input), call.id, self.scope)
        return mcp_result(call.id, output.content, is_error=output.is_error)

    def refused(self, call: ModelCall, why: str) -> JsonObject:
        """Returns an error result."""
        return mcp_result(call.id, [{"type": "text", "text": why}], is_error=True)

    @property
    def _server(self) -> str:
        toolset = toolset_of(self.tool.name)
        return OWN_SERVER if toolset == BUILTIN else toolset.partition(":")[2]


def of_the_client(tools: Sequence[ToolParam], catalogue: Catalogue) -> Mapping[str, Tool]:
    """Returns the built-in tools that a client declares itself, by the names it gave them."""
    found: dict[str, Tool] = {}
    for declared in tools:
        if not declared.is_custom or not declared.name or canonical(declared.name) not in BUILTIN_NAMES:
            continue
        tool = catalogue.find(declared.name)
        if tool is not None:
            found[declared.name] = tool
    return found


def companions(request: MessagesRequest, running: Mapping[str, Tool], catalogue: Catalogue) -> list[Tool]:
    """Returns what a client's Bash needs beside it where it runs here: a way to its background commands."""
    if not any(canonical(name) == "Bash" for name in running):
        return []
    found = [catalogue.find(name) for name in _BESIDE_BASH]
    return undeclared(request, [tool for tool in found if tool is not None])


class Declarations:
    """The catalogue's tools as a request declares them, each made once."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Tool, ToolParam]] = {}

    def of(self, tool: Tool) -> ToolParam:
        """Returns a tool's declaration."""
        known = self._made.get(tool.name)
        if known is None or known[0] is not tool:
            known = self._made[tool.name] = tool, ToolParam.model_validate(definition_of(tool))
        return known[1]


def undeclared(request: MessagesRequest, tools: Iterable[Tool]) -> list[Tool]:
    """Returns those tools that the request does not declare itself, by old name or new."""
    taken = {canonical(each.name) for each in request.tools or [] if each.name}
    return [tool for tool in tools if canonical(tool.name) not in taken]


def with_tools(
    request: MessagesRequest, tools: Sequence[Tool], declarations: Declarations
) -> MessagesRequest:
    """Returns the request with further tools behind its own; always the same for the same tools."""
    if not tools:
        return request
    declared = [*(request.tools or []), *map(declarations.of, tools)]
    return request.model_copy(update={"tools": declared})
