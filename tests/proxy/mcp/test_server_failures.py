from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.mcp.logs import MAX_LOG_BYTES
from proxy.mcp.values import McpProblem, McpServerConfig, ServerPhase
from tests.proxy.mcp.server_room import Room, eventually, raw, room


async def test_a_server_that_hangs_in_its_start_is_ended_at_its_deadline(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([replace(raw("hang"), restart=False, start_timeout_s=7.0)])
        await made.approved()
        await made.time.until_someone_sleeps(7.0)
        await made.until(lambda: made.status().pid is not None)

        made.time.pass_by(7.0)

        status = await made.stands(ServerPhase.FAILED)
        assert status.reason == "it did not answer within 7 s"
        assert made.children.living == 0


async def test_garbage_instead_of_messages_is_quoted_in_the_reason(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([replace(raw("garbage"), restart=False)])
        await made.approved()
        await made.until(lambda: made.status().pid is not None)
        await eventually(lambda: any("Welcome" in line for line in made.lines()))

        made.time.pass_by(30.0)

        status = await made.stands(ServerPhase.FAILED)
        assert "no message: Welcome to my server!" in status.reason


async def test_garbage_between_answers_is_noted_and_hurts_nobody(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())

        result = await made.supervisor.call("raw", "break", {})

        assert result.content[0]["text"] == "after the garbage"
        assert any("no message to its standard output: }{" in line for line in made.lines())


async def test_a_flood_of_errors_is_kept_to_its_newest_64_kib(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw("flood"))

        entries = made.supervisor.log("raw")

        assert sum(len(entry.text) for entry in entries) <= MAX_LOG_BYTES
        assert "line 19999" in [entry for entry in entries if entry.kind == "stderr"][-1].text


async def test_a_server_that_ends_at_once_is_started_five_times_more_with_longer_pauses(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([raw("exit")])
        await made.approved()
        for attempt, pause in enumerate((1.0, 2.0, 4.0, 8.0, 16.0), 1):
            status = await made.stands(ServerPhase.RESTARTING)
            assert status.attempt == attempt
            assert status.reason == "exit 1: there is no configuration"
            await made.time.until_someone_sleeps(pause)
            made.time.pass_by(pause)
            await made.until(lambda: made.status().phase is not ServerPhase.RESTARTING)

        status = await made.stands(ServerPhase.FAILED)
        assert status.reason.startswith("exit 1: there is no configuration; it was started again 5 times")
        assert status.restarts == 5

        made.supervisor.restart_failed()
        assert (await made.stands(ServerPhase.RESTARTING)).attempt == 1


async def test_one_that_ran_for_ten_minutes_begins_anew_with_short_pauses(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())
        for _ in range(2):
            await _died(made)
            await made.stands(ServerPhase.RESTARTING)
            await made.time.until_someone_sleeps(1.0)
            made.time.pass_by(1.0)
            await made.stands(ServerPhase.CONNECTED)
            made.time.now += 601


async def test_a_death_in_the_middle_of_a_call_ends_the_call_and_the_server_comes_back(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as made:
        first = await made.connected(raw(), raw(name="other"))
        with pytest.raises(McpProblem, match=r"the server ended.*I was told to die"):
            await made.supervisor.call("raw", "die", {})
        status = await made.stands(ServerPhase.RESTARTING)
        assert status.reason == "exit 3: I was told to die"
        assert (await made.supervisor.call("other", "echo", {"text": "well"})).content[0]["text"] == "well"

        await made.time.until_someone_sleeps(1.0)
        made.time.pass_by(1.0)

        status = await made.stands(ServerPhase.CONNECTED)
        assert status.restarts == 1
        assert status.pid != first.pid


async def test_one_that_must_not_restart_stays_down(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(replace(raw(), restart=False))
        await _died(made)
        assert (await made.stands(ServerPhase.FAILED)).reason == "exit 3: I was told to die"


async def test_a_program_that_is_nowhere_is_said_with_where_it_was_looked_for(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([McpServerConfig("raw", "stdio", "no-such-program-here")])
        await made.approved()
        status = await made.stands(ServerPhase.FAILED)
        assert status.reason.startswith("no-such-program-here not found; PATH searched: ")
        assert status.restarts == 0


async def test_a_call_that_takes_too_long_ends_and_the_server_lives(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        status = await made.connected(raw())
        with pytest.raises(McpProblem, match="did not answer in time"):
            await made.supervisor.call("raw", "slow", {}, 0.05)
        assert made.status().pid == status.pid
        made.time.pass_by(2.0)


async def test_one_that_ignores_its_closed_input_and_term_is_killed(tmp_path: Path) -> None:
    async with room(tmp_path, stop_grace_s=0.1) as made:
        await made.connected(raw("deaf", "children"))
        made.supervisor.stop("raw")
        await made.time.until_someone_sleeps(2.0)
        assert made.status().phase is ServerPhase.STOPPING
        made.time.pass_by(2.0)
        await made.stands(ServerPhase.STOPPED)
        assert made.children.living == 0


async def test_an_idle_server_is_probed_and_given_up_when_it_does_not_answer(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(replace(raw(), restart=False))
        made.supervisor.trace("raw", is_on=True)
        await made.time.until_someone_sleeps(30.0)
        made.time.pass_by(30.0)
        await made.time.until_someone_sleeps(30.0)
        assert any('"ping"' in line for line in made.lines())
        assert made.status().phase is ServerPhase.CONNECTED


async def test_one_that_was_used_lately_is_not_probed(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(raw())
        made.supervisor.trace("raw", is_on=True)
        await made.time.until_someone_sleeps(30.0)
        made.time.now += 20
        await made.supervisor.call("raw", "echo", {})
        made.time.pass_by(10)
        await made.time.until_someone_sleeps(30.0)
        assert not any('"ping"' in line for line in made.lines())


async def test_a_health_check_that_fails_twice_ends_the_server(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        await made.connected(replace(raw(), restart=False, health_check="http://127.0.0.1:9/health"))
        await made.time.until_someone_sleeps(30.0)
        made.time.pass_by(30.0)
        await made.time.until_someone_sleeps(5.0)
        made.time.pass_by(5.0)
        status = await made.stands(ServerPhase.FAILED)
        assert "does not answer any more" in status.reason
        assert made.children.living == 0


async def _died(made: Room) -> None:
    with pytest.raises(McpProblem):
        await made.supervisor.call("raw", "die", {})
