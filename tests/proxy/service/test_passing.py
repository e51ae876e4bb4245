"""Tools the client runs itself: what the rules forbid never reaches it, and comes back to the model."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from proxy.events import ToolDecided
from proxy.messages.errors import ClientError
from proxy.messages.message import JsonObject
from proxy.messages.request import ToolChoiceParam, ToolParam, parse_request
from proxy.permissions.values import PartVerdict, Policy, Rule, Verdict
from proxy.service.passing import (
    denied_tools,
    denies,
    freed,
    has_deny_rules,
    is_judged,
    judged_call,
    rule_name,
    without_tools,
)
from tests.proxy import tooling
from tests.proxy.scripted import BODY, HELLO, Reply, Running, ScriptedUpstream, delta
from tests.proxy.tooling import (
    FIRST,
    THINKING,
    call,
    calling,
    declared,
    kinds,
    read_stream,
    rules,
    running_tools,
    spoken,
    through,
    turn,
    use,
)

NO_RM = rules(deny=["Bash(rm:*)"])
RM = '{"command":"rm -rf build"}'
LS = '{"command":"ls"}'


async def ask(proxy: Running, **more: Any) -> JsonObject:
    return await tooling.ask(proxy, **{"tools": declared("Bash", "Read"), **more})


def answered(message: JsonObject, *results: tuple[str, str]) -> list[JsonObject]:
    """The next turn: the answer as it came, and the client's results."""
    content = [{"type": "tool_result", "tool_use_id": each, "content": text} for each, text in results]
    return [FIRST, turn(message), {"role": "user", "content": content}]


async def test_a_tool_that_is_denied_as_a_whole_leaves_the_request() -> None:
    upstream = ScriptedUpstream()
    async with running_tools(upstream, permissions=rules(deny=["Bash", "WebSearch"])) as proxy:
        search = {"type": "web_search_20250305", "name": "web_search"}
        await ask(proxy, tools=[*declared("Bash", "Read"), search])
    assert [tool["function"]["name"] for tool in upstream.asked[0]["tools"]] == ["Read"]


async def test_an_old_name_is_denied_with_the_new_one() -> None:
    upstream = ScriptedUpstream()
    async with running_tools(upstream, permissions=rules(deny=["Agent"])) as proxy:
        await ask(proxy, tools=declared("Task"))
    assert "tools" not in upstream.asked[0]


async def test_a_call_of_a_removed_tool_that_the_model_makes_anyway_never_reaches_the_client() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("Bash", LS))), Reply()])
    async with running_tools(upstream, permissions=rules(deny=["Bash"])) as proxy:
        message = await ask(proxy)
    assert kinds(message) == ["text"]


async def test_a_denied_call_comes_back_to_the_model_and_the_client_sees_the_text_only() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("Bash", RM), text="I clean up.")), Reply()])
    async with running_tools(upstream, permissions=NO_RM) as proxy:
        message = await ask(proxy)
        decided = await proxy.events.until(ToolDecided)
    assert [block["text"] for block in message["content"]] == ["I clean up.", "Hello"]
    assert message["stop_reason"] == "end_turn"
    told = upstream.asked[1]["messages"][-1]
    assert told["tool_call_id"] == "call_1"
    assert "Permission to use Bash with command rm -rf build has been denied" in told["content"]
    assert (decided.runner, decided.decision, decided.rule) == ("client", "deny", "Bash(rm:*)")


async def test_what_was_denied_is_there_again_on_the_next_turn() -> None:
    upstream = ScriptedUpstream([Reply(calling(call("Bash", RM), text="I clean up.")), Reply()])
    async with running_tools(upstream, permissions=NO_RM) as proxy:
        message = await ask(proxy)
        await ask(proxy, messages=[FIRST, {"role": "assistant", "content": message["content"]}, FIRST])
    _, second, third = upstream.asked
    assert third["messages"][:3] == second["messages"][:3]
    assert [each["role"] for each in third["messages"]] == ["user", "assistant", "tool", "assistant", "user"]


