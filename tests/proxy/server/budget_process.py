"""A proxy with a budget in a process of its own, for tests that kill it: `… budget_process DIR LIMIT`.

It prints its address, then a line each time its upstream is asked; the reservation is on the disk by then.
The upstream never answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import structlog

from proxy.config import Budgets, ListPrice
from proxy.messages.message import JsonObject
from proxy.service.storage import StorageConfig
from tests.proxy.scripted import ONE_TRY, Playing, Reply, ScriptedUpstream, delta, proxy_config, running

IMPATIENT = replace(ONE_TRY, longest_wait_s=0.1)
"""Waits hardly for room in a budget."""


def say(**fact: str | int) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


class SilentUpstream(ScriptedUpstream):
    """Says that it was asked, and begins an answer that never ends."""

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> Playing:
        say(asked=1)
        return Playing(Reply((delta(content="Hel"), asyncio.Event())))


async def main(folder: Path, limit: int) -> None:
    config = proxy_config("one")
    one = replace(config.providers["one"], price=ListPrice(0.0, 100.0))
    config = replace(config, providers=MappingProxyType({"one": one}), budgets=Budgets(month_micro_usd=limit))
    storage, upstreams = StorageConfig(folder), {"one": SilentUpstream()}
    async with running(upstreams, config, retry=IMPATIENT, storage=storage) as proxy:
        say(url=proxy.url)
        await asyncio.Event().wait()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
