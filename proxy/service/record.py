"""Notes what happens to one request and announces it: events for listeners, and one log line at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from proxy.config import Candidate
from proxy.context import RequestContext
from proxy.events import (
    EventSink,
    FirstToken,
    Outcome,
    RequestFinished,
    RequestRouted,
    RequestStarted,
)
from proxy.messages.errors import ApiError
from proxy.messages.events import StreamEvent
from proxy.messages.usage_told import hidden_told, hour_told, tokens_told
from proxy.routing.aliases import Route
from proxy.service.answer_schema import added_usage
from proxy.service.booking import CHARS_PER_TOKEN, AttemptLog, Booking, Use
from proxy.service.exchange_log import ExchangeLog
from proxy.service.prices import Tokens

_log = structlog.get_logger("proxy.service")

CLIENT_LEFT = 499
"""The status noted for a client that left before its answer was complete."""
CREDENTIAL_HEADERS = frozenset({"authorization", "x-api-key", "cookie", "proxy-authorization"})

_PAID_FOR = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
"""In the order of `Tokens`."""
_TOOL_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


@dataclass(frozen=True, slots=True)
class Announcer:
    """What records need of the world around them."""

    emit: EventSink
    clock: Callable[[], float]
    """For durations."""
    wall_clock: Callable[[], float]
    """Seconds since the epoch."""
    capture_limit_bytes: int
    book: Callable[[Booking], None] | None = None
    """Takes each request that ended into the ledger."""


@dataclass(slots=True)
class Tally:
    """What the answer's events say of it."""

    usage: dict[str, Any] = field(default_factory=dict)
    stop_reason: str | None = None
    tool_names: list[str] = field(default_factory=list)
    cost_usd: float | None = None
    answer_chars: int = 0
    """Of the texts, the thinking and the tools' input; hidden thinking too, as far as the upstream tells."""
    is_counted: bool = False
    """The answer's end has told its usage."""

    def add(self, event: StreamEvent) -> bool:
        """Takes the next event; returns whether it begins a content block."""
        match event.get("type"):
            case "content_block_delta":
                delta = event["delta"]
                text = delta.get("text") or delta.get("partial_json") or delta.get("thinking")
                self.answer_chars += len(text) if text else CHARS_PER_TOKEN * hidden_told(delta)
                return False
            case "content_block_start":
                block = event["content_block"]
                if block.get("type") in _TOOL_CALLS:
                    self.tool_names.append(str(block.get("name", "")))
                return True
            case "message_start":
                self._take_usage(event["message"].get("usage"))
            case "message_delta":
                self._take_usage(event.get("usage"))
                self.is_counted = True
                self.stop_reason = event["delta"].get("stop_reason") or self.stop_reason
            case _:
                pass
        return False

    def plus(self, later: Tally) -> Tally:
        """Returns the sum with the tally of a later round of the same answer.

        The cost is known only where each round that was answered told its own.
        """
        answered = [each.cost_usd for each in (self, later) if each.usage]
        costs = [each for each in answered if each is not None]
        return Tally(
            added_usage(self.usage, later.usage),
            later.stop_reason,
            [*self.tool_names, *later.tool_names],
            sum(costs) if costs and len(costs) == len(answered) else None,
            self.answer_chars + later.answer_chars,
            self.is_counted and later.is_counted,
        )

    def _take_usage(self, usage: Mapping[str, Any] | None) -> None:
        self.usage.update({key: value for key, value in (usage or {}).items() if value is not None})

    def count(self, key: str) -> int:
        """Returns a token count, 0 where the upstream said nothing that can be one."""
        return tokens_told(self.usage.get(key)) or 0

    def tokens(self) -> Tokens:
        """Returns what is paid for, as the upstream said it."""
        tokens = Tokens(*map(self.count, _PAID_FOR))
        written = tokens.cache_write
        return tokens._replace(cache_write_1h=hour_told(self.usage, written)) if written else tokens


