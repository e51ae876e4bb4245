"""A proxy that decides about calls until it is killed: `… audit_process DIR`.

It prints how many decisions are on the disk for certain, each time some more are.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, cast

import structlog

from proxy.context import RequestContext
from proxy.permissions.values import ToolCall
from proxy.service.storage import StorageConfig
from proxy.service.tool_desk import ToolDesk
from tests.proxy.scripted import proxy_config, running
from tests.proxy.tools.run_room import rules


async def main(folder: Path) -> None:
    config = replace(proxy_config("one"), permissions=rules(deny=["WebFetch"]))
    async with running(config=config, storage=StorageConfig(folder)) as proxy:
        desk: ToolDesk = cast("Any", proxy.server)._desk
        scope = desk.scope_of(RequestContext("req_1"))
        for number in count(1):
            await desk.runner.run(ToolCall("WebFetch", {"url": f"https://a.example/{number}"}), "c", scope)
            if number % 7 == 0:
                kept = await desk.decisions(limit=10_000)
                sys.stdout.write(f"{len(kept)}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1])))