async def test_of_several_calls_the_allowed_ones_go_and_the_denied_one_joins_the_next_turn() -> None:
    calls = (call("Read", "{}", "call_1", 0), call("Bash", RM, "call_2", 1), call("Bash", LS, "call_3", 2))
    upstream = ScriptedUpstream([Reply(calling(*calls)), Reply()])
    async with running_tools(upstream, permissions=NO_RM) as proxy:
        message = await ask(proxy)
        await ask(proxy, messages=answered(message, ("call_1", "one"), ("call_3", "three")))
        decided = proxy.of(ToolDecided)
    assert [block["id"] for block in message["content"]] == ["call_1", "call_3"]
    assert message["stop_reason"] == "tool_use"
    turn, *results = upstream.asked[1]["messages"][1:]
    assert [each["id"] for each in turn["tool_calls"]] == ["call_1", "call_2", "call_3"]
    assert {each["tool_call_id"] for each in results} == {"call_1", "call_2", "call_3"}
    assert "has been denied" in next(each for each in results if each["tool_call_id"] == "call_2")["content"]
    # Read has no rule of its own, so nothing was consulted about it.
    assert [(each.call_id, each.decision) for each in decided] == [("call_2", "deny"), ("call_3", "allow")]


async def test_the_blocks_of_a_stream_are_numbered_without_the_denied_one() -> None:
    calls = (call("Bash", RM, "call_1", 0), call("Read", "{}", "call_2", 1))
    upstream = ScriptedUpstream([Reply(calling(*calls, text="Now."))])
    async with running_tools(upstream, permissions=NO_RM) as proxy:
        body = {**BODY, "tools": declared("Bash", "Read"), "stream": True}
        async with proxy.post(body) as response:
            text = await response.text()
    starts = [each for each in read_stream(text) if each["type"] == "content_block_start"]
    assert [(each["index"], each["content_block"]["type"]) for each in starts] == [
        (0, "text"),
        (1, "tool_use"),
    ]
    assert "rm -rf" not in text


async def halves(proxy: Running, tool: str, words: bytes, gate: asyncio.Event) -> tuple[bytes, bytes]:
    """What comes until some words were said, and after that, when the upstream may go on."""
    async with proxy.post({**BODY, "tools": declared(tool), "stream": True}) as response:
        before = b""
        while words not in before:
            before += await response.content.readany()
        gate.set()
        return before, await response.read()


async def test_text_is_not_held_back_while_a_call_is() -> None:
    gate = asyncio.Event()
    pieces = (delta(role="assistant", content="At once."), gate, *calling(call("Bash", RM)))
    upstream = ScriptedUpstream([Reply(pieces), Reply()])
    async with running_tools(upstream, permissions=NO_RM) as proxy:
        before, after = await halves(proxy, "Bash", b"At once.", gate)
    assert b"Hel" not in before
    assert b"Hel" in after


async def test_the_input_of_an_unjudged_tool_streams_while_another_tool_has_a_rule() -> None:
    gate = asyncio.Event()
    function = {"name": "Other", "arguments": '{"a":'}
    first = delta(tool_calls=[{"index": 0, "id": "call_1", "type": "function", "function": function}])
    rest = delta(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}])
    upstream = ScriptedUpstream([Reply((first, gate, rest, delta("tool_calls")))])
    async with running_tools(upstream, permissions=NO_RM) as proxy:
        before, after = await halves(proxy, "Other", b"partial_json", gate)
    assert b"call_1" in before + after


