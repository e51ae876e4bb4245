"""Counting tokens with the vocabularies that ship in a package."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages.token_families import FAMILIES
from proxy.messages.vocabulary import count_text, load


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("hello", 1), ("hello world", 2), ("tokenization", 2)])
def test_a_text_has_the_tokens_its_vocabulary_gives_it(text: str, tokens: int) -> None:
    assert count_text("o200k_base", text) == tokens


def test_a_control_mark_in_a_text_is_counted_as_ordinary_text() -> None:
    assert count_text("o200k_base", "<|endoftext|>") > 1


def test_half_a_surrogate_pair_is_counted_and_does_not_fail() -> None:
    assert count_text("o200k_base", "a\ud800b") >= 2


def test_an_unknown_vocabulary_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="klingon"):
        load("klingon")


@pytest.mark.parametrize("vocabulary", sorted({family.vocabulary for family in FAMILIES}))
def test_every_family_has_a_vocabulary_that_ships_with_the_program(vocabulary: str) -> None:
    assert count_text(vocabulary, "The quick brown fox jumps over the lazy dog.") in range(9, 13)


@given(st.text(max_size=200))
def test_no_text_has_more_tokens_than_bytes(text: str) -> None:
    assert count_text("o200k_base", text) <= len(text.encode("utf-8", "replace"))
