"""The command line as other people's scripts use it: a real process, its output, its exit status."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-of-more-than-20-characters"


class Process:
    """A started `python -m app …`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def listening(self) -> str:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        assert line, (await self.end())[2]
        document = json.loads(line)
        assert list(document) == ["event", "url"]
        assert document["event"] == "listening"
        return document["url"]

    async def end(self) -> tuple[int, str, str]:
        out, err = await asyncio.wait_for(self.process.communicate(), 40)
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), err.decode()


class Shell:
    """Starts processes and ends those that a test left."""

    def __init__(self) -> None:
        self.started: list[asyncio.subprocess.Process] = []

    async def start(self, *words: str, variables: Mapping[str, str] | None = None) -> Process:
        environment = {**os.environ, **(variables or {}), "PYTHONPATH": str(ROOT)}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            *words,
            cwd=ROOT,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.started.append(process)
        return Process(process)

    async def run(self, *words: str, variables: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        return await (await self.start(*words, variables=variables)).end()


async def ask(url: str, token: str, model: str = "claude-sonnet-5-5") -> tuple[int, dict[str, object]]:
    """The status of an answer, and the answer."""
    body = {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/messages", json=body, headers={"x-api-key": token}) as response,
    ):
        return response.status, await response.json()
