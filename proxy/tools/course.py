"""What becomes of one call, step by step: who decided what, what ran, and the words the model gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proxy.context import RequestContext
from proxy.events import ToolDecided
from proxy.permissions.approval import ApprovalAnswer
from proxy.permissions.tool_names import COMMAND_TOOLS, canonical
from proxy.permissions.values import ToolCall, Verdict
from proxy.tools.base import MAX_RESULT_CHARS, ToolOutput

MAX_ARGUMENT_CHARS = 16_000
"""Of the arguments this much is announced and kept."""
_MAX_COMMAND_CHARS = 200
_USERS = frozenset({"window", "notification", "command line"})

Decided = Literal["allow", "deny"]


@dataclass(slots=True)
class Course:
    """How far a call has come; announced when it has ended."""

    call: ToolCall
    decision: Decided = "deny"
    reason: str = "it was not judged"
    rule: str | None = None
    source: str | None = None
    decided_by: str = "signalbox"
    """Of what was refused before any rule was asked: an unknown tool, wrong arguments, a client that left."""
    ran: bool = False
    output: ToolOutput | None = None
    note: str = ""
    """Said to the model besides the reason."""

    def refused(self, reason: str) -> None:
        """The call cannot be judged at all."""
        self.decision, self.decided_by, self.reason = "deny", "signalbox", reason

    def judged(self, verdict: Verdict) -> None:
        """The rules or the mode have spoken."""
        self.decision = "deny" if verdict.decision != "allow" else "allow"
        self.reason, self.rule, self.source = verdict.reason, verdict.rule, verdict.source
        self.decided_by = "mode" if verdict.rule is None else "rule"

    def answered(self, verdict: Verdict, answer: ApprovalAnswer) -> None:
        """Somebody was asked."""
        self.judged(verdict)
        self.decision = answer.decision
        self.decided_by = decided_by(answer)
        self.note = _told(answer)

    def allowed_before(self, verdict: Verdict) -> None:
        """The user allowed exactly this call earlier in the conversation."""
        self.judged(verdict)
        self.decision, self.decided_by = "allow", "user (this conversation)"


def decided_by(answer: ApprovalAnswer) -> str:
    """Returns who gave an answer, as the audit names them."""
    return f"user ({answer.by})" if answer.by in _USERS else answer.by


def refusal(call: ToolCall, reason: str, note: str = "") -> ToolOutput:
    """Returns the result of a call that was denied, for the model."""
    command = call.input.get("command") if canonical(call.tool) in COMMAND_TOOLS else None
    what = f"{call.tool} with command {_shortened(command)}" if isinstance(command, str) else call.tool
    told = f" {note}" if note else ""
    return ToolOutput.text(
        f"Permission to use {what} has been denied: {reason.rstrip('.')}.{told}", is_error=True
    )


def bounded(output: ToolOutput) -> ToolOutput:
    """Returns the output with its texts cut where they are too long together, and saying so."""
    room, total = MAX_RESULT_CHARS, sum(len(_text(block)) for block in output.content)
    if total <= room:
        return output
    blocks: list[Mapping[str, Any]] = []
    for block in output.content:
        text = _text(block)
        if not text:
            blocks.append(block)
        elif room > 0:
            blocks.append({**block, "text": text[:room]})
            room -= len(text)
    note = f"[The result was cut: {MAX_RESULT_CHARS} of {total} characters are shown.]"
    return ToolOutput((*blocks, {"type": "text", "text": note}), output.is_error, output.exit_code)


def announced(
    course: Course,
    call_id: str,
    context: RequestContext,
    *,
    at: float,
    duration_s: float,
    runner: str,
    workspace: str | None,
) -> ToolDecided:
    """Returns the event that tells what became of a call.

    Args:
        course: What became of it.
        call_id: The call's id.
        context: Whose request it is of.
        at: When it ended, in seconds since the epoch.
        duration_s: How long it took, waiting for answers included.
        runner: `client`, `signalbox` or `mcp:NAME`.
        workspace: Where.
    """
    output = course.output
    return ToolDecided(
        request_id=context.request_id,
        at=at,
        call_id=call_id,
        tool=course.call.tool,
        arguments=arguments_text(course.call.input),
        runner=runner,
        decision=course.decision,
        reason=course.reason,
        rule=course.rule,
        source=course.source,
        decided_by=course.decided_by,
        conversation_id=context.conversation_id,
        client=context.client,
        workspace=workspace,
        ran=course.ran,
        is_error=output is not None and output.is_error,
        exit_code=None if output is None else output.exit_code,
        result_bytes=0 if output is None else _size(output),
        duration_s=duration_s,
    )


def arguments_text(arguments: Mapping[str, Any]) -> str:
    """Returns arguments as JSON text, cut at a limit."""
    most = MAX_ARGUMENT_CHARS
    shown = {name: value[:most] if isinstance(value, str) else value for name, value in arguments.items()}
    try:
        text = json.dumps(shown, ensure_ascii=False, default=str)
    except RecursionError:
        return "(nested too deeply)"
    return text if len(text) <= most else f"{text[:most]}…"


def _told(answer: ApprovalAnswer) -> str:
    if answer.decision == "allow":
        return ""
    if answer.by in _USERS:
        return f"The user says: {answer.message}" if answer.message else "The user denied it."
    return f"{answer.message[:1].upper()}{answer.message[1:]}." if answer.message else ""


def _text(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    return text if isinstance(text, str) else ""


def _size(output: ToolOutput) -> int:
    return sum(
        len(json.dumps(dict(each), ensure_ascii=False, default=str).encode("utf-8", "replace"))
        if not _text(each)
        else len(_text(each).encode("utf-8", "replace"))
        for each in output.content
    )


def _shortened(command: str) -> str:
    return command if len(command) <= _MAX_COMMAND_CHARS else f"{command[:_MAX_COMMAND_CHARS]}…"
