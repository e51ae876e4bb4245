"""The API's own web tools, run by Signalbox: genuine blocks, limits, errors, and who searches."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, cast

import anthropic
import pypdf
import pytest
from pydantic import SecretStr
from structlog.typing import EventDict

from proxy.config import ProxyConfig, SearchConfig, ToolConfig
from proxy.dialects.openai_chat_content import hide_text
from proxy.dialects.profiles import Profile
from proxy.events import ToolDecided
from proxy.messages.message import JsonObject
from proxy.messages.request import ToolParam
from proxy.permissions.urls import NetworkFacts
from proxy.permissions.values import Policy
from proxy.service.server_tools import is_ours, web_tool
from proxy.tools.web.engines.base import NO_SCOPE, SearchScope
from proxy.tools.web.fetcher import Fetcher
from proxy.tools.web.reader import WebReader
from proxy.tools.web.searcher import WebSearcher
from proxy.tools.web.values import Fetched, FetchError, HandedBack, SearchError, SearchResult
from tests.proxy.scripted import (
    BODY,
    DONE,
    HOST,
    TOKEN,
    USAGE,
    Reply,
    Running,
    ScriptedUpstream,
    delta,
    provider,
    proxy_config,
)
from tests.proxy.tooling import (
    call,
    calling,
    declared,
    rules,
    running_tools,
    spoken,
    through,
    use,
)

SEARCH: JsonObject = {"type": "web_search_20250305", "name": "web_search"}
FETCH: JsonObject = {"type": "web_fetch_20250910", "name": "web_fetch"}
HITS = [
    SearchResult(
        "Signal boxes", "https://rail.example/boxes", "A signal box houses the levers of a station."
    ),
    SearchResult("Other", "https://other.example/", "Nothing of it.", "2 days ago"),
]
SEARCHING = calling(call("web_search", '{"query":"signal box"}'))
FIRST: JsonObject = {"role": "user", "content": "hi"}


def saying(text: str) -> Reply:
    return Reply((delta(role="assistant", content=text), delta("stop"), USAGE, DONE))


@dataclass(slots=True)
class Engine:
    """Finds what it was given, and keeps what it was asked."""

    found: list[SearchResult] | SearchError = field(default_factory=lambda: HITS)
    asked: list[tuple[str, SearchScope]] = field(default_factory=list[tuple[str, SearchScope]])
    name: str = "fake"

    async def search(self, query: str, limit: int, scope: SearchScope = NO_SCOPE) -> list[SearchResult]:
        self.asked.append((query, scope))
        if isinstance(self.found, SearchError):
            raise self.found
        return self.found

    async def aclose(self) -> None:
        pass


@dataclass(slots=True)
class Pages:
    """Stands where `Fetcher` stands."""

    pages: dict[str, Fetched | HandedBack | FetchError]
    asked: list[str] = field(default_factory=list[str])

    async def known_facts(self) -> NetworkFacts:
        return NetworkFacts()

    async def fetch(self, url: str, policy: Policy) -> Fetched | HandedBack:
        self.asked.append(url)
        page = self.pages[url]
        if isinstance(page, FetchError):
            raise page
        return page

    async def aclose(self) -> None:
        pass


def html(url: str, text: str = "The levers move the points.") -> Fetched:
    return Fetched(url, "text/html", "utf-8", f"<title>Levers</title><p>{text}</p>".encode())


def web(
    upstream: ScriptedUpstream, engine: Engine | None = None, pages: Pages | None = None, **more: Any
) -> Any:
    made = engine or Engine()

    def searcher(settings: SearchConfig) -> WebSearcher:
        return WebSearcher(settings, engines=lambda _: made)

    host = replace(
        HOST,
        searcher=searcher,
        reader=WebReader(cast("Fetcher", cast("Any", pages or Pages({})))),
    )
    return running_tools(upstream, host=host, **more)


async def ask(proxy: Running, *tools: JsonObject, **more: Any) -> JsonObject:
    async with proxy.post({**BODY, "tools": list(tools) or [SEARCH], **more}) as response:
        assert response.status == 200, await response.text()
        return json.loads(await response.text())


def kinds(message: JsonObject) -> list[str]:
    return [block["type"] for block in message["content"]]


def turn(message: JsonObject) -> JsonObject:
    return {"role": "assistant", "content": message["content"]}


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


URL = "https://rail.example/levers"
FETCHING = calling(call("web_fetch", json.dumps({"url": URL})))
LOOK: JsonObject = {"role": "user", "content": f"Read {URL} for me."}


async def fetched(pages: Pages, tool: JsonObject = FETCH, said: JsonObject = LOOK, **more: Any) -> JsonObject:
    upstream = ScriptedUpstream([Reply(FETCHING), saying("Done.")])
    async with web(upstream, pages=pages, **more) as proxy:
        return await ask(proxy, tool, messages=[said])


@pytest.mark.conformance("server-tools.web-fetch")
async def test_a_page_is_fetched_and_shown_as_a_document() -> None:
    message = await fetched(Pages({URL: html(URL)}))
    call_block, result, _ = message["content"]
    assert (call_block["name"], result["type"]) == ("web_fetch", "web_fetch_tool_result")
    page = result["content"]
    assert (page["type"], page["url"], bool(page["retrieved_at"])) == ("web_fetch_result", URL, True)
    assert page["content"]["source"] == {
        "type": "text",
        "media_type": "text/plain",
        "data": page["content"]["source"]["data"],
    }
    assert "The levers move the points." in page["content"]["source"]["data"]
    assert message["usage"]["server_tool_use"] == {"web_fetch_requests": 1}


@pytest.mark.conformance("server-tools.web-fetch-context")
async def test_an_address_that_nobody_named_is_not_fetched() -> None:
    pages = Pages({URL: html(URL)})
    message = await fetched(pages, said=FIRST)
    assert pages.asked == []
    assert message["content"][1]["content"]["error_code"] == "url_not_in_prior_context"


async def test_an_address_that_the_search_found_may_be_fetched() -> None:
    found = HITS[0].url
    pages = Pages({found: html(found)})
    fetching = calling(call("web_fetch", json.dumps({"url": found}), "call_2"))
    upstream = ScriptedUpstream([Reply(SEARCHING), Reply(fetching), saying("Done.")])
    async with web(upstream, pages=pages) as proxy:
        message = await ask(proxy, SEARCH, FETCH)
    assert pages.asked == [found]
    assert message["usage"]["server_tool_use"] == {"web_search_requests": 1, "web_fetch_requests": 1}


async def test_a_redirect_elsewhere_is_judged_before_it_is_followed() -> None:
    moved = "https://moved.example/levers"
    pages = Pages({URL: HandedBack(URL, moved, 301, "another host"), moved: html(moved)})
    assert (await fetched(pages))["content"][1]["content"]["url"] == moved
    denied = Pages({URL: HandedBack(URL, moved, 301, "another host")})
    message = await fetched(denied, permissions=rules(deny=["WebFetch(domain:moved.example)"]))
    assert message["content"][1]["content"]["error_code"] == "url_not_allowed"


@pytest.mark.parametrize(
    "limits", [{"allowed_domains": ["other.example"]}, {"blocked_domains": ["rail.example"]}]
)
async def test_the_domains_of_the_declaration_limit_what_is_fetched(limits: JsonObject) -> None:
    pages = Pages({URL: html(URL)})
    message = await fetched(pages, {**FETCH, **limits})
    assert pages.asked == []
    assert message["content"][1]["content"]["error_code"] == "url_not_allowed"


@pytest.mark.parametrize("domain", ["rail.example", "*.rail.example", "example", "rail.example/levers"])
async def test_an_allowed_domain_lets_its_pages_through(domain: str) -> None:
    message = await fetched(Pages({URL: html(URL)}), {**FETCH, "allowed_domains": [domain]})
    assert message["content"][1]["content"]["type"] == "web_fetch_result"


async def test_a_page_that_cannot_be_had_is_an_error_code() -> None:
    message = await fetched(Pages({URL: FetchError("unsupported_content_type", "no text")}))
    assert message["content"][1]["content"] == {
        "type": "web_fetch_tool_result_error",
        "error_code": "unsupported_content_type",
    }


async def test_a_page_is_cut_to_the_tokens_that_were_asked_for() -> None:
    page = html(URL, "word " * 100)
    message = await fetched(Pages({URL: page}), {**FETCH, "max_content_tokens": 10})
    assert len(message["content"][1]["content"]["content"]["source"]["data"]) == 40


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


def empty_pdf() -> bytes:
    writer, out = pypdf.PdfWriter(), BytesIO()
    writer.add_blank_page(72, 72)
    writer.write(out)
    return out.getvalue()


async def test_a_pdf_is_shown_as_it_is() -> None:
    body = await asyncio.to_thread(empty_pdf)
    message = await fetched(Pages({URL: Fetched(URL, "application/pdf", None, body)}))
    source = message["content"][1]["content"]["content"]["source"]
    assert (source["type"], source["media_type"]) == ("base64", "application/pdf")
    assert base64.b64decode(source["data"]) == body


async def test_a_tool_that_is_switched_off_is_left_to_the_upstream() -> None:
    config = replace(proxy_config("one"), tools=ToolConfig(switched_off=("WebFetch",)))
    async with (
        web(ScriptedUpstream(), config=config) as proxy,
        proxy.post({**BODY, "tools": [FETCH]}) as response,
    ):
        assert response.status == 400
        assert "web_fetch_20250910" in await response.text()


async def test_a_page_that_only_sends_elsewhere_is_given_up() -> None:
    pages = {URL: HandedBack(URL, URL, 301, "another host")}
    message = await fetched(Pages({**pages}))
    assert message["content"][1]["content"]["error_code"] == "url_not_accessible"


async def test_citations_of_a_page_are_marked_where_they_were_asked_for() -> None:
    message = await fetched(Pages({URL: html(URL)}), {**FETCH, "citations": {"enabled": True}})
    assert message["content"][1]["content"]["content"]["citations"] == {"enabled": True}


async def test_the_user_may_have_named_an_address_without_its_scheme() -> None:
    said: JsonObject = {"role": "user", "content": "Read rail.example/levers for me."}
    message = await fetched(Pages({URL: html(URL)}), said=said)
    assert message["content"][1]["content"]["url"] == URL


async def test_a_page_that_a_rule_forbids_is_not_left_to_the_upstream() -> None:
    said = {"type": "text", "text": "ok"}
    upstream = ScriptedUpstream(
        [Reply(spoken(use("web_fetch", {"url": URL}))), Reply(spoken(said, stop_reason="end_turn"))]
    )
    denying = rules(deny=["WebFetch(domain:rail.example)"])
    pages = Pages({URL: html(URL)})
    async with web(upstream, pages=pages, config=through("anthropic-messages"), permissions=denying) as proxy:
        message = await ask(proxy, FETCH, messages=[LOOK])
    assert pages.asked == []
    assert message["content"][1]["content"]["error_code"] == "url_not_allowed"


@pytest.mark.parametrize("off", [False, {"enabled": False}])
async def test_addresses_are_taken_only_from_where_the_declaration_allows(off: Any) -> None:
    tool = {**FETCH, "type": "web_fetch_20260318", "url_sources": {"user_input": off}}
    pages = Pages({URL: html(URL)})
    message = await fetched(pages, tool)
    assert pages.asked == []
    assert message["content"][1]["content"]["error_code"] == "url_not_in_prior_context"


@pytest.mark.parametrize(("is_allowed", "expected"), [(True, [URL]), (False, [])])
async def test_an_address_in_a_clients_result_counts_unless_the_declaration_says_no(
    *, is_allowed: bool, expected: list[str]
) -> None:
    called: JsonObject = {"type": "tool_use", "id": "t1", "name": "Mine", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": f"It is at {URL}"}
    turns: list[JsonObject] = [
        FIRST,
        {"role": "assistant", "content": [called]},
        {"role": "user", "content": [result]},
    ]
    tool = {**FETCH, "type": "web_fetch_20260318", "url_sources": {"client_tool_results": is_allowed}}
    pages = Pages({URL: html(URL)})
    upstream = ScriptedUpstream([Reply(FETCHING), saying("Done.")])
    async with web(upstream, pages=pages) as proxy:
        await ask(proxy, tool, *declared("Mine"), messages=turns)
    assert pages.asked == expected


async def test_what_our_search_does_not_go_by_stands_in_the_log(log_events: list[EventDict]) -> None:
    upstream = ScriptedUpstream([saying("Done.")])
    async with web(upstream) as proxy:
        await ask(proxy, {**SEARCH, "user_location": {"type": "approximate", "city": "Berlin"}})
    (said,) = [each for each in log_events if each["event"] == "web_tool_settings_unused"]
    assert said["settings"] == ["user_location"]
