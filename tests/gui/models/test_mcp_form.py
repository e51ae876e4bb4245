"""A tool's schema becomes a form where it can, and what is typed becomes the JSON it stands for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models.mcp_form import FormField, FormProblem, arguments_of, arguments_problem, fields_of
from tests.gui.mcp_scenes import CONVERT_SCHEMA

NO_FORM: list[Any] = [
    {"type": "array"},
    {"type": "object", "anyOf": []},
    {"$ref": "#/x"},
    {"type": "object", "properties": [1]},
    {"type": "object", "properties": {f"p{n}": {} for n in range(40)}},
]
SEVERAL: list[Any] = [{"type": ["integer", "string"]}, {"anyOf": [{}, {}]}, {}, True]


def test_a_schema_becomes_fields_with_their_kinds_and_defaults():
    fields = fields_of(CONVERT_SCHEMA)
    assert fields is not None
    assert [(f.name, f.kind, f.is_required, f.start) for f in fields] == [
        ("time", "text", True, ""),
        ("days", "whole", False, "0"),
        ("source_timezone", "text", True, ""),
        ("style", "choice", False, '"short"'),
        ("with_seconds", "yes-no", False, ""),
        ("targets", "json", False, ""),
    ]
    assert fields[0].hint == "Time to convert, as HH:MM"


@pytest.mark.parametrize("schema", NO_FORM)
def test_what_no_form_can_say_is_left_to_json(schema: dict[str, Any]):
    assert fields_of(schema) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        {"type": ["integer", "null"]},
    ],
)
def test_null_beside_one_kind_makes_an_empty_field(schema: dict[str, Any]):
    fields = fields_of({"properties": {"n": schema}})
    assert fields == (FormField("n", "whole"),)


@pytest.mark.parametrize("schema", SEVERAL)
def test_a_field_of_several_kinds_takes_json(schema: object):
    fields = fields_of({"properties": {"n": schema}})
    assert fields is not None
    assert fields[0].kind == "json"


def test_what_is_typed_becomes_arguments_and_empty_fields_are_left_out():
    fields = fields_of(CONVERT_SCHEMA) or ()
    typed = {
        "time": "16:30",
        "days": "2.0",
        "source_timezone": "",
        "style": '"long"',
        "with_seconds": "",
        "targets": '["UTC"]',
    }
    assert arguments_of(fields, typed) == {
        "time": "16:30",
        "days": 2,
        "source_timezone": "",
        "style": "long",
        "targets": ["UTC"],
    }


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("whole", "1.5", "n takes a whole number."),
        ("whole", "true", "n takes a whole number."),
        ("number", '"x"', "n takes a number."),
        ("number", "NaN", "n takes a number."),
        ("json", "[1", 'n takes JSON: [1, 2], {"key": "value"} or "text".'),
        ("json", "[" * 9_000, 'n takes JSON: [1, 2], {"key": "value"} or "text".'),
        ("yes-no", "", "n is needed."),
    ],
)
def test_a_field_says_what_it_cannot_take(kind: Any, text: str, said: str):
    with pytest.raises(FormProblem) as caught:
        arguments_of([FormField("n", kind, is_required=True)], {"n": text})
    assert (caught.value.name, str(caught.value)) == ("n", said)


@given(st.text())
def test_text_is_sent_as_it_was_typed(text: str):
    found = arguments_of([FormField("t", "text")], {"t": text})
    assert found == ({"t": text} if text else {})


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=8))
def test_any_schema_from_a_server_makes_a_form_or_none(value: object):
    for schema in ({"properties": {"x": value}}, {"properties": {"x": {"enum": value, "type": value}}}):
        fields = fields_of(schema)
        assert fields is not None
        json.dumps([field.name for field in fields])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", None),
        ('{"a": 1}', None),
        ("[1]", "The arguments must be one object: { … }."),
        ("{", "Line 1, column 2: Expecting property name enclosed in double quotes."),
        ("[" * 9_000, "This is nested too deeply."),
    ],
)
def test_raw_arguments_must_be_one_object(text: str, problem: str | None):
    assert arguments_problem(text) == problem
