"""The steps of one request: every attempt at an upstream, and between them the tools that Signalbox ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gui import permission_words as words
from gui import wording
from gui.models.requests import RequestRow
from gui.models.value_table import Cell, Column, ValueTable
from gui.permission_desk import DecisionView
from proxy.events import Exchange, UpstreamExchange

RUNNING, FAILED = "running", "failed"
"""How an attempt stands whose two sides are not kept: the last one, or one that another followed."""


@dataclass(frozen=True, slots=True)
class Step:
    """An attempt, or a tool's call."""

    attempt: UpstreamExchange | None = None
    decision: DecisionView | None = None
    result: str = ""
    """The beginning of what the tool gave back."""

    @property
    def key(self) -> str:
        """Tells it from the request's other steps."""
        if self.attempt is not None:
            return str(self.attempt.n)
        return "" if self.decision is None else f"{self.decision.call_id} {self.decision.at}"


def steps_of(
    request: RequestRow, exchange: Exchange | None, decisions: Sequence[DecisionView]
) -> tuple[Step, ...]:
    """Returns a request's steps in the order they happened.

    Where both sides are not kept, the attempts are those that the ledger or the proxy's events tell of; they
    have no time of their own that tools could stand between.

    Args:
        request: The request.
        exchange: Its two sides, where they are kept.
        decisions: About its tools' calls, in order.
    """
    if exchange is None:
        return tuple(Step(each) for each in _told(request))
    results = {one.call_id: one.text for each in exchange.upstream for one in each.results}
    steps = [Step(each) for each in exchange.upstream]
    tools = [Step(None, each, results.get(each.call_id, "")) for each in decisions if not each.is_request]
    return tuple(sorted([*steps, *tools], key=_moment))


def _moment(step: Step) -> float:
    """An attempt stands where it began, a call where it ended: so it comes before the next attempt."""
    if step.attempt is not None:
        return step.attempt.at
    return 0.0 if step.decision is None else step.decision.at


def _told(request: RequestRow) -> Iterable[UpstreamExchange]:
    for one in request.attempts or ():
        yield UpstreamExchange(
            one.n,
            1,
            one.provider,
            one.model,
            one.reason,
            request.at,
            duration_s=one.duration_ms / 1000,
            outcome=one.outcome,
        )
    if request.attempts:
        return
    routes = request.routes
    for n, route in enumerate(routes, start=1):
        after = routes[n] if n < len(routes) else None
        yield UpstreamExchange(
            n,
            route.round,
            route.provider,
            route.model,
            route.reason,
            request.at,
            outcome=_outcome_of(request) if after is None else "ok" if after.round > route.round else FAILED,
        )


def _outcome_of(request: RequestRow) -> str:
    done = request.finished
    return RUNNING if done is None else done.error_type or done.outcome


class StepsModel(ValueTable[Step]):
    """A line a step."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("#", _number_cell, is_right=True),
                Column("Asked", _asked_cell),
                Column("Status", _status_cell),
                Column("Took", _took_cell, is_right=True),
            ),
            key=lambda step: step.key,
        )


def facts_of(attempt: UpstreamExchange) -> str:
    """Returns what is known of an attempt besides its bodies, on one line."""
    told = [
        f"round {attempt.round}" if attempt.round > 1 else "",
        attempt.key,
        "" if attempt.first_byte_s is None else f"first byte after {wording.seconds(attempt.first_byte_s)}",
        f"took {wording.seconds(attempt.duration_s)}" if attempt.duration_s else "",
        _token_words(attempt),
        f"stopped by {attempt.stop_reason}" if attempt.stop_reason else "",
    ]
    return "  ·  ".join(filter(None, told))


def call_facts(decision: DecisionView) -> str:
    """Returns what is known of a call besides its two sides, on one line."""
    told = [
        words.answer_phrase(decision.decision).text.lower() + f" by {decision.rule or decision.by}",
        f"ran by {words.runner_words(decision.runner)}" if decision.ran else words.result_words(decision),
        f"took {wording.seconds(decision.duration_s)}" if decision.ran else "",
        f"gave back {wording.byte_size(decision.result_bytes)}" if decision.ran else "",
    ]
    return "  ·  ".join(filter(None, told))


def status_cell(attempt: UpstreamExchange) -> Cell:
    """Returns how an attempt ended, as words and shape."""
    code = "" if attempt.status is None else f"{attempt.status} "
    match attempt.outcome:
        case "ok":
            return Cell(f"{code}ok", tone="ok", icon="check")
        case "cancelled":
            return Cell(f"{code}cancelled", tone="muted", icon="cancelled")
        case "running":
            return Cell("under way", tone="accent", icon="live")
        case _:
            ended = f"{code}{attempt.outcome.removesuffix('_error')}"
            return Cell(ended, tone="danger", icon="error", full=attempt.error_message or None)


def _number_cell(step: Step) -> Cell:
    return Cell("" if step.attempt is None else str(step.attempt.n), tone="muted")


def _asked_cell(step: Step) -> Cell:
    if step.attempt is not None:
        name = f"{step.attempt.provider} / {step.attempt.model}"
        return Cell(f"{step.attempt.provider} / {step.attempt.model.rpartition('/')[2]}", full=name)
    assert step.decision is not None  # noqa: S101 - a step is one or the other
    return Cell(step.decision.tool, icon="tools", full=step.decision.shown)


def _status_cell(step: Step) -> Cell:
    if step.attempt is not None:
        return status_cell(step.attempt)
    assert step.decision is not None  # noqa: S101 - a step is one or the other
    decision = step.decision
    if decision.decision != "allow":
        return Cell("denied", tone="danger", icon="error", full=decision.reason)
    is_bad = decision.ran and (decision.is_error or (decision.exit_code or 0) != 0)
    return Cell(
        words.result_words(decision),
        tone="danger" if is_bad else "ok" if decision.ran else "muted",
        icon="error" if is_bad else "check" if decision.ran else None,
    )


def _took_cell(step: Step) -> Cell:
    if step.attempt is not None:
        took_s = step.attempt.duration_s
    else:
        took_s = step.decision.duration_s if step.decision is not None and step.decision.ran else 0.0
    return Cell(wording.seconds(took_s) if took_s else "")


def _token_words(attempt: UpstreamExchange) -> str:
    cached = attempt.cache_read_tokens + attempt.cache_write_tokens
    if not (attempt.input_tokens or attempt.output_tokens or cached):
        return ""
    told = f"{attempt.input_tokens:,} tokens in, {attempt.output_tokens:,} out"
    return f"{told}, {cached:,} cached" if cached else told
