from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.mcp.gateway_names import (
    inner_prompt,
    inner_uri,
    outer_contents,
    outer_messages,
    outer_prompt,
    outer_uri,
)

SERVERS = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9-]|_(?!_)){0,39}", fullmatch=True).filter(
    lambda name: not name.endswith("_")
)


@given(SERVERS, st.text(min_size=1))
def test_every_address_and_prompt_leads_back_to_its_server(server: str, own: str) -> None:
    assert inner_uri(outer_uri(server, own)) == (server, own)
    assert inner_prompt(outer_prompt(server, own)) == (server, own)


@pytest.mark.parametrize("name", ["file:///a", "signalbox://", "signalbox://box", "signalbox:///a", ""])
def test_an_address_of_nobody_leads_nowhere(name: str) -> None:
    assert inner_uri(name) is None


@pytest.mark.parametrize("name", ["review", "mcp__box", "mcp____x", "mcp__box__", ""])
def test_a_prompt_of_nobody_leads_nowhere(name: str) -> None:
    assert inner_prompt(name) is None


def test_what_a_result_links_to_leads_back_too_and_all_else_stays() -> None:
    link = {"type": "resource_link", "uri": "file:///a", "name": "a"}
    held = {"type": "resource", "resource": {"uri": "file:///b", "text": "b"}}
    text = {"type": "text", "text": "file:///c"}
    messages = [{"role": "user", "content": each} for each in (link, held, text)]
    told = outer_messages("box", {"messages": messages, "description": "d"})
    assert [each["content"] for each in told["messages"]] == [
        {**link, "uri": "signalbox://box/file:///a"},
        {"type": "resource", "resource": {"uri": "signalbox://box/file:///b", "text": "b"}},
        text,
    ]
    assert told["description"] == "d"


def test_what_is_no_list_of_objects_is_told_as_none() -> None:
    assert outer_contents("box", {"contents": "x"}) == {"contents": []}
    assert outer_messages("box", {"messages": [1, {"role": "user", "content": "plain"}]}) == {
        "messages": [{"role": "user", "content": "plain"}]
    }
