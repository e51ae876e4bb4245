"""How declared tools become functions, and how the choice among them is told."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.dialects.profiles import Profile
from proxy.messages.errors import ClientError
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest
from tests.proxy.dialects.chat import (
    PLAIN,
    WEATHER,
    asked,
    assistant,
    call,
    encode,
    lost,
    result,
    target,
    text,
    user,
    with_profile,
)

FUNCTION: JsonObject = {
    "name": "get_weather",
    "description": "Weather",
    "parameters": WEATHER["input_schema"],
}


def functions(request: MessagesRequest, to: Any = None) -> list[JsonObject]:
    return [tool["function"] for tool in encode(request, to).payload.get("tools", [])]


def named(name: str, **more: Any) -> JsonObject:
    return {**WEATHER, "name": name, **more}


def test_a_custom_tool_is_a_function() -> None:
    payload = encode(asked(tools=[WEATHER, named("b", type="custom", description=None)]), PLAIN).payload
    assert payload["tools"] == [
        {"type": "function", "function": FUNCTION},
        {"type": "function", "function": {"name": "b", "parameters": WEATHER["input_schema"]}},
    ]
    assert "tool_choice" not in payload


def test_no_tools_is_no_field() -> None:
    assert "tools" not in encode(asked(tools=[])).payload
    to = with_profile(Profile(tools=False))
    encoded = encode(asked(tools=[WEATHER], tool_choice={"type": "auto"}), to)
    assert not {"tools", "tool_choice"} & set(encoded.payload)
    assert lost(encoded) == ["tools"]


def test_hints_strictness_and_settings_go_where_they_are_understood() -> None:
    tool = named(
        "b",
        strict=True,
        cache_control={"type": "ephemeral"},
        eager_input_streaming=True,
        allowed_callers=["code_execution_20250825"],
    )
    (made,) = encode(asked(tools=[tool])).payload["tools"]
    assert made["cache_control"] == {"type": "ephemeral"}
    assert made["function"]["strict"] is True
    encoded = encode(asked(tools=[tool]), PLAIN)
    assert encoded.payload["tools"] == [{"type": "function", "function": {**FUNCTION, "name": "b"}}]
    assert sorted(lost(encoded)) == [
        "tools.0.allowed_callers",
        "tools.0.cache_control",
        "tools.0.eager_input_streaming",
        "tools.0.strict",
    ]


def test_examples_go_into_the_description() -> None:
    (made,) = functions(asked(tools=[named("b", input_examples=[{"city": "Rome"}])]))
    assert made["description"] == 'Weather\n\nExamples of its input:\n{"city":"Rome"}'


def test_names_the_upstream_would_refuse_are_changed_and_said() -> None:
    encoded = encode(asked(tools=[named("mcp.a:b"), named("x" * 128), named("mcp_a_b")]))
    names = [made["function"]["name"] for made in encoded.payload["tools"]]
    assert names[0].startswith("mcp_a_b_")
    assert all(len(name) <= 64 for name in names)
    assert len(set(names)) == 3
    assert lost(encoded) == ["tools", "tools"]


@pytest.mark.parametrize(
    ("kind", "name", "fields"),
    [
        ("bash_20250124", "bash", {"command", "restart"}),
        ("text_editor_20250728", "str_replace_based_edit_tool", {"command", "path", "file_text", "old_str"}),
        ("text_editor_20241022", "str_replace_editor", {"command", "path"}),
        ("memory_20250818", "memory", {"command", "old_path"}),
        ("computer_20251124", "computer", {"action", "coordinate"}),
    ],
)
def test_anthropic_s_client_tools_are_equivalent_functions(kind: str, name: str, fields: set[str]) -> None:
    encoded = encode(
        asked(tools=[{"type": kind, "name": name, "display_width_px": 800, "display_height_px": 600}])
    )
    (made,) = encoded.payload["tools"]
    assert made["function"]["name"] == name
    assert fields <= set(made["function"]["parameters"]["properties"])
    assert "800x600" in made["function"]["description"]
    assert lost(encoded) == ["tools.0"]


def test_only_old_editors_can_undo() -> None:
    commands = [
        functions(asked(tools=[{"type": kind, "name": "e"}]))[0]["parameters"]["properties"]["command"][
            "enum"
        ]
        for kind in ("text_editor_20241022", "text_editor_20250124", "text_editor_20250429")
    ]
    assert ["undo_edit" in made for made in commands] == [True, True, False]


@pytest.mark.parametrize(
    "kind",
    [
        "code_execution_20260120",
        "web_fetch_20250910",
        "advisor_20260301",
        "mcp_toolset",
        "computer_toolset_20260801",
    ],
)
@pytest.mark.parametrize("choice", [{"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "x"}])
@pytest.mark.parametrize("others", [[], [{"name": "own", "input_schema": {"type": "object"}}]])
def test_what_only_anthropic_can_run_is_a_vital_loss_with_advice(
    kind: str, choice: JsonObject, others: list[JsonObject]
) -> None:
    encoded = encode(asked(tools=[{"type": kind, "name": "x"}, *others], tool_choice=choice))
    vital = [loss for loss in encoded.losses if loss.is_vital]
    assert [loss.path for loss in vital] == ["tools.0"]
    assert vital[0].reason.startswith(f"the tool type '{kind}' runs only on Anthropic's servers")
    assert vital[0].reason.endswith("anthropic-messages.")
    assert len(encoded.payload.get("tools", [])) == len(others)


def test_web_search_is_the_router_s_plugin_or_a_vital_loss() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["a"]}
    encoded = encode(asked(tools=[search], tool_choice={"type": "any"}))
    assert encoded.payload["plugins"] == [{"id": "web"}]
    assert not {"tools", "tool_choice"} & set(encoded.payload)
    assert lost(encoded) == ["tools.0.allowed_domains"]
    vital = [loss for loss in encode(asked(tools=[search]), PLAIN).losses if loss.is_vital]
    assert "web_search_20250305" in vital[0].reason


DEFERRED = [
    named("a", defer_loading=True),
    WEATHER,
    named("b", defer_loading=True),
    named("c", defer_loading=True),
]


def reference(name: str) -> JsonObject:
    return {"type": "tool_reference", "tool_name": name}


def test_deferred_tools_are_offered_once_the_conversation_brought_them_up() -> None:
    found = [call("1", "ToolSearch"), call("2", "b")]
    request = asked(
        user("go"),
        assistant(*found),
        user(result("1", [reference("c"), text("ok")]), result("2")),
        tools=DEFERRED,
    )
    encoded = encode(request)
    assert [made["function"]["name"] for made in encoded.payload["tools"]] == ["get_weather", "b", "c"]
    assert lost(encoded) == ["tools.0"]


def test_a_deferred_tool_that_is_forced_is_offered() -> None:
    request = asked(tools=DEFERRED, tool_choice={"type": "tool", "name": "a"})
    assert [made["name"] for made in functions(request)] == ["get_weather", "a"]


def test_system_turns_add_and_remove_tools() -> None:
    def turn(*changes: tuple[str, JsonObject]) -> JsonObject:
        return {"role": "system", "content": [{"type": kind, "tool": tool} for kind, tool in changes]}

    request = asked(
        user("a"),
        turn(
            ("tool_addition", {"type": "tool_reference", "name": "b"}), ("tool_addition", {"tool_name": "c"})
        ),
        turn(("tool_removal", {"name": "get_weather"}), ("tool_removal", {"name": "c"})),
        tools=DEFERRED,
    )
    assert [made["name"] for made in functions(request)] == ["b"]


def test_where_the_server_would_search_tools_all_are_offered() -> None:
    search = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    encoded = encode(asked(tools=[*DEFERRED, search]))
    assert [made["function"]["name"] for made in encoded.payload["tools"]] == ["get_weather", "a", "b", "c"]
    assert lost(encoded) == ["tools"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "get_weather"}, {"type": "function", "function": {"name": "get_weather"}}),
    ],
)
def test_the_choice_is_told(choice: Any, expected: Any) -> None:
    assert encode(asked(tools=[WEATHER], tool_choice=choice), PLAIN).payload["tool_choice"] == expected


def test_a_choice_the_server_does_not_know_is_the_nearest_one() -> None:
    to = with_profile(Profile(tool_choice_required=False, tool_choice_named=False, tool_choice_none=False))
    any_ = encode(asked(tools=[WEATHER], tool_choice={"type": "any"}), to)
    assert (any_.payload["tool_choice"], lost(any_)) == ("auto", ["tool_choice"])
    one = encode(asked(tools=[named("b"), WEATHER], tool_choice={"type": "tool", "name": "get_weather"}), to)
    assert [made["function"]["name"] for made in one.payload["tools"]] == ["get_weather"]
    assert lost(one) == ["tool_choice", "tools"]
    none = encode(asked(tools=[WEATHER], tool_choice={"type": "none"}), to)
    assert not {"tools", "tool_choice"} & set(none.payload)


def test_parallel_calls_are_forbidden_where_the_server_knows_the_field() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert encode(asked(tools=[WEATHER], tool_choice=choice)).payload["parallel_tool_calls"] is False
    encoded = encode(
        asked(tools=[WEATHER], tool_choice=choice), with_profile(Profile(parallel_tool_calls=False))
    )
    assert "parallel_tool_calls" not in encoded.payload
    assert lost(encoded) == ["tool_choice.disable_parallel_tool_use"]


@pytest.mark.parametrize(
    ("tools", "choice", "message"),
    [
        ([], {"type": "any"}, "tool_choice.any may only be specified while providing tools"),
        ([], {"type": "tool", "name": "x"}, "Tool 'x' not found in provided tools"),
        ([WEATHER], {"type": "tool", "name": "x"}, "Tool 'x' not found in provided tools"),
        ([WEATHER], {"type": "tool"}, "Tool '' not found in provided tools"),
    ],
)
def test_a_choice_of_nothing_is_refused_in_the_real_api_s_words(
    tools: Any, choice: Any, message: str
) -> None:
    with pytest.raises(ClientError) as caught:
        encode(asked(tools=tools, tool_choice=choice))
    assert caught.value.message == message


def test_forcing_the_server_s_own_search_needs_no_function() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    payload = encode(asked(tools=[search], tool_choice={"type": "tool", "name": "web_search"})).payload
    assert payload["plugins"] == [{"id": "web"}]


def test_no_choice_is_fine_without_tools() -> None:
    assert "tool_choice" not in encode(asked(tool_choice={"type": "auto"})).payload


def test_picky_servers_get_clean_schemas() -> None:
    schema = {
        "type": "object",
        "$schema": "https://json-schema.org",
        "properties": {"n": {"const": 3, "title": "N"}},
    }
    (made,) = functions(asked(tools=[named("b", input_schema=schema)]), target("google/gemini-2.5-flash"))
    assert made["parameters"] == {"type": "object", "properties": {"n": {"enum": ["3"], "type": "string"}}}