class RequestRecord:
    """One request's story. Call `start`, then what happens, then `finish` once."""

    def __init__(self, context: RequestContext, announcer: Announcer, headers: Mapping[str, str]) -> None:
        self.context = context
        self.tally = Tally()
        """Of the round that runs now; most answers have one only."""
        self._earlier: Tally | None = None
        self._round = 1
        self.error: ApiError | None = None
        """The error the client was told, inside the stream or as a status."""
        self.answer_headers: dict[str, str] = {}
        """What the answer carries beside its body: losses, and what an upstream of this protocol said."""
        self.pieces_heard = 0
        """From upstreams, whatever they held: the sign that one lives."""
        self.is_at_work = False
        """We ourselves run tools now, and live without an upstream."""
        self._announcer = announcer
        self._started_at = announcer.clock()
        self._first_token_s: float | None = None
        self._is_finished = False
        limit = announcer.capture_limit_bytes
        self.exchanges = (
            ExchangeLog(context.request_id, headers, limit, announcer.clock, announcer.wall_clock)
            if limit > 0
            else None
        )
        """Both sides of the request; None: nobody wants to see them."""
        self._attempts = AttemptLog(context.request_id, announcer.clock)
        self._alias: str | None = None
        self._model_asked, self._is_streamed = "", False
        self._request_bytes = 0
        self._uses: list[tuple[Candidate, int, Tally]] = []
        self._uses_at_reservation = 0
        self.input_guess: int | None = None
        """The input tokens of the round that runs now, where somebody estimated them."""
        self._began_at = 0.0

    def start(self, *, model: str, stream: bool, body: bytes) -> None:
        """The request was understood."""
        context = self.context
        if self.exchanges is not None:
            self.exchanges.client_request.add(body)
        self._model_asked, self._is_streamed, self._request_bytes = model, stream, len(body)
        self._began_at = self._announcer.wall_clock()
        self._announcer.emit(
            RequestStarted(
                request_id=context.request_id,
                at=self._began_at,
                client=context.client,
                conversation_id=context.conversation_id,
                path=context.path,
                model_asked=model,
                stream=stream,
            )
        )

    def routed(self, alias: str | None, candidate: Candidate, reason: str, losses: Sequence[str]) -> None:
        """An attempt at a candidate begins."""
        self._alias = alias
        self._attempts.begin(candidate, reason)
        if self.exchanges is not None:
            self.exchanges.begin(candidate, reason, self._round)
        self._announcer.emit(
            RequestRouted(
                self.context.request_id,
                alias,
                candidate.provider,
                candidate.model,
                reason,
                tuple(losses),
                self._round,
            )
        )
        if losses:
            _log.info(
                "request_routed", provider=candidate.provider, model=candidate.model, losses=list(losses)
            )

    def not_asked(self, route: Route, candidate: Candidate, why: str, error: ApiError | None) -> None:
        """A candidate was waited for in vain; without an error the client left meanwhile."""
        self.routed(
            route.alias, candidate, f"{route.reason} → {candidate.provider}/{candidate.model}: {why}", ()
        )
        if error is not None:
            self.attempt_failed(error)

    @property
    def candidate(self) -> Candidate | None:
        """Who is asked, or was asked last."""
        return self._attempts.candidate

    def begin_round(self) -> None:
        """The answer goes on with a further question to the model: what was used so far is kept apart.

        What fails before that is asked is no failure of the attempt that answered the last one.
        """
        self._attempts.end("ok")
        if self.exchanges is not None:
            self.exchanges.round_over()
        self._earlier = self.total()
        self._round += 1
        self.tally = Tally()

    def total(self) -> Tally:
        """Returns what all rounds say together."""
        return self.tally if self._earlier is None else self._earlier.plus(self.tally)

    def taken(self, candidate: Candidate, tally: Tally | None) -> None:
        """An upstream took the request; `tally` counts what it says, or the round's own does."""
        guess = self.input_guess
        if guess is None:
            guess = -(-self._request_bytes // CHARS_PER_TOKEN)
        self._uses.append((candidate, guess, tally or self.tally))
        if self.exchanges is not None:
            self.exchanges.taken(tally or self.tally)

    @property
    def has_new_use(self) -> bool:
        """An upstream took the request since something was reserved for it."""
        return len(self._uses) > self._uses_at_reservation

    def reserved(self) -> None:
        """What was used so far, and the next question, are set aside in the budgets."""
        self._uses_at_reservation = len(self._uses)

    def told_cost(self, cost_usd: float | None) -> None:
        """The upstream that took the request last has said what it costs, or nothing of it."""
        self.tally.cost_usd = cost_usd
        if self._uses:
            self._uses[-1][2].cost_usd = cost_usd
        if self.exchanges is not None:
            self.exchanges.closed()

    def heard(self, chars: int) -> None:
        """The upstream that took the request last has written so much, whether it was to be shown or not."""
        if self._uses:
            tally = self._uses[-1][2]
            tally.answer_chars = max(tally.answer_chars, chars)

    def uses(self) -> tuple[Use, ...]:
        """Returns what is to be paid so far."""
        return tuple(
            Use(candidate, tally.tokens(), tally.cost_usd, tally.is_counted, guess, tally.answer_chars)
            for candidate, guess, tally in self._uses
        )

    def attempt_failed(self, error: ApiError) -> None:
        """The attempt failed; the next one begins with a tally of its own."""
        self._attempts.fail(error)
        if self.exchanges is not None:
            self.exchanges.fail(error)
        self.tally = Tally()

    def upstream_replied(self, piece: bytes) -> None:
        """A piece of the upstream's answer arrived."""
        self.pieces_heard += 1
        if self.exchanges is not None:
            self.exchanges.heard(piece)

    def client_told(self, piece: bytes) -> None:
        """A piece of the answer left for the client."""
        if self.exchanges is not None:
            self.exchanges.client_reply.add(piece)

    def note(self, event: StreamEvent) -> None:
        """An event is about to leave for the client."""
        if self.tally.add(event) and self._first_token_s is None:
            self._first_token_s = self._announcer.clock() - self._started_at
            self._announcer.emit(FirstToken(self.context.request_id, self._first_token_s))

    def finish(self, status: int, failure: BaseException | None = None) -> None:
        """The request ended; only the first call counts."""
        if self._is_finished:
            return
        self._is_finished = True
        outcome: Outcome = "ok" if self.error is None and failure is None else "error"
        if isinstance(failure, asyncio.CancelledError | ConnectionError):
            status, outcome = CLIENT_LEFT, "cancelled"
        tally, error = self.total(), self.error
        duration = self._announcer.clock() - self._started_at
        finished = RequestFinished(
            request_id=self.context.request_id,
            at=self._announcer.wall_clock(),
            outcome=outcome,
            status=status,
            duration_s=duration,
            first_token_s=self._first_token_s,
            stop_reason=tally.stop_reason,
            error_type=error.type.value if error else None,
            error_message=error.message if error else None,
            input_tokens=tally.count("input_tokens"),
            output_tokens=tally.count("output_tokens"),
            cache_read_tokens=tally.count("cache_read_input_tokens"),
            cache_write_tokens=tally.count("cache_creation_input_tokens"),
            cost_usd=tally.cost_usd,
            tool_names=tuple(tally.tool_names),
        )
        self._log_end(finished)
        if self._announcer.book is not None:
            self._attempts.end(finished.error_type or outcome)
            self._announcer.book(self._booking(finished))
        self._announcer.emit(finished)
        if self.exchanges is not None:
            self.exchanges.end(finished.error_type or outcome, finished.error_message or "")
            self._announcer.emit(self.exchanges.exchange())

    def _booking(self, finished: RequestFinished) -> Booking:
        return Booking(
            context=self.context,
            started_at=self._began_at,
            model_asked=self._model_asked,
            alias=self._alias,
            candidate=self._attempts.candidate,
            attempts=self._attempts.rows(),
            finished=finished,
            uses=self.uses(),
        )

    def _log_end(self, finished: RequestFinished) -> None:
        """One line with all of it: at many requests a second lines cost more than anything else."""
        candidate = self._attempts.candidate
        told: dict[str, object] = {
            "outcome": finished.outcome,
            "status": finished.status,
            "duration_s": round(finished.duration_s, 3),
            "path": self.context.path,
            "model": self._model_asked,
            "stream": self._is_streamed,
            "alias": self._alias,
            "provider": candidate.provider if candidate else None,
            "upstream_model": candidate.model if candidate else None,
            "stop_reason": finished.stop_reason,
            "error_type": finished.error_type,
            "error_message": finished.error_message,
            "input_tokens": finished.input_tokens,
            "output_tokens": finished.output_tokens,
            "tools": list(finished.tool_names) or None,
        }
        _log.info("request_finished", **{name: value for name, value in told.items() if value is not None})
