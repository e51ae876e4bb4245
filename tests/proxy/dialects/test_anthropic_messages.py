"""Messages pass through a dialect that speaks them: untouched but for what the module says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.dialects.anthropic_messages import AnthropicMessagesDialect
from proxy.dialects.anthropic_messages_stream import MAX_EVENT_BYTES
from proxy.dialects.openai_chat_content import hide_text
from proxy.dialects.reasoning_details import Envelope, seal
from proxy.messages import events
from proxy.messages.errors import ErrorType
from proxy.messages.events import StreamEvent
from proxy.messages.fold import fold
from proxy.messages.message import JsonObject
from proxy.messages.request import parse_request
from proxy.messages.sse import encode_event
from tests.proxy.dialects.chat import (
    JSON,
    SSE,
    asked,
    assistant,
    counter,
    error_in,
    judged,
    lost,
    target,
    text,
    user,
)

DIALECT = AnthropicMessagesDialect()
CLAUDE = target("claude-sonnet-4-6", "https://api.anthropic.com", "claude")
OURS = seal(Envelope("openrouter", "glm", "field", ["reasoning", "hm"]))
GENUINE: JsonObject = {"type": "thinking", "thinking": "hm", "signature": "EqQB"}

START = events.message_start("msg_up", "claude-sonnet-4-6", {"input_tokens": 3, "output_tokens": 1})
HI: list[StreamEvent] = [
    START,
    events.content_block_start(0, {"type": "text", "text": "", "future": 1}),
    events.ping(),
    events.text_delta(0, "hi"),
    events.content_block_stop(0),
    events.message_delta("end_turn", None, {"output_tokens": 2}, future=1),
    events.message_stop(),
]


def decode(*pieces: bytes, content_type: str = SSE) -> list[StreamEvent]:
    decoder = DIALECT.decoder(asked(), CLAUDE, content_type, counter())
    return judged([event for piece in pieces for event in decoder.feed(piece)] + decoder.finish())


def wire(*sent: StreamEvent) -> bytes:
    return b"".join(encode_event(event) for event in sent)


def renamed(*sent: StreamEvent) -> list[StreamEvent]:
    return [{**sent[0], "message": {**sent[0]["message"], "model": "big"}}, *sent[1:]]


def test_a_request_goes_up_as_it_came_for_another_model() -> None:
    body: JsonObject = {
        "model": "big",
        "max_tokens": 5,
        "system": [text("x-anthropic-billing-header: a")],
        "future": {"a": [1]},
        "temperature": 1.0,
        "metadata": None,
        "messages": [
            user(text("hi", future=1), {"type": "odd", "b": None}),
            {**assistant(GENUINE, "x"), "future": 2},
            user("s"),
        ],
        "tools": [{"type": "web_search_20250305", "name": "web_search", "future": 3}],
    }
    encoded = DIALECT.encode_request(parse_request(body), CLAUDE)
    assert encoded.payload == {**body, "model": "claude-sonnet-4-6", "stream": True}
    assert encoded.losses == ()


def test_another_upstream_s_reasoning_is_taken_out() -> None:
    request = asked(
        user("a"),
        assistant({**GENUINE, "signature": OURS}),
        user("b"),
        assistant({"type": "redacted_thinking", "data": OURS}, GENUINE, "c"),
        user("d"),
    )
    encoded = DIALECT.encode_request(request, CLAUDE)
    assert encoded.payload["messages"] == [user("a"), user("b"), assistant(GENUINE, "c"), user("d")]
    assert lost(encoded) == ["messages.1.content.0", "messages.3.content.0"]


def test_another_upstream_s_search_is_told_as_text() -> None:
    def hit(token: str) -> JsonObject:
        return {"type": "web_search_result", "title": "T", "url": "u", "encrypted_content": token}

    def searched(call_id: str, token: str) -> list[JsonObject]:
        return [
            {"type": "server_tool_use", "id": call_id, "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": call_id, "content": [hit(token)]},
        ]

    genuine = {"type": "char_location"}
    ours = {"type": "web_search_result_location", "encrypted_index": hide_text("u")}
    request = asked(
        user("a"),
        assistant(
            *searched("s1", hide_text("found")),
            *searched("s2", "real"),
            text("x", citations=[ours]),
            text("y", citations=[ours, genuine]),
        ),
        user("b"),
    )
    encoded = DIALECT.encode_request(request, CLAUDE)
    assert encoded.payload["messages"][1]["content"] == [
        text("Search results:\n[T](u)\nfound"),
        *searched("s2", "real"),
        text("x"),
        text("y", citations=[genuine]),
    ]
    assert lost(encoded) == [
        "messages.1.content.0",
        "messages.1.content.1",
        "messages.1.content.4.citations",
        "messages.1.content.5.citations",
    ]


def test_an_answer_passes_with_unknown_fields_under_the_name_asked_for() -> None:
    raw = wire(*HI)
    assert decode(raw) == renamed(*HI)
    assert decode(*[raw[i : i + 1] for i in range(len(raw))]) == renamed(*HI)


def test_what_other_servers_add_is_left_out() -> None:
    tail = b"data: [DONE]\n\n: bye\n\ndata: not json\n\n"
    head = b": hello\n\ndata: not json\n\ndata: 7\n\ndata: {}\n\n"
    assert decode(head + wire(*HI) + tail) == renamed(*HI)


def test_an_event_may_be_named_by_its_line_only() -> None:
    raw = wire(*HI).replace(b'"type":"message_stop"', b'"future":1')
    assert decode(raw)[-1] == {"type": "message_stop", "future": 1}


def test_an_unknown_event_passes() -> None:
    assert decode(wire(HI[0], {"type": "future_event", "a": 1}, *HI[1:]))[1] == {
        "type": "future_event",
        "a": 1,
    }


def test_an_error_passes_as_it_is() -> None:
    error = {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded", "details": None},
        "request_id": "r",
    }
    assert decode(wire(*HI[:3], error))[-1] == error


def test_only_the_last_word_missing_is_added() -> None:
    assert decode(wire(*HI[:-1])) == renamed(*HI)


@pytest.mark.parametrize("sent", [HI[:1], HI[:4], []])
def test_an_answer_that_breaks_off_is_an_error(sent: list[StreamEvent]) -> None:
    assert error_in(decode(wire(*sent)))[0] == "overloaded_error"


@pytest.mark.parametrize(
    "sent", [[START, START], [START, events.text_delta(0, "x")], [START, {"type": "content_block_start"}]]
)
def test_an_answer_that_breaks_the_rules_is_an_error(sent: list[StreamEvent]) -> None:
    assert error_in(decode(wire(*sent, *HI)))[0] == "api_error"


def test_too_much_at_once_is_an_error() -> None:
    assert error_in(decode(b"data: " + b" " * MAX_EVENT_BYTES + b"x"))[0] == "api_error"
    last_line = b"data: ten bytes!\ndata: " + b" " * (MAX_EVENT_BYTES - 8)
    assert error_in(decode(last_line))[0] == "api_error"
    decoder = DIALECT.decoder(asked(), CLAUDE, JSON, counter())
    assert error_in([event for _ in range(65) for event in decoder.feed(b"{" * 2**20)])[0] == "api_error"


WHOLE: JsonObject = {
    "id": "msg_up",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-6",
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "stop_details": None,
    "container": {"id": "c"},
    "future": 1,
    "usage": {"input_tokens": 3, "output_tokens": 2, "service_tier": "standard"},
    "content": [
        GENUINE,
        {"type": "thinking", "thinking": ""},
        text("a", citations=[{"type": "char_location"}]),
        text("", citations=None),
        {"type": "tool_use", "id": "t", "name": "n", "input": {"a": [1]}, "caller": {"type": "direct"}},
        {"type": "server_tool_use", "id": "s", "name": "n"},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
    ],
}


def test_a_whole_body_is_the_message_it_holds() -> None:
    raw = b" " + json.dumps(WHOLE).encode()
    assert fold(decode(raw[:50], raw[50:], content_type=JSON)) == {**WHOLE, "model": "big"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, "rate_limit_error"),
        ({"input_tokens": 3}, "overloaded_error"),
        (7, "overloaded_error"),
    ],
)
def test_a_whole_body_that_is_no_message_is_an_error(body: Any, kind: str) -> None:
    assert error_in(decode(json.dumps(body).encode(), content_type=JSON))[0] == kind
    assert error_in(decode(b"{", content_type=JSON))[0] == "overloaded_error"


def test_nothing_follows_the_end() -> None:
    decoder = DIALECT.decoder(asked(), CLAUDE, SSE, counter())
    decoder.feed(wire(*HI))
    assert decoder.feed(wire(*HI)) == decoder.finish() == []
    assert decoder.cost_usd is None
    assert decoder.heard_chars == 0
    assert decoder.is_cut_short is False


def test_a_cost_that_a_router_tells_is_kept() -> None:
    decoder = DIALECT.decoder(asked(), CLAUDE, SSE, counter())
    decoder.feed(
        wire(
            *HI[:5], {**HI[5], "usage": {"output_tokens": 1, "cost": 0.5}}, {**HI[5], "usage": {"cost": True}}
        )
    )
    assert decoder.cost_usd == 0.5


def failed(status: int, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return DIALECT.decode_error(asked(), status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)


def test_an_error_keeps_type_text_details_status_and_advice() -> None:
    details = {"error_code": "contract_spend_limit_reached"}
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "spent", "details": details}}
    error = failed(429, body, x_should_retry="false", retry_after="7")
    assert (error.type, error.message, error.status) == (ErrorType.RATE_LIMIT, "spent", 429)
    assert (error.details, error.should_retry, error.retry_after_s) == (details, False, 7.0)
    assert (
        failed(
            529, {"error": {"type": "overloaded_error", "message": "x"}}, x_should_retry="true"
        ).should_retry
        is True
    )


def test_the_upstream_s_refusal_of_its_key_is_final() -> None:
    error = failed(401, {"error": {"type": "authentication_error", "message": "invalid x-api-key"}})
    assert (error.status, error.should_retry) == (401, False)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[1]", {"error": {"type": "new_error", "message": "x"}}, {"error": {}}]
)
def test_an_error_that_is_not_the_api_s_goes_by_its_status(body: Any) -> None:
    assert failed(503, body).type is ErrorType.OVERLOADED


def test_an_answer_that_ends_without_its_last_blank_line_is_whole() -> None:
    assert decode(wire(*HI).rstrip()) == renamed(*HI)
