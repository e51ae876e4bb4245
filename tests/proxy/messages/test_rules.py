"""The rules of the API that a request's shape does not hold, each with the API's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.messages.cache_rules import caches_for_an_hour
from proxy.messages.errors import ClientError
from proxy.messages.request import parse_request
from proxy.messages.rules import INTERLEAVED, Terms, check_rules
from proxy.messages.tool_rules import check_closed

OLD, NEW = Terms(), Terms("2026-10-21")
EPHEMERAL: Any = {"type": "ephemeral"}
TOOL: Any = {"name": "f", "input_schema": {"type": "object"}}
CLOSED: Any = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
CALL: Any = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT: Any = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}
BUDGET: Any = {"type": "enabled", "budget_tokens": 2048}
PDF: Any = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}}
CITED: Any = {"type": "text", "text": "x", "citations": [{"type": "char_location"}]}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 4096, "messages": [{"role": "user", "content": "hi"}], **fields}


def turns(*blocks: Any, role: str = "user", before: tuple[Any, ...] = ()) -> dict[str, Any]:
    return body(messages=[*before, {"role": role, "content": [*blocks]}])


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **more}


def marked(count: int, **more: Any) -> dict[str, Any]:
    return turns(*(text("x", cache_control=EPHEMERAL) for _ in range(count)), **more)


USER: Any = {"role": "user", "content": "go"}
FORCED: Any = {"type": "any"}

LAWFUL = [
    (body(), OLD),
    (body(system="x", tools=[TOOL], tool_choice=FORCED, stop_sequences=["END"]), OLD),
    (body(system=[text("x", cache_control=EPHEMERAL)], temperature=1, top_p=0.5, top_k=4), OLD),
    (body(thinking=BUDGET, temperature=1, top_p=0.95), OLD),
    (body(temperature=0.25, top_p=0.5, top_k=4), NEW),
    (body(thinking={"type": "adaptive", "display": "updates"}, tools=[TOOL], tool_choice=FORCED), NEW),
    (body(thinking={**BUDGET, "budget_tokens": 9000}), Terms(betas=frozenset({INTERLEAVED}))),
    (body(thinking={**BUDGET, "budget_tokens": 9000}), Terms(is_count=True)),
    (body(output_config={"effort": "max", "format": {"type": "json_schema", "schema": CLOSED}}), OLD),
    (body(output_config={"effort": None}, service_tier="standard_only", speed="fast"), OLD),
    (body(mcp_servers=[{"type": "url"}]), OLD),
    (body(messages=[USER, {"role": "system", "content": ""}]), OLD),
    (body(messages=[USER, {"role": "assistant", "content": ""}]), OLD),
    (body(messages=[USER, {"role": "assistant", "content": "begun"}]), OLD),
    (turns(RESULT, text("and"), before=(USER, {"role": "assistant", "content": [CALL]})), OLD),
    (turns(PDF, role="assistant", before=(USER,)), OLD),
    (turns(PDF, CITED), OLD),
    (turns({"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}}), OLD),
    (marked(4), OLD),
    (turns({"type": "redacted_thinking", "data": "x"}, text("ok"), role="assistant", before=(USER,)), OLD),
    (marked(3, role="user") | {"cache_control": EPHEMERAL}, OLD),
    (body(tools=[TOOL, {**TOOL, "name": "g", "defer_loading": True}, {"type": "web_search_20250305"}]), OLD),
    (body(tools=[{**TOOL, "strict": True, "input_schema": CLOSED}]), OLD),
]


@pytest.mark.parametrize(("request_body", "terms"), LAWFUL)
def test_a_lawful_request_passes(request_body: Any, terms: Terms) -> None:
    check_rules(parse_request(request_body), terms)


def image(kind: str, **source: Any) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": kind, **source}}


def tool(**more: Any) -> dict[str, Any]:
    return body(tools=[{**TOOL, **more}])


KINDS = "'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
OPEN = "For 'object' type, 'additionalProperties' must be explicitly set to false"
NOT_EMPTY = "all messages must have non-empty content except for the optional final assistant message"
PATTERN = "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
ORDER = (
    "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are "
    "processed in the following order: `tools`, `system`, `messages`."
)
HOUR: Any = {"type": "ephemeral", "ttl": "1h"}

UNLAWFUL: list[tuple[Any, Terms, str]] = [
    (body(system=[text("")]), OLD, "system: text content blocks must be non-empty"),
    (
        body(system=[text("", cache_control=EPHEMERAL)]),
        OLD,
        "system.0.text: cache_control cannot be set for empty text blocks",
    ),
    (
        body(system=[image("image/png", data="x")]),
        OLD,
        "system.0: Input tag 'image' does not match any of the expected tags: 'text'",
    ),
    (turns(text("")), OLD, "messages: text content blocks must be non-empty"),
    (turns(text(" \n")), OLD, "messages: text content blocks must contain non-whitespace text"),
    (
        turns(text("", cache_control=EPHEMERAL)),
        OLD,
        "messages.0.content.0.text: cache_control cannot be set for empty text blocks",
    ),
    (
        body(messages=[{"role": "user", "content": " "}]),
        OLD,
        "messages: text content blocks must contain non-whitespace text",
    ),
    (body(messages=[{"role": "user", "content": ""}]), OLD, f"messages.0: {NOT_EMPTY}"),
    (body(messages=[USER, {"role": "assistant", "content": []}, USER]), OLD, f"messages.1: {NOT_EMPTY}"),
    (
        body(messages=[USER, {"role": "assistant", "content": "begun "}]),
        OLD,
        "messages: final assistant content cannot end with trailing whitespace",
    ),
    (body(service_tier="odd"), OLD, "service_tier: Input should be 'auto' or 'standard_only'"),
    (body(speed="odd"), OLD, "speed: Input should be 'standard' or 'fast'"),
    (
        body(mcp_servers=[{"type": "url"}]),
        Terms(is_count=True),
        "mcp_servers: Extra inputs are not permitted",
    ),
    (body(stop_sequences=[" "]), OLD, "stop_sequences: each stop sequence must contain non-whitespace"),
    (
        body(thinking={"type": "maybe"}),
        OLD,
        (
            "thinking: Input tag 'maybe' found using 'type' does not match any of the expected tags: "
            "'adaptive', 'between_tools', 'disabled', 'enabled'"
        ),
    ),
    (body(thinking={"type": "enabled"}), OLD, "thinking.enabled.budget_tokens: Field required"),
    (
        body(thinking={**BUDGET, "budget_tokens": 1000}),
        OLD,
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        body(thinking={**BUDGET, "budget_tokens": 4096}),
        OLD,
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
    (
        body(thinking=BUDGET, tools=[TOOL], tool_choice=FORCED),
        OLD,
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        body(thinking=BUDGET, temperature=0.5),
        OLD,
        "`temperature` may only be set to 1 when thinking is enabled.",
    ),
    (body(thinking=BUDGET, top_k=5), OLD, "`top_k` must be unset when thinking is enabled."),
    (
        body(thinking=BUDGET, top_p=0.9),
        OLD,
        "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
    ),
    (body(temperature=1.5), NEW, "temperature: Input should be less than or equal to 1"),
    (body(temperature=1.5), OLD, "temperature: Input should be less than or equal to 1"),
    (body(top_p=-0.1), OLD, "top_p: Input should be greater than or equal to 0"),
    (
        body(output_config={"effort": "huge"}),
        OLD,
        "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
    ),
    (
        body(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}),
        OLD,
        f"output_config.format.schema: {OPEN}",
    ),
    (tool(name="a.b"), OLD, f"tools.0.custom.name: {PATTERN}"),
    (tool(name="x" * 129), OLD, f"tools.0.custom.name: {PATTERN}"),
    (tool(name=None), OLD, "tools.0.custom.name: Field required"),
    (tool(input_schema=None), OLD, "tools.0.custom.input_schema: Field required"),
    (tool(input_schema={}), OLD, "tools.0.custom.input_schema.type: Field required"),
    (tool(input_schema={"type": "array"}), OLD, "tools.0.custom.input_schema.type: Input should be 'object'"),
    (tool(strict=True), OLD, f"tools.0.custom: {OPEN}"),
    (body(tools=[TOOL, TOOL]), OLD, "tools: Tool names must be unique."),
    (
        body(tools=[{**TOOL, "defer_loading": True}]),
        OLD,
        "All tools have defer_loading set. At least one tool must be non-deferred.",
    ),
    (
        body(tools=[TOOL, {**TOOL, "name": "g", "defer_loading": True, "cache_control": EPHEMERAL}]),
        OLD,
        "Tools with defer_loading cannot use prompt caching",
    ),
    (
        turns(RESULT, role="assistant", before=(USER,)),
        OLD,
        "messages.1.content.0: `tool_result` blocks can only be in `user` messages",
    ),
    (turns(CALL), OLD, "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages"),
    (
        turns({**CALL, "id": "a b"}, role="assistant", before=(USER,)),
        OLD,
        "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
    (
        turns(text("first"), RESULT, before=(USER, {"role": "assistant", "content": [CALL]})),
        OLD,
        (
            "messages.2: `tool_result` blocks must come first in the content of a message, before any other "
            "block."
        ),
    ),
    (
        turns(image("image/bmp", data="x")),
        OLD,
        f"messages.0.content.0.image.source.base64.media_type: Input should be {KINDS}",
    ),
    (
        turns({**RESULT, "content": [image("image/bmp", data="x")]}),
        OLD,
        f"messages.0.content.0.tool_result.content.0.image.source.base64.media_type: Input should be {KINDS}",
    ),
    (turns(image("image/png")), OLD, "messages.0.content.0.image.source.base64.data: Field required"),
    (
        turns({**PDF, "source": {**PDF["source"], "media_type": "text/plain"}}),
        OLD,
        "messages.0.content.0.document.source.base64.media_type: Input should be 'application/pdf'",
    ),
    (
        turns(PDF, role="assistant", before=(USER,)),
        NEW,
        "messages.1.content.0: `document` blocks are not permitted in `assistant` messages",
    ),
    (
        turns(CITED),
        NEW,
        "messages.0.content.0.text.citations: citations are not permitted in `user` messages",
    ),
    (marked(5), OLD, "A maximum of 4 blocks with cache_control may be provided. Found 5."),
    (
        marked(4) | {"cache_control": EPHEMERAL},
        OLD,
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        turns({**RESULT, "content": [text("x", cache_control=EPHEMERAL)] * 5}),
        OLD,
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        turns(text("x", cache_control={"type": "for ever"})),
        OLD,
        "messages.0.content.0.cache_control: Input tag should be 'ephemeral'",
    ),
    (
        turns(text("x", cache_control={**EPHEMERAL, "ttl": "2h"})),
        OLD,
        "messages.0.content.0.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
    ),
    (
        body(tools=[{**TOOL, "cache_control": EPHEMERAL}], system=[text("x", cache_control=HOUR)]),
        OLD,
        f"system.0.cache_control.ttl: {ORDER}",
    ),
    (
        turns(
            {"type": "thinking", "thinking": "x", "signature": "y", "cache_control": EPHEMERAL},
            role="assistant",
        ),
        OLD,
        "messages.0.content.0.thinking.cache_control: Extra inputs are not permitted",
    ),
]


@pytest.mark.parametrize(("request_body", "terms", "words"), UNLAWFUL)
def test_a_breach_is_refused_in_the_words_of_the_api(request_body: Any, terms: Terms, words: str) -> None:
    with pytest.raises(ClientError) as caught:
        check_rules(parse_request(request_body), terms)
    assert (caught.value.message, caught.value.status) == (words, 400)


@pytest.mark.parametrize("key", ["items", "anyOf", "$defs"])
def test_an_open_object_is_found_at_any_depth(key: str) -> None:
    opened: Any = {"type": "object"}
    inside = {"name": opened} if key == "$defs" else [opened] if key == "anyOf" else opened
    schema = {**CLOSED, "properties": {"a": {"type": "array", key: inside}}}
    with pytest.raises(ClientError, match=r"^s\.properties\.a"):
        check_closed(schema, "s")


def test_a_schema_that_holds_itself_is_looked_at_to_a_limit() -> None:
    schema: Any = dict(CLOSED)
    schema["items"] = schema
    check_closed(schema, "s")
    check_closed(True, "s")


def test_every_recorded_request_keeps_the_rules(shared_data: Path) -> None:
    seen = 0
    for path in sorted((shared_data / "recordings").glob("anthropic-*.json")):
        asked = json.loads(path.read_text(encoding="utf-8"))["request"]["body"]
        if asked and "max_tokens" in asked:
            seen += 1
            check_rules(parse_request(asked), OLD)
    assert seen >= 30


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        (body(), False),
        (body(system=[text("x", cache_control=EPHEMERAL)]), False),
        (body(system=[text("x", cache_control=HOUR), text("y", cache_control=EPHEMERAL)]), True),
        (body(cache_control=HOUR), True),
        (body(cache_control=EPHEMERAL), False),
    ],
)
def test_it_is_known_whether_a_cache_shall_be_kept_for_an_hour(request_body: Any, *, expected: bool) -> None:
    assert caches_for_an_hour(parse_request(request_body)) is expected
