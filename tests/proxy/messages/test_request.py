"""Reading a client's request."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.request import (
    DocumentParam,
    ImageParam,
    OtherBlock,
    RedactedThinkingParam,
    TextParam,
    ThinkingParam,
    ToolResultParam,
    ToolUseParam,
    parse_request,
)


def body(content: Any = "hi", **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": content}], **more}


def test_every_kind_of_block_is_known_and_unknown_ones_survive() -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "text", "text": "a"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": {"type": "text", "data": "x"}},
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "content": [{"type": "tool_reference", "tool_name": "x"}],
        },
        {"type": "container_upload", "file_id": "file_1"},
    ]
    kinds = [type(block) for block in parse_request(body(blocks)).messages[0].blocks()]
    assert kinds == [
        TextParam,
        ImageParam,
        DocumentParam,
        ThinkingParam,
        RedactedThinkingParam,
        ToolUseParam,
        ToolResultParam,
        OtherBlock,
    ]


def test_unknown_fields_survive_at_every_level() -> None:
    sent = body(
        [{"type": "text", "text": "a", "new": 1}, {"type": "later", "x": {"y": 2}}],
        tools=[{"name": "f", "input_schema": {"type": "object"}, "eager_input_streaming": True}],
        later_field={"a": 1},
    )
    assert parse_request(sent).model_dump(exclude_unset=True) == sent


def test_a_string_is_one_text_block_and_an_empty_one_is_none() -> None:
    assert parse_request(body("hi")).messages[0].blocks() == [TextParam(type="text", text="hi")]
    assert parse_request(body("")).messages[0].blocks() == []


def test_the_system_prompt_is_given_as_blocks() -> None:
    assert parse_request(body()).system_blocks() == []
    assert parse_request(body(system="")).system_blocks() == []
    assert parse_request(body(system="be kind")).system_blocks() == [TextParam(type="text", text="be kind")]
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": ""}, {"type": "later"}]
    assert parse_request(body(system=blocks)).system_blocks() == [TextParam(type="text", text="a")]


def test_a_system_message_in_mid_conversation_may_have_no_content() -> None:
    sent: dict[str, Any] = {
        **body(),
        "messages": [{"role": "user", "content": "a"}, {"role": "system", "output_config": {}}],
    }
    assert parse_request(sent).messages[1].blocks() == []


def test_a_tool_without_type_or_of_type_custom_is_the_clients_own() -> None:
    tools = [{"name": "a"}, {"name": "b", "type": "custom"}, {"name": "bash", "type": "bash_20250124"}]
    assert [tool.is_custom for tool in parse_request(body(tools=tools)).tools or []] == [True, True, False]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ([], "must be a JSON object"),
        ({"model": "m", "messages": []}, "max_tokens: Field required"),
        ({"model": "m", "max_tokens": 1, "messages": []}, "messages: at least one message is required"),
        (
            {"model": "m", "max_tokens": 1, "messages": [{"role": "user"}]},
            "messages.0.content: Field required",
        ),
        ({"model": "", "max_tokens": 1, "messages": []}, "model: String should have at least 1 character"),
        (body([{"type": "text"}]), "messages.0.content.0.text.text: Field required"),
        (body(5), "messages.0.content: Input should be a valid list"),
        (body([5]), "messages.0.content.0: Input should be a valid dictionary"),
        (
            {"model": "m", "max_tokens": 1, "messages": [{"role": "bob", "content": "a"}]},
            "messages.0.role: Input",
        ),
    ],
)
def test_what_is_wrong_is_named_as_the_real_api_names_it(sent: Any, message: str) -> None:
    with pytest.raises(ClientError) as caught:
        parse_request(sent)
    assert message in caught.value.message
    assert (caught.value.type, caught.value.status) == (ErrorType.INVALID_REQUEST, 400)
