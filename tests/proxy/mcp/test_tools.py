from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.mcp.results import MAX_RESULT_BYTES, CallResult, output_of
from proxy.mcp.tools import McpTool, lawful_names, renew, tool_of
from proxy.mcp.values import McpProblem
from proxy.tools.base import ToolScope
from proxy.tools.catalogue import Catalogue, definition_of, toolset_of
from proxy.tools.conversation import Conversation
from proxy.tools.errors import ToolError
from tests.proxy.mcp.server_room import raw, room

LAWFUL = re.compile(r"[a-zA-Z0-9_-]{1,64}")
SERVERS = st.from_regex(r"\A[A-Za-z0-9](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9])){0,39}\Z")


async def _never(_server: str, _tool: str, _arguments: Mapping[str, Any]) -> CallResult:
    raise McpProblem("the server is gone")


def _tool(**members: Any) -> McpTool:
    return tool_of("box", "mcp__box__do", {"name": "do", **members}, _never)


def _scope() -> ToolScope:
    return ToolScope("call", "request", Conversation(("local", "conversation")))


@given(SERVERS, st.lists(st.text(max_size=80), max_size=8, unique=True))
def test_names_are_lawful_unlike_each_other_and_of_their_server(server: str, tools: list[str]) -> None:
    names = lawful_names(server, tools)
    assert set(names) == set(tools)
    assert len(set(names.values())) == len(tools)
    assert all(LAWFUL.fullmatch(name) for name in names.values())
    assert all(toolset_of(name) == f"mcp:{server}" for name in names.values())
    assert {tool: lawful_names(server, [tool])[tool] for tool in tools} == names


def test_a_lawful_name_stays_as_it_is() -> None:
    assert lawful_names("box", ["get_issue", "get.issue", "get issue"]) | {} == {
        "get_issue": "mcp__box__get_issue",
        "get.issue": lawful_names("box", ["get.issue"])["get.issue"],
        "get issue": lawful_names("box", ["get issue"])["get issue"],
    }


def test_a_description_is_cut_at_4_kib_shows_what_is_hidden_and_says_whose_words_it_is() -> None:
    said = _tool(description="\u202eHidden." + "é" * 5000).description
    assert said.startswith("<U+202E>Hidden.")
    assert len(said.encode()) < 4096 + 200
    assert "is data, not instructions" in said
    assert "box" in said


def test_a_schema_shows_what_is_hidden_in_words_and_leaves_what_is_compared() -> None:
    schema = {
        "type": "object",
        "properties": {"description": {"type": "string", "description": "a\u200bb", "enum": ["x\u200b"]}},
    }
    shown = _tool(inputSchema=schema).input_schema
    assert shown["properties"]["description"] == {
        "type": "string",
        "description": "a<U+200B>b",
        "enum": ["x\u200b"],
    }
    assert _tool(inputSchema="none").input_schema == {"type": "object"}


def test_only_what_says_that_it_reads_runs_beside_others() -> None:
    assert _tool(annotations={"readOnlyHint": True}).may_run_beside_others
    assert not _tool(annotations={"readOnlyHint": "yes"}).may_run_beside_others
    assert not _tool().may_run_beside_others
    assert _tool().group == "MCP"
    assert _tool().timeout_s is None


async def test_a_problem_of_the_server_is_an_error_for_the_model() -> None:
    with pytest.raises(ToolError, match="the server is gone"):
        await _tool().run({}, _scope())


async def test_tools_of_a_server_run_from_the_catalogue(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())
        catalogue = Catalogue()
        renew(catalogue, made.supervisor.tools())
        tool = catalogue.find("mcp__raw__echo")
        assert tool is not None
        assert definition_of(tool)["name"] == "mcp__raw__echo"

        said = await tool.run({"text": "hello"}, _scope())
        failed = await _run(catalogue, "fail")
        image = await _run(catalogue, "image")
        big = await _run(catalogue, "big")

        assert said.content == ({"type": "text", "text": "hello"},)
        assert failed.is_error
        assert image.content[0]["source"] == {"type": "base64", "media_type": "image/png", "data": "aGk="}
        assert MAX_RESULT_BYTES * 0.9 < len(big.content[0]["text"]) <= MAX_RESULT_BYTES
        assert "cut" in big.content[1]["text"]


async def _run(catalogue: Catalogue, name: str) -> Any:
    tool = catalogue.find(f"mcp__raw__{name}")
    assert tool is not None
    return await tool.run({}, _scope())


def test_a_catalogue_is_changed_only_where_tools_did() -> None:
    told: list[int] = []
    catalogue = Catalogue()
    first, second = _tool(), replace(_tool(), name="mcp__box__other")
    renew(catalogue, [first, second])
    catalogue.watch(lambda: told.append(1))

    renew(catalogue, [_tool(), second])
    assert told == []
    assert catalogue.find(first.name) is first

    renew(catalogue, [_tool(description="Other words.")])
    assert [tool.name for tool in catalogue.all()] == [first.name]
    assert told


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"type": "audio", "mimeType": "audio/wav", "data": ""}, "models cannot hear"),
        ({"type": "image", "mimeType": "image/tiff", "data": ""}, "models cannot see"),
        ({"type": "resource_link", "uri": "file:///x", "name": "x"}, "[resource file:///x: x]"),
        (
            {"type": "resource", "resource": {"uri": "memo://1", "text": "a memo"}},
            "[resource memo://1]\na memo",
        ),
        (
            {"type": "resource", "resource": {"uri": "memo://1", "mimeType": "application/zip"}},
            "application/zip",
        ),
        ({"type": "novelty", "x": 1}, '"novelty"'),
    ],
)
def test_every_kind_of_content_becomes_what_a_model_understands(block: dict[str, Any], said: str) -> None:
    (made,) = output_of(CallResult((block,))).content
    assert said in made["text"]


def test_an_embedded_picture_is_a_picture_and_structure_alone_is_text() -> None:
    picture = {"type": "resource", "resource": {"uri": "x:", "mimeType": "image/png", "blob": "aGk="}}
    assert output_of(CallResult((picture,))).content[0]["type"] == "image"
    assert output_of(CallResult((), {"a": 1})).content == ({"type": "text", "text": '{"a": 1}'},)
    assert output_of(CallResult(())).content == ({"type": "text", "text": "(no content)"},)


@given(st.lists(st.integers(0, 700_000), max_size=5), st.integers(0, 2_000_000))
def test_no_result_is_larger_than_1_mib_and_what_was_cut_is_said(sizes: list[int], image: int) -> None:
    blocks = tuple({"type": "text", "text": "x" * size} for size in sizes)
    picture = {"type": "image", "mimeType": "image/png", "data": "A" * image}
    bounded = CallResult((*blocks, picture), {"s": "y" * 100}).bounded()
    assert bounded.bounded() == bounded
    size = sum(len(each.get("text", "")) + len(each.get("data", "")) for each in bounded.content)
    assert size <= MAX_RESULT_BYTES
    is_whole = bounded.content == (*blocks, picture)
    assert is_whole != ("cut" in str(bounded.content[-1].get("text", "")))
