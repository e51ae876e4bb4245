"""Asks the user about a client that sends the very same request again and again (see `routing.repeats`)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from types import TracebackType

import structlog
from typing_extensions import Self

from proxy.config import Candidate, LoopGuardPolicy, ProxyConfig
from proxy.events import ToolDecided
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.events import StreamEvent
from proxy.messages.request import MessagesRequest
from proxy.permissions.approval import (
    REPEATED_REQUEST,
    ApprovalAnswer,
    ApprovalRequest,
    RepeatedRequest,
    digest_of,
)
from proxy.permissions.values import Verdict
from proxy.routing.aliases import Route
from proxy.routing.repeats import Repeated, Repeats, is_probe, key_of
from proxy.service.prices import PriceList, PriceOf, cost_of, is_free, micro_usd
from proxy.service.record import RequestRecord, Tally
from proxy.service.tool_desk import Clocks
from proxy.tools.course import arguments_text, decided_by
from proxy.tools.questions import Questions
from proxy.tools.run_values import Asking

_log = structlog.get_logger("proxy.service")

ALLOWED_FOR_S = 600.0
"""What the answer's scope `10 minutes` means."""


@dataclass(frozen=True, slots=True)
class _Bill:
    """What an answer used, and of whom; priced only where somebody is asked."""

    candidate: Candidate
    tally: Tally


class LoopGuard:
    """What clients of one server sent of late."""

    def __init__(
        self,
        asking: Callable[[], Asking],
        clocks: Clocks,
        price_of: PriceOf,
        note: Callable[[ToolDecided], None],
    ) -> None:
        """Makes a guard that has seen nothing.

        Args:
            asking: Who asks the user now.
            clocks: Time and fresh ids.
            price_of: What a provider's own list says.
            note: Keeps an answer beside those about tools.
        """
        self.asking = asking
        self.clocks = clocks
        self.price_of = price_of
        self.note = note
        self.repeats = Repeats[_Bill]()
        self.questions = Questions()

    def passage(
        self, config: ProxyConfig, request: MessagesRequest, route: Route, body: bytes, record: RequestRecord
    ) -> Passage:
        """Returns a request's way past the guard, to be entered until its answer has ended.

        Args:
            config: Says when to ask; and prices.
            request: The request.
            route: What may serve it.
            body: As the client sent it.
            record: Knows in the end what became of it.
        """
        policy = None if is_probe(request.max_tokens, body) else config.loop_guard
        return Passage(self, policy, config, request, route, body, record)


