from __future__ import annotations

import os
import stat
import sys
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.mcp.supervisor import Supervisor
from proxy.mcp.values import McpServerConfig, ServerPhase
from tests.proxy.mcp.server_room import RAW, Room, raw, room

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the runner of this test is a shell script")
ENTRY = McpServerConfig("raw", "python", "raw-server", ("extra", "$WORD"))


@pytest.fixture
async def made(tmp_path: Path) -> AsyncGenerator[Room, None]:
    """A room whose uvx runs the scripted server."""
    runner = tmp_path / "bin" / "uvx"
    runner.parent.mkdir()
    runner.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nexec {sys.executable} {RAW} "$@"\n')
    runner.chmod(0o755)
    async with room(tmp_path) as one:
        environment = {
            **one.surroundings.environment,
            "PATH": f"{runner.parent}{os.pathsep}{os.environ['PATH']}",
        }
        one.surroundings = replace(one.surroundings, environment=environment)
        one.supervisor = Supervisor(one.surroundings)
        one.variables["WORD"] = "filled"
        yield one


async def test_a_package_is_downloaded_once_and_started_offline_in_its_version(
    made: Room, tmp_path: Path
) -> None:
    status = await made.connected(ENTRY)
    assert made.packages.prepared == ["raw-server 1.2.3"]
    assert status.argv[1:] == ("--offline", "--no-python-downloads", "raw-server==1.2.3", "extra", "$WORD")
    assert status.argv[0] == str(tmp_path / "bin" / "uvx")
    assert "raw-server==1.2.3 extra filled" in (tmp_path / "asked").read_text()

    made.supervisor.restart("raw")
    await made.until(lambda: made.status().pid not in {None, status.pid})
    await made.stands(ServerPhase.CONNECTED)
    assert made.packages.prepared == ["raw-server 1.2.3"]


async def test_one_that_does_not_start_is_downloaded_again(made: Room) -> None:
    made.supervisor.apply([replace(ENTRY, args=("exit",))])
    await made.approved()
    await made.stands(ServerPhase.RESTARTING)
    await made.time.until_someone_sleeps(1.0)
    made.time.pass_by(1.0)
    await made.until(lambda: len(made.packages.prepared) == 2)


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([raw(cwd=str(tmp_path / "none"))])
        await made.approved()
        status = await made.stands(ServerPhase.FAILED)
        assert f"cwd: there is no folder {tmp_path}/none" in status.reason


async def test_a_server_runs_in_a_private_folder_of_its_own_or_the_one_it_names(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        status = await made.connected(raw(), raw(name="two", cwd=str(tmp_path)))
        assert status.cwd == str(tmp_path / "mcp" / "servers" / "raw")
        assert stat.S_IMODE(os.stat(status.cwd).st_mode) == 0o700  # noqa: PTH116 - a Path would block the loop, ruff says
        assert made.status("two").cwd == str(tmp_path)


async def test_stopped_while_a_package_is_downloaded_nothing_starts(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.packages.is_slow = True
        made.supervisor.apply([McpServerConfig("raw", "node", "pkg@1.0.0")])
        await made.approved()
        await made.until(lambda: "downloaded" in made.status().reason)
        made.supervisor.stop("raw")
        await made.stands(ServerPhase.STOPPED)
        assert made.children.living == 0


async def test_a_variable_that_would_make_a_program_load_something_is_refused(tmp_path: Path) -> None:
    async with room(tmp_path) as made:
        made.supervisor.apply([raw(environment={"LD_PRELOAD": "/x.so"})])
        await made.approved()
        status = await made.stands(ServerPhase.FAILED, ServerPhase.RESTARTING)
        assert status.phase is ServerPhase.FAILED
        assert "LD_PRELOAD" in status.reason


async def test_a_file_that_is_no_program_is_said(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("no program")
    program.chmod(0o755)
    async with room(tmp_path) as made:
        made.supervisor.apply([McpServerConfig("raw", "stdio", str(program), restart=False)])
        await made.approved()
        status = await made.stands(ServerPhase.FAILED)
        assert status.reason
