"""The strict JSON reader and the writer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages.wire import MAX_DEPTH, MAX_DIGITS, InvalidJson, read_json, write_json

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(json_values)
def test_reading_what_was_written_gives_the_same_value(value: object) -> None:
    assert read_json(write_json(value)) == value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":1,"a":2}', "duplicate key"),
        (b'{"a":{"b":1,"b":1}}', "duplicate key"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e999]", "out of range"),
        (b"[" + b"9" * (MAX_DIGITS + 1) + b"]", "digits"),
        (b"[" + b"9" * MAX_DIGITS + b".5e1]", "out of range"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'"\xff"', "UTF-8"),
        (b'{"a":1} x', "line 1, column 9"),
        (b"{'a':1}", "line 1"),
        (b'"a\nb"', "line 1"),
        (b"", "line 1"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper than"),
        (b"[" * 100_000, "deeper than"),
        (b'{"' + b'\\"' * 500_000, "line 1"),  # a reader that tries every quote anew needs hours for this
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidJson, match=reason):
        read_json(data)


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    text = "[" * 1000 + '\\"' + "{" * 1000
    assert read_json(json.dumps({"a": text}).encode()) == {"a": text}


def test_depth_up_to_the_limit_is_read() -> None:
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None


def test_the_refusal_does_not_repeat_the_input() -> None:
    with pytest.raises(InvalidJson) as caught:
        read_json(b'{"secret-word": oops}')
    assert "secret-word" not in str(caught.value)


def test_halves_of_a_surrogate_pair_are_joined_and_a_lone_one_is_replaced() -> None:
    assert json.loads(write_json({"a": "\ud83d\ude00", "b": "x\ud83dy"})) == {"a": "😀", "b": "x\ufffdy"}
