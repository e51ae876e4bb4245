"""What is left of the servers when Signalbox is killed without a word: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.proxy.mcp.server_room import RAW
from tests.proxy.tools.tool_room import survivors

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")

_PROGRAM = """
import asyncio, json, os, sys
from pathlib import Path
from tests.proxy.mcp.server_room import raw, room
async def main():
    async with room(Path(sys.argv[1])) as made:
        await made.connected(*(raw("children", "deaf", name=f"s{n}") for n in range(5)))
        print(json.dumps([each.pid for each in made.supervisor.statuses()]), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def test_kill_9_with_five_servers_and_grandchildren_leaves_no_process_after_5_s(tmp_path: Path) -> None:
    root = Path(RAW).parents[4]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=root,
    )
    try:
        assert program.stdout is not None
        told = next(line for line in program.stdout if line.startswith(b"["))
        servers = json.loads(told)
        family = psutil.Process(program.pid).children(recursive=True)
        grandchildren = {child.pid for server in servers for child in psutil.Process(server).children()}
        assert len(servers) == 5
        assert len(grandchildren) == 5

        os.kill(program.pid, signal.SIGKILL)
        program.wait()

        everyone = {*servers, *grandchildren, *(each.pid for each in family)}
        assert survivors(everyone, 5.0) == []
    finally:
        program.kill()
        program.wait()
        if program.stdout is not None:
            program.stdout.close()
