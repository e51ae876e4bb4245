"""The embedded demo upstream."""

from __future__ import annotations

import json
from typing import Any

from proxy.upstreams.demo import DemoUpstream


async def no_sleep(_: float) -> None:
    return None


async def ask(**payload: Any) -> list[dict[str, Any]]:
    answer = await DemoUpstream(sleep=no_sleep).open("/chat/completions", {"model": "demo", **payload}, {})
    received = b""
    while piece := await answer.read():
        received += piece
    lines = [line[6:] for line in received.decode().split("\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def text_of(chunks: list[dict[str, Any]], key: str = "content") -> str:
    return "".join(choice["delta"].get(key, "") for chunk in chunks for choice in chunk["choices"])


def calls_of(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        call["function"]
        for chunk in chunks
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", [])
    ]


def tool(name: str, **schema: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", **schema}}}


def user(text: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


async def test_it_thinks_then_says_plainly_that_it_is_a_demo() -> None:
    chunks = await ask(messages=user("hello"))
    assert "script" in text_of(chunks, "reasoning")
    assert "built-in demo, not a real model" in text_of(chunks)
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] > 10


async def test_it_calls_a_tool_the_question_names_with_the_least_lawful_input() -> None:
    fields = {
        "city": {"type": "string"},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": "integer", "default": 3},
        "deep": {},
        "extra": {"type": "string"},
    }
    offered = tool("get_weather", properties=fields, required=["city", "unit", "days", "deep"])
    chunks = await ask(messages=user("please use get_weather"), tools=[tool("other"), offered])
    calls = calls_of(chunks)
    assert calls[0]["name"] == "get_weather"
    arguments = json.loads("".join(call["arguments"] for call in calls))
    assert arguments == {"city": "demo", "unit": "C", "days": 3, "deep": "demo"}
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_results_alone_are_a_conversation_too() -> None:
    messages = [{"role": "tool", "tool_call_id": "1", "content": "zebra"}]
    assert "zebra" in text_of(await ask(messages=messages))


async def test_it_calls_the_only_tool_where_that_needs_no_input() -> None:
    assert calls_of(await ask(messages=user("hi"), tools=[tool("word")]))[0]["name"] == "word"


async def test_it_leaves_a_clients_tools_alone_that_nobody_named() -> None:
    bash = tool("Bash", properties={"command": {"type": "string"}}, required=["command"])
    assert calls_of(await ask(messages=user("hi"), tools=[bash])) == []
    assert calls_of(await ask(messages=user("hi"), tools=[tool("a"), tool("b")])) == []


async def test_it_obeys_tool_choice() -> None:
    tools = [tool("a"), tool("b")]
    forced = {"type": "function", "function": {"name": "b"}}
    assert calls_of(await ask(messages=user("hi"), tools=tools, tool_choice=forced))[0]["name"] == "b"
    assert calls_of(await ask(messages=user("hi"), tools=tools, tool_choice="required"))[0]["name"] == "a"
    assert calls_of(await ask(messages=user("use a"), tools=tools, tool_choice="none")) == []


async def test_it_uses_the_results_of_the_tools() -> None:
    messages: list[dict[str, Any]] = [
        *user([{"type": "text", "text": "use word"}]),
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "1", "content": "zebra"},
        {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "quartz"}]},
    ]
    assert "The tool answered: zebra; quartz" in text_of(await ask(messages=messages, tools=[tool("word")]))


async def test_it_stops_at_max_tokens() -> None:
    chunks = await ask(messages=user("use word"), tools=[tool("word")], max_tokens=5)
    assert chunks[-2]["choices"][0]["finish_reason"] == "length"
    assert calls_of(chunks) == []
    assert chunks[-1]["usage"]["completion_tokens"] == 5


async def test_it_stops_when_its_reader_leaves() -> None:
    upstream = DemoUpstream(sleep=no_sleep)
    answer = await upstream.open("/chat/completions", {"model": "demo", "messages": user("hi")}, {})
    assert await answer.read()
    await answer.aclose()
    assert await answer.read() == b""
    await upstream.aclose()


async def test_an_answer_that_shall_match_a_schema_is_the_least_that_does() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "more": inner, "extra": {"type": "string"}},
        "required": ["title", "more"],
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    text = text_of(await ask(messages=user("hello"), response_format=wanted))
    assert json.loads(text) == {"title": "demo", "more": {"n": 1}}
