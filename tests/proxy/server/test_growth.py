"""What a request leaves behind in memory once it has ended: nothing, not even for the garbage collector."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WARM, MEASURED = 50, 100
PROGRAM = """
import asyncio, gc, json
from collections import Counter
from dataclasses import replace
import structlog
from proxy.config import BreakerPolicy
from proxy.messages.errors import ErrorType, UpstreamError
from tests.proxy.scripted import BODY, HELLO, Reply, ScriptedUpstream, proxy_config, running

REFUSED = Reply((b'{"error": {"message": "x"}}',), status=500, headers={"content-type": "application/json"})

class Cut(Reply):
    async def chunks(self):
        yield HELLO[0]
        raise UpstreamError(ErrorType.API, "cut", status=502)

CASES = {
    "whole": (False, [Reply()]),
    "streamed": (True, [Reply()]),
    "refused": (False, [REFUSED]),
    "refused, streamed": (True, [REFUSED]),
    "broken off": (True, [Reply(HELLO[:2])]),
    "cut": (True, [Cut()]),
    "answered by the second": (False, [REFUSED], [Reply()]),
}

class Asked:
    def __init__(self, proxy, upstreams, is_streamed):
        self._proxy, self._is_streamed = proxy, is_streamed
        self._kept = [each for upstream in upstreams for each in (upstream.asked, upstream.headers)]

    async def times(self, number):
        for _ in range(number):
            async with self._proxy.post({**BODY, "stream": self._is_streamed}) as response:
                await response.read()
        for each in (*self._kept, self._proxy.events):
            each.clear()

def living():
    gc.collect()
    return Counter(type(each).__qualname__ for each in gc.get_objects())

async def measured(is_streamed, *replies):
    upstreams = {str(place): ScriptedUpstream(each) for place, each in enumerate(replies)}
    config = replace(proxy_config(*upstreams), breaker=BreakerPolicy(failures=10_000, failure_share=1.1))
    async with running(upstreams, config) as proxy:
        asked = Asked(proxy, upstreams.values(), is_streamed)
        await asked.times(WARM)
        living()  # counting leaves objects of its own, once
        before = living()
        gc.disable()
        await asked.times(MEASURED)
        collected = gc.collect()
        gc.enable()
        return collected, living() - before, before["MessagesRequest"]

async def main():
    print(json.dumps({name: await measured(*case) for name, case in CASES.items()}))

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
asyncio.run(main())
"""


def test_requests_that_have_ended_leave_no_objects_behind_and_nothing_to_collect() -> None:
    # In a process of its own: the guards of the tests keep every log line.
    done = subprocess.run(
        [sys.executable, "-c", f"WARM, MEASURED = {WARM}, {MEASURED}\n{PROGRAM}"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found: dict[str, tuple[int, dict[str, int], int]] = json.loads(done.stdout)
    assert len(found) == 7
    for case, (collected, more, requests) in found.items():
        assert requests == 0, f"{case}: what is remembered of a candidate keeps {requests} requests"
        assert collected < MEASURED // 2, f"{case}: {collected} objects in cycles"
        assert sum(more.values()) < MEASURED // 2, f"{case}: {more}"
