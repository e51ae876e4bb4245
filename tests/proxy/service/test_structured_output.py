"""Answers to `output_config.format` end to end: valid, asked for again, or an error; never silently wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import anthropic
import pydantic
import pytest
from structlog.typing import EventDict

from proxy.config import Alias, Candidate, ProxyConfig
from proxy.events import FirstToken, RequestFinished
from proxy.messages.message import JsonObject
from proxy.server.limits import Limits
from tests.proxy.scripted import (
    BODY,
    DONE,
    TOKEN,
    USAGE,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    line,
    provider,
    proxy_config,
    running,
)

OPENROUTER = "https://openrouter.ai/api/v1"
"""Enforces schemas."""
DEEPSEEK = "https://api.deepseek.com"
"""Is told of them in the prompt."""
FORMAT: JsonObject = {
    "type": "json_schema",
    "schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
VALID = '{"city":"Ulm"}'
ASKING: JsonObject = {**BODY, "output_config": {"format": FORMAT}}


class City(pydantic.BaseModel):
    city: str


def saying(*pieces: str, finish: str = "stop") -> Reply:
    return Reply((*(delta(content=piece) for piece in pieces), delta(finish), USAGE, DONE))


def configured(base_url: str, *names: str) -> ProxyConfig:
    plain = proxy_config(*names)
    served = {name: provider(name, base_url=base_url) for name in plain.providers}
    candidates = tuple(Candidate(name, "deepseek/deepseek-chat") for name in served)
    return ProxyConfig(plain.server, served, (Alias("big", (), candidates),))


def replying(*replies: Any) -> dict[str, ScriptedUpstream]:
    return {"one": ScriptedUpstream(list(replies))}


async def ask(proxy: Running, **more: Any) -> tuple[int, JsonObject]:
    async with proxy.post({**ASKING, **more}) as response:
        return response.status, json.loads(await response.read())


async def ask_streamed(proxy: Running) -> list[JsonObject]:
    async with proxy.post({**ASKING, "stream": True}) as response:
        text = (await response.read()).decode()
    return [json.loads(each[6:]) for each in text.splitlines() if each.startswith("data: ")]


def kinds(told: Sequence[JsonObject]) -> list[str]:
    return [event["type"] for event in told]


def texts(told: Sequence[JsonObject]) -> str:
    return "".join(event["delta"].get("text", "") for event in told if event["type"] == "content_block_delta")


@pytest.mark.parametrize("base_url", [OPENROUTER, DEEPSEEK])
async def test_the_real_sdk_parses_answers_of_every_kind_of_upstream(base_url: str) -> None:
    upstreams = replying(saying('{"city":', '"Ulm"}'))
    async with (
        running(upstreams, configured(base_url)) as proxy,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN, max_retries=0) as client,
    ):
        parse: Any = client.messages.parse
        message = await parse(**BODY, output_format=City)
        stream_of: Any = client.messages.stream
        async with stream_of(**BODY, output_format=City) as stream:
            streamed = await stream.get_final_message()
    assert message.parsed_output == streamed.parsed_output == City(city="Ulm")
    sent = upstreams["one"].asked[0]["response_format"]["type"]
    assert sent == ("json_schema" if base_url == OPENROUTER else "json_object")


@pytest.mark.expects_log("structured_output_invalid")
async def test_an_invalid_answer_is_asked_for_again_with_what_is_wrong(log_events: list[EventDict]) -> None:
    upstreams = replying(saying('{"town":"Ulm"}'), saying("Sorry!"), saying(VALID))
    async with running(upstreams, configured(DEEPSEEK)) as proxy:
        status, message = await ask(proxy)
    assert (status, message["content"]) == (200, [{"type": "text", "text": VALID}])
    asked = upstreams["one"].asked
    assert [turn["role"] for turn in asked[1]["messages"][-3:]] == ["user", "assistant", "user"]
    assert '{"town":"Ulm"}' in json.dumps(asked[1]["messages"][-2], ensure_ascii=False).replace("\\", "")
    assert "is a required property" in json.dumps(asked[1]["messages"][-1])
    assert "not valid JSON" in json.dumps(asked[2]["messages"][-1])
    assert len(asked[2]["messages"]) == len(asked[1]["messages"])
    said = [each for each in log_events if each["event"] == "structured_output_invalid"]
    assert [(each["attempt"], each["of"]) for each in said] == [(1, 3), (2, 3)]


@pytest.mark.expects_log("structured_output_invalid")
async def test_all_attempts_are_paid_for_and_the_answer_has_one_id() -> None:
    upstreams = replying(saying("no"), saying(VALID))
    async with running(upstreams, configured(DEEPSEEK)) as proxy:
        _, message = await ask(proxy)
    assert (message["usage"]["input_tokens"], message["usage"]["output_tokens"]) == (22, 14)
    finished = proxy.of(RequestFinished)[0]
    assert (finished.input_tokens, finished.output_tokens, finished.cost_usd) == (22, 14, 0.5)
    assert (finished.outcome, finished.stop_reason) == ("ok", "end_turn")
    assert len(proxy.of(FirstToken)) == 1
    assert message["id"].startswith("msg_")


@pytest.mark.expects_log("structured_output_invalid")
@pytest.mark.parametrize("stream", [False, True])
async def test_after_three_invalid_answers_the_client_is_told_what_did_not_validate(stream: bool) -> None:
    upstreams = replying(saying('{"city":7}'))
    async with running(upstreams, configured(DEEPSEEK)) as proxy:
        status, body = await ask(proxy, stream=stream)
    assert (status, body["error"]["type"]) == (500, "api_error")
    assert '$.city: 7 is not of type "string"' in body["error"]["message"]
    assert len(upstreams["one"].asked) == 3
    assert proxy.of(RequestFinished)[0].outcome == "error"


@pytest.mark.expects_log("structured_output_invalid", "candidate_failed")
async def test_another_candidate_may_do_better() -> None:
    upstreams = {"one": ScriptedUpstream([saying("no")]), "two": ScriptedUpstream([saying(VALID)])}
    async with running(upstreams, configured(DEEPSEEK, "one", "two")) as proxy:
        status, message = await ask(proxy)
    assert (status, message["content"][0]["text"]) == (200, VALID)
    assert (len(upstreams["one"].asked), len(upstreams["two"].asked)) == (3, 1)


async def test_text_around_the_json_is_taken_off_because_clients_parse_the_block() -> None:
    upstreams = replying(saying("Here you are:\n```json\n", VALID, "\n```"))
    async with running(upstreams, configured(DEEPSEEK)) as proxy:
        told = await ask_streamed(proxy)
    assert texts(told) == VALID
    assert kinds(told)[-1] == "message_stop"


async def test_a_stream_is_held_until_it_is_valid_and_pings_keep_the_client_alive() -> None:
    gate = asyncio.Event()
    upstreams = replying(
        Reply((delta(content='{"city":'), gate, delta(content='"Ulm"}'), delta("stop"), DONE))
    )
    limits = Limits(first_ping_s=0.02, next_ping_s=0.02)
    async with (
        running(upstreams, configured(DEEPSEEK), limits) as proxy,
        proxy.post({**ASKING, "stream": True}) as response,
    ):
        before = await response.content.readuntil(b"\n\n")
        gate.set()
        rest = await response.read()
    assert before.startswith(b"event: ping")
    assert rest.startswith((b"event: message_start", b"event: ping"))
    assert b"message_stop" in rest


async def test_where_the_upstream_enforces_the_schema_a_stream_flows() -> None:
    gate = asyncio.Event()
    upstreams = replying(
        Reply((delta(content='{"city":'), gate, delta(content='"Ulm"}'), delta("stop"), DONE))
    )
    async with (
        running(upstreams, configured(OPENROUTER)) as proxy,
        proxy.post({**ASKING, "stream": True}) as response,
    ):
        await response.content.readuntil(b'"text_delta"')
        gate.set()
        assert b"message_stop" in await response.read()


@pytest.mark.parametrize("text", ["I cannot.", '{"city":7}', f"Sure: {VALID}"])
async def test_a_flowing_stream_that_turns_out_invalid_ends_as_an_error(text: str) -> None:
    async with running(replying(saying(text)), configured(OPENROUTER)) as proxy:
        told = await ask_streamed(proxy)
    assert texts(told) == text
    assert kinds(told)[-2:] == ["content_block_stop", "error"]
    assert told[-1]["error"]["type"] == "api_error"
    assert "output_config.format" in told[-1]["error"]["message"]
    assert told[-1]["request_id"].startswith("req_")
    assert proxy.of(RequestFinished)[0].outcome == "error"


async def test_a_flowing_stream_that_fails_keeps_the_upstreams_own_error() -> None:
    broken = line({"error": {"code": 502, "message": "gone"}, "choices": [{"index": 0, "delta": {}}]})
    async with running(replying(Reply((delta(content="{"), broken))), configured(OPENROUTER)) as proxy:
        told = await ask_streamed(proxy)
    assert kinds(told)[-1] == "error"
    assert "gone" in told[-1]["error"]["message"]


@pytest.mark.parametrize("base_url", [OPENROUTER, DEEPSEEK])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_cut_off_by_max_tokens_passes_and_says_so(base_url: str, stream: bool) -> None:
    upstreams = replying(saying('{"ci', finish="length"))
    async with (
        running(upstreams, configured(base_url)) as proxy,
        proxy.post({**ASKING, "stream": stream}) as response,
    ):
        told = (await response.read()).decode()
    assert response.status == 200
    assert '"stop_reason":"max_tokens"' in told
    assert len(upstreams["one"].asked) == 1


async def test_a_tool_call_passes_before_the_final_answer_is_due() -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    upstreams = replying(Reply((delta(tool_calls=[call]), delta("tool_calls"), DONE)))
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    async with running(upstreams, configured(DEEPSEEK)) as proxy:
        status, message = await ask(proxy, tools=tools)
    assert (status, message["stop_reason"], message["content"][0]["type"]) == (200, "tool_use", "tool_use")


@pytest.mark.expects_log("candidate_failed")
async def test_a_failure_while_holding_is_an_ordinary_error_and_the_next_candidate_is_tried(
    log_events: list[EventDict],
) -> None:
    broken = line({"error": {"code": 502, "message": "gone"}, "choices": [{"index": 0, "delta": {}}]})
    upstreams = {
        "one": ScriptedUpstream([Reply((delta(content="{"), broken))]),
        "two": ScriptedUpstream([saying(VALID)]),
    }
    async with running(upstreams, configured(DEEPSEEK, "one", "two")) as proxy:
        status, message = await ask(proxy)
    assert (status, message["content"][0]["text"]) == (200, VALID)
    assert proxy.of(RequestFinished)[0].outcome == "ok"
    assert [each["event"] for each in log_events if each["level"] == "warning"] == ["candidate_failed"]


async def test_a_schema_that_is_none_is_the_clients_error_before_anything_is_asked() -> None:
    upstreams = replying(saying(VALID))
    wrong = {"format": {"type": "json_schema", "schema": {"type": "objekt"}}}
    async with running(upstreams, configured(DEEPSEEK)) as proxy:
        status, body = await ask(proxy, output_config=wrong)
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")
    assert body["error"]["message"].startswith("output_config.format.schema: ")
    assert not upstreams["one"].asked


async def test_the_deprecated_field_counts_too() -> None:
    upstreams = replying(saying(f"```\n{VALID}\n```"))
    body = {**BODY, "output_format": FORMAT}
    async with running(upstreams, configured(DEEPSEEK)) as proxy, proxy.post(body) as response:
        assert json.loads(await response.read())["content"] == [{"type": "text", "text": VALID}]


async def test_the_client_leaving_while_its_answer_is_held_ends_the_upstream() -> None:
    reply = Reply((delta(content="{"), asyncio.Event()))
    limits = Limits(first_ping_s=0.02, next_ping_s=0.02)
    async with running(replying(reply), configured(DEEPSEEK), limits) as proxy:
        response = await proxy.post({**ASKING, "stream": True})
        await response.content.readuntil(b"\n\n")
        response.close()
        await asyncio.wait_for(reply.is_closed.wait(), 5)
        assert (await proxy.events.until(RequestFinished)).outcome == "cancelled"
