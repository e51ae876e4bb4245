"""How tool schemas are cleaned."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.dialects.tool_schema import clean_schema, is_strict

EMPTY: Any = {"type": "object", "properties": {}}


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}])
def test_a_schema_is_always_an_object(schema: Any) -> None:
    assert clean_schema(schema, ()) == EMPTY


def test_a_schema_that_is_no_object_is_left_to_the_upstream() -> None:
    assert clean_schema({"type": "string"}, ()) == {"type": "string"}


def test_without_rules_nothing_is_taken_out() -> None:
    schema: Any = {**EMPTY, "$schema": "x", "title": "T", "additionalProperties": False}
    assert clean_schema(schema, ()) == schema


def test_meta_keywords_go_but_properties_of_their_names_stay() -> None:
    schema = {
        "type": "object",
        "$schema": "x",
        "properties": {"$id": {"type": "array", "items": [{"$comment": "c", "enum": [{"$id": 1}]}]}},
    }
    assert clean_schema(schema, ("drop_meta",)) == {
        "type": "object",
        "properties": {"$id": {"type": "array", "items": [{"enum": [{"$id": 1}]}]}},
    }


def test_references_are_put_in_place() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A", "description": "mine"}, "b": [{"$ref": "#/nowhere/x"}]},
        "$defs": {"A": {"type": "string", "description": "its own"}},
    }
    assert clean_schema(schema, ("inline_refs",)) == {
        "type": "object",
        "properties": {"a": {"type": "string", "description": "mine"}, "b": [{}]},
    }


def test_a_recursive_reference_ends() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    made = clean_schema(schema, ("inline_refs",))
    depth = 0
    while "properties" in made:
        made, depth = made["properties"]["next"], depth + 1
    assert (made, depth) == ({"type": "object"}, 9)


def test_gemini_s_subset() -> None:
    schema = {
        "type": "object",
        "title": "T",
        "examples": [1],
        "discriminator": {},
        "properties": {
            "title": {"type": "integer", "exclusiveMinimum": 0},
            "when": {"type": "string", "format": "date-time", "description": "When."},
            "then": {"type": "string", "format": "date"},
            "one": {"oneOf": [{"const": 1}, {"enum": ["a", 2]}]},
        },
    }
    assert clean_schema(schema, ("gemini",)) == {
        "type": "object",
        "properties": {
            "title": {"type": "integer"},
            "when": {"type": "string", "description": "When. Format: date-time."},
            "then": {"type": "string", "description": "Format: date."},
            "one": {"anyOf": [{"type": "string", "enum": ["1"]}, {"type": "string", "enum": ["a", "2"]}]},
        },
    }


STRICT: list[Any] = [
    ({"type": "string"}, True),
    ({"type": "object", "properties": {}, "additionalProperties": False}, True),
    ({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}, True),
    ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, False),
    ({"type": "object"}, False),
    ({"anyOf": [{"type": "string"}, {"properties": {"a": {}}}]}, False),
]


@pytest.mark.parametrize(("schema", "strict"), STRICT)
def test_strictness_needs_closed_objects_that_require_everything(schema: Any, strict: bool) -> None:
    assert is_strict(schema) is strict


def test_references_that_branch_do_not_grow_without_end() -> None:
    branches = {str(i): {"$ref": "#"} for i in range(20)}
    made = clean_schema({"type": "object", "properties": branches}, ("inline_refs",))
    assert len(str(made)) < 1_000_000
