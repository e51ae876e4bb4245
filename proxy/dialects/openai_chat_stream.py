"""Decodes the answer of a chat completions server, streamed or whole, into stream events.

The answer ends with `[DONE]`, or with the end of the body after a finish reason; without either it broke off
and ends as an error. What comes after an ending is not read. Usage and a second finish reason may follow the
first finish reason, so nothing closes before the end.
"""

from __future__ import annotations

from typing import Any

import orjson

from proxy.context import NewId
from proxy.dialects.base import Target
from proxy.dialects.loose_json import as_object, as_objects, looks_like_json, read_loosely
from proxy.dialects.openai_chat_answer import Answer
from proxy.dialects.openai_chat_errors import error_of
from proxy.dialects.openai_chat_usage import UsageTotal
from proxy.messages import events
from proxy.messages.errors import ErrorType
from proxy.messages.events import StreamEvent
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest
from proxy.messages.sse import MAX_EVENT_BYTES, EventTooLarge, ServerSentEvent, SseSplitter

MAX_BODY_BYTES = 64 * 2**20
"""A whole answer beyond this is broken or hostile."""

_LF, _CR = 0x0A, 0x0D
"""As numbers: `in` tries a bytes object as one first, and the exception makes that seven times as dear."""

_BROKE_OFF = "The upstream's answer broke off before it was complete."
_NO_ANSWER = "The upstream's answer is empty or not a chat completion."


