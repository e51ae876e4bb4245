"""`POST /v1/messages`, end to end: route the name, try its candidates in order, hand the events on.

The rules of an answer:

1. A candidate that fails before its first content block is passed over, and the client never knows.
2. `message_start` is held back with it, so that a refusal keeps its HTTP status.
3. After that a failure is an `error` event, and nothing follows it.
4. Every event is judged on its way out (`lawful`): one that breaks the protocol is our bug.
5. An answer that shall match a schema is judged by it too; see `structured_output`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from proxy.config import Candidate, ProviderConfig, ProxyConfig
from proxy.context import NewId, RequestContext
from proxy.dialects.base import Loss, Target
from proxy.dialects.own_calls import replayed
from proxy.dialects.profiles import Profile
from proxy.dialects.registry import dialect_for
from proxy.messages import events
from proxy.messages.errors import ApiError, ClientError, ErrorType, UpstreamError
from proxy.messages.events import StreamEvent
from proxy.messages.fold import MessageFold
from proxy.messages.message import Message
from proxy.messages.request import MessagesRequest
from proxy.routing.aliases import DEMO_PROVIDER, Route
from proxy.routing.conditions import Asked, route_of
from proxy.routing.keys import with_key
from proxy.routing.token_limits import check_token_use
from proxy.service.answer_headers import LOSSES, losses_header
from proxy.service.attempt import Plan, cleaned, open_attempt
from proxy.service.checks import check_request
from proxy.service.connections import Connections, check_key
from proxy.service.count_tokens import TokenCounter
from proxy.service.health import Health, Rests
from proxy.service.lawful import Lawful
from proxy.service.ledger import Ledger
from proxy.service.model_facts import ModelFacts
from proxy.service.overflow import lacks_numbers, with_numbers
from proxy.service.prices import affordable
from proxy.service.record import RequestRecord, Tally
from proxy.service.structured_output import held, is_enforced, schema_to_check, watched
from proxy.service.tool_door import Prepared, ToolDoor
from proxy.service.tool_loop import ToolLoop
from proxy.service.turns import Turns, preferring

DEMO = ProviderConfig(name=DEMO_PROVIDER, dialect="demo", base_url="")
"""The embedded upstream as a provider; it serves only while none is configured."""

_MAX_LOSSES_TOLD = 2000


@dataclass(frozen=True, slots=True)
class MessagesService:
    """Serves messages with one configuration; a changed one makes a new service."""

    config: ProxyConfig
    connections: Connections
    new_id: NewId
    health: Health
    facts: ModelFacts = field(default_factory=ModelFacts)
    counter: TokenCounter = field(default_factory=TokenCounter)
    ledger: Ledger | None = None
    tools: ToolDoor | None = None
    """Runs and judges tools; None: every answer passes as it comes."""

    async def route(
        self,
        request: MessagesRequest,
        headers: Mapping[str, str],
        context: RequestContext,
        *,
        is_count: bool = False,
    ) -> Route:
        """Returns what serves the request, after the checks that need no upstream.

        Args:
            request: The request.
            headers: The client's, as `answer_headers.passed_on` gives them.
            context: What else is known of it.
            is_count: Only its tokens are to be counted.

        Raises:
            ClientError: Nothing serves the model's name, or the request breaks a rule of the API.
        """
        tokens = 0
        if any(rule.when.min_tokens is not None for rule in self.config.routes):
            tokens = await self.counter.estimate(request, request.model)
        asked = Asked(request, context.request_class, lambda: tokens, context.token_name)
        route = route_of(self.config, asked)
        check_token_use(self.config, context.token_name, route)
        if len(route.candidates) > 1:  # their prices are compared
            await self.facts.recall({self._provider(each) for each in route.candidates})
        route = affordable(route, self.config, self.facts.price_of)
        check_request(request, route, self.config, headers, is_count=is_count)
        return route

    def stream(
        self, request: MessagesRequest, route: Route, headers: Mapping[str, str], record: RequestRecord
    ) -> AsyncGenerator[list[StreamEvent] | None, None]:
        """Yields the answer's events in batches.

        An empty batch says that an upstream answered and lives, None that it does so no more and another try
        follows.

        Raises:
            ApiError: No candidate could answer, or a budget is used up; no event was yielded before.
        """
        tools = self.tools
        if tools is None or not tools.concerns(self.config, request, route, record.context):
            return self._round(request, route, headers, record)
        return self._looped(tools, request, route, headers, record)

    async def _looped(
        self,
        tools: ToolDoor,
        request: MessagesRequest,
        route: Route,
        headers: Mapping[str, str],
        record: RequestRecord,
    ) -> AsyncGenerator[list[StreamEvent] | None, None]:
        """An answer some of whose calls are ours to run or to judge."""
        await self.facts.load()
        prepared = await tools.prepared(self.config, request, route, record.context, self._facts_of(route))
        try:
            async with aclosing(self._loop(prepared, route, headers, record).batches()) as batches:
                async for batch in batches:
                    yield batch
        finally:
            tools.release(prepared)

    def _loop(
        self, prepared: Prepared, route: Route, headers: Mapping[str, str], record: RequestRecord
    ) -> ToolLoop:
        def ask(asked: MessagesRequest) -> AsyncGenerator[list[StreamEvent] | None, None]:
            return self._round(asked, preferring(route, record.candidate), headers, record)

        return ToolLoop(prepared, ask, record, self.config.tools, self.health.clock)

    def _facts_of(self, route: Route) -> list[tuple[ProviderConfig, Profile]]:
        providers = [(self._provider(each), each.model) for each in route.candidates]
        return [(provider, self.facts.profile(provider, model)) for provider, model in providers]

    async def _round(
        self, request: MessagesRequest, route: Route, headers: Mapping[str, str], record: RequestRecord
    ) -> AsyncGenerator[list[StreamEvent] | None, None]:
        """One question to the model, and its answer."""
        await self.facts.load()
        if self.ledger is not None:
            route = await self.ledger.reserve(record, request, route, self.counter.estimate)
        turns = Turns(route, self._provider, self.config.retry, self.health, record)
        while True:
            turn = await turns.next()
            candidate = turn.candidate
            provider = self._provider(candidate)
            reason = f"{route.reason} → {candidate.provider}/{candidate.model}: {turn.reason}"
            has_begun = False
            chosen = Route(route.asked, route.alias, route.candidates, reason)
            try:
                answering = self._served(request, chosen, candidate, provider, headers, record)
                async with aclosing(answering) as batches:
                    async for batch in batches:
                        has_begun = has_begun or bool(batch)
                        yield batch
                if self.ledger is not None:
                    self.ledger.settle(record)
                return
            except Rests:
                continue
            except ApiError as failure:
                error = failure
                if isinstance(failure, UpstreamError):
                    error = await self._counted(cleaned(failure, provider), request, candidate, provider)
                if has_begun:
                    record.error = error
                    yield [events.error(error.type, error.message, record.context.request_id)]
                    return
                record.attempt_failed(error)
                turns.failed(candidate, error)
            finally:
                turns.leave()
            yield None

    async def whole(
        self, request: MessagesRequest, route: Route, headers: Mapping[str, str], record: RequestRecord
    ) -> Message:
        """Returns the answer that the streamed one makes.

        Raises:
            ApiError: No candidate could answer, or the one that did failed on the way.
        """
        return await _folded(self.stream(request, route, headers, record))

    async def hold(self, prepared: Prepared, route: Route, record: RequestRecord) -> Message:
        """Returns what a conversation of our own comes to.

        Raises:
            ApiError: No candidate could answer, or the one that did failed on the way.
        """
        await self.facts.load()
        return await _folded(self._loop(prepared, route, {}, record).batches())

    async def count_tokens(self, request: MessagesRequest, route: Route, headers: Mapping[str, str]) -> int:
        """Returns the request's input tokens: the first candidate's own count, or an estimate for its model.

        Tools that an alias adds are not counted: clients count parts of a request one by one.

        Args:
            request: The request.
            route: What would serve it.
            headers: The client's, as `answer_headers.passed_on` gives them.
        """
        request = replayed(request)
        candidate = route.candidates[0]
        provider = with_key(self._provider(candidate), 0)
        counted = None
        await self.facts.load()
        if provider.dialect == "anthropic-messages" and not provider.key_missing:
            target = Target(provider.name, candidate.model, self.facts.profile(provider, candidate.model))
            lease = await self.connections.lease(provider)
            try:
                counted = await self.counter.ask(
                    lease.upstream, dialect_for(provider.dialect), request, target, headers
                )
            finally:
                await lease.release()
        return await self.counter.estimate(request, candidate.model) if counted is None else counted

    def _provider(self, candidate: Candidate) -> ProviderConfig:
        return self.config.providers.get(candidate.provider, DEMO)

    def _served(
        self,
        request: MessagesRequest,
        route: Route,
        candidate: Candidate,
        provider: ProviderConfig,
        headers: Mapping[str, str],
        record: RequestRecord,
    ) -> AsyncGenerator[list[StreamEvent], None]:
        """One candidate's answer, its structure seen to.

        Raises:
            ClientError: The schema it shall match is none.
        """
        schema = schema_to_check(request, provider)

        def ask(asked: MessagesRequest, tally: Tally | None) -> AsyncGenerator[list[StreamEvent], None]:
            return self._try(asked, route, candidate, provider, headers, record, tally)

        if schema is None:
            return ask(request, None)
        if request.stream and is_enforced(self.facts.profile(provider, candidate.model)):
            return watched(ask(request, None), schema, record)
        return held(lambda asked: ask(asked, Tally()), request, schema, record)

    async def _try(
        self,
        request: MessagesRequest,
        route: Route,
        candidate: Candidate,
        provider: ProviderConfig,
        headers: Mapping[str, str],
        record: RequestRecord,
        tally: Tally | None,
    ) -> AsyncGenerator[list[StreamEvent], None]:
        """One attempt; its events are noted in `tally`, or in the record where they leave for the client."""
        if self.ledger is not None:
            await self.ledger.reserve_again(record, request, route, candidate)
        with self.health.trying(candidate, provider, self.config.breaker) as ticket:
            lease = await self.connections.lease(ticket.provider)
            try:
                plan = Plan.make(request, candidate, provider, self.facts.profile(provider, candidate.model))
                losses = [f"{loss.path}: {loss.reason}" for loss in plan.encoded.losses]
                record.routed(route.alias, candidate, route.reason, losses)
                record.answer_headers = {LOSSES: losses_header(plan.encoded.losses)} if losses else {}
                _check_vital(plan.encoded.losses)
                self._check_strict(route, candidate, losses)
                check_key(ticket.provider)
                attempt = await open_attempt(
                    plan,
                    lease,
                    headers if plan.is_passed_through else {},
                    record,
                    self.new_id,
                    ticket.key_label,
                )
                ticket.let_in()
                record.taken(candidate, tally)
                try:
                    yield []
                    lawful = Lawful(record, tally)
                    while chunk := await attempt.answer.read():
                        if batch := lawful.judged(attempt.decoded(chunk)):
                            ticket.answered()
                            yield batch
                        if lawful.is_over or attempt.is_cut_short:
                            break
                    if batch := lawful.judged(attempt.rest()):
                        ticket.answered()
                        yield batch
                    lawful.finish()
                finally:
                    await attempt.aclose()
            finally:
                await lease.release()
            if record.error is not None:
                ticket.failed(record.error)
        seen = tally or record.tally
        if seen.stop_reason is not None and provider.dialect != "demo":
            self.counter.observe(request, candidate.model, seen.usage)

    async def _counted(
        self, error: UpstreamError, request: MessagesRequest, candidate: Candidate, provider: ProviderConfig
    ) -> UpstreamError:
        """The error, with the numbers that an upstream's overflow left out, as far as they are known."""
        if not lacks_numbers(error):
            return error
        entry = self.facts.entry(provider, candidate.model)
        if entry is None or entry.context_tokens is None:
            return error
        tokens = await self.counter.estimate(request, candidate.model)
        return with_numbers(error, tokens, entry.context_tokens)

    def _check_strict(self, route: Route, candidate: Candidate, losses: Sequence[str]) -> None:
        """An alias may be strict: then a candidate that would lose something is not asked at all."""
        if losses and any(alias.strict and alias.name == route.alias for alias in self.config.aliases):
            raise ClientError(
                ErrorType.INVALID_REQUEST,
                f"The alias {route.alias} is strict and {candidate.model} at {candidate.provider} cannot be "
                f"told all of this request: {'; '.join(losses)[:_MAX_LOSSES_TOLD]}",
            )


async def _folded(answering: AsyncGenerator[list[StreamEvent] | None, None]) -> Message:
    folded = MessageFold()
    async with aclosing(answering) as batches:
        async for batch in batches:
            for event in batch or ():
                folded.add(event)
    return folded.message()


def _check_vital(losses: Sequence[Loss]) -> None:
    """What would change the answer is refused with advice; another candidate may carry it."""
    vital = next((loss for loss in losses if loss.is_vital), None)
    if vital is not None:
        raise ClientError(ErrorType.INVALID_REQUEST, f"{vital.path}: {vital.reason}")