class Passage:
    """One request on its way past the guard."""

    __slots__ = ("_body", "_config", "_guard", "_key", "_policy", "_record", "_request", "_route")

    def __init__(
        self,
        guard: LoopGuard,
        policy: LoopGuardPolicy | None,
        config: ProxyConfig,
        request: MessagesRequest,
        route: Route,
        body: bytes,
        record: RequestRecord,
    ) -> None:
        self._guard, self._policy, self._config = guard, policy, config
        self._request, self._route, self._body, self._record = request, route, body, record
        self._key = 0 if policy is None else key_of(record.context.token_name, route.alias, body)

    def __enter__(self) -> Self:
        """Begins."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Counts the request, if it was answered or its client left while it was."""
        record, policy = self._record, self._policy
        if policy is None or record.error is not None or record.candidate is None:
            return
        if isinstance(exc, Exception) and not isinstance(exc, ConnectionError):
            return
        if exc is not None and not any(each.answer_chars for each in record.uses()):
            return  # its client left before anything of an answer came
        bill = _Bill(record.candidate, record.total())
        self._guard.repeats.answered(self._key, policy, self._guard.clocks.clock(), bill)

    def led(
        self, batches: AsyncGenerator[list[StreamEvent] | None, None]
    ) -> AsyncGenerator[list[StreamEvent] | None, None]:
        """Returns the answer's events; they wait, and the client is pinged, where the user is asked first.

        Args:
            batches: The answer, which has not begun.
        """
        policy = self._policy
        repeated = None if policy is None else self._judged(policy)
        if policy is None or repeated is None:
            return batches
        return self._asked_first(policy, repeated, batches)

    async def consent(self) -> None:
        """Returns once the request may pass: at once, as a rule.

        Raises:
            ClientError: It may not.
        """
        policy = self._policy
        repeated = None if policy is None else self._judged(policy)
        if policy is not None and repeated is not None:
            await self._ask(policy, repeated)

    async def _asked_first(
        self,
        policy: LoopGuardPolicy,
        repeated: Repeated[_Bill],
        batches: AsyncGenerator[list[StreamEvent] | None, None],
    ) -> AsyncGenerator[list[StreamEvent] | None, None]:
        async with aclosing(batches):
            yield []  # from here on the client is pinged
            self._record.is_at_work = True
            try:
                await self._ask(policy, repeated)
            finally:
                self._record.is_at_work = False
            async for batch in batches:
                yield batch

    def _judged(self, policy: LoopGuardPolicy) -> Repeated[_Bill] | None:
        repeats, now = self._guard.repeats, self._guard.clocks.clock()
        repeated = repeats.judge(self._key, policy, now)
        if repeated is None and repeats.has_refused(policy, now) and not repeats.is_allowed(self._key, now):
            return repeats.judge(self._conversation_key(), policy, now)
        return repeated

    def _conversation_key(self) -> int:
        said = repr(self._request.messages).encode("utf-8", "backslashreplace")
        return key_of(self._record.context.token_name, self._route.alias, said)

    async def _ask(self, policy: LoopGuardPolicy, repeated: Repeated[_Bill]) -> None:
        """Asks until this very request is allowed: of all that wait, `once` is for the one that was shown."""
        guard = self._guard
        if repeated.is_refused:
            _log.info("repeated_request_refused", by="an answer before")
            raise _refusal(policy, "it was refused before")
        prices = PriceList(self._config, guard.price_of)
        if all(is_free(prices.price(each)[0]) for each in self._route.candidates):
            return
        asked = RepeatedRequest(
            token=self._record.context.token_name,
            alias=self._route.alias,
            model=self._request.model,
            times=len(repeated.bills) + 1,
            within_s=policy.per_s,
            cost_micro_usd=sum(_cost(each, prices) for each in repeated.bills),
            body_sha256=hashlib.sha256(self._body).hexdigest(),
        )
        verdict = Verdict(
            "ask", f"the loop guard lets the same request pass {policy.repeats} times in {policy.per_s:g} s"
        )
        shown: list[ApprovalRequest] = []

        def question() -> ApprovalRequest:
            shown.append(self._question(asked, verdict))
            return shown[-1]

        asking = guard.asking()
        while True:
            answer = await guard.questions.ask(self._key, asking.approver, question)
            if answer.decision == "deny":
                self._note(asked, verdict, answer)
                raise self._refused(policy, answer)
            if answer.scope == "10 minutes":
                guard.repeats.allow(self._key, guard.clocks.clock() + ALLOWED_FOR_S)
            if shown or answer.scope == "10 minutes":
                self._note(asked, verdict, answer)
                _log.info("repeated_request_allowed", by=answer.by, scope=answer.scope)
                return

    def _note(self, asked: RepeatedRequest, verdict: Verdict, answer: ApprovalAnswer) -> None:
        context = self._record.context
        scope = "; allowed for 10 minutes" if answer.scope == "10 minutes" else ""
        said = f"; {answer.message}" if answer.message else ""
        self._guard.note(
            ToolDecided(
                request_id=context.request_id,
                at=self._guard.clocks.wall_clock(),
                call_id="",
                tool=REPEATED_REQUEST,
                arguments=arguments_text(asdict(asked)),
                runner="client",
                decision=answer.decision,
                reason=f"{verdict.reason}{scope}{said}",
                rule=None,
                source=None,
                decided_by=decided_by(answer),
                conversation_id=context.conversation_id,
                client=context.client,
            )
        )

    def _question(self, asked: RepeatedRequest, verdict: Verdict) -> ApprovalRequest:
        context, clocks = self._record.context, self._guard.clocks
        now = clocks.wall_clock()
        return ApprovalRequest(
            approval_id=clocks.new_id("apr_"),
            call=asked,
            digest=digest_of(asked),
            verdict=verdict,
            suggestion=None,
            request_id=context.request_id,
            client=context.client,
            conversation_id=context.conversation_id,
            workspace=None,
            asked_at=now,
            expires_at=now + self._guard.asking().timeout_s,
        )

    def _refused(self, policy: LoopGuardPolicy, answer: ApprovalAnswer) -> ClientError:
        now = self._guard.clocks.clock()
        self._guard.repeats.refuse(self._key, now)
        self._guard.repeats.refuse(self._conversation_key(), now)
        _log.warning("repeated_request_refused", by=answer.by, token_name=self._record.context.token_name)
        why = answer.message
        if answer.by not in ("headless", "expiry"):
            why = "the user refused it" + (f": {answer.message}" if answer.message else "")
        return _refusal(policy, why)


def _refusal(policy: LoopGuardPolicy, why: str) -> ClientError:
    """What the client is told: with a status that no client tries again, for that is the loop itself."""
    return ClientError(
        ErrorType.BILLING,
        f"The same request was answered {policy.repeats} times within {policy.per_s:g} seconds, and {why}. "
        f"It is refused until it has not come for {policy.per_s:g} seconds; a request that differs is served "
        "at once. Whoever wants such requests sets `loop_guard` in the settings of Signalbox.",
        should_retry=False,
    )


def _cost(bill: _Bill, prices: PriceList) -> int:
    tally = bill.tally
    if tally.cost_usd is not None:
        return micro_usd(tally.cost_usd)
    return cost_of(prices.price(bill.candidate)[0], tally.tokens())
