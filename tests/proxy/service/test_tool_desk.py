"""The desk of tools: made once, changed with the configuration, asked by whoever shows and answers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import psutil
import pytest

from proxy.config import (
    Alias,
    PermissionConfig,
    ProxyConfig,
    RuleSource,
    SearchConfig,
    ToolConfig,
    WorkspaceConfig,
)
from proxy.context import RequestContext
from proxy.events import ApprovalAsked, ProxyEvent
from proxy.ids import new_id
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest
from proxy.permissions.values import ToolCall
from proxy.service.audit import OpenStore
from proxy.service.tool_desk import Clocks, Host, ToolDesk
from proxy.store.database import open_database
from proxy.store.decisions import DecisionStore
from proxy.store.values import StoreError, StoreFailure
from proxy.tools.base import ToolOutput, ToolScope
from proxy.tools.catalogue import BUILTIN_NAMES, definition_of
from proxy.tools.task import SubConversation
from proxy.tools.workspaces import Machine, WorkspaceRefused
from tests.proxy.scripted import proxy_config
from tests.proxy.tooling import tool_call
from tests.proxy.tools.run_room import rules, said

NOW = 1_800_000_000.0
FIFTEEN = {"Read", "Write", "Edit", "MultiEdit", "Glob", "Grep", "LS", "NotebookRead", "NotebookEdit"} | {
    "Bash",
    "Task",
    "WebFetch",
    "WebSearch",
    "TodoRead",
    "TodoWrite",
}


class Desk:
    """A desk, what it announced, and ways to use it."""

    def __init__(
        self, config: ProxyConfig, open_audit: OpenStore | None = None, children: Path | None = None
    ) -> None:
        self.events: list[ProxyEvent] = []
        self.asked = asyncio.Event()
        host = Host(
            Machine("/home/nobody"),
            redact=lambda text: text.replace("hunter2", "[redacted]"),
            environment=os.environ,
            children_folder=children,
        )
        clocks = Clocks(time.monotonic, lambda: NOW, new_id)
        self.desk = ToolDesk(config, host, self._take, clocks, open_audit, self._converse)

    def _take(self, event: ProxyEvent) -> None:
        self.events.append(event)
        if isinstance(event, ApprovalAsked):
            self.asked.set()

    async def _converse(self, asked: SubConversation, scope: ToolScope) -> ToolOutput:
        return ToolOutput.text(f"report on {asked.prompt}")

    async def run(self, tool: str, **arguments: Any) -> ToolOutput:
        scope = self.desk.scope_of(RequestContext("req_1", "conv", "tests/1"))
        return await self.desk.runner.run(ToolCall(tool, arguments), "toolu_1", scope)

    async def question(self) -> ApprovalRequest:
        await asyncio.wait_for(self.asked.wait(), 5)
        return self.desk.approvals()[0]


@asynccontextmanager
async def opened(config: ProxyConfig, open_audit: OpenStore | None = None) -> AsyncGenerator[Desk]:
    desk = Desk(config, open_audit)
    await desk.desk.begin()
    try:
        yield desk
    finally:
        await desk.desk.flush()
        await desk.desk.close()


def config_of(root: Path | None = None, **more: Any) -> ProxyConfig:
    spaces = {} if root is None else {"main": WorkspaceConfig("main", str(root))}
    aliases = (Alias("big", toolsets=("builtin",)),)
    return replace(
        proxy_config("one"),
        aliases=aliases,
        workspaces=spaces,
        default_workspace=None if root is None else "main",
        **more,
    )


async def test_the_fifteen_tools_are_there_when_a_request_comes() -> None:
    async with opened(config_of()) as desk:
        names = [tool.name for tool in desk.desk.catalogue.all()]
        assert set(names) >= FIFTEEN
        assert {desk.desk.catalogue.find(name) is not None for name in BUILTIN_NAMES} == {True}
        assert len(names) == len(BUILTIN_NAMES)


async def test_every_tool_says_what_it_is_and_takes_an_object() -> None:
    async with opened(config_of()) as desk:
        for tool in desk.desk.catalogue.all():
            definition = definition_of(tool)
            assert 20 < len(definition["description"]) < 1200
            jsonschema_rs.validator_for(definition["input_schema"])
            assert definition["input_schema"]["type"] == "object"


async def test_where_no_alias_runs_tools_the_start_does_not_wait_for_them() -> None:
    desk = Desk(proxy_config("one")).desk
    await desk.begin()
    assert desk.catalogue.all() == ()
    made = asyncio.Event()
    desk.catalogue.watch(made.set)
    await asyncio.wait_for(made.wait(), 10)
    assert len(desk.catalogue.all()) == len(BUILTIN_NAMES)
    await desk.close()


async def test_task_starts_a_sub_conversation() -> None:
    async with opened(config_of()) as desk:
        assert said(await desk.run("Task", description="look", prompt="bees")) == "report on bees"


@pytest.mark.expects_log("commands_of_an_earlier_run_ended")
async def test_what_an_earlier_run_left_running_is_ended_at_the_start(home: Path) -> None:
    left = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    born = psutil.Process(left.pid).create_time()
    ledger = home / "1-run.children"
    ledger.write_text(f"run 1 1.00\n+ {left.pid} {born:.2f}\n")
    desk = Desk(proxy_config("one"), children=home).desk
    await desk.begin()
    await desk.close()
    assert await asyncio.wait_for(left.wait(), 5) < 0
    assert not ledger.exists()


# Asking -------------------------------------------------------------------------------------


async def test_a_call_that_asks_waits_for_the_answer_and_then_runs(tmp_path: Path) -> None:
    async with opened(config_of(tmp_path)) as desk:
        task = asyncio.get_running_loop().create_task(desk.run("Write", file_path="a.txt", content="one"))
        request = await desk.question()
        assert (tool_call(request).tool, request.workspace) == ("Write", "main")
        assert not (tmp_path / "a.txt").exists()
        desk.desk.answer_approval(request.approval_id, request.digest, ApprovalAnswer("allow", "window"))
        assert not (await task).is_error
        assert (tmp_path / "a.txt").read_text() == "one"
        assert desk.desk.approvals() == ()


async def test_where_nobody_answers_the_model_and_the_log_are_told_the_rule(tmp_path: Path) -> None:
    config = config_of(tmp_path, permissions=PermissionConfig(approvals="deny"))
    async with opened(config) as desk:
        output = await desk.run("WebSearch", query="bees")
        assert said(output).endswith("the rule WebSearch would allow it.")
        assert desk.desk.approvals() == ()


async def test_whether_somebody_answers_can_change_while_the_program_runs(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    async with opened(config) as desk:
        desk.desk.apply(replace(config, permissions=PermissionConfig(approvals="deny")))
        assert (await desk.run("WebSearch", query="bees")).is_error
        assert desk.desk.approvals() == ()


# Changes ------------------------------------------------------------------------------------


async def test_changed_rules_count_for_the_next_call(tmp_path: Path) -> None:
    config = config_of(tmp_path, permissions=rules(allow=["Bash(echo *)"]))
    async with opened(config) as desk:
        assert said(await desk.run("Bash", command="echo one")) == "one"
        desk.desk.apply(replace(config, permissions=rules(deny=["Bash(echo *)"])))
        assert (await desk.run("Bash", command="echo one")).is_error


async def test_under_strict_a_rule_on_the_whole_of_read_lets_files_be_searched(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.txt").write_text("needle")
    strict = replace(rules(allow=["Read"]), policy="strict", approvals="deny")
    async with opened(config_of(tmp_path, permissions=strict)) as desk:
        assert "a.txt" in said(await desk.run("Grep", pattern="needle"))
        assert "a.txt" in said(await desk.run("Glob", pattern="**/*.txt"))


async def test_whether_commands_run_as_root_can_change_while_the_program_runs(tmp_path: Path) -> None:
    config = config_of(tmp_path, permissions=rules(allow=["Bash(echo *)"]))
    async with opened(replace(config, tools=ToolConfig(may_run_programs=False))) as desk:
        assert "may_run_as_root" in said(await desk.run("Bash", command="echo one"))
        desk.desk.apply(config)
        assert said(await desk.run("Bash", command="echo one")) == "one"


async def test_a_tool_that_is_switched_off_is_gone_at_once() -> None:
    config = config_of()
    async with opened(config) as desk:
        desk.desk.apply(replace(config, tools=ToolConfig(switched_off=("TodoWrite",))))
        assert "No such tool" in said(await desk.run("TodoWrite", todos=[]))


async def test_other_limits_make_the_tools_anew_and_another_engine_another_door() -> None:
    config = config_of()
    async with opened(config) as desk:
        door, bash = desk.desk.door, desk.desk.catalogue.find("Bash")
        made = asyncio.Event()
        desk.desk.catalogue.watch(made.set)
        search = SearchConfig("searxng", "https://search.example")
        desk.desk.apply(replace(config, tools=ToolConfig(shell_timeout_s=5, search=search)))
        assert desk.desk.door is not door
        assert desk.desk.door.searcher is not door.searcher
        await asyncio.wait_for(made.wait(), 10)
        assert desk.desk.catalogue.find("Bash") is not bash
        desk.desk.apply(replace(config, tools=ToolConfig(sandbox="off")))
        assert desk.desk.door.catalogue is desk.desk.catalogue


async def test_a_file_that_becomes_our_own_is_touched_no_more(tmp_path: Path) -> None:
    (tmp_path / "k.txt").write_text("the key")
    config = config_of(tmp_path, permissions=rules(allow=["Read", "Bash(cat k.txt)"]))
    async with opened(config) as desk:
        file = str(tmp_path / "k.txt")
        assert "the key" in said(await desk.run("Read", file_path=file))
        own = replace(config.tools, own_paths=(file,))
        desk.desk.apply(replace(config, tools=own))
        for tool, arguments in (("Read", {"file_path": file}), ("Bash", {"command": "cat k.txt"})):
            told = said(await desk.run(tool, **arguments))
            assert "the key" not in told
            assert "belongs to Signalbox itself" in told or tool == "Bash"


async def test_the_scope_of_a_request_is_its_workspace_and_its_conversation(tmp_path: Path) -> None:
    async with opened(config_of(tmp_path)) as desk:
        context = RequestContext("req_1", "conv")
        scope = desk.desk.scope_of(context)
        assert (scope.workspace, scope.tool_chain) == ("main", "req_1")
        assert desk.desk.scope_of(replace(context, request_id="req_2")).conversation is scope.conversation
        with pytest.raises(WorkspaceRefused):
            desk.desk.scope_of(replace(context, workspace="other"))


# Trying -------------------------------------------------------------------------------------


async def test_a_tried_call_is_explained_and_nothing_runs(tmp_path: Path) -> None:
    async with opened(config_of(tmp_path, permissions=rules(deny=["WebFetch"]))) as desk:
        call = ToolCall("WebSearch", {"query": "bees"})
        tried = await desk.desk.try_call(call, None, None)
        assert not isinstance(tried, str)
        verdict, suggestion = tried
        assert (verdict.decision, suggestion) == ("ask", "WebSearch")
        tried = await desk.desk.try_call(call, None, "dontAsk")
        assert not isinstance(tried, str)
        assert (tried[0].decision, tried[1]) == ("deny", None)
        fetch = ToolCall("WebFetch", {"url": "https://a.example/", "prompt": "x"})
        tried = await desk.desk.try_call(fetch, "main", None)
        assert not isinstance(tried, str)
        assert (tried[0].decision, tried[0].rule) == ("deny", "WebFetch")
        assert desk.events == []


async def test_a_call_cannot_be_tried_under_a_mode_that_is_forbidden(tmp_path: Path) -> None:
    permissions = PermissionConfig(sources=(RuleSource(workspace="main", forbids_bypass=True),))
    async with opened(config_of(tmp_path, permissions=permissions)) as desk:
        tried = await desk.desk.try_call(ToolCall("WebSearch", {"query": "x"}), "main", "bypassPermissions")
        assert "forbid the mode bypassPermissions" in str(tried)


async def test_a_call_cannot_be_tried_where_there_is_no_such_workspace(tmp_path: Path) -> None:
    async with opened(config_of(tmp_path / "gone")) as desk:
        call = ToolCall("LS", {"path": "."})
        assert await desk.desk.try_call(call, "other", None) == 'There is no workspace called "other".'
        assert str(await desk.desk.try_call(call, None, None)).startswith(
            'The workspace "main" cannot be used'
        )


async def test_what_holds_commands_is_said_in_words() -> None:
    async with opened(config_of()) as desk:
        assert "ommands run" in await desk.desk.describe_sandbox()


# The audit ----------------------------------------------------------------------------------


async def test_every_decision_is_kept_without_its_secrets(home: Path, tmp_path: Path) -> None:
    database = await open_database(home, NOW)

    async def open_audit() -> DecisionStore:
        return DecisionStore(database)

    async with opened(config_of(tmp_path, permissions=rules(deny=["WebFetch"])), open_audit) as desk:
        await desk.run("TodoWrite", todos=[])
        await desk.run("WebFetch", url="https://a.example/", prompt="hunter2")
        fetched, wrote = await desk.desk.decisions()
        assert (wrote.tool, wrote.decision, wrote.ran) == ("TodoWrite", "allow", True)
        assert (fetched.tool, fetched.decision, fetched.ran) == ("WebFetch", "deny", False)
        assert fetched.arguments == '{"url": "https://a.example/", "prompt": "[redacted]"}'
        assert await desk.desk.decisions("a.example", 5) == [fetched]
        assert await desk.desk.decisions_of("req_1") == [wrote, fetched]
    await database.close()


@pytest.mark.expects_log("audit_not_written", "decisions_lost")
async def test_where_the_store_cannot_be_read_there_is_nothing_to_show() -> None:
    async def open_audit() -> DecisionStore:
        raise StoreError(StoreFailure.BUSY)

    async with opened(config_of(), open_audit) as desk:
        await desk.run("TodoWrite", todos=[])
        assert await desk.desk.decisions() == ()
        assert await desk.desk.decisions_of("req_1") == ()
