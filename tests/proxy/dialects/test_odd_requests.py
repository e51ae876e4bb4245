"""Requests with odd values inside what the request model leaves open: sent on or refused, never a crash."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.dialects.anthropic_messages import AnthropicMessagesDialect
from proxy.messages.errors import ClientError
from proxy.messages.message import JsonObject
from tests.proxy.dialects.chat import (
    WEATHER,
    asked,
    assistant,
    call,
    encode,
    lost,
    messages_of,
    result,
    target,
    text,
    user,
)


def document(content: Any) -> JsonObject:
    return {"type": "document", "source": {"type": "content", "content": content}}


def formed(schema: Any) -> JsonObject:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


CLOSED: JsonObject = {"type": "object", "additionalProperties": False}
FINE: list[tuple[list[JsonObject], JsonObject]] = [
    ([user(document([{"type": "text"}]))], {}),
    ([user(document(7))], {}),
    ([user(document([7, {"type": "image", "source": 7}]))], {}),
    ([user({"type": "search_result", "content": 7, "cache_control": 7})], {}),
    (
        [
            user("a"),
            assistant({"type": "server_tool_use"}, {"type": "web_search_tool_result", "content": 7}),
            user("b"),
        ],
        {},
    ),
    (
        [
            user("a"),
            {
                "role": "system",
                "content": [{"type": "tool_addition", "tool": 7}],
                "output_config": {"effort": 7},
            },
        ],
        {},
    ),
    ([user("a"), assistant(call("a")), user(result("a", [{"type": "tool_reference", "tool_name": 7}]))], {}),
    ([], {"tools": [{**WEATHER, "input_examples": 7, "allowed_callers": 7}]}),
    ([], formed({**CLOSED, "required": 7, "properties": 7})),
    ([], formed({**CLOSED, "required": [[]], "properties": {}})),
    ([], {"thinking": {"type": "enabled", "budget_tokens": -5}}),
    ([], {"metadata": {"user_id": 7}, "speed": [1], "cache_control": 7, "safeguards": 7}),
]
REFUSED: list[tuple[JsonObject, str]] = [
    ({"output_format": 7}, "output_config.format: a json_schema with a schema is expected"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.custom.name: Field required"),
    ({"tools": [{"type": "bash_20250124"}]}, "tools.0.bash_20250124.name: Field required"),
    ({"tools": [WEATHER, WEATHER]}, "tools: Tool names must be unique."),
]
MODELS = [target(), target("google/gemini-2.5-flash"), target("x", "http://127.0.0.1:9/v1")]


@pytest.mark.parametrize(("turns", "fields"), FINE)
def test_odd_values_are_sent_on_or_left_out(turns: list[JsonObject], fields: JsonObject) -> None:
    request = asked(*turns, **fields)
    for to in MODELS:
        assert encode(request, to).payload["messages"]
    assert AnthropicMessagesDialect().encode_request(request, target()).payload["messages"]


@pytest.mark.parametrize(("fields", "message"), REFUSED)
def test_what_the_real_api_refuses_is_refused_in_its_words(fields: JsonObject, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        encode(asked(**fields))
    assert caught.value.message == message


def test_what_is_neither_text_nor_picture_in_a_document_is_a_loss() -> None:
    request = asked(user(document([text("a"), {"type": "odd"}])))
    assert messages_of(request)[0]["content"] == "a"
    assert lost(encode(request)) == ["messages.0.content.0.source.content.1"]


def test_a_schema_that_unfolds_too_deeply_is_refused() -> None:
    schema: JsonObject = {"$ref": "#"}
    for _ in range(110):
        schema = {"type": "object", "properties": {"a": schema}}
    with pytest.raises(ClientError, match="nested too deeply"):
        encode(asked(tools=[{**WEATHER, "input_schema": schema}]), target("google/gemini-2.5-flash"))
