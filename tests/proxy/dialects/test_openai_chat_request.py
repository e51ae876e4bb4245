"""How a Messages request becomes a chat completions request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.dialects.base import Loss
from proxy.dialects.profiles import Profile
from proxy.dialects.reasoning_details import Envelope, seal
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.request import parse_request
from tests.proxy.dialects.chat import (
    PLAIN,
    WEATHER,
    asked,
    assistant,
    encode,
    lost,
    target,
    text,
    user,
    with_profile,
)


def test_the_worked_example_becomes_exactly_this() -> None:
    details = [
        {
            "type": "reasoning.text",
            "text": "I should read.",
            "signature": "Er",
            "format": "anthropic-claude-v1",
            "index": 0,
        }
    ]
    read = {"type": "object", "properties": {"file_path": {"type": "string"}}}
    cached = {"type": "ephemeral"}
    request = parse_request(
        {
            "model": "claude-big",
            "max_tokens": 32000,
            "stream": True,
            "system": [
                text("x-anthropic-billing-header: cc_version=2"),
                text("You are ...", cache_control=cached),
            ],
            "thinking": {"type": "adaptive", "display": "omitted"},
            "output_config": {"effort": "high"},
            "metadata": {"user_id": json.dumps({"device_id": "d", "session_id": "s-1"})},
            "tools": [{"name": "Read", "description": "..", "input_schema": read}],
            "messages": [
                user(text("what does a.txt say")),
                {"role": "system", "content": "# Environment ..."},
                assistant(
                    {
                        "type": "thinking",
                        "thinking": "",
                        "signature": seal(Envelope("openrouter", "claude", "details", details)),
                    },
                    {"type": "tool_use", "id": "toolu_01A", "name": "Read", "input": {"file_path": "/a.txt"}},
                ),
                user(
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_01A",
                        "content": "hello",
                        "cache_control": cached,
                    }
                ),
            ],
        }
    )
    encoded = encode(request)
    user_hash = encoded.payload.pop("user")
    assert len(user_hash) == 32
    assert encoded.payload == {
        "model": "anthropic/claude-sonnet-4",
        "max_tokens": 32000,
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning": {"enabled": True, "effort": "high"},
        "session_id": "s-1",
        "messages": [
            {"role": "system", "content": [text("You are ...", cache_control=cached)]},
            {"role": "user", "content": "what does a.txt say\n\n<system>\n# Environment ...\n</system>"},
            {
                "role": "assistant",
                "content": None,
                "reasoning_details": details,
                "tool_calls": [
                    {
                        "id": "toolu_01A",
                        "type": "function",
                        "function": {"name": "Read", "arguments": '{"file_path":"/a.txt"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "toolu_01A", "content": [text("hello", cache_control=cached)]},
        ],
        "tools": [
            {"type": "function", "function": {"name": "Read", "description": "..", "parameters": read}}
        ],
    }
    assert lost(encoded) == ["system.0", "messages.1"]


def test_a_plain_server_gets_a_plain_request() -> None:
    request = asked(
        system=[text("Be"), text("brief")], temperature=0.5, top_p=0.9, top_k=5, stop_sequences=["a"]
    )
    assert encode(request, PLAIN).payload == {
        "model": "some-model",
        "max_tokens": 1000,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be\n\nbrief"}, {"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["a"],
    }
    assert lost(encode(request, PLAIN)) == ["top_k"]


def test_the_limit_goes_by_the_server_s_name_for_it_and_within_the_model_s_limit() -> None:
    to = with_profile(
        Profile(max_tokens_field="max_completion_tokens", max_output_tokens=500, min_output_tokens=16)
    )
    assert encode(asked(), to).payload["max_completion_tokens"] == 500
    assert encode(asked(max_tokens=1), to).payload["max_completion_tokens"] == 16
    assert encode(asked(max_tokens=100), to).payload["max_completion_tokens"] == 100
    assert encode(asked(max_tokens=1), to).losses == (
        Loss("max_tokens", "16 instead of 1: the upstream refuses less"),
    )


def test_four_stop_sequences_go_up_and_the_rest_is_named() -> None:
    encoded = encode(asked(stop_sequences=list("abcdef")))
    assert encoded.payload["stop"] == list("abcd")
    assert lost(encoded) == ["stop_sequences"]
    assert "stop" not in encode(asked(stop_sequences=[])).payload


def test_sampling_is_left_out_where_the_model_refuses_it() -> None:
    assert lost(encode(asked(temperature=1, top_p=0.9), target("anthropic/claude-opus-4.8"))) == [
        "temperature",
        "top_p",
    ]
    thinking = encode(asked(temperature=1, thinking={"type": "enabled", "budget_tokens": 500}))
    assert "temperature" not in thinking.payload
    assert encode(asked(temperature=1)).payload["temperature"] == 1


SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


@pytest.mark.parametrize(
    ("kind", "schema", "expected"),
    [
        ("strict", SCHEMA, {"name": "answer", "schema": SCHEMA, "strict": True}),
        ("strict", {"type": "object"}, {"name": "answer", "schema": {"type": "object"}, "strict": False}),
        ("plain", SCHEMA, {"name": "answer", "schema": SCHEMA}),
    ],
)
def test_structured_output_is_a_json_schema(kind: Any, schema: Any, expected: Any) -> None:
    request = asked(output_config={"format": {**FORMAT, "schema": schema}})
    payload = encode(request, with_profile(Profile(response_format=kind))).payload
    assert payload["response_format"] == {"type": "json_schema", "json_schema": expected}


@pytest.mark.parametrize(
    "system", [None, "Be brief.", [text("Be brief.", cache_control={"type": "ephemeral"})]]
)
def test_structured_output_is_a_wish_where_it_cannot_be_enforced(system: Any) -> None:
    to = with_profile(Profile(response_format="json_object", cache_control="anthropic"))
    encoded = encode(
        asked(system=system, output_format=FORMAT) if system else asked(output_format=FORMAT), to
    )
    assert encoded.payload["response_format"] == {"type": "json_object"}
    assert '{"type":"object"' in json.dumps(encoded.payload["messages"][0]).replace("\\", "")
    assert lost(encoded) == ["output_config.format"]
    never = encode(asked(output_format=FORMAT), with_profile(Profile(response_format="none")))
    assert "response_format" not in never.payload


def test_an_unknown_output_format_is_refused() -> None:
    with pytest.raises(ClientError, match=r"output_config\.format"):
        encode(asked(output_config={"format": {"type": "xml"}}))


@pytest.mark.parametrize(
    ("user_id", "fields"),
    [('{"session_id":"s-1"}', {"session_id": "s-1"}), ("plain", {}), ("[1]", {}), ('{"session_id":7}', {})],
)
def test_the_user_is_hashed_and_the_session_kept(user_id: str, fields: dict[str, str]) -> None:
    payload = encode(asked(metadata={"user_id": user_id})).payload
    assert user_id not in json.dumps(payload)
    assert {key: payload[key] for key in ("session_id",) if key in payload} == fields
    assert len(payload["user"]) == 32


def test_a_server_without_a_user_field_gets_none() -> None:
    encoded = encode(asked(metadata={"user_id": "u"}), with_profile(Profile(user_field=False)))
    assert "user" not in encoded.payload
    assert lost(encoded) == ["metadata.user_id"]
    assert "user" not in encode(asked(metadata={"user_id": None})).payload


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"service_tier": "standard_only"}, "default"),
        ({"speed": "fast"}, "priority"),
        ({"service_tier": "auto", "speed": "standard"}, None),
    ],
)
def test_service_tiers_are_translated(fields: dict[str, str], expected: str | None) -> None:
    assert encode(asked(**fields)).payload.get("service_tier") == expected
    assert lost(encode(asked(speed="fast"), PLAIN)) == ["speed"]


def test_the_automatic_cache_hint_goes_where_it_is_understood() -> None:
    hint = {"type": "ephemeral"}
    assert encode(asked(cache_control=hint)).payload["cache_control"] == hint
    assert lost(encode(asked(cache_control=hint), PLAIN)) == ["cache_control"]


def test_what_has_no_counterpart_and_does_no_harm_is_a_loss() -> None:
    encoded = encode(
        asked(context_management={"edits": []}, safeguards=[], some_future_field=1, mcp_servers=[])
    )
    assert lost(encoded) == ["context_management", "safeguards", "some_future_field"]
    assert set(encoded.payload) == {"model", "messages", "max_tokens", "stream", "stream_options"}


@pytest.mark.parametrize("name", ["mcp_servers", "container", "compaction"])
def test_what_would_change_the_answer_is_a_vital_loss_with_advice(name: str) -> None:
    encoded = encode(asked(**{name: [{"name": "x"}]}))
    assert [(loss.path, loss.is_vital) for loss in encoded.losses] == [(name, True)]
    assert encoded.losses[0].reason.endswith(
        "or send the request to a provider of dialect anthropic-messages."
    )
    assert name not in encoded.payload


@pytest.mark.parametrize(
    ("thread", "kind", "code"),
    [
        ({"type": "create"}, ErrorType.INVALID_REQUEST, "thread_unsupported_request"),
        ({"type": "continue", "previous_message_id": "msg_1"}, ErrorType.NOT_FOUND, "thread_not_found"),
    ],
)
def test_threads_are_refused_with_the_code_that_makes_runners_send_everything(
    thread: dict[str, str], kind: ErrorType, code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        encode(asked(thread=thread))
    assert (caught.value.type, caught.value.details) == (kind, {"error_code": code})


def test_gemini_is_not_billed_twice_for_the_last_hint() -> None:
    hint = {"type": "ephemeral"}
    request = asked(
        user(text("a", cache_control=hint), text("b", cache_control=hint)),
        tools=[{**WEATHER, "cache_control": hint}],
    )
    payload = encode(request, target("google/gemini-2.5-flash")).payload
    assert payload["messages"][-1]["content"] == [text("a", cache_control=hint), text("b")]
    assert "cache_control" not in payload["tools"][0]
    assert encode(asked(), target("google/gemini-2.5-flash")).payload["messages"][-1]["content"] == "hi"


def test_every_request_streams_and_mistral_is_not_asked_for_usage() -> None:
    mistral = target("mistral-large-latest", "https://api.mistral.ai/v1", "mistral")
    payload = encode(asked(stream=False), mistral).payload
    assert payload["stream"] is True
    assert "stream_options" not in payload
