"""A display and a session bus of a test's own, and a program of ours on them that says what happens."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent.parent


@asynccontextmanager
async def running(
    *command: str, env: Mapping[str, str] | None = None
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process that ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
        cwd=_ROOT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def next_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()


@asynccontextmanager
async def private_bus() -> AsyncGenerator[str]:
    """The address of a session bus."""
    async with running("dbus-daemon", "--session", "--nofork", "--print-address") as process:
        yield await next_line(process)


@asynccontextmanager
async def private_display(bus: str) -> AsyncGenerator[Mapping[str, str]]:
    """The environment of programs on a display and this bus."""
    screen = ("-screen", "0", "1280x800x24", "-nolisten", "tcp")
    async with running("Xvfb", "-displayfd", "1", *screen) as xvfb:
        yield {
            **os.environ,
            "DISPLAY": f":{await next_line(xvfb)}",
            "DBUS_SESSION_BUS_ADDRESS": bus,
            "QT_QPA_PLATFORM": "xcb",
            "PYTHONPATH": str(_ROOT),
        }


class Program:
    """A program that is told what to do, a line each, and says what happened, a JSON line each."""

    def __init__(self, process: asyncio.subprocess.Process, env: Mapping[str, str]) -> None:
        self.process = process
        self.env = env

    def do(self, command: str) -> None:
        """Gives a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n".encode())

    async def next(self, what: str) -> dict[str, Any]:
        """Waits until it says this."""
        while True:
            line = await next_line(self.process)
            assert line, f"the program ended before it said {what}"
            said: dict[str, Any] = json.loads(line)
            if said["what"] == what:
                return said

    async def until(self, **wanted: object) -> dict[str, Any]:
        """Waits until the state is as wanted."""
        self.do(f"until {json.dumps(wanted)}")
        return await self.next("state")


@asynccontextmanager
async def program_of(module: str, *arguments: str, env: Mapping[str, str]) -> AsyncGenerator[Program]:
    """A module of the tests, run as a program."""
    async with running(sys.executable, "-m", module, *arguments, env=env) as process:
        yield Program(process, env)


def say(what: str, **more: object) -> None:
    """In the program: tells the test."""
    sys.stdout.write(json.dumps({"what": what, **more}) + "\n")
    sys.stdout.flush()