class OpenAIChatDecoder:
    """Decodes one answer."""

    def __init__(self, request: MessagesRequest, target: Target, new_id: NewId) -> None:
        self._request = request
        self._new_id = new_id
        self._splitter = SseSplitter()
        self._is_json: bool | None = None
        """None: not a byte of the body has told yet; content types are often wrong."""
        self._body: list[bytes] = []
        self._size = 0
        self._usage = UsageTotal()
        self._answer = Answer(request, target, new_id)
        self._has_started = False
        self._is_over = False
        self._open_text = -1
        """Index of the text block that plain text may go to at once; negative: none."""

    @property
    def is_cut_short(self) -> bool:
        """A stop sequence that the upstream was not given ended the answer."""
        return self._answer.has_met_stop

    @property
    def heard_chars(self) -> int:
        """How much of an answer there was so far, with thinking that was not to be shown."""
        return self._answer.length

    @property
    def cost_usd(self) -> float | None:
        """What the upstream said the answer cost, once it said so."""
        return self._usage.cost_usd

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Takes the next bytes and returns the events they complete."""
        if self._is_over or not data:
            return []
        if self._is_json is None:
            self._is_json = looks_like_json(data)
        if self._is_json:
            return self._keep(data)
        if not (self._splitter.is_idle and _is_whole_events(data)):
            return self._split(data)
        made: list[StreamEvent] = []
        texts: list[str] = []
        for event in data[:-2].split(b"\n\n"):
            chunk = _plain_chunk(event)
            text = "" if chunk is None or self._open_text < 0 else _only_text(chunk)
            if text:
                self._answer.length += len(text)
                texts.append(text)
                continue
            self._say(texts, made)
            if chunk is not None:
                made += self._parsed(chunk)
            elif event == b"data: [DONE]":
                made += self._done()
            else:
                made += self._split(event + b"\n\n")
            if self._is_over:
                break
        self._say(texts, made)
        return made

    def finish(self) -> list[StreamEvent]:
        """The upstream closed the body: returns the events that end the answer."""
        if self._is_over:
            return []
        if self._is_json:
            return self._whole_body()
        try:
            made = self._take(self._splitter.finish(), is_last=True)
        except EventTooLarge as exc:
            return self._fail(ErrorType.API, f"The upstream sent {exc}.")
        if self._is_over:
            return made
        if self._answer.finish_reason:
            return made + self._end()
        return made + self._fail(ErrorType.OVERLOADED, _BROKE_OFF if self._has_started else _NO_ANSWER)

    def _say(self, texts: list[str], made: list[StreamEvent]) -> None:
        """Makes events of texts that came together; an answer that nobody watches grow needs but one."""
        if not texts:
            return
        said = texts if self._request.stream else ("".join(texts),)
        made += [events.text_delta(self._open_text, text) for text in said]
        texts.clear()

    def _parsed(self, chunk: JsonObject) -> list[StreamEvent]:
        made = self._chunk(chunk, may_be_split=False)
        self._open_text = self._answer.open_text
        return made

    def _split(self, data: bytes) -> list[StreamEvent]:
        try:
            received = self._splitter.feed(data)
        except EventTooLarge as exc:
            return self._fail(ErrorType.API, f"The upstream sent {exc}.")
        made = self._take(received)
        self._open_text = self._answer.open_text
        return made

    def _keep(self, data: bytes) -> list[StreamEvent]:
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            return self._fail(
                ErrorType.API, f"The upstream sent an answer of more than {MAX_BODY_BYTES} bytes."
            )
        self._body.append(data)
        return []

    def _whole_body(self) -> list[StreamEvent]:
        """A body that is not streamed is one chunk whose delta is the whole message."""
        try:
            body, may_be_split = read_loosely(b"".join(self._body).strip())
        except ValueError:
            return self._fail(ErrorType.OVERLOADED, _NO_ANSWER)
        chunk = as_object(body)
        made = self._chunk(chunk, may_be_split=may_be_split)
        if self._is_over:
            return made
        if not as_objects(chunk.get("choices")):
            return self._fail(ErrorType.OVERLOADED, _NO_ANSWER)
        return made + self._end()

    def _take(self, received: list[ServerSentEvent], *, is_last: bool = False) -> list[StreamEvent]:
        made: list[StreamEvent] = []
        for event in received:
            if event.data.strip() == b"[DONE]":
                made += self._done()
            elif event.data.strip():
                made += self._data(event, is_last=is_last)
            if self._is_over:
                break
        return made

    def _data(self, event: ServerSentEvent, *, is_last: bool) -> list[StreamEvent]:
        try:
            value, may_be_split = read_loosely(event.data)
        except ValueError:
            if is_last:
                return self._fail(ErrorType.OVERLOADED, _BROKE_OFF)
            value, may_be_split = None, False
        if not isinstance(value, dict):
            return self._fail(ErrorType.API, "The upstream sent something that is no chat completion chunk.")
        chunk = as_object(value)
        if event.name == "error" and "error" not in chunk:
            chunk = {"error": chunk}
        return self._chunk(chunk, may_be_split=may_be_split)

    def _done(self) -> list[StreamEvent]:
        if not self._has_started:
            return self._fail(ErrorType.OVERLOADED, _NO_ANSWER)
        return self._end()

    def _chunk(self, chunk: JsonObject, *, may_be_split: bool) -> list[StreamEvent]:
        answer = self._answer
        usage = chunk.get("usage")
        if usage:
            self._usage.take(as_object(usage))
            answer.sources_found(chunk.get("search_results"))
        elif "x_groq" in chunk:
            self._usage.take(as_object(as_object(chunk["x_groq"]).get("usage")))
        error = chunk.get("error")
        if error and not answer.finish_reason:
            return self._refused(error)
        made: list[StreamEvent] = []
        if not self._has_started:
            self._has_started = True
            made.append(events.message_start(self._new_id("msg_"), self._request.model, self._usage.usage()))
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            answer.take(as_object(choices[0]), may_be_split=may_be_split, is_whole=bool(self._is_json))
            made += answer.events()
            if answer.finish_reason == "error":
                return made + self._fail(
                    ErrorType.API, "The upstream's model failed in the middle of its answer."
                )
            if answer.has_met_stop:
                return made + self._end()
        return made

    def _refused(self, error: Any) -> list[StreamEvent]:
        told = {"message": error} if isinstance(error, str) else as_object(error)
        failure = error_of(told, self._request)
        return self._fail(failure.type, failure.message)

    def _end(self) -> list[StreamEvent]:
        self._is_over = True
        answer = self._answer
        answer.finish()
        made = answer.events()
        if answer.nameless_calls:
            return [*made, events.error(ErrorType.API, "The upstream called a tool without naming it.")]
        if answer.is_empty and self._usage.is_silent:
            return self._fail(ErrorType.OVERLOADED, _NO_ANSWER)
        usage = self._usage.usage(answer.length)
        if answer.searches and "server_tool_use" not in usage:
            usage["server_tool_use"] = {"web_search_requests": answer.searches}
        reason, stop, more = answer.stop_reason()
        return [*made, events.message_delta(reason, stop, usage, **more), events.message_stop()]

    def _fail(self, kind: ErrorType, message: str) -> list[StreamEvent]:
        self._is_over = True
        return [events.error(kind, message)]


def _is_whole_events(data: bytes) -> bool:
    """The commonest pieces by far: one event or some, each with its blank line, and no line end but LF."""
    return data.endswith(b"\n\n") and len(data) < MAX_EVENT_BYTES and _CR not in data


def _plain_chunk(event: bytes) -> JsonObject | None:
    """Returns the object of an event that is one line of strict JSON; None: it takes a closer look."""
    if not event.startswith(b"data: {") or _LF in event:
        return None
    try:
        return orjson.loads(event[6:])
    except ValueError:
        return None


def _only_text(chunk: JsonObject) -> str:
    """Returns the text of a chunk that brings text and nothing else; empty: it may bring more."""
    try:
        choice = chunk["choices"][0]
        delta = choice["delta"]
        text = delta["content"]
    except (KeyError, IndexError, TypeError):
        return ""
    if type(text) is not str or len(delta) > 2 or (len(delta) == 2 and "role" not in delta):
        return ""
    says_more = choice.get("finish_reason") or chunk.get("usage") or chunk.get("error") or "x_groq" in chunk
    return "" if says_more else text
