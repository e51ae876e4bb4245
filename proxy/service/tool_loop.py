"""Asks the model, runs what it calls, and asks again, until it stops calling; the client gets one answer.

1. One `message_start` at the beginning, one `message_delta` with the usage of all rounds at the end, and the
   blocks numbered through: `messages.stream_state` would take the answer for a single one.
2. A failure before anything left is raised, as for any request; one that comes later is an `error` event.
3. A call that is run or judged here and whose input is no JSON object goes back to the model as an error, at
   most `MAX_REPAIRS` times in a row; one that ran into the request's own limit of tokens ends the answer.
4. The loop ends where the model stops calling, where the client has calls to answer, or at a limit: of
   rounds, of time, or of the iterations that the API allows its own tools. There it says `pause_turn`, and
   the client may send the conversation again to go on.
5. Calls of the API's own tools beside calls of the client's are left open; the next request begins with them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

import structlog

from proxy.config import ToolConfig
from proxy.dialects.loose_json import as_object
from proxy.dialects.own_calls import mcp_result, result_param
from proxy.messages import events
from proxy.messages.errors import ApiError
from proxy.messages.events import StreamEvent
from proxy.messages.message import JsonObject
from proxy.messages.request import MessageParam, MessagesRequest
from proxy.service.answer_round import AnswerRound, unreadable
from proxy.service.owed_results import Told, owed_by, remember
from proxy.service.own_tools import ModelCall
from proxy.service.passing import freed
from proxy.service.record import RequestRecord
from proxy.service.rounds_usage import RoundsUsage
from proxy.service.server_tools import COUNTED_AS, open_call
from proxy.service.tool_door import Prepared
from proxy.service.tool_run import run_calls
from proxy.service.web_sources import WebSources

_log = structlog.get_logger("proxy.service")

MAX_ITERATIONS = 10
"""Rounds with calls of the API's own tools in one request; the API pauses there too."""
MAX_REPAIRS = 3
"""Answers in a row after which the model is told that its call cannot be read."""

_STEP = ("tool_chain", "tool_round")
"""In every log line of a step; a sub-conversation has its own while it lasts."""
_CUT = frozenset({"max_tokens", "refusal", "model_context_window_exceeded", "pause_turn", "compaction"})
"""After these a call may not be whole, or is not to be made."""

Batches = AsyncGenerator[list[StreamEvent] | None, None]
Ask = Callable[[MessagesRequest], Batches]
"""Asks the candidates; raises ApiError where none could answer."""


@dataclass(slots=True)
class _Talk:
    """How far the loop has come."""

    request: MessagesRequest
    next_index: int = 0
    has_started: bool = False
    rounds: int = 0
    iterations: int = 0
    repairs: int = 0
    told: list[Told] = field(default_factory=list[Told])
    opening: list[StreamEvent] = field(default_factory=list[StreamEvent])
    """Leaves right behind `message_start`."""


