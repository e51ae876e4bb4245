"""What a tool is to the message loop when Signalbox runs it: how its call is shown, and how it is run."""

from __future__ import annotations

from collections.abc import Mapping
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
    written: str = ""
    """Then: the beginning of what it wrote."""


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
        """Runs a call and returns its result as a client is shown it; only cancelled calls raise."""
        ...

    def refused(self, call: ModelCall, why: str) -> JsonObject:
        """Returns the result of a call that is not run, as the block a client is shown."""
        ...


class CallFilter(Protocol):
    """Judges calls that are not ours to run."""

    async def denial(self, call: ModelCall) -> str | None:
        """Returns what the model is told instead of a result; None: the call goes to the client."""
        ...


@dataclass(frozen=True, slots=True)
class ToolPlan:
    """What becomes of the calls of an answer."""

    own: Mapping[str, OwnTool] = field(default_factory=lambda: MappingProxyType({}))
    """Tools that the loop runs, by the name the model calls."""
    free: frozenset[str] | None = None
    """Names of the client's tools whose calls pass unjudged; a call of any other is held. None: all pass."""

    def is_held(self, name: str) -> bool:
        """Whether a call of a client's tool must be judged before the client sees it."""
        return self.free is not None and name not in self.free
