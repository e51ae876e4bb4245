"""How a declaration is spelt to a model."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.messages.request import ToolParam
from proxy.messages.tool_spelling import as_chat, as_messages, as_typescript

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["city", "days"],
    "properties": {
        "city": {"type": "string", "description": "Where\nexactly"},
        "days": {"type": "integer", "default": 3},
        "unit": {"enum": ["c", "f"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "anything": {"type": "array"},
        "place": {"type": "object", "properties": {"lat": {"type": "number"}}},
        "free": {"type": "object"},
        "either": {"anyOf": [{"type": "boolean"}, {"type": "null"}, "odd"]},
        "some": {"type": ["string", "null"]},
        "unknown": True,
    },
}
TOOL = ToolParam(name="forecast", description="Tells\nthe weather", input_schema=SCHEMA)
TYPESCRIPT = """\
// Tells
// the weather
type forecast = (_: {
// Where
// exactly
city: string,
days: number, // default: 3
unit?: "c" | "f",
tags?: string[],
anything?: any[],
place?: {
lat?: number,
},
free?: object,
either?: boolean | null,
some?: string | null,
unknown?: any,
}) => any;

"""


def test_typescript_has_a_line_for_every_parameter_and_comment() -> None:
    assert as_typescript(TOOL) == TYPESCRIPT


def test_a_tool_without_parameters_is_a_function_without_arguments() -> None:
    assert as_typescript(ToolParam(name="now")) == "type now = () => any;\n\n"


def test_the_json_spellings_hold_name_description_and_schema() -> None:
    common = {"name": "forecast", "description": "Tells\nthe weather"}
    assert json.loads(as_messages(TOOL)) == {**common, "input_schema": SCHEMA}
    assert json.loads(as_chat(TOOL)) == {"type": "function", "function": {**common, "parameters": SCHEMA}}


def test_a_schema_nested_without_end_is_spelt_to_a_limit() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(60):
        schema = {"type": "array", "items": schema}
    tool = ToolParam(name="deep", input_schema={"type": "object", "properties": {"x": schema}})
    assert "any[]" in as_typescript(tool)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "enum", "anyOf", "description", "required", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "required", "x"]), JSON, max_size=4))
def test_no_schema_however_wrong_makes_the_spelling_fail(schema: dict[str, Any]) -> None:
    assert as_typescript(ToolParam(name="odd", input_schema=schema)).startswith("type odd = (")
