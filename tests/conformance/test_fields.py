"""Every field of a request: where it goes at a chat upstream, or that its loss is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.front import PLAIN, ROUTER, said, serving

GPT = {"base_url": ROUTER, "model": "openai/gpt-5.1"}
CLAUDE = {"base_url": ROUTER, "model": "anthropic/claude-sonnet-4.5"}
OLD_CLAUDE = {"base_url": ROUTER, "model": "anthropic/claude-sonnet-4"}
LLAMA = {"base_url": ROUTER, "model": "meta-llama/llama-4"}
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}


async def sent(fields: dict[str, Any], **where: Any) -> tuple[dict[str, Any], str]:
    """What the upstream is asked for a request with these fields, and what was lost."""
    async with serving(said(ANSWER), **where) as front:
        status, told = await front.told({"model": "big", "max_tokens": 4096, "messages": TURNS, **fields})
        assert status == 200, told
        return front.sent, front.losses


ANSWER = '{"a": 1}'
"""Valid against the schema, so that nothing has to be asked again."""
TURNS = [{"role": "user", "content": "hi"}]


@pytest.mark.conformance("fields.model")
async def test_the_alias_becomes_the_upstreams_name() -> None:
    payload, _ = await sent({}, model="vendor/model-1")
    assert payload["model"] == "vendor/model-1"


@pytest.mark.conformance("fields.max-tokens")
async def test_max_tokens_goes_up_within_the_models_limit() -> None:
    assert (await sent({}))[0]["max_tokens"] == 4096
    payload, losses = await sent({"max_tokens": 128000}, **OLD_CLAUDE)
    assert payload["max_tokens"] == 64000
    assert "max_tokens: 64000 instead of 128000" in losses


@pytest.mark.conformance("fields.max-tokens-zero")
async def test_no_tokens_with_a_cache_to_fill_is_an_empty_answer() -> None:
    cached = [{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]
    async with serving() as front:
        status, told = await front.told(
            {"model": "big", "max_tokens": 0, "messages": TURNS, "system": cached}
        )
        assert (status, told["content"], told["stop_reason"]) == (200, [], "max_tokens")
        status, told = await front.told({"model": "big", "max_tokens": 0, "messages": TURNS})
        assert (status, told["error"]["type"]) == (400, "invalid_request_error")
        assert not front.upstream.asked


@pytest.mark.conformance("fields.system")
@pytest.mark.parametrize("system", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
async def test_the_system_prompt_comes_first(system: Any) -> None:
    payload, _ = await sent({"system": system})
    assert payload["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]


@pytest.mark.conformance("fields.system-billing-line")
async def test_the_line_that_changes_with_every_request_stays_out_of_the_prefix() -> None:
    line = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330.abc;"}
    payload, losses = await sent({"system": [line, {"type": "text", "text": "Be brief."}]})
    assert payload["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "system.0: left out" in losses


@pytest.mark.conformance("fields.stop-sequences", "fields.stop-sequences-beyond-four", "answer.stop-sequence")
async def test_four_stop_sequences_go_up_and_the_others_are_kept_here() -> None:
    stops = ["A1", "B2", "C3", "D4", "E5"]
    async with serving(said("one E", "5 two")) as front:
        message = await front.create(stop_sequences=stops)
        assert front.sent["stop"] == stops[:4]
        assert "watched for here" in front.losses
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "E5")
    assert message.content[0].text == "one "


@pytest.mark.conformance("fields.sampling", "fields.sampling-lost")
async def test_sampling_goes_up_where_the_model_takes_it() -> None:
    fields = {"temperature": 0.5, "top_p": 0.9, "top_k": 7}
    payload, losses = await sent(fields, **OLD_CLAUDE)
    assert {name: payload[name] for name in fields} == fields
    payload, losses = await sent(fields, **GPT)
    assert not fields.keys() & payload.keys()
    assert all(f"{name}: left out" in losses for name in fields)


@pytest.mark.conformance("fields.metadata")
async def test_the_user_is_passed_on_hashed_and_the_session_kept() -> None:
    user = json.dumps({"device_id": "dev-1", "account_uuid": "", "session_id": "0b6e-11"})
    payload, _ = await sent({"metadata": {"user_id": user}}, **GPT)
    assert payload["session_id"] == "0b6e-11"
    assert "dev-1" not in json.dumps(payload)
    assert payload["user"]


@pytest.mark.conformance("fields.service-tier", "fields.speed")
async def test_service_tiers_go_up_where_there_are_any() -> None:
    assert (await sent({"service_tier": "standard_only"}, **GPT))[0]["service_tier"] == "default"
    assert (await sent({"speed": "fast"}, **GPT))[0]["service_tier"] == "priority"
    payload, losses = await sent({"speed": "fast"}, base_url=PLAIN)
    assert "service_tier" not in payload
    assert "speed: left out" in losses


@pytest.mark.conformance("fields.stream")
async def test_a_whole_answer_is_streamed_from_the_upstream_all_the_same() -> None:
    payload, _ = await sent({"stream": False})
    assert (payload["stream"], payload["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.conformance("caching.passed-on", "caching.automatic")
async def test_cache_hints_go_where_they_are_understood() -> None:
    hint = {"type": "ephemeral", "ttl": "1h"}
    block = {"type": "text", "text": "long", "cache_control": hint}
    tool = {"name": "f", "input_schema": {"type": "object"}, "cache_control": hint}
    fields = {
        "system": [block],
        "tools": [tool],
        "messages": [{"role": "user", "content": [block]}],
        "cache_control": {"type": "ephemeral"},
    }
    payload, losses = await sent(fields, **CLAUDE)
    assert [each["content"][0]["cache_control"] for each in payload["messages"]] == [hint, hint]
    assert payload["tools"][0]["cache_control"] == hint
    assert payload["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in losses


@pytest.mark.conformance("caching.lost")
async def test_cache_hints_nobody_takes_are_named() -> None:
    block = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    payload, losses = await sent({"system": [block], "cache_control": {"type": "ephemeral"}}, base_url=PLAIN)
    assert "cache_control" not in json.dumps(payload)
    assert "system.0.cache_control: left out" in losses
    assert "\ncache_control: left out" in losses


@pytest.mark.conformance("caching.stable-prefix")
async def test_a_hint_that_moves_on_leaves_the_prefix_as_it_was() -> None:
    hint = {"type": "ephemeral"}
    asked: Any = {
        "role": "user",
        "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
    }
    hinted: Any = {
        "role": "user",
        "content": [asked["content"][0], {**asked["content"][1], "cache_control": hint}],
    }
    answer = {"role": "assistant", "content": "ok"}
    first, _ = await sent({"messages": [hinted]}, **CLAUDE)
    second, _ = await sent({"messages": [asked, answer, {"role": "user", "content": "go on"}]}, **CLAUDE)

    def texts(message: dict[str, Any]) -> list[str]:
        return [part["text"] for part in message["content"]]

    assert texts(first["messages"][0]) == texts(second["messages"][0]) == ["one", "two"]


@pytest.mark.conformance(
    "fields.context-management",
    "fields.diagnostics",
    "fields.inference-geo",
    "fields.fallbacks",
    "fields.billing",
    "safeguards.accepted",
)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("context_management", {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}),
        ("diagnostics", {"previous_message_id": "msg_1"}),
        ("inference_geo", "us"),
        ("fallbacks", "default"),
        ("billing_policy", {"type": "x"}),
        ("fallback_credit_token", "t"),
        ("safeguards", [{"type": "dangerous_tool_use", "classifier_context": {"a": 1}}]),
    ],
)
async def test_what_has_no_counterpart_and_does_no_harm_is_a_named_loss(name: str, value: Any) -> None:
    payload, losses = await sent({name: value})
    assert name not in payload
    assert f"{name}: left out" in losses


@pytest.mark.conformance("fields.unknown-named")
async def test_a_field_nobody_knows_is_a_named_loss() -> None:
    payload, losses = await sent({"made_up": 1})
    assert "made_up" not in payload
    assert "made_up: left out" in losses


@pytest.mark.conformance("fields.container", "fields.mcp-servers-anywhere", "fields.compaction")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("container", "container_1"),
        ("mcp_servers", [{"type": "url", "url": "https://example.com", "name": "x"}]),
        ("compaction", {"type": "summarize"}),
    ],
)
async def test_what_would_change_the_answer_is_refused_with_advice(name: str, value: Any) -> None:
    async with serving() as front:
        status, told = await front.told({"model": "big", "max_tokens": 9, "messages": TURNS, name: value})
    assert (status, told["error"]["type"]) == (400, "invalid_request_error")
    assert told["error"]["message"].startswith(f"{name}: ")
    assert not front.upstream.asked


@pytest.mark.conformance(
    "thinking.adaptive", "thinking.enabled", "thinking.disabled", "thinking.between-tools"
)
@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({"type": "adaptive"}, {"enabled": True}),
        ({"type": "enabled", "budget_tokens": 2048}, {"max_tokens": 2048}),
        ({"type": "disabled"}, {"enabled": False}),
        ({"type": "between_tools"}, {"enabled": False}),
    ],
)
async def test_every_form_of_thinking_is_told(thinking: Any, expected: Any) -> None:
    payload, losses = await sent({"thinking": thinking}, **CLAUDE)
    assert payload["reasoning"] == expected
    assert "thinking" not in losses


@pytest.mark.conformance("thinking.lost")
async def test_thinking_a_model_does_not_do_is_a_named_loss() -> None:
    payload, losses = await sent({"thinking": {"type": "adaptive"}}, **LLAMA)
    assert not {"reasoning", "reasoning_effort", "thinking"} & payload.keys()
    assert "thinking: left out" in losses


@pytest.mark.conformance("effort.levels", "effort.nearest")
@pytest.mark.parametrize(
    ("effort", "where", "expected"),
    [
        ("low", GPT, "low"),
        ("high", GPT, "high"),
        ("xhigh", GPT, "xhigh"),
        ("max", GPT, "xhigh"),
        ("max", CLAUDE, "max"),
    ],
)
async def test_every_effort_is_told_or_the_nearest_one(effort: str, where: Any, expected: str) -> None:
    fields = {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    payload, losses = await sent(fields, **where)
    assert payload["reasoning"]["effort"] == expected
    assert ("instead of max" in losses) == (effort != expected)


@pytest.mark.conformance("effort.per-turn")
async def test_the_effort_of_a_system_turn_counts() -> None:
    turns = [*TURNS, {"role": "system", "content": "", "output_config": {"effort": "low"}}]
    fields = {"messages": turns, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
    payload, _ = await sent(fields, **GPT)
    assert payload["reasoning"]["effort"] == "low"


@pytest.mark.conformance("format.json-schema", "format.old-name")
@pytest.mark.parametrize("old", [False, True])
async def test_structured_output_goes_up_as_a_schema(old: bool) -> None:
    wanted = {"type": "json_schema", "schema": SCHEMA}
    payload, losses = await sent(
        {"output_format": wanted} if old else {"output_config": {"format": wanted}}, **GPT
    )
    assert payload["response_format"]["json_schema"]["schema"] == SCHEMA
    assert payload["response_format"]["json_schema"]["strict"] is True
    assert "format" not in losses


@pytest.mark.conformance("format.wished-for")
async def test_structured_output_nobody_enforces_is_wished_for_and_named() -> None:
    wanted = {"type": "json_schema", "schema": SCHEMA}
    payload, losses = await sent(
        {"output_config": {"format": wanted}}, base_url="https://api.deepseek.com", model="deepseek-chat"
    )
    assert payload["response_format"] == {"type": "json_object"}
    assert '"additionalProperties":false' in payload["messages"][0]["content"]
    assert "output_config.format: only wished for and checked here" in losses


@pytest.mark.conformance("format.guaranteed", "format.asked-again")
@pytest.mark.expects_log("structured_output_invalid")
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_does_not_fit_is_asked_for_again(stream: bool) -> None:
    wanted = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    where: Any = {"base_url": "https://api.deepseek.com", "model": "deepseek-chat"}
    async with serving(said("no JSON"), said('{"a": "text"}'), said(ANSWER), **where) as front:
        message = await (front.streamed if stream else front.create)(**wanted)
        assert len(front.upstream.asked) == 3
    assert json.loads(message.content[0].text) == {"a": 1}


@pytest.mark.conformance("format.never-invalid")
@pytest.mark.expects_log("structured_output_invalid")
async def test_an_answer_that_never_fits_is_an_error_that_says_why() -> None:
    wanted = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    where: Any = {"base_url": "https://api.deepseek.com", "model": "deepseek-chat"}
    async with serving(said("no JSON"), **where) as front:
        status, told = await front.told({"model": "big", "max_tokens": 64, "messages": TURNS, **wanted})
    assert (status, told["error"]["type"]) == (500, "api_error")
    assert "output_config.format" in told["error"]["message"]
