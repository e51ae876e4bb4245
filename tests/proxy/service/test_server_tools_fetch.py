"""The API's own web fetch, run by Signalbox: pages as documents, and which addresses may be fetched."""

from __future__ import annotations

import asyncio
import base64
import json
from io import BytesIO
from typing import Any

import pypdf
import pytest

from proxy.messages.message import JsonObject
from proxy.tools.web.values import Fetched, FetchError, HandedBack
from tests.proxy.local_web import FETCH, HITS, SEARCH, SEARCHING, Pages, ask, html, web
from tests.proxy.scripted import (
    Reply,
    ScriptedUpstream,
)
from tests.proxy.tooling import (
    FIRST,
    call,
    calling,
    declared,
    rules,
    saying,
    spoken,
    through,
    use,
)

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
