"""A provider that speaks Anthropic Messages itself: what passes, and the little that is changed."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest

from proxy.messages.message import JsonObject
from tests.conformance.front import JSON_TYPE, Front, chat, kinds, serving
from tests.proxy.scripted import BODY, TOKEN, Reply, delta

pytestmark = pytest.mark.expects_log("breaker_changed")
"""Upstreams that fail are left alone for a while; what tests provoke here may be enough for that."""

NATIVE: dict[str, Any] = {
    "dialect": "anthropic-messages",
    "model": "claude-opus-5-5",
    "base_url": "https://api.anthropic.com",
}
USAGE = {
    "input_tokens": 5,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 7,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 1,
    "service_tier": "standard",
    "inference_geo": "us",
}
MESSAGE: JsonObject = {
    "id": "msg_01upstream",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5-5",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "stop_details": None,
    "container": None,
    "usage": USAGE,
}


def native(*events: JsonObject, **headers: str) -> Reply:
    """A genuine stream of these events."""
    pieces = [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events]
    return Reply(pieces, headers={"content-type": "text/event-stream; charset=utf-8", **headers})


def block(index: int, start: JsonObject, *deltas: JsonObject) -> list[JsonObject]:
    """The events of one block."""
    fed = [{"type": "content_block_delta", "index": index, "delta": each} for each in deltas]
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *fed,
        {"type": "content_block_stop", "index": index},
    ]


ENDING: list[JsonObject] = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None, "container": None},
        "usage": {**USAGE, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 2}},
        "context_management": {"applied_edits": []},
    },
    {"type": "message_stop"},
]
RICH = [
    {"type": "message_start", "message": MESSAGE},
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Hm."},
        {"type": "signature_delta", "signature": "Genuine0123456789abcdef"},
    ),
    {"type": "ping"},
    *block(1, {"type": "redacted_thinking", "data": "opaque"}),
    *block(
        2,
        {"type": "text", "text": "", "citations": []},
        {"type": "text_delta", "text": "Hi"},
        {
            "type": "citations_delta",
            "citation": {
                "type": "char_location",
                "cited_text": "x",
                "document_index": 0,
                "document_title": None,
                "start_char_index": 0,
                "end_char_index": 1,
                "file_id": None,
            },
        },
    ),
    *block(
        3,
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"code": "1"}'},
    ),
    *block(
        4,
        {
            "type": "code_execution_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": {
                "type": "code_execution_result",
                "stdout": "1",
                "stderr": "",
                "return_code": 0,
                "content": [],
            },
        },
    ),
    *block(
        5,
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": {"type": "direct"}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"a": 1}'},
    ),
    *block(6, {"type": "made_up_block", "field": {"x": 1}}),
    *ENDING,
]


async def told_whole(front: Front, **headers: str) -> JsonObject:
    status, told = await front.told(**headers)
    assert status == 200, told
    return told


@pytest.mark.conformance(
    "passthrough.request-untouched", "passthrough.unknown-fields", "passthrough.model-name"
)
async def test_a_request_goes_up_as_it_came_for_another_model() -> None:
    body: JsonObject = {
        **BODY,
        "thinking": {"type": "adaptive", "display": "updates", "block_binding": {"made": "up"}},
        "mcp_servers": [{"type": "url", "url": "https://e.org", "name": "x"}],
        "container": {"id": "c", "skills": []},
        "context_management": {"edits": []},
        "safeguards": [{"type": "x"}],
        "made_up": {"deep": [1, None]},
        "tools": [
            {"type": "code_execution_20260521", "name": "code_execution"},
            {"type": "mcp_toolset", "mcp_server_name": "x"},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi", "made_up": 1}]},
            {"role": "system", "content": "mind", "output_config": {"effort": "low"}, "clear_at": "never"},
        ],
    }
    async with serving(native(*RICH), **NATIVE) as front:
        await front.told(body)
        assert front.sent == {**body, "model": "claude-opus-5-5", "stream": True}
        assert front.losses == ""


@pytest.mark.conformance("passthrough.betas", "passthrough.version")
@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
async def test_version_and_betas_go_up_as_they_came(version: str) -> None:
    headers = {"anthropic-version": version, "anthropic-beta": "effort-2025-11-24,made-up-2030-01-01"}
    async with serving(native(*RICH), **NATIVE) as front:
        await told_whole(front, **headers)
        sent = {name.lower(): value for name, value in front.upstream.headers[0].items()}
    assert headers.items() <= sent.items()


@pytest.mark.conformance("passthrough.stream-untouched", "passthrough.unknown-blocks", "passthrough.ids")
async def test_a_stream_comes_as_it_was_sent_under_the_name_asked_for() -> None:
    async with serving(native(*RICH), **NATIVE) as front:
        events = await front.events()
    renamed = {"type": "message_start", "message": {**MESSAGE, "model": "big"}}
    assert events == [renamed, *RICH[1:]]


@pytest.mark.conformance("passthrough.whole", "passthrough.sdk-objects")
async def test_the_whole_answer_is_the_fold_of_the_stream() -> None:
    async with serving(native(*RICH), **NATIVE) as front:
        whole = await told_whole(front)
        message = await front.create()
    assert whole["id"] == "msg_01upstream"
    assert [each["type"] for each in whole["content"]] == [
        "thinking",
        "redacted_thinking",
        "text",
        "server_tool_use",
        "code_execution_tool_result",
        "tool_use",
        "made_up_block",
    ]
    assert whole["content"][0] == {
        "type": "thinking",
        "thinking": "Hm.",
        "signature": "Genuine0123456789abcdef",
    }
    assert whole["content"][2]["citations"][0]["type"] == "char_location"
    assert (whole["content"][3]["input"], whole["content"][5]["input"]) == ({"code": "1"}, {"a": 1})
    assert whole["content"][5]["caller"] == {"type": "direct"}
    assert whole["usage"] == ENDING[0]["usage"]
    assert whole["context_management"] == {"applied_edits": []}
    assert (message.stop_reason, message.usage.cache_read_input_tokens) == ("end_turn", 7)


@pytest.mark.conformance("passthrough.json-upstream")
async def test_an_upstream_that_does_not_stream_passes_too() -> None:
    body = {**MESSAGE, "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}
    async with serving(Reply((json.dumps(body).encode(),), headers=JSON_TYPE), **NATIVE) as front:
        streamed = await front.streamed()
    assert (streamed.content[0].text, streamed.id) == ("Hi", "msg_01upstream")


ERRORS: list[tuple[int, JsonObject, dict[str, str]]] = [
    (400, {"type": "invalid_request_error", "message": "max_tokens: odd"}, {}),
    (
        400,
        {"type": "invalid_request_error", "message": "m", "details": {"error_code": "tool_name_conflict"}},
        {},
    ),
    (404, {"type": "not_found_error", "message": "model: claude-opus-5-5"}, {}),
    (429, {"type": "rate_limit_error", "message": "slow"}, {"retry-after": "9", "x-should-retry": "true"}),
    (529, {"type": "overloaded_error", "message": "Overloaded"}, {}),
    (402, {"type": "billing_error", "message": "no money"}, {"x-should-retry": "false"}),
    (503, {"type": "api_error", "message": "m"}, {}),
]


@pytest.mark.conformance("passthrough.errors", "passthrough.error-details", "passthrough.retry-headers")
@pytest.mark.parametrize(("status", "error", "headers"), ERRORS)
async def test_an_error_passes_unrewritten(status: int, error: JsonObject, headers: dict[str, str]) -> None:
    body: JsonObject = {"type": "error", "error": error, "request_id": "req_theirs"}
    async with (
        serving(Reply((json.dumps(body).encode(),), status, {**JSON_TYPE, **headers}), **NATIVE) as front,
        front.proxy.post() as response,
    ):
        told = await response.json()
        assert (response.status, told["error"]) == (status, error)
        assert headers.items() <= {k.lower(): v for k, v in response.headers.items()}.items()


@pytest.mark.conformance("passthrough.mid-stream-error")
async def test_an_error_in_the_stream_passes() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded", "details": None}}
    async with serving(native(RICH[0], *RICH[1:4], error), **NATIVE) as front:
        events = await front.events()
        with pytest.raises(anthropic.APIStatusError) as caught:
            await front.streamed()
    assert kinds(events)[-1] == "error"
    assert events[-1]["error"]["message"] == "Overloaded"
    assert caught.value.type == "overloaded_error"


@pytest.mark.conformance("passthrough.repairs")
async def test_what_other_servers_add_to_the_stream_is_left_out() -> None:
    reply = native(*RICH)
    reply = Reply([b": comment\n\n", *reply.pieces, b"data: [DONE]\n\n"], headers=reply.headers)
    async with serving(reply, **NATIVE) as front:
        assert kinds(await front.events())[-1] == "message_stop"


@pytest.mark.conformance("passthrough.broken-upstream")
async def test_an_upstream_that_breaks_the_grammar_ends_as_an_error() -> None:
    async with serving(native(RICH[0], RICH[1], RICH[1]), **NATIVE) as front:
        assert kinds(await front.events())[-1] == "error"


@pytest.mark.conformance("passthrough.foreign-reasoning")
async def test_another_models_reasoning_never_causes_a_signature_error() -> None:
    async with serving(chat(delta(reasoning="Hm."), delta(content="ok"), delta("stop"))) as front:
        _, whole = await front.told({**BODY, "thinking": {"type": "adaptive"}})
    turns = [
        *BODY["messages"],
        {"role": "assistant", "content": whole["content"]},
        {"role": "user", "content": "on"},
    ]
    async with serving(native(*RICH), **NATIVE) as front:
        await front.told({**BODY, "messages": turns})
        assert [each["type"] for each in front.sent["messages"][1]["content"]] == ["text"]
        assert "messages.1.content.0: left out" in front.losses


@pytest.mark.conformance("passthrough.workspace-headers", "headers.betas-repeated")
async def test_workspace_headers_and_repeated_betas_go_up() -> None:
    headers = [
        ("x-api-key", TOKEN),
        ("content-type", "application/json"),
        ("anthropic-beta", "one-2026-01-01"),
        ("anthropic-beta", "two-2026-01-01"),
        ("anthropic-workspace-id", "wrkspc_1"),
        ("anthropic-user-profile-id", "user_1"),
    ]
    async with serving(native(*RICH), **NATIVE) as front:
        url = front.proxy.url + "/v1/messages"
        async with front.proxy.http.post(url, data=json.dumps(BODY), headers=headers) as response:
            assert response.status == 200
        (sent,) = front.upstream.headers
    assert sent == {
        "anthropic-beta": "one-2026-01-01,two-2026-01-01",
        "anthropic-workspace-id": "wrkspc_1",
        "anthropic-user-profile-id": "user_1",
    }


@pytest.mark.conformance("passthrough.response-headers")
@pytest.mark.parametrize("stream", [False, True])
async def test_the_upstreams_own_headers_come_back(stream: bool) -> None:
    told = {
        "anthropic-ratelimit-requests-remaining": "3999",
        "anthropic-ratelimit-requests-reset": "2026-11-22T00:00:00Z",
        "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
    }
    other = {"request-id": "req_theirs", "set-cookie": "a=b", "server": "x", "anthropic-odd": "\u20ac"}
    async with (
        serving(native(*RICH, **told, **other), **NATIVE) as front,
        front.proxy.post({**BODY, "stream": stream}) as response,
    ):
        got = {name.lower(): value for name, value in response.headers.items()}
    assert told.items() <= got.items()
    assert got["request-id"] != "req_theirs"
    assert not {"set-cookie", "server", "anthropic-odd"} & got.keys()


@pytest.mark.conformance("passthrough.response-headers")
async def test_an_error_has_the_upstreams_own_headers_too() -> None:
    told = {"anthropic-ratelimit-requests-remaining": "0"}
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}
    reply = Reply((json.dumps(body).encode(),), 429, {**JSON_TYPE, **told})
    async with serving(reply, **NATIVE) as front, front.proxy.post() as response:
        assert told.items() <= {name.lower(): value for name, value in response.headers.items()}.items()


@pytest.mark.conformance("headers.rate-limit")
async def test_other_upstreams_headers_stay_with_us() -> None:
    reply = Reply(headers={"content-type": "text/event-stream", "anthropic-ratelimit-tokens-limit": "1"})
    async with serving(reply) as front, front.proxy.post() as response:
        assert "anthropic-ratelimit-tokens-limit" not in response.headers


COUNT = {"model": "big", "messages": [{"role": "user", "content": "hello there"}]}


@pytest.mark.conformance("passthrough.count")
async def test_an_upstream_of_this_protocol_counts_itself() -> None:
    async with serving(Reply((b'{"input_tokens": 4321}',), headers=JSON_TYPE), **NATIVE) as front:
        assert await front.told(COUNT, "/v1/messages/count_tokens") == (200, {"input_tokens": 4321})
        assert front.sent == {**COUNT, "model": "claude-opus-5-5"}


@pytest.mark.conformance("passthrough.count-unavailable")
async def test_where_it_cannot_count_the_estimate_stands_in() -> None:
    error = {"type": "error", "error": {"type": "not_found_error", "message": "Not found"}}
    async with serving(Reply((json.dumps(error).encode(),), 404, JSON_TYPE), **NATIVE) as front:
        status, told = await front.told(COUNT, "/v1/messages/count_tokens")
    assert status == 200
    assert 2 <= told["input_tokens"] <= 40
