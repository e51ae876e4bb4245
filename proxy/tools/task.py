"""Task: hands a piece of work to a conversation of its own, with at most the rights of this one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from proxy.permissions.accesses import DEFAULT_AGENT
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.errors import ToolError


@dataclass(frozen=True, slots=True)
class SubConversation:
    """What a sub-conversation is asked for."""

    prompt: str
    description: str
    agent: str = DEFAULT_AGENT
    """Which kind of agent; rules speak of it as `Agent(NAME)`."""


RunConversation: TypeAlias = Callable[[SubConversation, ToolScope], Awaitable[ToolOutput]]
"""Holds a sub-conversation to its end and returns what its model said last; handed in."""


class Task:
    """Starts sub-conversations; current clients call it Agent."""

    name = "Task"
    group: ToolGroup = "Run"
    description = (
        "Hands a piece of work to another conversation, which sees nothing of this one, has at most its "
        "tools and rights, and returns one report. The prompt must therefore say everything: what to do, "
        "where, and what to report. Good for long searches and for work that can be described in full."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "description": {"type": "string", "description": "The work in three to five words"},
            "prompt": {"type": "string", "minLength": 1, "description": "The whole work for the other one"},
            "subagent_type": {
                "type": "string",
                "description": f"The kind of agent (default {DEFAULT_AGENT})",
            },
        },
        "required": ["description", "prompt"],
    }
    may_run_beside_others = False
    timeout_s: float | None = None

    def __init__(self, run_conversation: RunConversation) -> None:
        """Has sub-conversations held by `run_conversation`."""
        self._run_conversation = run_conversation

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Holds the sub-conversation and returns its report."""
        prompt = str(arguments["prompt"])
        if not prompt.strip():
            raise ToolError("The prompt is empty. Say what the other conversation shall do and report.")
        agent = str(arguments.get("subagent_type") or DEFAULT_AGENT)
        asked = SubConversation(prompt, str(arguments["description"]), agent)
        return await self._run_conversation(asked, scope)