class ToolLoop:
    """One request through the loop."""

    def __init__(
        self,
        prepared: Prepared,
        ask: Ask,
        record: RequestRecord,
        limits: ToolConfig,
        clock: Callable[[], float],
    ) -> None:
        """Makes the loop.

        Args:
            prepared: The request and what its tools come to.
            ask: Asks the model.
            record: Whose answer it is.
            limits: How long it may go on.
            clock: Seconds.
        """
        self._prepared = prepared
        self._plan = prepared.plan
        self._ask = ask
        self._record = record
        self._limits = limits
        self._clock = clock
        self._until = clock() + limits.max_total_s
        self._talk = _Talk(prepared.request())
        self._usage = RoundsUsage()
        self._sources = WebSources(prepared.kept)

    async def batches(self) -> Batches:
        """Yields the answer's events.

        Raises:
            ApiError: No candidate could answer, and nothing was yielded before.
        """
        around = structlog.contextvars.get_contextvars()
        try:
            if self._prepared.pending:
                yield []  # life: what an earlier answer left open may take long
                await self._run_pending()
            while True:
                self._begin_round()
                answer = AnswerRound(
                    self._plan,
                    self._talk.next_index,
                    is_first=not self._talk.has_started,
                    cite=self._sources.cite,
                )
                async with aclosing(self._answered(answer)) as batches:
                    async for batch in batches:
                        yield batch
                        if batch and batch[-1]["type"] == "error":
                            return
                self._talk.next_index = answer.next_index
                async with aclosing(self._followed(answer)) as batches:
                    async for batch in batches:
                        yield batch
                        if batch and batch[-1]["type"] == "message_stop":
                            return
        finally:
            structlog.contextvars.unbind_contextvars(*_STEP)
            structlog.contextvars.bind_contextvars(**{key: around[key] for key in _STEP if key in around})

    def _begin_round(self) -> None:
        talk = self._talk
        talk.rounds += 1
        structlog.contextvars.bind_contextvars(
            tool_chain=self._prepared.scope.tool_chain, tool_round=talk.rounds
        )
        if talk.rounds > 1:
            _log.info("tool_round", calls=self._record.tally.tool_names)
            self._record.begin_round()

    # One answer -----------------------------------------------------------------------------

    async def _answered(self, answer: AnswerRound) -> Batches:
        """One answer of the model, its calls shown or judged, without its end."""
        talk = self._talk
        try:
            async with aclosing(self._ask(talk.request)) as batches:
                async for batch in batches:
                    if not batch:
                        yield batch
                        continue
                    async with aclosing(self._passed(answer, batch)) as passed:
                        async for leaving in passed:
                            talk.has_started = True
                            yield leaving
        except ApiError as error:
            if not talk.has_started:
                raise
            self._record.error = error
            yield [events.error(error.type, error.message, self._record.context.request_id)]

    async def _passed(self, answer: AnswerRound, batch: Sequence[StreamEvent]) -> Batches:
        leaving: list[StreamEvent] = []
        for event in batch:
            leaving += answer.take(event)
            if event["type"] == "message_start" and self._talk.opening:
                leaving += self._talk.opening
                self._talk.opening = []
            if answer.held is not None:
                if leaving:
                    yield leaving
                leaving = [*answer.settle(await self._denial(answer.held))]
        if leaving:
            yield leaving

    async def _denial(self, call: ModelCall) -> str | None:
        passing = self._prepared.passing
        if passing is None:
            return None
        return unreadable(call) if call.input is None else await passing.denial(call)

    # What follows ---------------------------------------------------------------------------

    async def _followed(self, answer: AnswerRound) -> Batches:
        """What comes of an answer: its end, or results and another round."""
        self._usage.add(self._record.tally.usage)
        is_cut = self._is_cut(answer)
        calls = [] if is_cut else _to_run(answer)
        results: dict[str, JsonObject] = {}
        if calls:
            yield []  # life: what follows may take long
            async with aclosing(self._run(calls)) as done:
                async for call, block in done:
                    results[call.id] = block
                    yield self._result_events(block)
        self._note(answer, results)
        if is_cut or _is_over(answer):
            is_whole = not is_cut and answer.stop_reason in _CUT  # what the client is to run
            yield self._ending(answer, "tool_use" if is_whole else None)
        elif self._is_beyond_repair(answer):
            yield self._ending(answer, "max_tokens")
        elif self._is_at_limit(answer):
            _log.warning("tool_loop_paused", rounds=self._talk.rounds)
            yield self._ending(answer, "pause_turn")
        else:
            self._talk.request = self._continued(answer, results)

    async def _run(self, calls: Sequence[ModelCall]) -> AsyncGenerator[tuple[ModelCall, JsonObject], None]:
        left = self._until - self._clock()
        self._record.is_at_work = True
        try:
            async with aclosing(run_calls(calls, self._plan.own, left)) as done:
                async for call, block in done:
                    self._prepared.known.add(block)
                    self._sources.add(block)
                    if self._record.exchanges is not None:
                        self._record.exchanges.tool_ran(call.id, call.name, block)
                    if self._plan.own[call.name].is_server_tool and not _is_error(block):
                        self._usage.count(COUNTED_AS[str(_kind(block))])
                    yield call, block
        finally:
            self._record.is_at_work = False

    async def _run_pending(self) -> None:
        """Runs calls that an earlier answer left open; their results begin this one."""
        calls = [open_call(block) for block in self._prepared.pending]
        known = [call for call in calls if call.name in self._plan.own]
        if not known:
            return
        blocks: list[JsonObject] = []
        async with aclosing(self._run(known)) as done:
            async for _, block in done:
                blocks.append(block)
        for block in blocks:
            self._talk.opening += self._result_events(block)
        self._talk.request = self._prepared.request(blocks)

    def _result_events(self, block: JsonObject) -> list[StreamEvent]:
        index = self._talk.next_index
        self._talk.next_index += 1
        return [events.content_block_start(index, block), events.content_block_stop(index)]

    def _note(self, answer: AnswerRound, results: dict[str, JsonObject]) -> None:
        own = self._plan.own
        if any(own[call.name].is_server_tool for call in answer.own_calls):
            self._talk.iterations += 1
        shown = {
            str(block["id"]): own[str(block["name"])].shown(block)
            for block in answer.content
            if block.get("type") == "tool_use" and str(block.get("name")) in own
        }
        self._talk.told.append(Told(answer.content, answer.denials, shown, [*results.values()]))

    def _is_cut(self, answer: AnswerRound) -> bool:
        """Calls may not be whole, or are not to be made.

        A dialect calls an answer cut where a call in it is not whole: no client may run that. Where it is not
        the client's to run, only the request's own limit counts.
        """
        if answer.stop_reason not in _CUT:
            return False
        if answer.stop_reason != "max_tokens" or not answer.has_unreadable:
            return True
        if any(call.input is None for call in answer.client_calls):
            return True
        written = as_object((answer.ending or {}).get("usage")).get("output_tokens")
        return isinstance(written, int) and written >= self._talk.request.max_tokens

    def _is_beyond_repair(self, answer: AnswerRound) -> bool:
        talk = self._talk
        talk.repairs = talk.repairs + 1 if answer.has_unreadable else 0
        if answer.has_unreadable:
            _log.info("tool_call_unreadable", calls=self._record.tally.tool_names)
        return talk.repairs > MAX_REPAIRS

    def _is_at_limit(self, answer: AnswerRound) -> bool:
        talk, limits = self._talk, self._limits
        if talk.rounds >= limits.max_rounds or self._clock() >= self._until:
            return True
        return talk.iterations >= MAX_ITERATIONS and bool(answer.own_calls)

    def _ending(self, answer: AnswerRound, stop_reason: str | None) -> list[StreamEvent]:
        remember(self._prepared.owed.owed_results, owed_by(self._talk.told))
        ending = cast("StreamEvent", answer.ending)
        usage = self._usage.total(cast("JsonObject", ending.get("usage") or {}))
        delta = ending["delta"]
        if stop_reason is not None:
            delta = {**delta, "stop_reason": stop_reason, "stop_sequence": None}
            self._record.tally.stop_reason = stop_reason
        return [{**ending, "delta": delta, "usage": usage}, events.message_stop()]

    def _continued(self, answer: AnswerRound, results: dict[str, JsonObject]) -> MessagesRequest:
        """The request with this answer, as the upstream made it, and the results of its calls behind."""
        request = self._talk.request
        content = [_sayable(block) for block in answer.content if not _is_blank(block)]
        told: list[Any] = []
        for block in content:
            call_id = str(block.get("id"))
            if block.get("type") != "tool_use":
                continue
            if call_id in results:
                told.append(result_param(results[call_id]))
            elif call_id in answer.denials:
                text = {"type": "text", "text": answer.denials[call_id]}
                told.append(result_param(mcp_result(call_id, [text], is_error=True)))
        turns = [
            MessageParam.model_validate({"role": "assistant", "content": content}),
            MessageParam.model_validate({"role": "user", "content": told}),
        ]
        changed: dict[str, Any] = {"messages": [*request.messages, *turns]}
        choice = freed(request.tool_choice)
        if choice is not request.tool_choice:
            changed["tool_choice"] = choice
        return request.model_copy(update=changed)


def _to_run(answer: AnswerRound) -> list[ModelCall]:
    """The calls to run now: no server tools beside the client's own calls."""
    if not answer.client_calls:
        return answer.own_calls
    return [call for call in answer.own_calls if not answer.plan.own[call.name].is_server_tool]


def _is_over(answer: AnswerRound) -> bool:
    """The client has something to do, or the model is done."""
    return bool(answer.client_calls) or not (answer.own_calls or answer.denials)


def _is_blank(block: JsonObject) -> bool:
    return block.get("type") == "text" and not str(block.get("text", "")).strip()


def _sayable(block: JsonObject) -> JsonObject:
    """A call whose input is no object cannot be told to anybody as it is."""
    if block.get("type") == "tool_use" and not isinstance(block.get("input"), dict):
        return {**block, "input": {}}
    return block


def _is_error(block: JsonObject) -> bool:
    content: Any = block.get("content")
    return isinstance(content, dict) and "error_code" in content


def _kind(block: JsonObject) -> str:
    return "web_search" if block["type"] == "web_search_tool_result" else "web_fetch"
