"""What is shown of a step's two sides: a body with what stands around it, or why there is none. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gui.models.exchanges import Step
from gui.models.requests import RequestRow
from gui.permission_desk import DecisionView
from gui.request_desk import BodiesKept, ExchangeRead
from proxy.events import UpstreamExchange

READING = "Reading …"
CUT = "Only its beginning is kept: it was too long."


@dataclass(frozen=True, slots=True)
class Side:
    """A body, or a hint in its place."""

    text: str = ""
    head: str = ""
    """Stands above the body."""
    note: str = ""
    """Stands below it."""
    file_name: str = ""
    """What a file with it is called."""
    hint: str = ""
    """Why there is no body."""
    can_be_raw: bool = False
    """It can be shown put together, and as it went over the wire."""


def side_of(
    step: Step | None, read: ExchangeRead | None, why_none: str, *, is_sent: bool, is_raw: bool
) -> Side:
    """Returns one side of a step.

    Args:
        step: The step; None: there is none.
        read: The request's two sides, as far as they were read; None: they are being read.
        why_none: Why they are not kept, where they are not.
        is_sent: What was sent, instead of what came back.
        is_raw: As it went over the wire.
    """
    if step is not None and step.decision is not None:
        return _side_of_call(step.decision, step.result, is_sent=is_sent)
    attempt = None if step is None else step.attempt
    if read is None:
        return Side(hint=READING)
    if read.exchange is None:
        return Side(hint=why_none)
    if attempt is None:
        return Side(hint="No provider was asked.")
    if attempt.is_dropped:
        return Side(hint="Its bodies made room for those of the attempts after it.")
    if read.n != attempt.n:
        return Side(hint=READING)
    return _sent(attempt) if is_sent else _came_back(attempt, "" if is_raw else read.answer, read.answer)


def why_not_kept(request: RequestRow, kept: BodiesKept) -> str:
    """Returns why there is no body of a request."""
    if request.refused is not None:
        return "Refused at the door: nothing was sent to a provider."
    if kept == "off":
        return "Bodies are not kept. Turn them on to see both sides of the requests that come from now on."
    if request.is_live:
        return "Still on its way. Both sides can be read here when it has ended."
    if kept == "errors" and request.outcome == "ok":
        return "Only bodies of requests that fail are kept. Turn on all to see those that come from now on."
    if request.earlier is not None:
        return (
            "Not kept on disk. With “days” under “bodies” in the settings, both sides outlive the program "
            "for so many days."
        )
    return "Not kept: it ran while bodies were not kept, or those of newer requests took its place."


def lines_of(headers: Mapping[str, str]) -> str:
    """Returns headers, one a line."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _side_of_call(decision: DecisionView, result: str, *, is_sent: bool) -> Side:
    if is_sent:
        return Side(decision.shown, file_name=f"{decision.call_id}-call.txt")
    if not decision.ran:
        return Side(hint="Signalbox did not run this call.")
    if not result:
        return Side(hint="The result stands in what was sent next.")
    is_part = decision.result_bytes > len(result.encode())
    note = "Its beginning; all of it stands in what was sent next." if is_part else ""
    return Side(result, note=note, file_name=f"{decision.call_id}-result.txt")


def _sent(attempt: UpstreamExchange) -> Side:
    if not attempt.request:
        return Side(hint="Nothing was sent.")
    head, note = lines_of(attempt.request_headers), CUT if attempt.is_cut else ""
    return Side(attempt.request, head, note, f"sent-{attempt.n}.json")


def _came_back(attempt: UpstreamExchange, shown: str, answer: str) -> Side:
    can_be_raw = bool(answer)
    note = CUT if attempt.is_cut else ""
    if shown:
        return Side(shown, note=note, file_name=f"answer-{attempt.n}.json", can_be_raw=can_be_raw)
    if attempt.reply:
        head = lines_of(attempt.reply_headers)
        return Side(attempt.reply, head, note, f"came-back-{attempt.n}.txt", can_be_raw=can_be_raw)
    if attempt.status is not None:
        return Side(head=lines_of(attempt.reply_headers), note="The answer had no body.")
    return Side(hint="Nothing came back." if attempt.request else "Nothing was sent, so nothing came back.")
