"""The API's own web search, run by Signalbox: genuine blocks, limits, errors, and who searches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anthropic
import pytest
from pydantic import SecretStr
from structlog.typing import EventDict

from proxy.config import ProxyConfig, SearchConfig, ToolConfig
from proxy.dialects.openai_chat_content import hide_text
from proxy.dialects.profiles import Profile
from proxy.events import ToolDecided
from proxy.messages.message import JsonObject
from proxy.messages.request import ToolParam
from proxy.service.server_tools import is_ours, web_tool
from proxy.tools.web.values import SearchError
from tests.proxy.local_web import FETCH, HITS, SEARCH, SEARCHING, Engine, ask, web
from tests.proxy.scripted import (
    BODY,
    TOKEN,
    Reply,
    ScriptedUpstream,
    provider,
    proxy_config,
)
from tests.proxy.tooling import (
    FIRST,
    call,
    calling,
    declared,
    kinds,
    rules,
    saying,
    spoken,
    through,
    turn,
    use,
)


@pytest.mark.conformance("server-tools.web-search-unavailable")
async def test_a_search_is_answered_with_the_genuine_blocks() -> None:
    engine = Engine()
    upstream = ScriptedUpstream([Reply(SEARCHING), saying("See https://rail.example/boxes for it.")])
    async with web(upstream, engine) as proxy:
        message = await ask(proxy)
    assert [query for query, _ in engine.asked] == ["signal box"]
    call_block, result, text = message["content"]
    assert (call_block["type"], call_block["name"], call_block["input"]) == (
        "server_tool_use",
        "web_search",
        {"query": "signal box"},
    )
    assert call_block["id"].startswith("srvtoolu_")
    assert (result["type"], result["tool_use_id"]) == ("web_search_tool_result", call_block["id"])
    assert result["content"][0] == {
        "type": "web_search_result",
        "url": "https://rail.example/boxes",
        "title": "Signal boxes",
        "encrypted_content": hide_text("A signal box houses the levers of a station."),
        "page_age": None,
    }
    assert [(each["type"], each["url"]) for each in text["citations"]] == [
        ("web_search_result_location", "https://rail.example/boxes")
    ]
    assert message["stop_reason"] == "end_turn"
    assert message["usage"]["server_tool_use"] == {"web_search_requests": 1}
    function = upstream.asked[0]["tools"][0]["function"]
    assert (function["name"], list(function["parameters"]["properties"])) == ("web_search", ["query"])
    assert "plugins" not in upstream.asked[0]
    assert "houses the levers" in upstream.asked[1]["messages"][-1]["content"]


async def test_the_sdk_reads_a_streamed_search_whole() -> None:
    upstream = ScriptedUpstream([Reply(SEARCHING), saying("Done.")])
    async with web(upstream) as proxy, anthropic.AsyncAnthropic(base_url=proxy.url, api_key=TOKEN) as client:
        stream_of: Any = client.messages.stream
        async with stream_of(**BODY, tools=[SEARCH]) as stream:
            message = await stream.get_final_message()
    assert [block.type for block in message.content] == ["server_tool_use", "web_search_tool_result", "text"]
    assert message.content[0].input == {"query": "signal box"}
    assert message.content[1].content[0].title == "Signal boxes"
    assert message.usage.server_tool_use.web_search_requests == 1


async def test_the_next_turn_tells_the_model_what_it_found_in_the_same_words() -> None:
    upstream = ScriptedUpstream([Reply(SEARCHING), saying("Done.")])
    async with web(upstream) as proxy:
        message = await ask(proxy)
        await ask(proxy, messages=[FIRST, turn(message), FIRST])
    _, second, third = upstream.asked
    assert third["messages"][: len(second["messages"])] == second["messages"]


@pytest.mark.conformance("server-tools.max-uses")
async def test_max_uses_ends_the_searches_with_an_error_code() -> None:
    again = calling(call("web_search", '{"query":"more of it"}', "call_2"))
    upstream = ScriptedUpstream([Reply(SEARCHING), Reply(again), saying("Done.")])
    engine = Engine()
    async with web(upstream, engine) as proxy:
        message = await ask(proxy, {**SEARCH, "max_uses": 1})
    assert len(engine.asked) == 1
    assert message["content"][3]["content"] == {
        "type": "web_search_tool_result_error",
        "error_code": "max_uses_exceeded",
    }
    assert message["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert "No further search" in upstream.asked[2]["messages"][-1]["content"]


async def test_the_domains_of_the_declaration_limit_the_search() -> None:
    upstream = ScriptedUpstream([Reply(SEARCHING), saying("Done.")])
    engine = Engine()
    async with web(upstream, engine) as proxy:
        message = await ask(proxy, {**SEARCH, "blocked_domains": ["other.example"]})
    assert engine.asked[0][1].blocked == ("other.example",)
    assert [row["title"] for row in message["content"][1]["content"]] == ["Signal boxes"]


@pytest.mark.conformance("server-tools.web-errors")
@pytest.mark.parametrize(
    ("arguments", "failure", "code"),
    [
        ("{}", None, "invalid_tool_input"),
        ('{"query":7}', None, "invalid_tool_input"),
        ('{"query":"signal box"}', SearchError("too_many_requests", "slow down"), "too_many_requests"),
        ('{"query":"signal box"}', SearchError("unavailable", "gone"), "unavailable"),
    ],
)
async def test_what_goes_wrong_is_an_error_code(
    arguments: str, failure: SearchError | None, code: str
) -> None:
    upstream = ScriptedUpstream([Reply(calling(call("web_search", arguments))), saying("Done.")])
    engine = Engine(failure or HITS)
    async with web(upstream, engine) as proxy:
        message = await ask(proxy)
    assert message["content"][1]["content"]["error_code"] == code
    assert message["usage"].get("server_tool_use") is None


async def test_a_rule_that_denies_the_search_takes_the_tool_away() -> None:
    upstream = ScriptedUpstream()
    async with web(upstream, permissions=rules(deny=["WebSearch"])) as proxy:
        await ask(proxy)
    assert "tools" not in upstream.asked[0]


async def test_a_rule_that_asks_about_searches_is_asked_and_here_nobody_answers() -> None:
    upstream = ScriptedUpstream([Reply(SEARCHING), saying("Done.")])
    engine = Engine()
    async with web(upstream, engine, permissions=rules(ask=["WebSearch"])) as proxy:
        message = await ask(proxy)
        decided = await proxy.events.until(ToolDecided)
    assert engine.asked == []
    assert message["content"][1]["content"]["error_code"] == "unavailable"
    assert (decided.tool, decided.runner, decided.decision) == ("WebSearch", "signalbox", "deny")


async def test_a_search_is_kept_in_the_audit() -> None:
    upstream = ScriptedUpstream([Reply(SEARCHING), saying("Done.")])
    async with web(upstream) as proxy:
        await ask(proxy)
        decided = await proxy.events.until(ToolDecided)
    assert (decided.tool, decided.decision, decided.ran) == ("WebSearch", "allow", True)
    assert "one of the API's own tools" in decided.reason


@pytest.mark.conformance("server-tools.pause-turn")
@pytest.mark.expects_log("tool_loop_paused")
async def test_after_ten_iterations_the_turn_pauses_and_can_be_gone_on_with() -> None:
    replies = [Reply(calling(call("web_search", '{"query":"again"}', f"call_{n}"))) for n in range(10)]
    upstream = ScriptedUpstream([*replies, saying("At last.")])
    async with web(upstream) as proxy:
        paused = await ask(proxy)
        message = await ask(proxy, messages=[FIRST, turn(paused)])
    assert paused["stop_reason"] == "pause_turn"
    assert kinds(paused) == ["server_tool_use", "web_search_tool_result"] * 10
    assert kinds(message) == ["text"]
    assert len(upstream.asked[10]["messages"]) == 21


@pytest.mark.conformance("server-tools.mixed-calls")
async def test_beside_a_call_of_the_clients_the_search_waits_for_the_next_request() -> None:
    both = calling(call("web_search", '{"query":"signal box"}'), call("Mine", "{}", "call_2", 1))
    engine = Engine()
    upstream = ScriptedUpstream([Reply(both), saying("Done.")])
    tools = (SEARCH, *declared("Mine"))
    async with web(upstream, engine) as proxy:
        message = await ask(proxy, *tools)
        assert engine.asked == []
        results = [{"type": "tool_result", "tool_use_id": "call_2", "content": "mine"}]
        later = await ask(
            proxy, *tools, messages=[FIRST, turn(message), {"role": "user", "content": results}]
        )
    assert (kinds(message), message["stop_reason"]) == (["server_tool_use", "tool_use"], "tool_use")
    assert kinds(later) == ["web_search_tool_result", "text"]
    assert later["content"][0]["tool_use_id"] == message["content"][0]["id"]
    assert later["usage"]["server_tool_use"] == {"web_search_requests": 1}
    sent = upstream.asked[1]["messages"]
    assert [(each["role"], each.get("tool_call_id")) for each in sent[1:]] == [
        ("assistant", None),
        ("tool", "call_1"),
        ("tool", "call_2"),
    ]


async def test_who_searches_follows_the_settings() -> None:
    plain, anthropic_ = provider("one"), provider("two", dialect="anthropic-messages")
    none, plugin = Profile(), Profile(web_search="plugin")
    auto, key = SearchConfig(), SearchConfig(key=SecretStr("k"))
    upstreams = SearchConfig(engine="upstream")
    can = [(anthropic_, none), (plain, plugin)]
    assert not is_ours("web_search", auto, False, can)
    assert is_ours("web_search", auto, False, [*can, (plain, none)])
    assert is_ours("web_search", key, True, can)
    assert not is_ours("web_search", upstreams, False, [(plain, none)])
    assert is_ours("web_fetch", auto, False, can)
    assert not is_ours("web_fetch", key, True, [(anthropic_, none)])
    assert not is_ours("web_fetch", upstreams, False, can)


def test_only_the_apis_own_tools_are_ours_to_serve() -> None:
    assert web_tool(ToolParam(type="web_search_20260318", name="web_search")) == "web_search"
    assert web_tool(ToolParam(type="web_fetch_20260209", name="web_fetch")) == "web_fetch"
    assert web_tool(ToolParam(name="web_search_mine")) is None
    assert web_tool(ToolParam(type="code_execution_20250825", name="code_execution")) is None


async def test_an_upstream_that_speaks_the_protocol_searches_itself_unless_an_engine_is_configured() -> None:
    own: list[JsonObject] = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    ]
    upstream = ScriptedUpstream([Reply(spoken(*own, stop_reason="end_turn"))])
    async with web(upstream, config=through("anthropic-messages")) as proxy:
        message = await ask(proxy)
    assert message["content"] == own
    assert upstream.asked[0]["tools"] == [SEARCH]


async def test_an_engine_that_is_configured_goes_before_the_upstreams_own() -> None:
    config: ProxyConfig = replace(
        through("anthropic-messages"), tools=ToolConfig(search=SearchConfig(engine="duckduckgo"))
    )
    said = {"type": "text", "text": "ok"}
    upstream = ScriptedUpstream(
        [
            Reply(spoken(use("web_search", {"query": "signal box"}))),
            Reply(spoken(said, stop_reason="end_turn")),
        ]
    )
    async with web(upstream, config=config) as proxy:
        message = await ask(proxy)
        await ask(proxy, messages=[FIRST, turn(message), FIRST])
    assert kinds(message) == ["server_tool_use", "web_search_tool_result", "text"]
    assert upstream.asked[0]["tools"][0]["input_schema"]["required"] == ["query"]
    assert upstream.asked[2]["messages"][:3] == upstream.asked[1]["messages"]


async def test_a_tool_that_is_switched_off_is_left_to_the_upstream() -> None:
    config = replace(proxy_config("one"), tools=ToolConfig(switched_off=("WebFetch",)))
    async with (
        web(ScriptedUpstream(), config=config) as proxy,
        proxy.post({**BODY, "tools": [FETCH]}) as response,
    ):
        assert response.status == 400
        assert "web_fetch_20250910" in await response.text()


async def test_what_our_search_does_not_go_by_stands_in_the_log(log_events: list[EventDict]) -> None:
    upstream = ScriptedUpstream([saying("Done.")])
    async with web(upstream) as proxy:
        await ask(proxy, {**SEARCH, "user_location": {"type": "approximate", "city": "Berlin"}})
    (said,) = [each for each in log_events if each["event"] == "web_tool_settings_unused"]
    assert said["settings"] == ["user_location"]
