"""Lists of texts in a JSON file change; every other byte stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.json_edits import CannotEdit, with_list
from proxy.permissions.json_spans import MAX_DEPTH, NotJson, plain, read_spans

_PATH = ("permissions", "allow")
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
_RULES = st.lists(st.sampled_from(["Bash(a)", "Read(b, c)", 'Bash(echo "x")', "mcp__t"]), unique=True)


@given(_JSON, st.sampled_from([None, 1, 4, "\t"]), st.booleans())
def test_any_json_is_read_as_pythons_reader_reads_it(value: Any, indent: Any, is_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)

    assert plain(read_spans(text)) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        '{"a":1,}',
        "{'a':1}",
        '{"a" 1}',
        "[1 2]",
        "01",
        "NaN",
        "1 2",
        '"a',
        '"\n"',
        "[" * (MAX_DEPTH + 1),
        "nul",
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(NotJson, match=r"line \d+, column \d+"):
        read_spans(text)


def test_the_place_of_an_error_is_counted_from_one() -> None:
    with pytest.raises(NotJson, match=r"line 2, column 3"):
        read_spans("{\n  x: 1}")


def test_of_a_name_that_stands_twice_the_last_counts() -> None:
    assert plain(read_spans('{"a": 1, "a": 2}')) == {"a": 2}


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("", ["A"], '{\n  "permissions": {\n    "allow": [\n      "A"\n    ]\n  }\n}\n'),
        (
            '{\n\t"x": 1\n}\n',
            ["A", "B"],
            '{\n\t"x": 1,\n\t"permissions": {\n\t\t"allow": [\n\t\t\t"A",\n\t\t\t"B"\n\t\t]\n\t}\n}\n',
        ),
        (
            '{\n  "permissions": {}\n}',
            ["A"],
            '{\n  "permissions": {\n    "allow": [\n      "A"\n    ]\n  }\n}',
        ),
        (
            '{\n  "permissions": {\n    "deny": [ "D" ]\n  }\n}',
            ["A"],
            '{\n  "permissions": {\n    "deny": [ "D" ],\n    "allow": [\n      "A"\n    ]\n  }\n}',
        ),
        ('{"permissions": {"allow": ["A"]}}', ["A", "B"], '{"permissions": {"allow": ["A", "B"]}}'),
        ('{"permissions": {"allow": ["A"]}}', [], '{"permissions": {"allow": []}}'),
        ('{"permissions": {"allow": ["A" , "B"]}}', ["B"], '{"permissions": {"allow": ["B"]}}'),
        ('{"permissions": {"allow": ["A" , "B"]}}', ["A"], '{"permissions": {"allow": ["A"]}}'),
        (
            '{"permissions": {"allow": [\n  "A",  "B"\n]}}',
            ["A", "B", "C"],
            '{"permissions": {"allow": [\n  "A",  "B",\n  "C"\n]}}',
        ),
        (
            '{"permissions": {"allow": []}}',
            ['Ä(")'],
            '{"permissions": {"allow": [\n  "Ä(\\")"\n]}}',
        ),
        (
            '{"a":1,\r\n"b":2}',
            ["A"],
            '{"a":1,\r\n"b":2,\r\n"permissions": {\r\n    "allow": [\r\n      "A"\r\n    ]\r\n  }}',
        ),
        ('{"x": 1}', [], '{"x": 1}'),
    ],
)
def test_a_list_is_changed_in_the_style_of_its_file(before: str, wanted: list[str], after: str) -> None:
    assert with_list(before, _PATH, wanted) == after


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"permissions": []}',
        '{"permissions": {"allow": {}}}',
        '{"permissions": {"allow": [[]]}}',
        '{"permissions": {}, "permissions": {}}',
        '{"permissions": {"allow": [1]}}',
    ],
)
def test_what_cannot_be_changed_in_place_is_refused(text: str) -> None:
    with pytest.raises(CannotEdit):
        with_list(text, _PATH, ["B"])


@given(_RULES, _RULES, st.sampled_from([None, 1, 2, "\t"]), st.dictionaries(st.text(), _JSON, max_size=3))
def test_after_any_change_the_list_is_as_wanted_and_the_rest_as_before(
    have: list[str], wanted: list[str], indent: Any, others: dict[str, Any]
) -> None:
    others.pop("permissions", None)
    before = {**others, "permissions": {"deny": ["D"], "allow": have}}

    after = json.loads(with_list(json.dumps(before, indent=indent), _PATH, wanted))

    assert sorted(after["permissions"].pop("allow")) == sorted(wanted)
    assert after == {**json.loads(json.dumps(others)), "permissions": {"deny": ["D"]}}


@given(_RULES, st.sampled_from([None, 2]))
def test_nothing_changes_where_nothing_was_asked(have: list[str], indent: Any) -> None:
    text = json.dumps({"permissions": {"allow": have}}, indent=indent)

    assert with_list(text, _PATH, have) == text
