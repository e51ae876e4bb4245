"""The latest decisions about tool calls and repeated requests, in memory: for counts, hits and details."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from app.call_text import repeat_text
from gui.permission_desk import DecisionView
from proxy.events import ToolDecided
from proxy.permissions.approval import REPEATED_REQUEST, RepeatedRequest
from proxy.permissions.values import ToolCall

MAX_KEPT = 5000
DAY_S = 86_400.0
PREVIEWED = 200
"""How many of the latest calls a new rule is tried on."""
_REPEATED = TypeAdapter(RepeatedRequest)


@dataclass(frozen=True, slots=True)
class Counts:
    """How calls of one tool ended within a day."""

    allowed: int = 0
    asked: int = 0
    """Answered by the user, one way or the other, or by the time that ran out."""
    denied: int = 0


class DecisionBook:
    """Takes decisions as they come, and forgets the oldest."""

    def __init__(self, redact: Callable[[str], str], clock: Callable[[], float]) -> None:
        """Makes an empty book.

        Args:
            redact: Takes secrets out of a call before it is kept.
            clock: Seconds since the epoch.
        """
        self._redact = redact
        self._clock = clock
        self._kept: deque[ToolDecided] = deque(maxlen=MAX_KEPT)

    def fill(self, earlier: Iterable[ToolDecided]) -> None:
        """Puts decisions of earlier runs, oldest first, before those that came meanwhile."""
        now = list(self._kept)
        self._kept.clear()
        self._kept.extend(earlier)
        self._kept.extend(now)

    def add(self, decided: ToolDecided) -> None:
        """Takes the next decision."""
        self._kept.append(decided)

    def counts(self) -> dict[str, Counts]:
        """Returns how calls of the last day ended, by tool."""
        found: Counter[tuple[str, str]] = Counter()
        for each in self._last_day():
            found[each.tool, "asked" if _was_asked(each) else each.decision] += 1
        return {
            tool: Counts(found[tool, "allow"], found[tool, "asked"], found[tool, "deny"])
            for tool in {tool for tool, _kind in found}
        }

    def hits(self) -> Counter[tuple[str, str]]:
        """Returns how many calls of the last day each rule decided, by source and text."""
        return Counter((each.source or "", each.rule) for each in self._last_day() if each.rule is not None)

    def recent_calls(self) -> list[ToolCall]:
        """Returns the latest calls that are kept whole, newest first."""
        found: list[ToolCall] = []
        for each in reversed(self._kept):
            call = _call_of(each)
            if call is not None:
                found.append(call)
            if len(found) == PREVIEWED:
                break
        return found

    def of_request(self, request_id: str) -> tuple[DecisionView, ...]:
        """Returns the decisions about one request's calls, oldest first."""
        return tuple(self.view(each) for each in self._kept if each.request_id == request_id)

    def view(self, decided: ToolDecided) -> DecisionView:
        """Returns a decision as the window shows it."""
        is_request = _is_request(decided)
        return DecisionView(
            at=decided.at,
            tool=decided.tool,
            shown=self._redact(_request_text(decided) if is_request else decided.arguments),
            decision=decided.decision,
            by=decided.decided_by,
            reason=self._redact(decided.reason),
            rule=decided.rule,
            runner=decided.runner,
            client=decided.client,
            request_id=decided.request_id,
            call_id=decided.call_id,
            ran=decided.ran,
            exit_code=decided.exit_code,
            is_error=decided.is_error,
            result_bytes=decided.result_bytes,
            duration_s=decided.duration_s,
            is_request=is_request,
        )

    def _last_day(self) -> list[ToolDecided]:
        since = self._clock() - DAY_S
        return [each for each in self._kept if each.at >= since]


def _was_asked(decided: ToolDecided) -> bool:
    return decided.decided_by.startswith("user") or decided.decided_by == "expiry"


def _is_request(decided: ToolDecided) -> bool:
    """Says that an answer was about a request and no tool call, whatever a model calls its tools."""
    return decided.tool == REPEATED_REQUEST and not decided.call_id


def _request_text(decided: ToolDecided) -> str:
    try:
        return repeat_text(_REPEATED.validate_json(decided.arguments))
    except ValidationError:  # another version wrote it
        return decided.arguments


def _call_of(decided: ToolDecided) -> ToolCall | None:
    if _is_request(decided):
        return None
    try:
        arguments: Any = json.loads(decided.arguments)
    except ValueError:  # cut at the limit
        return None
    if not isinstance(arguments, dict):
        return None
    return ToolCall(decided.tool, cast("dict[str, Any]", arguments))
