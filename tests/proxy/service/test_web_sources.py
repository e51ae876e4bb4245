"""Which search results an answer cites."""

from __future__ import annotations

import pytest

from proxy.dialects.openai_chat_content import hide_text
from proxy.dialects.web_citations import MAX_CITED_CHARS
from proxy.messages.message import JsonObject
from proxy.messages.request import parse_request
from proxy.service.web_sources import WebSources
from tests.proxy.scripted import BODY

EXCERPT = "A signal box is a building in which the levers of a railway station are worked by hand."
URL = "https://rail.example/boxes"


def row(url: str = URL, excerpt: str = EXCERPT) -> JsonObject:
    return {
        "type": "web_search_result",
        "url": url,
        "title": "Boxes",
        "encrypted_content": hide_text(excerpt),
        "page_age": None,
    }


def sources(*rows: JsonObject) -> WebSources:
    made = WebSources(parse_request(BODY))
    made.add({"type": "web_search_tool_result", "tool_use_id": "x", "content": list(rows)})
    return made


def test_an_address_in_the_text_is_cited_with_the_beginning_of_the_excerpt() -> None:
    long = "word " * 100
    (cited,) = sources(row(excerpt=long)).cite(f"See [boxes]({URL}).")
    assert cited == {
        "type": "web_search_result_location",
        "url": URL,
        "title": "Boxes",
        "encrypted_index": hide_text(URL),
        "cited_text": long[:MAX_CITED_CHARS],
    }


def test_repeated_words_are_cited_as_they_stand_in_the_source() -> None:
    said = "As is known, a Signal Box is a building in which the levers of it all are."
    (cited,) = sources(row()).cite(said)
    assert cited["cited_text"] == "A signal box is a building in which the levers of"


@pytest.mark.parametrize(
    "said",
    [
        "Nothing of it.",
        "A signal box is a building in some places.",  # too few words in a row
        f"See {URL}-of-others for more.",
        "",
    ],
)
def test_what_is_only_like_a_source_is_not_cited(said: str) -> None:
    assert sources(row()).cite(said) == []


def test_each_source_is_cited_once_in_the_order_of_the_results() -> None:
    other = "https://other.example/x"
    made = sources(row(), row(other), row())
    assert [each["url"] for each in made.cite(f"{other} and {URL} and {URL}")] == [URL, other]


def test_results_of_earlier_turns_can_be_cited_and_those_of_others_not() -> None:
    result = {"type": "web_search_tool_result", "tool_use_id": "x", "content": [row()]}
    foreign = {**row("https://b.example"), "encrypted_content": "EqgfCioIARgBIiQ3YTAw"}
    theirs = {"type": "web_search_tool_result", "tool_use_id": "y", "content": [foreign]}
    turns = [*BODY["messages"], {"role": "assistant", "content": [result, theirs]}, *BODY["messages"]]
    made = WebSources(parse_request({**BODY, "messages": turns}))
    assert [each["url"] for each in made.cite(f"{URL} https://b.example")] == [URL]


def test_blocks_without_hits_add_nothing() -> None:
    made = WebSources(parse_request(BODY))
    made.add({"type": "mcp_tool_result", "content": [row()]})
    made.add({"type": "web_search_tool_result", "content": {"error_code": "unavailable"}})
    assert made.cite(URL) == []
