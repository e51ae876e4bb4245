from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from proxy.tools.child_output import HeadOutput, TailOutput


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=0, max_value=60))
def test_the_head_is_the_first_bytes_and_the_rest_is_counted(pieces: list[bytes], limit: int) -> None:
    output = HeadOutput(limit)
    for piece in pieces:
        output.feed(piece)

    whole = b"".join(pieces)
    assert output.text() == whole[:limit].decode("utf-8", "replace")
    assert output.total_bytes == len(whole)
    assert output.is_cut == (len(whole) > limit)
    assert output.dropped_lines == whole[limit:].count(b"\n")


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=1, max_value=60))
def test_the_tail_is_the_newest_bytes(pieces: list[bytes], limit: int) -> None:
    output = TailOutput(limit)
    for piece in pieces:
        output.feed(piece)

    whole = b"".join(pieces)
    assert output.dropped_bytes == max(len(whole) - limit, 0)
    assert output.take(whole_characters=False) == whole[-limit:]
    assert output.take(whole_characters=False) == b""


@given(st.text(max_size=30), st.lists(st.integers(min_value=0, max_value=120)))
def test_no_character_is_taken_in_half(text: str, cuts: list[int]) -> None:
    data = text.encode()
    output = TailOutput()
    taken: list[str] = []
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        output.feed(data[start:end])
        taken.append(output.take().decode("utf-8", "strict"))

    assert "".join(taken) == text


def test_what_is_kept_can_be_looked_at_without_taking_it() -> None:
    output = TailOutput()
    output.feed(b"said")

    assert output.text() == "said"
    assert output.take() == b"said"


def test_a_broken_character_at_the_end_comes_once_nothing_more_can() -> None:
    output = TailOutput()
    output.feed(b"a\xe2\x82")

    assert output.take() == b"a"
    assert output.take(whole_characters=False) == b"\xe2\x82"