async def test_thinking_and_calls_go_back_verbatim_to_an_upstream_that_speaks_the_protocol() -> None:
    allowed, denied = use("Bash", {"command": "ls"}, "toolu_1"), use("Bash", {"command": "rm x"}, "toolu_2")
    said = {"type": "text", "text": "done"}
    upstream = ScriptedUpstream(
        [
            Reply(spoken(THINKING, denied)),
            Reply(spoken(THINKING, allowed, {**denied, "id": "toolu_3"})),
            Reply(spoken(said, stop_reason="end_turn")),
        ]
    )
    async with running_tools(upstream, through("anthropic-messages"), permissions=NO_RM) as proxy:
        message = await ask(proxy)
        await ask(proxy, messages=answered(message, ("toolu_1", "files")))
    assert kinds(message) == ["thinking", "thinking", "tool_use"]
    assert upstream.asked[1]["messages"][1]["content"] == [THINKING, denied]
    last = upstream.asked[2]["messages"]
    assert [each["role"] for each in last] == ["user", "assistant", "user", "assistant", "user"]
    assert last[:3] == upstream.asked[1]["messages"]
    assert last[3]["content"] == [THINKING, allowed, {**denied, "id": "toolu_3"}]
    assert sorted(each["tool_use_id"] for each in last[4]["content"]) == ["toolu_1", "toolu_3"]


@pytest.mark.parametrize("broken", ['{"command":"rm -rf x","command":"ls"}', '{"command":"ls"', "[1]", "x"])
async def test_an_input_that_two_readers_could_read_differently_is_not_passed_on(broken: str) -> None:
    pieces = tuple(piece.replace(b'"{}"', json.dumps(broken).encode()) for piece in spoken(use("Bash", {})))
    said = {"type": "text", "text": "ok"}
    upstream = ScriptedUpstream([Reply(pieces), Reply(spoken(said, stop_reason="end_turn"))])
    async with running_tools(upstream, through("anthropic-messages"), permissions=NO_RM) as proxy:
        message = await ask(proxy)
    assert kinds(message) == ["text"]
    assert upstream.asked[1]["messages"][2]["content"][0]["is_error"] is True


async def test_a_judged_call_that_was_cut_off_does_not_reach_the_client() -> None:
    pieces = tuple(
        piece.replace(b'"{}"', json.dumps('{"command":"rm -rf /').encode())
        for piece in spoken(use("Bash", {}), stop_reason="max_tokens")
    )
    upstream = ScriptedUpstream([Reply(pieces)])
    async with running_tools(upstream, through("anthropic-messages"), permissions=NO_RM) as proxy:
        message = await ask(proxy)
    assert message["content"] == []
    assert message["stop_reason"] == "max_tokens"


@pytest.mark.parametrize("mode", ["dontAsk", "plan"])
async def test_asking_and_the_mode_leave_the_clients_tools_alone(mode: Any) -> None:
    config = rules(ask=["Bash(ls)"], deny=["Bash(rm:*)"])
    upstream = ScriptedUpstream([Reply(calling(call("Bash", LS)))])
    async with running_tools(upstream, permissions=replace(config, mode=mode)) as proxy:
        assert kinds(await ask(proxy)) == ["tool_use"]


async def test_clients_that_name_no_conversation_find_what_was_denied_too() -> None:
    calls = (call("Bash", RM, "call_1", 0), call("Bash", LS, "call_2", 1))
    upstream = ScriptedUpstream([Reply(calling(*calls)), Reply(HELLO)])
    async with running_tools(upstream, permissions=NO_RM) as proxy:
        message = await ask(proxy)
        await ask(proxy, messages=answered(message, ("call_2", "files")))
    assert len(upstream.asked[1]["messages"][1]["tool_calls"]) == 2


async def test_demanding_a_denied_tool_is_an_error_that_says_so() -> None:
    async with running_tools(ScriptedUpstream(), permissions=rules(deny=["Bash"])) as proxy:
        body = {**BODY, "tools": declared("Bash", "Read"), "tool_choice": {"type": "tool", "name": "Bash"}}
        async with proxy.post(body) as response:
            assert response.status == 400
            assert "denied by Signalbox's permission rules" in await response.text()


