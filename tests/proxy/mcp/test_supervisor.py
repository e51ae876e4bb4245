from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.mcp.supervisor import NoSuchServer
from proxy.mcp.values import McpProblem, McpServerConfig, ServerPhase, ToolChoice
from tests.proxy.mcp.server_room import RAW, modern, raw, room
from tests.proxy.tools.tool_room import lives


async def test_nothing_starts_before_exactly_it_was_approved(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([raw(environment={"TOKEN": "x"})])
        status = await made.stands(ServerPhase.PENDING)
        assert status.launch is not None
        assert status.launch.argv[1:] == (RAW,)
        assert status.launch.environment_names == ("TOKEN",)
        assert made.children.living == 0
        with pytest.raises(McpProblem, match="waits for approval"):
            made.supervisor.start("raw")
        with pytest.raises(McpProblem, match="changed since it was shown"):
            made.supervisor.approve("raw", "0" * 64)

        made.supervisor.approve("raw", status.launch.digest)

        status = await made.stands(ServerPhase.CONNECTED)
        assert status.pid is not None
        assert status.protocol == "2025-11-25"
        assert status.server_info == "raw 1.2"
        assert {tool.full_name for tool in status.tools} >= {"mcp__raw__echo", "mcp__raw__die"}
        assert all(tool.tokens > 0 and tool.quarantine is None for tool in status.tools)
        await made.until(lambda: made.status().resources == 1)


async def test_an_approval_holds_at_the_next_start_and_a_change_of_the_entry_asks_again(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())
    async with room(tmp_path) as made:
        made.supervisor.apply([raw()])
        await made.stands(ServerPhase.CONNECTED)

        made.supervisor.apply([raw("mute")])

        await made.stands(ServerPhase.PENDING)
        assert made.children.living == 0


async def test_a_rejected_server_stays_so_until_it_is_approved_after_all(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([raw()])
        await made.stands(ServerPhase.PENDING)
        made.supervisor.reject("raw")
        await made.stands(ServerPhase.REJECTED)
    async with room(tmp_path) as made:
        made.supervisor.apply([raw()])
        status = await made.stands(ServerPhase.REJECTED)
        with pytest.raises(McpProblem, match="rejected"):
            made.supervisor.restart("raw")
        assert status.launch is not None
        made.supervisor.approve("raw", status.launch.digest)
        await made.stands(ServerPhase.CONNECTED)


async def test_tools_are_called_in_both_eras(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw(), modern())

        assert made.status("modern").protocol == "2026-07-28"
        old = await made.supervisor.call("raw", "echo", {"text": "hi"})
        new = await made.supervisor.call("modern", "add", {"a": 1, "b": 2})

        assert old.content == ({"type": "text", "text": "hi"},)
        assert new.structured == {"result": 3}
        assert made.status().last_call_at is not None


async def test_resources_and_prompts_pass_through(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())
        supervisor = made.supervisor

        assert [each["uri"] for each in await supervisor.resources("raw")] == ["memo://one"]
        assert [each["name"] for each in await supervisor.resource_templates("raw")] == ["memo"]
        assert (await supervisor.read_resource("raw", "memo://one"))["contents"][0]["text"] == "the memo"
        assert [each["name"] for each in await supervisor.prompts("raw")] == ["greet"]
        assert (await supervisor.get_prompt("raw", "greet", {}))["messages"][0]["role"] == "user"


async def test_a_server_sees_a_clean_environment_and_what_was_declared(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.variables.update({"keyring:box": "from the keyring", "SECRET_OF_OURS": "no"})
        await made.connected(raw(environment={"TOKEN": "${keyring:box}", "PLAIN": "$$1 ${NONE:-else}"}))

        seen = json.loads((await made.supervisor.call("raw", "environment", {})).content[0]["text"])

        assert seen.pop("TOKEN") == "from the keyring"
        assert seen.pop("PLAIN") == "$1 else"
        seen.pop("LC_CTYPE", None)  # Python's own
        assert set(seen) <= {
            "PATH",
            "HOME",
            "LANG",
            "LANGUAGE",
            "LOGNAME",
            "TERM",
            "TMPDIR",
            "TZ",
            "USER",
        } | {"SIGNALBOX_CHILD"} | {name for name in seen if name.startswith("LC_")}
        shown = repr(made.status())
        assert "from the keyring" not in shown


async def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([raw(environment={"TOKEN": "$NO_SUCH"})])
        await made.approved()

        status = await made.stands(ServerPhase.FAILED)

        assert "NO_SUCH is not set" in status.reason
        assert made.children.living == 0


async def test_switches_hold_at_once_and_without_a_new_start(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        status = await made.connected(raw())
        made.supervisor.apply([replace(raw(), tools={"echo": ToolChoice(is_enabled=False)})])

        assert made.status().pid == status.pid
        assert "mcp__raw__echo" not in {tool.name for tool in made.supervisor.tools()}
        assert "mcp__raw__die" in {tool.name for tool in made.supervisor.tools()}
        with pytest.raises(McpProblem, match="switched off"):
            await made.supervisor.call("raw", "echo", {})
        assert (await made.supervisor.call("raw", "echo", {"text": "x"}, is_by_hand=True)).content


async def test_only_what_changed_starts_again(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw(name="one"), raw(name="two"))
        pids = [made.status(name).pid for name in ("one", "two")]
        made.variables["X"] = "1"

        made.supervisor.apply(
            [replace(raw(name="one"), timeout_s=5.0), raw(name="two", environment={"X": "$X"})]
        )

        await made.stands(ServerPhase.PENDING, name="two")
        assert made.status("one").pid == pids[0]
        made.supervisor.apply([raw(name="one")])
        with pytest.raises(NoSuchServer):
            made.supervisor.status("two")
        await made.until(lambda: made.children.living == 1)


async def test_stopped_and_started_by_hand(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())
        made.supervisor.stop("raw")
        await made.stands(ServerPhase.STOPPED)
        assert made.supervisor.tools() == ()
        with pytest.raises(McpProblem, match="not connected"):
            await made.supervisor.call("raw", "echo", {})

        made.supervisor.start("raw")
        first = (await made.stands(ServerPhase.CONNECTED)).pid
        made.supervisor.start("raw")
        made.supervisor.restart("raw")
        await made.until(lambda: made.status().pid not in {None, first})
        await made.stands(ServerPhase.CONNECTED)


async def test_a_disabled_server_starts_by_hand_only(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())
        made.supervisor.apply([replace(raw(), is_enabled=False)])
        await made.stands(ServerPhase.DISABLED)
        assert made.children.living == 0

        made.supervisor.start("raw")
        await made.stands(ServerPhase.CONNECTED)


async def test_as_root_nothing_starts_before_the_settings_allow_it(tmp_path: Path) -> None:
    may_run = False
    async with room(tmp_path, may_run_programs=lambda: may_run) as made:
        made.supervisor.apply([raw()])
        status = await made.stands(ServerPhase.FAILED)
        assert "set `tools: {may_run_as_root: true}` in its settings" in status.reason
        may_run = True
        await made.connected(raw())
        may_run = False
        made.supervisor.apply([raw()])
        await made.stands(ServerPhase.FAILED)


@pytest.mark.expects_log("mcp_trust_unreadable")
async def test_with_a_damaged_file_of_approvals_servers_count_as_rejected_and_say_why(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([raw()])
        await made.stands(ServerPhase.PENDING)
        made.supervisor.reject("raw")
        assert made.supervisor.trust_problem() is None
    (tmp_path / "mcp" / "approvals.json").write_text('{"answers": {"raw"')
    async with room(tmp_path) as made:
        made.supervisor.apply([raw()])
        status = await made.stands(ServerPhase.REJECTED)
        assert "was damaged" in status.reason
        assert "approvals.damaged-1.json" in (made.supervisor.trust_problem() or "")
        assert status.launch is not None
        made.supervisor.approve("raw", status.launch.digest)
        await made.stands(ServerPhase.CONNECTED)
    async with room(tmp_path) as made:
        made.supervisor.apply([raw()])
        await made.stands(ServerPhase.CONNECTED)


@pytest.mark.expects_log("mcp_trust_unreadable")
async def test_once_the_damaged_file_is_deleted_nobody_is_told_of_it_and_servers_are_asked_about(
    tmp_path: Path,
) -> None:
    trust = tmp_path / "mcp"
    trust.mkdir()
    for name in ("approvals.json", "approvals.damaged-1.json"):
        (trust / name).write_text("{")
    async with room(tmp_path) as made:
        made.supervisor.apply([raw()])
        await made.stands(ServerPhase.REJECTED)
        (trust / "approvals.damaged-1.json").unlink()
        await made.time.until_someone_sleeps(2.0)
        made.time.pass_by(2.0)
        await made.until(lambda: "damaged-1" not in (made.supervisor.trust_problem() or ""))
        assert "approvals.damaged-2.json" in (made.supervisor.trust_problem() or "")
        await made.stands(ServerPhase.REJECTED)
        (trust / "approvals.damaged-2.json").unlink()
        await made.time.until_someone_sleeps(2.0)
        made.time.pass_by(2.0)
        await made.stands(ServerPhase.PENDING)
        assert made.supervisor.trust_problem() is None


async def test_a_version_is_resolved_once_and_pinned_with_the_approval(tmp_path: Path) -> None:
    entry = McpServerConfig("time", "python", "mcp-server-time")
    async with room(tmp_path) as made:
        made.supervisor.apply([entry])
        status = await made.stands(ServerPhase.PENDING, name="time")
        assert status.launch is not None
        assert status.launch.package == "mcp-server-time==1.2.3"
        assert status.launch.argv == ("uvx", "--no-python-downloads", "mcp-server-time==1.2.3")
        made.supervisor.reject("time")
        await made.stands(ServerPhase.REJECTED, name="time")
    async with room(tmp_path) as made:
        made.packages.version = "9.9.9"
        made.supervisor.apply([entry])
        status = await made.stands(ServerPhase.REJECTED, name="time")
        assert made.packages.resolved == []
        assert status.launch is not None
        assert status.launch.package == "mcp-server-time==1.2.3"


async def test_a_registry_that_does_not_answer_is_said_and_asked_again(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.packages.version = None
        made.supervisor.apply([McpServerConfig("time", "node", "pkg")])
        await made.until(lambda: "does not answer" in made.status("time").reason)
        assert made.status("time").phase is ServerPhase.PENDING
        with pytest.raises(McpProblem, match="not known yet"):
            made.supervisor.approve("time", "")
        made.packages.version = "1.0.0"

        made.supervisor.start("time")

        await made.until(lambda: made.status("time").launch is not None)


async def test_the_trace_is_kept_only_while_it_is_on(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())
        made.supervisor.trace("raw", is_on=True)
        await made.supervisor.call("raw", "echo", {"text": "traced"})
        made.supervisor.trace("raw", is_on=False)
        await made.supervisor.call("raw", "echo", {"text": "untold"})

        kinds = {entry.kind for entry in made.supervisor.log("raw")}
        lines = "\n".join(made.lines())
        assert {"sent", "received", "lifecycle"} <= kinds
        assert "traced" in lines
        assert "untold" not in lines


async def test_fifty_starts_and_stops_leave_no_process(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw("children"))
        pids: set[int] = set()
        for _ in range(50):
            made.supervisor.stop("raw")
            await made.stands(ServerPhase.STOPPED)
            made.supervisor.start("raw")
            pids.add((await made.stands(ServerPhase.CONNECTED)).pid or 0)
        assert len(pids) == 50
        last = made.status().pid
        assert made.children.living == 1
        assert not any(lives(pid) for pid in pids - {last})


async def test_all_start_side_by_side_and_one_that_hangs_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([raw("hang", name="bad"), *(raw(name=f"good{number}") for number in range(3))])
        for name in ("bad", "good0", "good1", "good2"):
            await made.approved(name)
        for number in range(3):
            await made.stands(ServerPhase.CONNECTED, name=f"good{number}")
        assert made.status("bad").phase is ServerPhase.STARTING
        assert (await asyncio.wait_for(made.supervisor.call("good1", "echo", {"text": "y"}), 5)).content
        made.supervisor.stop("bad")
        await made.stands(ServerPhase.STOPPED, name="bad")
