"""The runner: nothing runs that was not judged, and everything that was decided is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.typing import EventDict

from proxy.permissions.values import ToolCall
from proxy.tools.base import MAX_RESULT_CHARS, ToolOutput, ToolScope
from proxy.tools.course import MAX_ARGUMENT_CHARS
from proxy.tools.errors import ToolError
from tests.proxy.tools.run_room import RunRoom, ScriptedApprover, ScriptedTool, rules, said

WRITE = {
    "type": "object",
    "properties": {"file_path": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["file_path"],
}


async def test_a_tool_that_is_not_there_is_named_to_the_model_and_noted() -> None:
    room = RunRoom(ScriptedTool("Read"))
    output = await room.run("Reed", file_path="x")
    assert said(output) == "Error: No such tool available: Reed"
    assert output.is_error
    (decided,) = room.decided
    assert (decided.decision, decided.reason, decided.ran) == ("deny", "there is no such tool", False)


async def test_a_tool_that_is_switched_off_is_not_there() -> None:
    tool = ScriptedTool("WebSearch")
    room = RunRoom(tool, permissions=rules(allow=["WebSearch"]))
    room.catalogue.switch_off(["WebSearch"])
    assert "No such tool" in said(await room.run("WebSearch"))
    assert tool.ran == []


async def test_a_sub_conversation_has_only_its_own_tools() -> None:
    tool, other = ScriptedTool("WebSearch"), ScriptedTool("WebFetch")
    room = RunRoom(tool, other, permissions=rules(allow=["WebSearch", "WebFetch"]))
    scope = replace(room.scope, only=frozenset({"WebFetch"}))
    assert "No such tool" in said(await room.run("WebSearch", scope, query="x"))
    assert tool.ran == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            {},
            'failed due to the following issue:\n"file_path" is a required property',
        ),
        (
            {"file_path": 1, "count": "two"},
            (
                'failed due to the following issues:\n`count`: "two" is not of type "integer"\n'
                '`file_path`: 1 is not of type "string"'
            ),
        ),
    ],
)
async def test_arguments_that_do_not_fit_are_told_by_field(arguments: dict[str, Any], told: str) -> None:
    tool = ScriptedTool("Write", WRITE)
    room = RunRoom(tool, permissions=rules(allow=["Write"]))
    output = await room.run("Write", **arguments)
    assert output.is_error
    head, *lines = said(output).splitlines()
    assert [head, *sorted(lines)] == f"InputValidationError: Write {told}".splitlines()
    assert tool.ran == []
    assert room.decided[0].reason == "its arguments are not valid"


async def test_a_denied_call_does_not_run_and_the_model_is_told_why() -> None:
    tool = ScriptedTool("WebSearch")
    room = RunRoom(tool, permissions=rules(deny=["WebSearch"]))
    output = await room.run("WebSearch", query="x")
    assert output.is_error
    assert said(output) == (
        "Permission to use WebSearch has been denied: deny rule WebSearch matches WebSearch."
    )
    assert tool.ran == []
    (decided,) = room.decided
    assert (decided.decision, decided.decided_by, decided.rule, decided.source) == (
        "deny",
        "rule",
        "WebSearch",
        "settings",
    )
    assert not decided.ran


async def test_a_denied_command_is_quoted_to_the_model(tmp_path: Path) -> None:
    tool = ScriptedTool("Bash")
    room = RunRoom(tool, permissions=rules(deny=["Bash(rm *)"]), root=tmp_path)
    output = await room.run("Bash", command="rm -rf build")
    assert said(output).startswith("Permission to use Bash with command rm -rf build has been denied: ")
    assert tool.ran == []


async def test_as_root_no_command_runs_nobody_is_asked_and_the_model_is_told_what_to_do(
    tmp_path: Path,
) -> None:
    bash, web = ScriptedTool(), ScriptedTool("WebSearch")
    approver = ScriptedApprover()
    allowed = rules(allow=["WebSearch"], ask=["Bash"])
    room = RunRoom(bash, web, permissions=allowed, approver=approver, root=tmp_path, may_run_commands=False)
    output = await room.run("Bash", command="make")
    assert (output.is_error, bash.ran, approver.asked) == (True, [], [])
    assert "Bash with command make has been denied: Signalbox runs as root" in said(output)
    assert "set `tools: {may_run_as_root: true}` in its settings" in said(output)
    assert said(await room.run("WebSearch", query="x")) == "done", "what starts no command runs as ever"
    (command, _search) = room.decided
    assert (command.decision, command.decided_by, command.ran) == ("deny", "signalbox", False)


async def test_an_allowed_call_runs_and_is_noted_with_all_there_is_to_know() -> None:
    async def behave(arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        room.timer.now += 2.5
        return ToolOutput.text("é!", exit_code=3)

    room = RunRoom(ScriptedTool("WebSearch", behave=behave), permissions=rules(allow=["WebSearch"]))
    output = await room.run("WebSearch", query="ü")
    assert said(output) == "é!"
    (decided,) = room.decided
    assert decided.arguments == '{"query": "ü"}'
    assert (decided.decision, decided.decided_by, decided.rule) == ("allow", "rule", "WebSearch")
    assert (decided.ran, decided.exit_code, decided.result_bytes) == (True, 3, 3)
    assert (decided.duration_s, decided.runner, decided.client) == (2.5, "signalbox", "tests/1")
    assert (decided.call_id, decided.request_id, decided.conversation_id) == ("call_1", "req_1", "conv")


async def test_an_mcp_tool_is_run_by_its_server() -> None:
    room = RunRoom(ScriptedTool("mcp__git_hub__get"), permissions=rules(allow=["mcp__git_hub__get"]))
    await room.run("mcp__git_hub__get")
    assert room.decided[0].runner == "mcp:git_hub"


async def test_old_names_call_the_tool_of_the_new_name() -> None:
    tool = ScriptedTool("Task")
    room = RunRoom(tool)
    await room.run("Agent", prompt="x")
    await room.run("Task", prompt="y")
    assert [each["prompt"] for each in tool.ran] == ["x", "y"]


async def test_what_a_tool_could_not_do_is_an_error_result() -> None:
    async def behave(arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        raise ToolError("The file is gone.")

    room = RunRoom(ScriptedTool("WebSearch", behave=behave), permissions=rules(allow=["WebSearch"]))
    output = await room.run("WebSearch")
    assert (said(output), output.is_error) == ("The file is gone.", True)
    assert room.decided[0].is_error


@pytest.mark.expects_log("tool_failed")
async def test_a_bug_in_a_tool_fails_its_call_alone_and_is_logged(log_events: list[EventDict]) -> None:
    async def behave(arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        raise ZeroDivisionError

    room = RunRoom(ScriptedTool("WebSearch", behave=behave), permissions=rules(allow=["WebSearch"]))
    scope = replace(room.scope, tool_chain="chain_1")
    output = await room.run("WebSearch", scope)
    assert said(output) == "WebSearch failed inside Signalbox; its log says more."
    assert output.is_error
    assert room.decided[0].ran
    (failed,) = [each for each in log_events if each["event"] == "tool_failed"]
    assert (failed["tool"], failed["call_id"], failed["tool_chain"]) == ("WebSearch", "call_1", "chain_1")


async def test_a_tool_that_takes_too_long_is_cancelled_and_may_clean_up() -> None:
    ended = asyncio.Event()

    async def behave(arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    tool = ScriptedTool("WebSearch", behave=behave, timeout_s=0.01)
    room = RunRoom(tool, permissions=rules(allow=["WebSearch"]))
    output = await room.run("WebSearch")
    assert said(output) == "WebSearch did not end within 0.01 s."
    assert ended.is_set()


async def test_a_cancelled_call_is_noted_as_one_that_ran() -> None:
    started = asyncio.Event()

    async def behave(arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    room = RunRoom(ScriptedTool("WebSearch", behave=behave), permissions=rules(allow=["WebSearch"]))
    task = asyncio.get_running_loop().create_task(room.run("WebSearch"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (decided,) = room.decided
    assert (decided.decision, decided.ran, decided.result_bytes) == ("allow", True, 0)


async def test_a_result_that_is_too_long_is_cut_and_says_so() -> None:
    async def behave(arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        texts = ["a" * (MAX_RESULT_CHARS - 1), "bcd", "e"]
        image = {"type": "image", "source": {"type": "base64", "data": "AAAA"}}
        return ToolOutput((*({"type": "text", "text": each} for each in texts), image))

    room = RunRoom(ScriptedTool("WebSearch", behave=behave), permissions=rules(allow=["WebSearch"]))
    output = await room.run("WebSearch")
    texts = [block["text"] for block in output.content if block["type"] == "text"]
    assert texts[1:] == ["b", f"[The result was cut: {MAX_RESULT_CHARS} of 1000003 characters are shown.]"]
    assert len(texts[0]) == MAX_RESULT_CHARS - 1
    assert [block["type"] for block in output.content] == ["text", "text", "image", "text"]


async def test_long_arguments_are_noted_in_part() -> None:
    room = RunRoom(ScriptedTool("WebSearch"), permissions=rules(allow=["WebSearch"]))
    await room.run("WebSearch", query="x" * 100_000)
    assert len(room.decided[0].arguments) == MAX_ARGUMENT_CHARS + 1


async def test_arguments_nested_too_deeply_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    tool = ScriptedTool("WebSearch")
    room = RunRoom(tool, permissions=rules(allow=["WebSearch"]))
    output = await room.run("WebSearch", query=deep)
    assert "nested too deeply" in said(output)
    assert tool.ran == []
    call = ToolCall("WebSearch", {"query": deep})
    verdict = await room.runner.judge(call, room.scope)
    room.runner.note_client_call(call, "call_2", room.scope, verdict)
    assert [each.arguments for each in room.decided] == ["{}", "(nested too deeply)"]
    while deep:  # freed level by level: a chain this long must not be freed in one go
        deep = deep.pop()


async def test_judging_alone_runs_nothing_and_asks_nobody() -> None:
    tool = ScriptedTool("WebSearch")
    approver = ScriptedApprover()
    room = RunRoom(tool, approver=approver)
    verdict = await room.runner.judge(ToolCall("WebSearch", {"query": "x"}), room.scope)
    assert verdict.decision == "ask"
    assert (tool.ran, approver.asked, room.events) == ([], [], [])
    assert await room.runner.suggestion(ToolCall("WebSearch", {"query": "x"}), room.scope) == "WebSearch"


async def test_a_client_call_that_is_denied_is_noted_as_the_clients() -> None:
    room = RunRoom(permissions=rules(deny=["WebFetch(domain:a.example)"]))
    call = ToolCall("WebFetch", {"url": "https://a.example/", "prompt": "x"})
    verdict = await room.runner.judge(call, room.scope)
    output = room.runner.note_client_call(call, "call_1", room.scope, verdict)
    assert said(output).startswith("Permission to use WebFetch has been denied: ")
    (decided,) = room.decided
    assert (decided.runner, decided.decision, decided.ran) == ("client", "deny", False)
