"""Where the runner lets a tool work: the workspace, its rules and its guard."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.config import PermissionConfig, RuleSource, WorkspaceConfig
from proxy.tools.base import ToolOutput, ToolScope
from proxy.tools.guard import GuardError
from tests.proxy.tooling import tool_call
from tests.proxy.tools.run_room import YES, RunRoom, ScriptedApprover, ScriptedTool, rules, said


async def test_a_tool_gets_the_workspace_and_a_guard_that_judges_each_use(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two")
    seen: list[str] = []

    async def behave(arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        assert scope.guard is not None
        content = await asyncio.to_thread(scope.guard.read, "a.txt")
        seen.append(content.data.decode())
        with pytest.raises(GuardError):
            await asyncio.to_thread(scope.guard.read, "b.txt")
        return ToolOutput.text("done")

    tool = ScriptedTool("Read", behave=behave)
    room = RunRoom(tool, permissions=rules(deny=["Read(b.txt)"]), root=tmp_path)
    assert said(await room.run("Read", file_path="a.txt")) == "done"
    assert seen == ["one"]
    assert tool.scopes[0].workspace is not None
    assert tool.scopes[0].workspace.name == "main"
    assert room.decided[0].workspace == "main"


async def test_a_deny_rule_counts_for_what_a_running_call_opens_next(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")

    async def behave(arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        assert scope.guard is not None
        room.judge.apply(rules(deny=["Read(a.txt)"]))
        await asyncio.to_thread(scope.guard.read, "a.txt")
        raise AssertionError

    room = RunRoom(ScriptedTool("Read", behave=behave), root=tmp_path)
    assert "deny rule Read(a.txt) matches" in said(await room.run("Read", file_path="a.txt"))


async def test_a_workspace_that_changes_while_the_user_is_asked_denies_the_call(tmp_path: Path) -> None:
    tool = ScriptedTool("Bash")
    approver = ScriptedApprover([YES])
    room = RunRoom(tool, approver=approver, root=tmp_path)
    elsewhere = {"main": WorkspaceConfig("main", str(tmp_path / "other"))}
    approver.during = lambda: room.workspaces.apply(replace(room.config, workspaces=elsewhere))
    output = await room.run("Bash", command="make")
    assert "the workspace was changed while the call waited" in said(output)
    assert tool.ran == []


async def test_a_workspace_that_is_not_there_is_the_reason_told(tmp_path: Path) -> None:
    tool = ScriptedTool("Bash")
    room = RunRoom(tool, permissions=rules(allow=["Bash"], mode="dontAsk"), root=tmp_path / "gone")
    output = await room.run("Bash", command="make")
    assert 'the workspace "main" cannot be used' in said(output)
    assert tool.ran == []


async def test_a_projects_rules_count_for_calls_that_touch_no_file_too(tmp_path: Path) -> None:
    tool = ScriptedTool("WebSearch")
    theirs = RuleSource("/p/settings.json", str(tmp_path), deny=("WebSearch",), workspace="main")
    permissions = PermissionConfig(sources=(RuleSource(allow=("WebSearch",)), theirs))
    room = RunRoom(tool, permissions=permissions, root=tmp_path)
    assert (await room.run("WebSearch", query="x")).is_error
    assert not (await room.run("WebSearch", replace(room.scope, workspace=None), query="x")).is_error


async def test_a_relative_path_is_judged_where_the_conversation_is(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    approver = ScriptedApprover([YES])
    room = RunRoom(ScriptedTool("Write"), approver=approver, root=tmp_path)
    room.conversation.cwd = str(tmp_path / "inner")
    await room.run("Write", file_path="x")
    assert tool_call(approver.asked[0]).cwd == str(tmp_path / "inner")


async def test_a_tool_begins_where_its_call_was_judged_wherever_the_conversation_went_meanwhile(
    tmp_path: Path,
) -> None:
    (tmp_path / "inner").mkdir()
    tool = ScriptedTool("Bash")

    def move() -> None:
        room.conversation.cwd = str(tmp_path / "inner")

    room = RunRoom(tool, approver=ScriptedApprover([YES], during=move), root=tmp_path)
    await room.run("Bash", command="make")
    assert tool.scopes[0].cwd == str(tmp_path)


async def test_a_folder_outside_the_workspace_is_no_place_to_work_in(tmp_path: Path) -> None:
    approver = ScriptedApprover([YES])
    room = RunRoom(ScriptedTool("Write"), approver=approver, root=tmp_path)
    room.conversation.cwd = "/"
    await room.run("Write", file_path="x")
    assert tool_call(approver.asked[0]).cwd == str(tmp_path)
