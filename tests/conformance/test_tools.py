"""Kinds of tools and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.front import PLAIN, ROUTER, serving
from tests.proxy.scripted import BODY

CLAUDE = {"base_url": ROUTER, "model": "anthropic/claude-sonnet-4.5"}
GPT = {"base_url": ROUTER, "model": "openai/gpt-5.1"}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "additionalProperties": False,
}
TOOL = {"name": "f", "description": "Does f.", "input_schema": SCHEMA}
OTHER = {**TOOL, "name": "g"}


async def payload_of(tools: list[Any], where: Any = GPT, **more: Any) -> tuple[dict[str, Any], str]:
    async with serving(**where) as front:
        status, told = await front.told({**BODY, "tools": tools, **more})
        assert status == 200, told
        return front.sent, front.losses


async def refusal_of(tools: list[Any], where: Any = GPT, **more: Any) -> str:
    async with serving(**where) as front:
        status, told = await front.told({**BODY, "tools": tools, **more})
        assert (status, told["error"]["type"]) == (400, "invalid_request_error")
        assert not front.upstream.asked
        return told["error"]["message"]


@pytest.mark.conformance("tools.custom")
@pytest.mark.parametrize("kind", [{}, {"type": "custom"}, {"type": None}])
async def test_a_custom_tool_is_a_function(kind: Any) -> None:
    payload, losses = await payload_of([{**TOOL, **kind}])
    function = payload["tools"][0]["function"]
    assert (function["name"], function["description"]) == ("f", "Does f.")
    assert function["parameters"]["properties"] == SCHEMA["properties"]
    assert losses == ""


@pytest.mark.conformance("tools.empty-list")
async def test_an_empty_list_of_tools_is_fine() -> None:
    payload, _ = await payload_of([], tool_choice={"type": "auto"})
    assert "tools" not in payload


@pytest.mark.conformance("tools.strict", "tools.strict-lost")
async def test_strictness_goes_up_or_is_a_named_loss() -> None:
    strict = {**TOOL, "input_schema": {**SCHEMA, "required": ["a"]}, "strict": True}
    payload, losses = await payload_of([strict], GPT)
    assert payload["tools"][0]["function"]["strict"] is True
    payload, losses = await payload_of([strict], {"base_url": PLAIN})
    assert "strict" not in payload["tools"][0]["function"]
    assert "tools.0.strict: left out" in losses


@pytest.mark.conformance("tools.input-examples")
async def test_examples_go_into_the_description() -> None:
    payload, _ = await payload_of([{**TOOL, "input_examples": [{"a": 7}]}])
    assert '{"a":7}' in payload["tools"][0]["function"]["description"]


@pytest.mark.conformance("tools.eager-streaming", "tools.allowed-callers")
async def test_settings_without_counterpart_are_named_losses() -> None:
    tool = {**TOOL, "eager_input_streaming": True, "allowed_callers": ["code_execution_20260120"]}
    _, losses = await payload_of([tool])
    assert "tools.0.eager_input_streaming: left out" in losses
    assert "tools.0.allowed_callers: " in losses


CLIENT_TOOLS: list[Any] = [
    ({"type": "bash_20250124", "name": "bash"}, {"command", "restart"}),
    ({"type": "text_editor_20250124", "name": "str_replace_editor"}, {"command", "path"}),
    ({"type": "text_editor_20250429", "name": "str_replace_based_edit_tool"}, {"command", "path"}),
    ({"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}, {"command", "path"}),
    ({"type": "memory_20250818", "name": "memory"}, {"command", "path"}),
    (
        {"type": "computer_20250124", "name": "computer", "display_width_px": 800, "display_height_px": 600},
        {"action", "coordinate"},
    ),
    (
        {"type": "computer_20251124", "name": "computer", "display_width_px": 800, "display_height_px": 600},
        {"action", "coordinate"},
    ),
]


@pytest.mark.conformance("tools.bash", "tools.text-editor", "tools.memory", "tools.computer")
@pytest.mark.parametrize(("tool", "expected"), CLIENT_TOOLS)
async def test_anthropics_client_tools_are_equivalent_functions(tool: Any, expected: set[str]) -> None:
    payload, losses = await payload_of([tool])
    function = payload["tools"][0]["function"]
    assert function["name"] == tool["name"]
    assert expected <= function["parameters"]["properties"].keys()
    assert "tools.0: declared as a plain function" in losses


@pytest.mark.conformance(
    "server-tools.code-execution",
    "server-tools.advisor",
    "tools.toolsets",
)
@pytest.mark.parametrize(
    "tool",
    [
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "advisor_20260301", "name": "advisor"},
        {"type": "mcp_toolset", "mcp_server_name": "x"},
        {"type": "computer_toolset_20260801"},
        {"type": "browser_toolset_20260801"},
        {"type": "made_up_20300101", "name": "x"},
    ],
)
async def test_what_only_anthropic_can_run_is_refused_with_advice(tool: Any) -> None:
    message = await refusal_of([TOOL, tool])
    assert message.startswith("tools.1: ")
    assert tool["type"] in message
    assert "Remove" in message


@pytest.mark.conformance("server-tools.web-search-unavailable", "server-tools.web-fetch")
@pytest.mark.parametrize(
    ("kind", "argument"), [("web_search_20250305", "query"), ("web_fetch_20250910", "url")]
)
async def test_an_upstream_without_a_web_of_its_own_gets_functions(kind: str, argument: str) -> None:
    tool = {"type": kind, "name": kind[:-9]}
    payload, losses = await payload_of([tool], where={"base_url": PLAIN})
    function = payload["tools"][0]["function"]
    assert (function["name"], function["parameters"]["required"]) == (kind[:-9], [argument])
    assert losses == ""


@pytest.mark.conformance("server-tools.web-search-limits")
async def test_limits_of_a_search_the_upstream_does_not_know_are_named_losses() -> None:
    tool = {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["e.org"]}
    _, losses = await payload_of([tool])
    assert "tools.0.allowed_domains: left out" in losses


@pytest.mark.conformance("tools.deferred", "tools.deferred-found")
async def test_deferred_tools_are_offered_once_they_were_found() -> None:
    deferred = {**OTHER, "defer_loading": True}
    payload, losses = await payload_of([TOOL, deferred])
    assert [each["function"]["name"] for each in payload["tools"]] == ["f"]
    assert "tools.1: not offered" in losses
    found = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "tool_reference", "tool_name": "g"}],
    }
    turns: Any = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
        {"role": "user", "content": [found]},
    ]
    payload, losses = await payload_of([TOOL, deferred], messages=turns)
    assert [each["function"]["name"] for each in payload["tools"]] == ["f", "g"]
    assert "defer_loading" not in str(payload)


@pytest.mark.conformance("server-tools.tool-search")
async def test_where_the_server_would_search_tools_all_are_offered() -> None:
    search = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    payload, losses = await payload_of([search, TOOL, {**OTHER, "defer_loading": True}])
    assert [each["function"]["name"] for each in payload["tools"]] == ["f", "g"]
    assert "all deferred tools are offered" in losses


@pytest.mark.conformance("tools.added-and-removed")
async def test_system_turns_add_and_remove_tools() -> None:
    removal = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "g"}}
    turns = [{"role": "user", "content": "go"}, {"role": "system", "content": [removal]}]
    payload, _ = await payload_of([TOOL, OTHER], messages=turns)
    assert [each["function"]["name"] for each in payload["tools"]] == ["f"]


@pytest.mark.conformance("choice.auto", "choice.any", "choice.none", "choice.tool")
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "g"}, {"type": "function", "function": {"name": "g"}}),
    ],
)
async def test_every_choice_is_told(choice: Any, expected: Any) -> None:
    payload, losses = await payload_of([TOOL, OTHER], tool_choice=choice)
    assert payload["tool_choice"] == expected
    assert losses == ""


@pytest.mark.conformance("choice.wished-for")
async def test_a_choice_the_upstream_cannot_force_is_a_named_loss() -> None:
    where = {"base_url": "https://api.moonshot.ai/v1", "model": "kimi-k2-0905"}
    payload, losses = await payload_of([TOOL], where, tool_choice={"type": "any"})
    assert payload["tool_choice"] == "auto"
    assert "tool_choice: only wished for" in losses


@pytest.mark.conformance("choice.any-without-tools", "choice.unknown-tool")
@pytest.mark.parametrize(
    ("tools", "choice", "text"),
    [
        ([], {"type": "any"}, "tool_choice.any may only be specified while providing tools"),
        ([TOOL], {"type": "tool", "name": "nope"}, "Tool 'nope' not found in provided tools"),
    ],
)
async def test_an_impossible_choice_is_refused_in_the_apis_words(tools: Any, choice: Any, text: str) -> None:
    assert await refusal_of(tools, tool_choice=choice) == text


@pytest.mark.conformance("choice.parallel-disabled")
async def test_parallel_calls_are_forbidden_where_the_upstream_knows_the_word() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    payload, _ = await payload_of([TOOL], tool_choice=choice)
    assert payload["parallel_tool_calls"] is False
    payload, losses = await payload_of(
        [TOOL], {"base_url": "https://api.deepseek.com", "model": "deepseek-v4"}, tool_choice=choice
    )
    assert "parallel_tool_calls" not in payload
    assert "only the first call is passed on" in losses


@pytest.mark.conformance("choice.forced-while-thinking")
async def test_thinking_gives_way_to_a_forced_choice_where_both_cannot_be() -> None:
    payload, losses = await payload_of(
        [TOOL], CLAUDE, tool_choice={"type": "any"}, thinking={"type": "adaptive"}
    )
    assert payload["reasoning"] == {"enabled": False}
    assert "thinking: turned off" in losses
