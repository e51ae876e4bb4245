"""What the desk answers about MCP servers, and what it writes into their file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.instance import Reply
from app.mcp_answers import mcp_answer
from gui.desk import ActionFailed
from gui.mcp_desk import McpChanged, McpDraft, McpTried
from proxy.config import RuleSource
from proxy.mcp.values import LogEntry
from tests.app.controller_bench import Make
from tests.app.mcp_bench import TIME, McpDesk, mcp_desk
from tests.app.test_secrets import Entries


@pytest.fixture
async def desk(make: Make, tmp_path: Path) -> McpDesk:
    return await mcp_desk(make, tmp_path)


async def test_without_a_server_nothing_is_made(make: Make, tmp_path: Path) -> None:
    desk = McpDesk(make(), tmp_path / "none.yaml")
    await desk.controls.start_servers()

    assert (desk.controls.supervisor, desk.controls.mcp_servers()) == (None, ())
    assert "no MCP server" in (desk.controls.start_mcp("time") or "")


async def test_the_files_servers_are_handed_to_the_supervisor(desk: McpDesk) -> None:
    assert [each.name for each in desk.supervisor.configs] == ["time"]
    assert [each.name for each in desk.controls.mcp_servers()] == ["time"]
    assert desk.controls.mcp_log("time")[0].text == "ready"


async def test_what_is_asked_reaches_the_supervisor_and_its_refusals_come_back(desk: McpDesk) -> None:
    controls = desk.controls
    for problem in (
        controls.start_mcp("time"),
        controls.stop_mcp("time"),
        controls.restart_mcp("time"),
        controls.approve_mcp("time", "d1"),
        controls.reject_mcp("time"),
        controls.accept_mcp_tools("time", ("now",)),
        controls.trace_mcp("time", is_on=True),
    ):
        assert problem is None
    controls.restart_failed_mcp()

    assert [each[0] for each in desk.supervisor.done] == [
        "start",
        "stop",
        "restart",
        "approve",
        "reject",
        "accept_tools",
        "trace",
        "restart_failed",
    ]
    assert "no MCP server 'box'" in (controls.start_mcp("box") or "")


async def test_a_servers_own_output_is_shown_without_secrets(desk: McpDesk) -> None:
    pair = "-----BEGIN " + "PRIVATE KEY-----", "-----END " + "PRIVATE KEY-----"
    said = ["started", f"{pair[0]}", "MIIEvQIBADANBgkq", f"{pair[1]} loaded", "api_key=" + "q7Zp" * 6]
    desk.supervisor.said = [LogEntry(float(at), "stderr", text) for at, text in enumerate(said)]
    desk.supervisor.said.insert(1, LogEntry(0.5, "lifecycle", "was approved"))

    shown = desk.controls.mcp_log("time")
    assert [(each.at, each.kind, each.text) for each in shown] == [
        (0.0, "stderr", "started"),
        (0.5, "lifecycle", "was approved"),
        (1.0, "stderr", "[redacted] loaded"),
        (2.0, "stderr", "api_key=[redacted]"),
    ]
    reply = mcp_answer(desk.controls, "mcp.logs", {"name": "time"})
    assert isinstance(reply, Reply)
    assert [each["text"] for each in reply.facts["lines"]] == [each.text for each in shown]


@pytest.mark.expects_log("mcp_notice")
async def test_a_key_that_comes_to_be_known_leaves_the_lines_of_before(make: Make, tmp_path: Path) -> None:
    path, value = tmp_path / "mcp_servers.yaml", "plainer words"
    path.write_text(TIME)
    desk = McpDesk(make(Entries()), path)
    await desk.controls.start_servers()
    desk.supervisor.said = [LogEntry(1.0, "stderr", f"I was given {value}")]
    desk.supervisor.reason = f"exit 1: {value} is no key"
    assert desk.controls.mcp_log("time") == tuple(desk.supervisor.said)

    path.write_text(
        f"{TIME.splitlines()[0]}\n  time: {{type: stdio, command: x, env: {{API_KEY: {value}}}}}\n"
    )
    await desk.controls.start_servers()

    assert [each.text for each in desk.controls.mcp_log("time")] == ["I was given [redacted]"]
    assert [each.reason for each in desk.controls.mcp_servers()] == ["exit 1: [redacted] is no key"]


async def test_switches_and_permissions_are_written_in_place_and_hold_at_once(desk: McpDesk) -> None:
    assert desk.controls.enable_mcp("time", is_enabled=False) is None
    await desk.settled()
    assert desk.controls.set_mcp_tool("time", "now", is_enabled=False, permission="allow") is None
    await desk.settled()
    assert desk.controls.set_mcp_tool("time", "now", permission="default") is None
    await desk.settled()

    assert "# mine" in desk.path.read_text()
    assert desk.servers()["time"] == {
        "type": "python",
        "command": "mcp-server-time",
        "enabled": False,
        "tools": {"now": {"enabled": False}},
    }
    assert desk.supervisor.configs[0].tools["now"].is_enabled is False
    assert McpChanged() in desk.events
    assert "no permission 'maybe'" in (desk.controls.set_mcp_tool("time", "now", permission="maybe") or "")
    assert "no MCP server 'box'" in (desk.controls.enable_mcp("box", is_enabled=True) or "")


async def test_a_permission_of_a_tool_is_a_rule_of_the_desk(desk: McpDesk) -> None:
    assert desk.controls.mcp_rules() == ()
    assert desk.controls.set_mcp_tool("time", "now", permission="deny") is None
    await desk.settled()

    assert desk.controls.mcp_rules() == (RuleSource("mcp_servers.yaml", deny=("mcp__time__now",)),)


async def test_a_server_is_added_changed_renamed_removed_and_put_back(desk: McpDesk) -> None:
    controls = desk.controls
    assert controls.save_mcp(McpDraft("box: {type: http, url: 'https://box.example'}"), replaces=None) is None
    await desk.settled()
    assert (
        controls.save_mcp(McpDraft("crate: {type: sse, url: 'https://box.example'}"), replaces="box") is None
    )
    await desk.settled()
    assert list(desk.servers()) == ["time", "crate"]
    assert "crate" in controls.mcp_text("crate")
    assert controls.remove_mcp("crate") is None
    await desk.settled()
    assert list(desk.servers()) == ["time"]
    assert controls.restore_mcp("crate") is None
    await desk.settled()

    assert desk.servers()["crate"] == {"type": "sse", "url": "https://box.example"}
    assert "already" in (controls.restore_mcp("crate") or "")
    assert "was removed" in (controls.restore_mcp("other") or "")


@pytest.mark.parametrize(
    ("text", "replaces", "said"),
    [
        ("time: {command: x}", None, "already"),
        ("a: {type: http}", None, "needs a url"),
        ("[1]", None, "write the server as"),
        ("a: {command: x}\nb: {command: y}", "time", "one server"),
        ("a: {command: x}", "box", "no MCP server 'box'"),
        ("{", None, "no YAML"),
    ],
)
async def test_what_cannot_be_saved_says_why(
    desk: McpDesk, text: str, replaces: str | None, said: str
) -> None:
    assert said in (desk.controls.save_mcp(McpDraft(text), replaces=replaces) or "")
    assert desk.path.read_text() == TIME


@pytest.mark.expects_log("mcp_file_unusable")
async def test_a_broken_file_is_told_and_never_written(desk: McpDesk) -> None:
    desk.path.write_text("servers: [")
    await desk.controls.start_servers()

    assert desk.supervisor.configs == ()
    assert str(desk.path) in (desk.controls.mcp_problem() or "")
    assert [each.page for each in desk.controls.mcp_problems()] == ["mcp"]
    assert str(desk.path) in (desk.controls.enable_mcp("time", is_enabled=True) or "")


async def test_a_tool_is_tried_and_its_result_shown_as_text(desk: McpDesk) -> None:
    assert desk.controls.try_mcp_tool("time", "now", '{"zone": "UTC"}') is None
    assert desk.controls.try_mcp_tool("time", "none", "") is None
    await desk.settled()

    good, bad = [each for each in desk.events if isinstance(each, McpTried)]
    assert (good.text, good.is_error) == ('noon\n{"type": "image", "data": "AA"}', False)
    assert (bad.text, bad.is_error) == ("there is no tool 'none'", True)
    assert "no JSON" in (desk.controls.try_mcp_tool("time", "now", "{") or "")
    assert "JSON object" in (desk.controls.try_mcp_tool("time", "now", "[]") or "")


async def test_pasted_servers_are_shown_then_taken_over_their_secrets_into_the_keyring(desk: McpDesk) -> None:
    value = "made-up-" + "value-1"
    pasted = json.dumps({"time": {"command": "other"}, "gh": {"command": "gh", "env": {"GH_TOKEN": value}}})
    rows = desk.controls.read_mcp_text(pasted)

    assert not isinstance(rows, str)
    assert [(each.name, each.conflict) for each in rows] == [("time", "different"), ("gh", "none")]
    assert value not in repr(rows)
    assert desk.controls.import_mcp(tuple(each.key for each in rows), "rename") is None
    await desk.settled()

    servers = desk.servers()
    assert list(servers) == ["time", "time-2", "gh"]
    assert servers["gh"]["environment"] == {"GH_TOKEN": "${keyring:gh-GH_TOKEN}"}
    assert value not in desk.path.read_text()
    assert [each for each in desk.events if isinstance(each, ActionFailed)] == []


async def test_what_is_there_already_is_skipped_or_replaced(desk: McpDesk) -> None:
    rows = desk.controls.read_mcp_text('{"time": {"command": "other"}}')
    assert not isinstance(rows, str)

    assert "there already" in (desk.controls.import_mcp((rows[0].key,), "skip") or "")
    assert "choose" in (desk.controls.import_mcp((), "skip") or "")
    assert desk.controls.import_mcp((rows[0].key,), "replace") is None
    await desk.settled()
    assert desk.servers()["time"]["command"] == "other"
    assert isinstance(desk.controls.read_mcp_text("hello"), str)


async def test_a_refusal_that_quotes_a_server_is_told_without_secrets(make: Make, tmp_path: Path) -> None:
    value = "plainer words"
    bench = make(Entries())
    path = tmp_path / "mcp_servers.yaml"
    path.write_text(TIME)
    desk = McpDesk(bench, path)
    await desk.controls.start_servers()
    bench.configuration.redactor.know([value])
    desk.supervisor.refusal = f"time: what it would start is not known yet: exit 1: {value} is no key"
    told = "time: what it would start is not known yet: exit 1: [redacted] is no key"
    assert desk.controls.approve_mcp("time", "d1") == told
    reply = mcp_answer(desk.controls, "mcp.approve", {"name": "time", "digest": "d1"})
    assert isinstance(reply, Reply)
    assert reply.text == told
