"""What a tool is to the message loop when Signalbox runs it: how its call is shown, and how it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from proxy.messages.message import JsonObject


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A tool call as the model made it."""

    id: str
    name: str
    input: Mapping[str, Any] | None
    """None: what the model wrote is no JSON object."""


class OwnTool(Protocol):
    """A tool whose calls the loop runs."""

    @property
    def may_run_beside_others(self) -> bool:
        """Calls of it in one turn may run in parallel."""
        ...

    @property
    def is_server_tool(self) -> bool:
        """The client declared it as one of the API's own: its calls wait where the client has calls too."""
        ...

    def shown(self, call: JsonObject) -> JsonObject:
        """Returns the block that a client is shown for a `tool_use` block."""
        ...

    async def run(self, call: ModelCall) -> JsonObject:
        """Runs a call and returns its result as the block a client is shown; never raises but when cancelled."""
        ...

    def refused(self, call: ModelCall, why: str) -> JsonObject:
        """Returns the result of a call that is not run, as the block a client is shown."""
        ...


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """What a request's tools come to, before the first model is asked."""

    own: Mapping[str, OwnTool] = field(default_factory=lambda: MappingProxyType({}))
    """Tools that the loop runs, by the name the model calls."""
    judged: frozenset[str] = frozenset()
    """Names of the client's tools of which each call is judged before the client sees it."""

    @property
    def is_empty(self) -> bool:
        """The answer can pass as it comes."""
        return not self.own and not self.judged


def declared_functions(tools: Sequence[Any]) -> set[str]:
    """Returns the names that a request's tools have."""
    return {tool.name for tool in tools if tool.name}
