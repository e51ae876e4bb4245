from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from proxy.tools.child_guardian import Guardian
from tests.proxy.tools.tool_room import Sleeper, lives, survivors

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows' job objects need no guardian")


def _guardian() -> Guardian:
    return Guardian("run", {"PATH": os.environ["PATH"]})


async def test_it_ends_the_groups_in_its_care_when_it_is_let_go_and_no_others(sleeper: Sleeper) -> None:
    kept, forgotten, other = sleeper(), sleeper(), sleeper()
    guardian = _guardian()
    guardian.watch(kept.pid)
    await guardian.ensure()
    guardian.watch(forgotten.pid)
    guardian.forget(forgotten.pid)

    await guardian.aclose()

    assert not lives(kept.pid)
    assert lives(forgotten.pid)
    assert lives(other.pid)


async def test_one_that_died_is_replaced_and_knows_the_groups(sleeper: Sleeper) -> None:
    kept = sleeper()
    guardian = _guardian()
    await guardian.ensure()
    guardian.watch(kept.pid)
    first = guardian.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    await asyncio.wait_for(guardian.wait(), 5)
    assert guardian.pid is None
    guardian.forget(1)
    await guardian.ensure()

    assert guardian.pid not in {None, first}
    await guardian.aclose()
    assert survivors([kept.pid], 0) == []


async def test_it_is_started_once() -> None:
    guardian = _guardian()

    await asyncio.gather(guardian.ensure(), guardian.ensure())
    first = guardian.pid
    await guardian.ensure()

    assert guardian.pid == first
    await guardian.aclose()


async def test_one_that_was_never_needed_is_let_go_at_once() -> None:
    guardian = _guardian()

    await guardian.aclose()

    assert guardian.pid is None


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
async def test_what_ends_the_program_politely_does_not_end_it(
    sleeper: Sleeper, number: signal.Signals
) -> None:
    kept = sleeper()
    guardian = _guardian()
    await guardian.ensure()
    guardian.watch(kept.pid)
    pid = guardian.pid
    assert pid is not None

    os.kill(pid, number)
    await guardian.aclose()

    assert survivors([kept.pid], 0) == []
