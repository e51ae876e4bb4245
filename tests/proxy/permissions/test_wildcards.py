"""`*` matches anything, in linear time, and can be written as itself."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.wildcards import escaped, literal_parts, wildcard_match


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("ls", "ls"),
        ("*", ""),
        ("git * main", "git push -f main"),
        ("a*b*c", "abbc"),
        (r"echo \*", "echo *"),
        (r"a\\b", r"a\b"),
        (r"a\b", r"a\b"),
        ("*x", "y\nx"),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str) -> None:
    assert wildcard_match(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("ls", "lsx"), ("ls", "xls"), ("a*a", "a"), ("a*b*c", "acb"), ("b*", "ab"), (r"echo \*", "echo x")],
)
def test_what_only_partly_fits_does_not_match(pattern: str, text: str) -> None:
    assert not wildcard_match(pattern, text)


@given(st.text())
def test_an_escaped_text_matches_itself(text: str) -> None:
    assert wildcard_match(escaped(text), text)
    assert literal_parts(escaped(text)) == (text,)


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=10))
def test_it_matches_what_a_regular_expression_would(pattern: str, text: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))

    assert wildcard_match(pattern, text) == (re.fullmatch(expression, text) is not None)


def test_many_stars_on_a_long_text_take_no_time() -> None:
    began = time.thread_time()

    assert not wildcard_match("*a" * 500 + "b", "a" * 100_000)
    assert time.thread_time() - began < 1
