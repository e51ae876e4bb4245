"""The only way to run a tool: check the arguments, judge, ask, run within limits, note what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.context import RequestContext
from proxy.permissions.values import Mode, ToolCall, Verdict
from proxy.tools.base import ToolOutput
from proxy.tools.conversation import Conversation


@dataclass(frozen=True, slots=True)
class RunScope:
    """For whom and where calls run; the same for all calls of a turn."""

    context: RequestContext
    conversation: Conversation
    workspace: str | None = None
    """The workspace's name; the runner opens it."""
    tool_chain: str = ""
    """Names the run of turns that calls belong to, in the log."""
    only: frozenset[str] | None = None
    """Canonical names of the only tools that may be called, in a sub-conversation; None: all."""
    mode: Mode | None = None
    """None: the mode that is set."""


class ToolRunner:
    """Runs calls."""

    async def run(self, call: ToolCall, call_id: str, scope: RunScope) -> ToolOutput:
        """Runs a call, or says why not; never raises but when it is cancelled."""
        raise NotImplementedError

    async def judge(self, call: ToolCall, scope: RunScope) -> Verdict:
        """Returns what would happen to a call; nothing runs and nobody is asked."""
        raise NotImplementedError

    def note_refusal(self, call: ToolCall, call_id: str, scope: RunScope, verdict: Verdict) -> ToolOutput:
        """Announces that a call the client would have run was denied, and returns the result for the model."""
        raise NotImplementedError
