"""What one server says of its tools now, held against what was approved: what is offered, what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from proxy.mcp.pins import Quarantine, Said, name_of
from proxy.mcp.stores import Stores
from proxy.mcp.tools import Call, McpTool, lawful_names, tool_of
from proxy.mcp.values import McpServerConfig, ToolChange, ToolChoice, ToolFacts
from proxy.tools.catalogue import tokens_of

_NO_CHOICE = ToolChoice()


class Definitions:
    """The tools of one server."""

    def __init__(self, server: str, stores: Stores, call: Call) -> None:
        self._server = server
        self._stores = stores
        self._call = call
        self._said = Said()
        self._tools: dict[str, McpTool] = {}
        self._held: Mapping[str, Quarantine] = {}

    def take(self, said: Said) -> bool:
        """Takes what the server says now; tells whether that is anything else than before."""
        unique = {name_of(raw): raw for raw in reversed(said.tools)}  # of two with one name, the first counts
        tools = tuple(unique[name] for name in dict.fromkeys(name_of(raw) for raw in said.tools))
        said = Said(said.instructions, tools)
        is_new = said != self._said
        self._said = said
        names = lawful_names(self._server, unique)
        self._tools = {
            name_of(raw): tool_of(self._server, names[name_of(raw)], raw, self._call)
            for raw in tools
            if name_of(raw) in names
        }
        self._compare()
        return is_new

    def accept(self, names: Sequence[str]) -> None:
        """Approves tools as they are now."""
        self._stores.pins.accept(self._server, self._said, names)
        self._compare()
        self._stores.save()

    def changes(self) -> tuple[ToolChange, ...]:
        """Returns what differs from what was approved."""
        return self._stores.pins.changes(self._server, self._said)

    def offered(self, config: McpServerConfig) -> tuple[McpTool, ...]:
        """Returns the tools that are switched on and not in quarantine."""
        return tuple(
            tool
            for name, tool in self._tools.items()
            if name not in self._held and _choice(config, name).is_enabled
        )

    def facts(self, config: McpServerConfig) -> tuple[ToolFacts, ...]:
        """Returns all tools with how they stand."""
        return tuple(self._facts(config, tool) for tool in self._tools.values())

    def problem(self, tool: str, config: McpServerConfig, *, is_by_hand: bool) -> str | None:
        """Returns why a tool may not be called; None: it may."""
        if tool not in self._tools:
            return f"the MCP server {self._server} has no tool called {tool}"
        if tool in self._held:
            return (
                f"{tool} of the MCP server {self._server} is in quarantine: its definition is "
                f"{self._held[tool]} since it was approved. The user must look at it first"
            )
        if not is_by_hand and not _choice(config, tool).is_enabled:
            return f"{tool} of the MCP server {self._server} is switched off"
        return None

    def _compare(self) -> None:
        is_first = not self._stores.pins.knows(self._server)
        self._held = self._stores.pins.compare(self._server, self._said)
        if is_first:
            self._stores.save()

    def _facts(self, config: McpServerConfig, tool: McpTool) -> ToolFacts:
        choice = _choice(config, tool.tool)
        annotations: Any = tool.raw.get("annotations")
        return ToolFacts(
            tool.tool,
            tool.name,
            tool.description,
            tool.input_schema,
            choice.is_enabled,
            choice.permission,
            tokens_of(tool),
            self._held.get(tool.tool),
            cast("Mapping[str, Any]", annotations) if isinstance(annotations, Mapping) else {},
        )


def _choice(config: McpServerConfig, tool: str) -> ToolChoice:
    return config.tools.get(tool, _NO_CHOICE)
