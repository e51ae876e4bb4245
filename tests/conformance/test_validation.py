"""Breaches of the API's rules, end to end: refused before an upstream is asked, in the API's words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.front import serving
from tests.conformance.test_passthrough import NATIVE, RICH, native
from tests.proxy.scripted import BODY

HINT: Any = {"type": "ephemeral"}
TOOL: Any = {"name": "f", "input_schema": {"type": "object"}}
USER: Any = {"role": "user", "content": "go"}
CALL: Any = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT: Any = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}
BUDGET: Any = {"type": "enabled", "budget_tokens": 1024}

NOT_EMPTY = "all messages must have non-empty content except for the optional final assistant message"
OPEN = "For 'object' type, 'additionalProperties' must be explicitly set to false"


def user(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [*blocks]}]}


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **more}


BREACHES: list[tuple[Any, str]] = [
    (user(text("")), "messages: text content blocks must be non-empty"),
    (user(text("  ")), "messages: text content blocks must contain non-whitespace text"),
    ({"system": [text("")]}, "system: text content blocks must be non-empty"),
    (
        user(text("", cache_control=HINT)),
        "messages.0.content.0.text: cache_control cannot be set for empty text blocks",
    ),
    (
        {"messages": [{"role": "user", "content": ""}]},
        f"messages.0: {NOT_EMPTY}",
    ),
    (
        {"messages": [USER, {"role": "assistant", "content": "begun "}]},
        "messages: final assistant content cannot end with trailing whitespace",
    ),
    (
        user(*(text("x", cache_control=HINT) for _ in range(5))),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        user(text("x", cache_control={**HINT, "ttl": "2h"})),
        "messages.0.content.0.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
    ),
    (
        {"tools": [{**TOOL, "name": "a.b"}]},
        "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    ),
    ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
    ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
    (
        {"tools": [{**TOOL, "strict": True}]},
        f"tools.0.custom: {OPEN}",
    ),
    (
        {"tools": [{**TOOL, "defer_loading": True}]},
        "All tools have defer_loading set. At least one tool must be non-deferred.",
    ),
    (
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        f"output_config.format.schema: {OPEN}",
    ),
    (
        {"output_config": {"effort": "huge"}},
        "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
    ),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 10}},
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        {"thinking": BUDGET, "max_tokens": 1024},
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
    (
        {"thinking": BUDGET, "max_tokens": 4096, "tools": [TOOL], "tool_choice": {"type": "any"}},
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        {"thinking": BUDGET, "max_tokens": 4096, "temperature": 0.5},
        "`temperature` may only be set to 1 when thinking is enabled.",
    ),
    ({"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
    ({"service_tier": "odd"}, "service_tier: Input should be 'auto' or 'standard_only'"),
    ({"speed": "odd"}, "speed: Input should be 'standard' or 'fast'"),
    ({"stop_sequences": [" "]}, "stop_sequences: each stop sequence must contain non-whitespace"),
    (
        user({"type": "image", "source": {"type": "base64", "media_type": "image/bmp", "data": "x"}}),
        (
            "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', "
            "'image/gif' or 'image/webp'"
        ),
    ),
    (
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [CALL]},
                {"role": "user", "content": [text("first"), RESULT]},
            ]
        },
        (
            "messages.2: `tool_result` blocks must come first in the content of a message, before any other "
            "block."
        ),
    ),
]


@pytest.mark.conformance(
    "validation.empty-text",
    "validation.blank-text",
    "validation.empty-message",
    "validation.prefill-whitespace",
    "validation.breakpoints",
    "validation.cache-ttl",
    "validation.tool-name",
    "validation.tool-names-unique",
    "validation.tool-schema",
    "validation.closed-schemas",
    "validation.all-deferred",
    "validation.effort",
    "validation.thinking-budget",
    "validation.forced-while-thinking",
    "validation.sampling-while-thinking",
    "validation.sampling-range",
    "validation.stop-sequences",
    "validation.service-tier",
    "validation.media-types",
    "validation.results-first",
)
@pytest.mark.parametrize(("fields", "words"), BREACHES)
async def test_a_breach_is_refused_in_the_apis_words(fields: Any, words: str) -> None:
    async with serving() as front:
        status, told = await front.told({**BODY, **fields})
        assert not front.upstream.asked
    assert (status, told["error"]) == (400, {"type": "invalid_request_error", "message": words})


@pytest.mark.conformance("versions.documents", "versions.citations")
@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        (
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "content": [
                            {
                                "type": "document",
                                "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                            }
                        ],
                    },
                    USER,
                ]
            },
            "messages.1.content.0: ",
        ),
        (user(text("x", citations=[{"type": "char_location"}])), "messages.0.content.0.text.citations: "),
    ],
)
async def test_the_newer_version_refuses_what_it_dropped_and_the_older_takes_it(
    fields: Any, begins: str
) -> None:
    async with serving() as front:
        status, told = await front.told({**BODY, **fields}, **{"anthropic-version": "2026-10-21"})
        assert (status, told["error"]["type"]) == (400, "invalid_request_error")
        assert told["error"]["message"].startswith(begins)
        status, _ = await front.told({**BODY, **fields}, **{"anthropic-version": "2023-06-01"})
        assert status == 200


@pytest.mark.conformance("versions.sampling")
@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
async def test_sampling_is_taken_under_either_version_for_an_upstream_that_knows_it(version: str) -> None:
    async with serving() as front:
        status, _ = await front.told({**BODY, "temperature": 0.25}, **{"anthropic-version": version})
        assert front.sent["temperature"] == 0.25
    assert status == 200


@pytest.mark.conformance("validation.interleaved-budget")
async def test_with_interleaved_thinking_a_budget_may_be_larger_than_max_tokens() -> None:
    async with serving() as front:
        body = {**BODY, "thinking": {**BUDGET, "budget_tokens": 31999}}
        status, _ = await front.told(body, **{"anthropic-beta": "interleaved-thinking-2025-05-14"})
    assert status == 200


@pytest.mark.conformance("validation.count")
async def test_counting_knows_the_rules_but_no_max_tokens() -> None:
    async with serving() as front:
        body: Any = {"model": "big", "messages": [USER], "thinking": {**BUDGET, "budget_tokens": 31999}}
        status, _ = await front.told(body, "/v1/messages/count_tokens")
        assert status == 200
        status, told = await front.told({**body, "mcp_servers": [{}]}, "/v1/messages/count_tokens")
        assert (status, told["error"]["message"]) == (400, "mcp_servers: Extra inputs are not permitted")
        status, told = await front.told({**body, **user(text(""))}, "/v1/messages/count_tokens")
    assert (status, told["error"]["message"]) == (400, "messages: text content blocks must be non-empty")


@pytest.mark.conformance("passthrough.judges-itself")
async def test_an_upstream_of_this_protocol_judges_for_itself() -> None:
    async with serving(native(*RICH), **NATIVE) as front:
        status, _ = await front.told({**BODY, "temperature": 1.5, **user(text(""))})
        assert status == 200
        assert front.sent["temperature"] == 1.5
