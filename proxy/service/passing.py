"""Tools that the client runs itself: what the rules forbid never reaches it.

A tool that a deny rule forbids as a whole leaves the request. Of the others only those are looked at for
which the policy has a deny rule with something in its brackets: each call of them is judged before the client
sees it, and one that such a rule forbids comes back to the model as an error. What the rules ask about or
allow is the client's own affair, and so is everything a mode or a built-in limit would say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.request import MessagesRequest, ToolChoiceParam, ToolParam
from proxy.permissions.tool_names import (
    COMMAND_TOOLS,
    EDIT_TOOLS,
    FILE_TOOLS,
    canonical,
    matches_name,
)
from proxy.permissions.values import Policy, ToolCall, Verdict
from proxy.service.answer_round import UNREADABLE
from proxy.service.own_tools import ModelCall

_SERVER_TOOLS = {"web_search_": "WebSearch", "web_fetch_": "WebFetch"}
"""By which names rules know the API's own tools."""


class CallJudge(Protocol):
    """Who judges calls of the client's tools."""

    async def judge(self, call: ToolCall) -> Verdict:
        """Returns what the rules say."""
        ...

    def refused(self, call: ToolCall, call_id: str, verdict: Verdict) -> str:
        """Announces a denied call; returns what the model is told."""
        ...

    def passed(self, call: ToolCall, call_id: str, verdict: Verdict) -> None:
        """Announces a call that a rule was consulted about and that goes to the client."""
        ...


def rule_name(tool: ToolParam) -> str:
    """Returns the name by which rules know a declared tool; empty: it has none."""
    kind = tool.type or ""
    if tool.is_custom:
        return tool.name or ""
    served = next((name for start, name in _SERVER_TOOLS.items() if kind.startswith(start)), None)
    return served or _ANTHROPIC_TOOLS.get(kind.partition("_2")[0], tool.name or "")


def without_tools(request: MessagesRequest, denied: Collection[str]) -> MessagesRequest:
    """Returns the request without the tools of these names, as `rule_name` has them.

    Raises:
        ClientError: The request demands a call of one of them, or of any tool and none is left.
    """
    tools = request.tools or []
    kept = [tool for tool in tools if rule_name(tool) not in denied]
    if len(kept) == len(tools):
        return request
    gone = {tool.name for tool in tools} - {tool.name for tool in kept}
    choice = request.tool_choice
    if choice is not None and choice.type == "tool" and choice.name in gone:
        raise ClientError(
            ErrorType.INVALID_REQUEST,
            f"tool_choice: the tool '{choice.name}' is denied by Signalbox's permission rules.",
        )
    if choice is not None and choice.type == "any" and not kept:
        raise ClientError(
            ErrorType.INVALID_REQUEST,
            "tool_choice: all tools of this request are denied by Signalbox's permission rules.",
        )
    changed: dict[str, Any] = {"tools": kept or None}
    if not kept:
        changed["tool_choice"] = None
    return _without_unset(request.model_copy(update=changed), changed)


def _without_unset(request: MessagesRequest, changed: Mapping[str, Any]) -> MessagesRequest:
    """A field that is None now was left out: an upstream that is passed through must not see null."""
    request.model_fields_set.difference_update(name for name, value in changed.items() if value is None)
    return request


def freed(choice: ToolChoiceParam | None) -> ToolChoiceParam | None:
    """Returns the choice for a further answer: a demanded call was made."""
    if choice is None or choice.type not in ("any", "tool"):
        return choice
    return choice.model_copy(update={"type": "auto", "name": None})


def has_deny_rules(policy: Policy) -> bool:
    """Whether anything can be denied to a client's own tools."""
    return any(rule.effect == "deny" and not rule.is_exception for rule in policy.rules)


def denied_tools(policy: Policy) -> frozenset[str]:
    """Returns the tools that deny rules name, whatever stands in their brackets."""
    return frozenset(rule.tool for rule in policy.rules if rule.effect == "deny" and not rule.is_exception)


def is_judged(denied: Collection[str], tool: ToolParam) -> bool:
    """Whether calls of a tool must be judged one by one, where deny rules name these tools."""
    name = rule_name(tool)
    return any(_concerns(each, name) for each in denied)


def _concerns(rule_tool: str, name: str) -> bool:
    """Whether a rule of a tool may match calls of another: `Read` is about all that reads, commands too."""
    return matches_name(rule_tool, name) or canonical(name) in _GOVERNED.get(rule_tool, ())


def judged_call(name: str, arguments: Mapping[str, Any], kind: str) -> ToolCall:
    """Returns the call as the rules see it; Anthropic's own client tools are those of Claude Code.

    Args:
        name: The name called.
        arguments: Its input.
        kind: The type of the declared tool; empty: a custom one.
    """
    known = _ANTHROPIC_TOOLS.get(kind.partition("_2")[0])
    if known is None:
        return ToolCall(name, arguments)
    if known == "Bash":
        return ToolCall("Bash", {"command": "", **arguments})
    tool = "Read" if arguments.get("command") == "view" else "Edit"
    return ToolCall(tool, {"file_path": arguments.get("path"), **arguments})


def denies(verdict: Verdict) -> bool:
    """Whether a deny rule decided, not a mode or a limit that only Signalbox's own tools have."""
    if verdict.decision != "deny":
        return False
    if verdict.rule is not None:
        return True
    return any(part.decision == "deny" and part.rule is not None for part in verdict.parts)


@dataclass(frozen=True, slots=True)
class Passing:
    """Judges the calls of one request on their way to the client."""

    judge: CallJudge
    kinds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The types of the declared tools that are not custom, by name."""
    has_tools: bool = True
    """The client runs tools itself; if not, a call of a tool that is nobody's is answered here."""

    async def denial(self, call: ModelCall) -> str | None:
        """Returns what the model is told instead of a result; None: the call may go."""
        if call.input is None:
            return UNREADABLE
        asked = judged_call(call.name, call.input, self.kinds.get(call.name, ""))
        verdict = await self.judge.judge(asked)
        if denies(verdict):
            return self.judge.refused(asked, call.id, verdict)
        if not self.has_tools:
            return f"No such tool available: {call.name}"
        self.judge.passed(asked, call.id, verdict)
        return None


_ANTHROPIC_TOOLS: Mapping[str, str] = MappingProxyType({"bash": "Bash", "text_editor": "Edit"})
"""Client tools that Anthropic defined, by the beginning of their type."""
_GOVERNED: Mapping[str, frozenset[str]] = MappingProxyType({
    "Read": FILE_TOOLS | COMMAND_TOOLS,
    "Edit": EDIT_TOOLS | COMMAND_TOOLS,
    "Bash": COMMAND_TOOLS,
})  # fmt: skip
"""By the tool of a rule: which further tools' calls it may match."""
