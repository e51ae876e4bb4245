"""What the tests of the dialects share: requests, targets, fixed ids, and a chat server's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from proxy.dialects.base import Encoded, Target
from proxy.dialects.openai_chat import OpenAIChatDialect
from proxy.dialects.profiles import Profile, profile_for
from proxy.messages.events import StreamEvent
from proxy.messages.fold import fold
from proxy.messages.message import JsonObject, Message
from proxy.messages.request import MessagesRequest, parse_request
from proxy.messages.stream_state import StreamState

OPENROUTER = "https://openrouter.ai/api/v1"
CLAUDE = "anthropic/claude-sonnet-4"
DIALECT = OpenAIChatDialect()
SSE = "text/event-stream"
JSON = "application/json"
USAGE = {"prompt_tokens": 900, "completion_tokens": 12, "prompt_tokens_details": {"cached_tokens": 800}}

WEATHER: JsonObject = {
    "name": "get_weather",
    "description": "Weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def target(model: str = CLAUDE, base_url: str = OPENROUTER, provider: str = "openrouter") -> Target:
    """A model at a provider, with what is known of it."""
    return Target(provider, model, profile_for(base_url, model))


def with_profile(profile: Profile) -> Target:
    """A model with just these facts."""
    return Target("up", "some-model", profile)


PLAIN = with_profile(Profile())


def asked(*messages: JsonObject, **fields: Any) -> MessagesRequest:
    """A request; without messages the user says hi."""
    turns = list(messages) or [{"role": "user", "content": "hi"}]
    return parse_request({"model": "big", "max_tokens": 1000, "messages": turns, **fields})


def user(*blocks: JsonObject | str) -> JsonObject:
    """A user's turn; a lone string stays one."""
    return _turn("user", blocks)


def assistant(*blocks: JsonObject | str) -> JsonObject:
    """An assistant's turn."""
    return _turn("assistant", blocks)


def _turn(role: str, blocks: tuple[JsonObject | str, ...]) -> JsonObject:
    if len(blocks) == 1 and isinstance(blocks[0], str):
        return {"role": role, "content": blocks[0]}
    return {"role": role, "content": [text(b) if isinstance(b, str) else b for b in blocks]}


def text(said: str, **more: Any) -> JsonObject:
    """A text block."""
    return {"type": "text", "text": said, **more}


def call(call_id: str, name: str = "get_weather", **arguments: Any) -> JsonObject:
    """A tool_use block."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def called(call_id: str, name: str = "get_weather", **arguments: Any) -> JsonObject:
    """A tool_use block of an answer, which says that the model itself called."""
    return {**call(call_id, name, **arguments), "caller": {"type": "direct"}}


def result(call_id: str, content: Any = "sunny", **more: Any) -> JsonObject:
    """A tool_result block."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def encode(request: MessagesRequest, to: Target | None = None) -> Encoded:
    """The request as chat completions."""
    return DIALECT.encode_request(request, to or target())


def messages_of(request: MessagesRequest, to: Target | None = None) -> list[JsonObject]:
    """The chat messages of a request."""
    return encode(request, to).payload["messages"]


def lost(encoded: Encoded) -> list[str]:
    """Where something was lost."""
    return [loss.path for loss in encoded.losses]


def chunk(delta: JsonObject | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One streamed chunk; `native`, `usage` and whatever else may be named."""
    choice: JsonObject = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    if "native" in more:
        choice["native_finish_reason"] = more.pop("native")
    return data({"id": "gen-1", "choices": [choice], **more})


def data(value: Any) -> bytes:
    """One event with this JSON."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def tool(index: int | None = 0, arguments: Any = None, **more: Any) -> JsonObject:
    """A delta of a tool call; `id` and `name` where they are given."""
    function = {"name": more.pop("name")} if "name" in more else {}
    if arguments is not None:
        function["arguments"] = arguments
    made: JsonObject = {"function": function, **more}
    return {"tool_calls": [made if index is None else {"index": index, **made}]}


DONE = b"data: [DONE]\n\n"


def counter() -> Callable[[str], str]:
    """Ids that count: msg_1, toolu_2 …"""
    made = iter(range(1, 10**6))
    return lambda prefix: f"{prefix}{next(made)}"


def decode(
    pieces: Iterable[bytes],
    request: MessagesRequest | None = None,
    to: Target | None = None,
    content_type: str = SSE,
) -> list[StreamEvent]:
    """The events of an answer, judged."""
    decoder = DIALECT.decoder(request or asked(), to or target(), content_type, counter())
    made = [event for piece in pieces for event in decoder.feed(piece)]
    return judged(made + decoder.finish())


def judged(made: list[StreamEvent]) -> list[StreamEvent]:
    """The same events, if they obey the table."""
    state = StreamState()
    for event in made:
        state.advance(event)
    state.finish()
    return made


def answer(*pieces: bytes, request: MessagesRequest | None = None, to: Target | None = None) -> Message:
    """The message of a streamed answer that ends with [DONE]."""
    return fold(decode([*pieces, DONE], request, to))


def error_in(made: list[StreamEvent]) -> tuple[str, str]:
    """Type and text of the error that ends an answer."""
    assert made[-1]["type"] == "error"
    return made[-1]["error"]["type"], made[-1]["error"]["message"]
