"""What a request leaves behind in memory once it has ended: nothing, so that the program does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WARM, MEASURED = 100, 200
PROGRAM = """
import asyncio, gc, json, sys
from collections import Counter
import structlog
from tests.proxy.scripted import BODY, ScriptedUpstream, running

async def objects_after(proxy, upstream, times):
    for _ in range(times):
        async with proxy.post({**BODY, "stream": STREAM}) as response:
            assert response.status == 200
            await response.read()
    for kept in (upstream.asked, upstream.headers, proxy.events):
        kept.clear()
    gc.collect()
    return Counter(type(each).__qualname__ for each in gc.get_objects())

async def main():
    upstream = ScriptedUpstream()
    async with running({"one": upstream}) as proxy:
        await objects_after(proxy, upstream, WARM)  # counting leaves objects of its own, once
        before = await objects_after(proxy, upstream, WARM)
        print(json.dumps(await objects_after(proxy, upstream, MEASURED) - before))

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
asyncio.run(main())
"""


@pytest.mark.parametrize("is_streamed", [False, True])
def test_requests_that_have_ended_leave_no_objects_behind(is_streamed: bool) -> None:
    given = f"STREAM, WARM, MEASURED = {is_streamed}, {WARM}, {MEASURED}\n"
    # In a process of its own: the guards of the tests keep every log line.
    done = subprocess.run(
        [sys.executable, "-c", given + PROGRAM],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    more: dict[str, int] = json.loads(done.stdout)
    assert sum(more.values()) < MEASURED // 2, more
