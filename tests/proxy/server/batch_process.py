"""A proxy in a process of its own, for tests that kill it: `python -m tests.proxy.server.batch_process DIR`.

It prints its address, then a line for each request that its upstream is asked; the upstream echoes what the
user said.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog

from proxy.messages.message import JsonObject
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import DONE, Playing, Reply, ScriptedUpstream, delta, running


def say(**fact: str) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


class EchoUpstream(ScriptedUpstream):
    """Answers with what the user said."""

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> Playing:
        said = payload["messages"][-1]["content"]
        say(asked=said)
        return Playing(Reply((delta(content=f"echo {said}"), delta("stop"), DONE)))


async def main(folder: Path) -> None:
    async with running({"one": EchoUpstream()}, storage=StorageConfig(folder)) as proxy:
        say(url=proxy.url)
        await asyncio.Event().wait()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1])))