def test_demanding_any_tool_is_an_error_only_where_none_is_left() -> None:
    body = {**BODY, "tools": declared("Bash", "Read"), "tool_choice": {"type": "any"}}
    request = parse_request(body)
    assert without_tools(request, {"Bash"}).tool_choice == request.tool_choice
    with pytest.raises(ClientError):
        without_tools(request, {"Bash", "Read"})


def test_a_request_without_tools_left_has_neither_tools_nor_choice() -> None:
    request = parse_request({**BODY, "tools": declared("Bash"), "tool_choice": {"type": "auto"}})
    left = without_tools(request, {"Bash"})
    assert not {"tools", "tool_choice"} & set(left.model_dump(exclude_unset=True))
    assert without_tools(request, {"Read"}) is request


def test_a_demanded_call_is_made_once() -> None:
    assert freed(None) is None
    auto = ToolChoiceParam(type="auto")
    assert freed(auto) is auto
    forced = ToolChoiceParam(type="tool", name="x", disable_parallel_tool_use=True)
    left = freed(forced)
    assert left is not None
    assert (left.type, left.name, left.disable_parallel_tool_use) == ("auto", None, True)


@pytest.mark.parametrize(
    ("rule", "tool", "expected"),
    [
        ("Bash", "Bash", True),
        ("Bash", "Read", False),
        ("Read", "Read", True),
        ("Read", "Grep", True),
        ("Read", "Write", True),
        ("Read", "Bash", True),
        ("Edit", "Read", False),
        ("Edit", "NotebookEdit", True),
        ("Edit", "Bash", True),
        ("Agent", "Task", True),
        ("mcp__git", "mcp__git__push", True),
        ("WebFetch", "Bash", False),
    ],
)
def test_a_rule_has_those_tools_judged_that_it_may_be_about(rule: str, tool: str, expected: bool) -> None:
    denied = denied_tools(Policy(rules=(Rule("deny", f"{rule}(x)", rule, "x"),)))
    assert is_judged(denied, ToolParam(name=tool)) is expected


def test_rules_that_do_not_deny_have_nothing_judged() -> None:
    rule = Rule("deny", "Read(x)", "Read", "x", is_exception=True)
    policy = Policy(rules=(Rule("ask", "Bash(x)", "Bash", "x"), rule))
    assert not denied_tools(policy)
    assert not has_deny_rules(policy)


def test_anthropics_own_client_tools_go_by_the_names_that_rules_know() -> None:
    bash = ToolParam(type="bash_20250124", name="bash")
    editor = ToolParam(type="text_editor_20250728", name="str_replace_based_edit_tool")
    assert (rule_name(bash), rule_name(editor)) == ("Bash", "Edit")
    assert rule_name(ToolParam(type="web_fetch_20250910", name="web_fetch")) == "WebFetch"
    assert rule_name(ToolParam(type="memory_20250818", name="memory")) == "memory"
    assert judged_call("bash", {"command": "rm"}, bash.type or "").tool == "Bash"
    view = judged_call("e", {"command": "view", "path": "/x"}, editor.type or "")
    create = judged_call("e", {"command": "create", "path": "/x"}, editor.type or "")
    assert (view.tool, create.tool, view.input["file_path"]) == ("Read", "Edit", "/x")
    assert judged_call("Bash", {"command": "rm"}, "").tool == "Bash"


def test_only_rules_deny_a_clients_call() -> None:
    by_rule = PartVerdict("rm", "deny", "why", rule="Bash(rm)")
    by_limit = PartVerdict("x", "deny", "why")
    assert denies(Verdict("deny", "why", "Bash(rm)"))
    assert denies(Verdict("deny", "why", parts=(by_limit, by_rule)))
    assert not denies(Verdict("deny", "a limit", parts=(by_limit,)))
    assert not denies(Verdict("ask", "why", "Bash(rm)", parts=(by_rule,)))
