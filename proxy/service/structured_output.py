"""Sees to it that an answer to `output_config.format` is valid against its schema, or fails loudly.

Where the upstream enforces the schema itself, a stream is passed on as it comes and judged at its end: one
that turns out invalid ends in an `error` event instead of `message_stop`. In all other cases the answer is
held back until it is valid, also when the client asked for a stream: nothing but pings leaves meanwhile (they
keep the client alive), and then all events at once. An invalid answer is asked for again, twice; after that
the client gets an error that says what did not validate. Usage and cost are those of all attempts together.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import cast

import structlog

from proxy.config import ProviderConfig
from proxy.dialects.profiles import Profile
from proxy.dialects.unfold import unfold
from proxy.messages import events
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.events import StreamEvent
from proxy.messages.fold import MessageFold
from proxy.messages.message import JsonObject, Message
from proxy.messages.request import MessagesRequest
from proxy.service.answer_schema import (
    AnswerSchema,
    Verdict,
    added_usage,
    asked_again,
    is_only_text,
    wanted_schema,
    with_text,
)
from proxy.service.record import RequestRecord

_log = structlog.get_logger("proxy.service")

ATTEMPTS = 3

Batches = AsyncGenerator[list[StreamEvent], None]
Ask = Callable[[MessagesRequest], Batches]
"""Sends a request to the candidate and gives its lawful events; for `held` not yet noted in the record."""


def schema_to_check(request: MessagesRequest, provider: ProviderConfig) -> AnswerSchema | None:
    """Returns the schema that answers of this provider must be judged by; None: they pass as they are.

    Raises:
        ClientError: The schema is none.
    """
    schema = wanted_schema(request)
    # An upstream that speaks the protocol keeps its promises itself and passes through untouched.
    if schema is None or provider.dialect == "anthropic-messages":
        return None
    return AnswerSchema(schema)


def is_enforced(profile: Profile) -> bool:
    """Whether the upstream is given the schema; else it is only told of it in the prompt."""
    return profile.response_format in ("strict", "plain")


async def held(ask: Ask, request: MessagesRequest, schema: AnswerSchema, record: RequestRecord) -> Batches:
    """Yields empty batches while the model works, then all events of a valid answer at once.

    Raises:
        UpstreamError: The upstream failed, or no attempt gave a valid answer.
    """
    asked, usage, cost = request, cast("JsonObject", {}), 0.0
    verdict = Verdict()
    for attempt in range(1, ATTEMPTS + 1):
        answer = _Held()
        async with aclosing(ask(asked)) as batches:
            async for batch in batches:
                answer.add(batch, record)
                yield []
        message = answer.fold.message()
        usage = added_usage(usage, cast("JsonObject", message["usage"]))
        cost += record.tally.cost_usd or 0.0
        verdict = schema.judge(message)
        if verdict.problem is None:
            if attempt > 1:
                record.tally.cost_usd = cost or record.tally.cost_usd
            leaving = _leaving(answer, message, verdict, usage, is_first=attempt == 1)
            for event in leaving:
                record.note(event)
            yield leaving
            return
        _log.warning("structured_output_invalid", attempt=attempt, of=ATTEMPTS, problem=verdict.problem)
        asked = asked_again(request, message, verdict.problem)
    raise _invalid(f"{ATTEMPTS} answers of the model in a row do not match", verdict)


async def watched(batches: Batches, schema: AnswerSchema, record: RequestRecord) -> Batches:
    """Yields the events as they come; an answer that turns out invalid ends as an error."""
    fold = MessageFold()
    async with aclosing(batches) as source:
        async for batch in source:
            for index, event in enumerate(batch):
                if event["type"] == "error":
                    break
                fold.add(event)
                if event["type"] == "message_delta" and (error := _final_error(fold, schema)) is not None:
                    record.error = error
                    told = events.error(error.type, error.message, record.context.request_id)
                    yield [*batch[:index], told]
                    return
            yield batch


class _Held:
    """The events of one attempt."""

    def __init__(self) -> None:
        self.events: list[StreamEvent] = []
        self.fold = MessageFold()

    def add(self, batch: list[StreamEvent], record: RequestRecord) -> None:
        """Takes a batch.

        Raises:
            UpstreamError: The answer failed on its way; the client knows nothing of it yet.
        """
        for event in batch:
            if event["type"] == "error":
                record.error = None
            self.fold.add(event)
            self.events.append(event)


def _leaving(
    answer: _Held, message: Message, verdict: Verdict, usage: JsonObject, *, is_first: bool
) -> list[StreamEvent]:
    """The events for the client: as they came where nothing has to be changed."""
    is_clean = verdict.text is None or is_only_text(message, verdict.text)
    if is_clean and is_first:
        return answer.events
    cleaned = message if is_clean else with_text(message, cast("str", verdict.text))
    return unfold({**cleaned, "usage": usage})


def _final_error(fold: MessageFold, schema: AnswerSchema) -> UpstreamError | None:
    message = fold.message()
    verdict = schema.judge(message)
    if verdict.text is not None and not is_only_text(message, verdict.text):
        verdict = Verdict(problem="there is other text around the JSON")
    return None if verdict.problem is None else _invalid("The model's answer does not match", verdict)


def _invalid(what: str, verdict: Verdict) -> UpstreamError:
    return UpstreamError(
        ErrorType.API, f"{what} output_config.format: {verdict.problem}.", should_retry=False
    )
