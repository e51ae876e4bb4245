"""Ids and names that both sides accept, with a way back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.tool_ids import ClientIds, ToolNames, UpstreamIds, unwrap_id
from tests.proxy.dialects.chat import counter

LAWFUL = re.compile(r"[a-zA-Z0-9_-]+")


@given(st.lists(st.text(), max_size=6))
def test_every_id_is_lawful_and_unique_for_the_client(ids: list[str]) -> None:
    table = ClientIds([], counter())
    made = [table.take(upstream) for upstream in ids]
    assert all(LAWFUL.fullmatch(client) for client in made)
    assert len(set(made)) == len(made)


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_an_id_comes_back_as_it_was(upstream: str) -> None:
    client = ClientIds([], counter()).take(upstream)
    wanted = upstream if len(upstream) <= 64 else client
    made = UpstreamIds("any").take(client)
    assert made == wanted or (len(wanted) > 64 and made.startswith("call_"))


def test_a_lawful_id_is_kept() -> None:
    assert ClientIds([], counter()).take("toolu_bdrk_01") == "toolu_bdrk_01"


def test_an_id_that_looks_like_one_of_ours_is_wrapped_so_that_it_survives() -> None:
    client = ClientIds([], counter()).take("a_sbx_me")
    assert client != "a_sbx_me"
    assert unwrap_id(client) == "a_sbx_me"


def test_a_damaged_wrapping_is_taken_as_the_id_itself() -> None:
    assert [unwrap_id(text) for text in ("a_sbx_1", "a_sbx_", "a_sbx_74")] == [
        "a_sbx_1",
        "a_sbx_",
        "a_sbx_74",
    ]


def test_one_original_id_used_twice_goes_up_as_two() -> None:
    client, ids = ClientIds([], counter()), UpstreamIds("any")
    first, second = ClientIds([], counter()).take("f:0"), client.take("f:0")
    assert first == second
    third = client.take("f:0")
    made = [ids.take(first), ids.take(third), ids.take(first)]
    assert made == ["f:0", third, "f:0"]


def test_too_long_ids_are_derived_the_same_way_every_time() -> None:
    assert UpstreamIds("any").take("x" * 65) == UpstreamIds("any").take("x" * 65)
    assert UpstreamIds("any").take("x" * 65).startswith("call_")


@given(st.text())
def test_mistral_s_ids_have_nine_letters(client: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", UpstreamIds("mistral9").take(client))


@given(st.lists(st.text(min_size=1), unique=True, max_size=8))
def test_names_are_lawful_unique_and_come_back(names: list[str]) -> None:
    table = ToolNames(names)
    sent = [table.sent(name) for name in names]
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in sent)
    assert len(set(sent)) == len(sent)
    assert [table.back(name) for name in sent] == names


def test_a_name_nobody_declared_comes_as_it_is() -> None:
    assert ToolNames(["a"]).back("other") == "other"
