"""Bodies are laid out piece by piece, whatever their size and whether or not they are whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.widgets.laid_out import PIECE_CHARS, laid_out

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def _all(text: str) -> str:
    return "\n".join(laid_out(text))


@given(st.lists(VALUES) | st.dictionaries(st.text(), VALUES), st.booleans())
def test_json_is_laid_out_as_the_library_does(value: Any, is_compact: bool) -> None:
    separators = (",", ":") if is_compact else None
    written = json.dumps(value, ensure_ascii=False, separators=separators)
    assert _all(written) == json.dumps(value, ensure_ascii=False, indent=2)


@given(st.lists(VALUES), st.integers(0, 200))
def test_of_a_beginning_nothing_is_lost(value: Any, end: int) -> None:
    text = json.dumps(value, ensure_ascii=False)[:end]
    assert "".join(_all(text).split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["plain", "data: {}\n\ndata: [DONE]\n", "", "  x", "}{"])
def test_what_is_no_json_stays_as_it_is(text: str) -> None:
    assert _all(text).split() == text.split()


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000,
        "a line of a stream\n" * 10_000,
        json.dumps({"content": "x\n" * 100_000}),
        json.dumps([{"a": n} for n in range(20_000)]),
        "{" * 3_000,
        "[" + "1" * 200_000,
    ],
)
def test_no_piece_and_no_line_is_long(text: str) -> None:
    pieces = list(laid_out(text))
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= PIECE_CHARS + 10_000
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_the_beginning_is_there_before_the_rest_is_looked_at() -> None:
    read: list[int] = []

    class Watched(str):
        __slots__ = ()

        def __getitem__(self, index: Any) -> str:
            read.append(index if isinstance(index, int) else index.stop)
            return super().__getitem__(index)

    next(laid_out(Watched(json.dumps([{"a": n} for n in range(200_000)]))))
    assert max(read) < 3 * PIECE_CHARS
