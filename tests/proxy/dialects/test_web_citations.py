"""An upstream's own web search, as the search results and citations of the Messages API."""

from __future__ import annotations

from typing import Any

from proxy.dialects.openai_chat_content import hidden_text, hide_text
from proxy.messages.message import JsonObject
from tests.proxy.dialects.chat import answer, asked, call, chunk, tool, user

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
SEARCHING = asked(user("Perform a web search for the query: signal box"), tools=[SEARCH])


def cites(url: str, **more: Any) -> JsonObject:
    fields = {"url": url, "title": "T", "content": "found", "start_index": 0, "end_index": 0, **more}
    return {"type": "url_citation", "url_citation": fields}


def citation(url: str) -> JsonObject:
    return {
        "type": "web_search_result_location",
        "url": url,
        "title": "T",
        "encrypted_index": hide_text(url),
        "cited_text": "found",
    }


def test_a_search_that_was_asked_for_is_a_call_and_its_result() -> None:
    made = answer(
        chunk({"content": "I will search."}),
        chunk({"content": "", "annotations": [cites("a"), cites("b"), cites("a")]}),
        chunk({"content": "Found."}),
        request=SEARCHING,
    )
    assert made["content"] == [
        {"type": "text", "text": "I will search."},
        {
            "type": "server_tool_use",
            "id": "srvtoolu_2",
            "name": "web_search",
            "input": {"query": "signal box"},
        },
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_2",
            "content": [
                {
                    "type": "web_search_result",
                    "url": url,
                    "title": "T",
                    "encrypted_content": hide_text("found"),
                    "page_age": None,
                }
                for url in ("a", "b")
            ],
        },
        {"type": "text", "text": "Found."},
    ]
    assert made["usage"].get("server_tool_use") == {"web_search_requests": 1}


def test_the_upstream_s_own_count_of_searches_wins() -> None:
    usage = {"prompt_tokens": 1, "server_tool_use": {"web_search_requests": 3}}
    made = answer(chunk({"annotations": [cites("a")]}), chunk({}, "stop", usage=usage), request=SEARCHING)
    assert made["usage"].get("server_tool_use") == {"web_search_requests": 3}


def test_results_at_the_end_come_after_the_text_that_cites_them() -> None:
    made = answer(
        chunk({"content": "Found."}), chunk({"annotations": [cites("a", end_index=6)]}), request=SEARCHING
    )
    assert [block["type"] for block in made["content"]] == [
        "text",
        "server_tool_use",
        "web_search_tool_result",
    ]
    assert made["content"][0]["citations"] == [citation("a")]


def test_results_come_before_thinking_and_calls_that_follow_them() -> None:
    for later in ({"reasoning": "hm"}, tool(0, "{}", id="x", name="y")):
        made = answer(chunk({"annotations": [cites("a")]}), chunk(later), request=SEARCHING)
        assert [block["type"] for block in made["content"]][:2] == [
            "server_tool_use",
            "web_search_tool_result",
        ]


def test_sources_nobody_asked_for_are_citations_of_the_text() -> None:
    made = answer(
        chunk({"annotations": [cites("a")]}),
        chunk({"content": "Found."}),
        chunk({"annotations": [cites("b")]}),
    )
    assert made["content"] == [
        {"type": "text", "text": "Found.", "citations": [citation("a"), citation("b")]}
    ]


def test_plain_search_results_beside_the_choices_count_too() -> None:
    rows = [{"title": "T", "url": "a", "content": "found"}, {"url": ""}, 7]
    made = answer(chunk({"content": "Found."}, usage={"prompt_tokens": 1}, search_results=rows))
    assert made["content"][0]["citations"] == [citation("a")]


def test_a_question_that_is_no_text_is_an_empty_query() -> None:
    picture = {"type": "image", "source": {"type": "url", "url": "https://x/y"}}
    made = answer(chunk({"annotations": [cites("a")]}), request=asked(user(picture), tools=[SEARCH]))
    assert made["content"][0]["input"] == {"query": ""}


def test_hidden_text_comes_out_again_and_other_tokens_hold_none() -> None:
    assert hidden_text(hide_text("é\u2028")) == "é\u2028"
    assert [
        hidden_text(token) for token in (None, "genuine", hide_text("") + "a", hide_text("") + "_w==")
    ] == [
        "",
        "",
        "",
        "",
    ]


def test_the_stop_reason_is_of_the_client_s_calls_not_of_the_search() -> None:
    made = answer(chunk({"annotations": [cites("a")]}), chunk({}, "tool_calls"), request=SEARCHING)
    assert made["stop_reason"] == "end_turn"
    assert call("a")["type"] == "tool_use"
