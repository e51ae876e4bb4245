"""One child: what it is given and says, how it ends, and what it leaves behind."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from proxy.tools.child_output import HeadOutput, TailOutput
from proxy.tools.children import Children, Launch
from tests.proxy.tools.tool_room import lives, run_child, survivors

pytestmark = pytest.mark.skipif(  # POSIX only
    sys.platform == "win32", reason="process groups are POSIX; Windows has job objects"
)


class Heard:
    """Output that can be waited for."""

    def __init__(self) -> None:
        self._output = TailOutput()
        self._news = asyncio.Event()

    def feed(self, piece: bytes) -> None:
        self._output.feed(piece)
        self._news.set()

    async def lines(self, count: int) -> list[str]:
        while self._output.text().count("\n") < count:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 10)
        return self._output.text().splitlines()


async def test_nothing_can_be_read_from_a_closed_input(children: Children) -> None:
    assert await run_child(children, "/bin/cat") == (0, "", "")


async def test_what_is_written_to_a_child_arrives_whole(children: Children) -> None:
    out = HeadOutput()
    child = await children.start(Launch(("/bin/cat",), "/", stdin="pipe"), on_stdout=out.feed)
    sent = b"0123456789abcdef" * 50_000

    for start in range(0, len(sent), 100_000):
        child.write(sent[start : start + 100_000])
        await child.drain()
    child.close_input()

    assert await child.wait() == 0
    assert out.text().encode() == sent


async def test_writing_to_a_child_that_ended_does_nothing(children: Children) -> None:
    child = await children.start(Launch(("/bin/true",), "/", stdin="pipe"), on_stdout=HeadOutput().feed)
    await child.wait()

    child.write(b"too late")
    child.close_input()
    await child.drain()


async def test_errors_can_come_through_the_same_pipe_in_order(children: Children) -> None:
    out = HeadOutput()
    launch = Launch(("/bin/sh", "-c", "echo 1; echo 2 >&2; echo 3"), "/", joins_stderr=True)

    await (await children.start(launch, on_stdout=out.feed)).wait()

    assert out.text() == "1\n2\n3\n"


async def test_the_exit_code_is_the_programs_or_minus_the_signal(children: Children) -> None:
    assert (await run_child(children, "/bin/sh", "-c", "exit 7"))[0] == 7
    assert (await run_child(children, "/bin/sh", "-c", "kill -KILL $$"))[0] == -signal.SIGKILL


async def test_a_flood_is_read_to_its_end_though_little_is_kept(children: Children) -> None:
    out = HeadOutput(1000)
    child = await children.start(
        Launch(("/usr/bin/head", "-c", "50000000", "/dev/zero"), "/"), on_stdout=out.feed
    )

    assert await child.wait() == 0
    assert out.total_bytes == 50_000_000
    assert out.text() == "\0" * 1000


async def test_the_loop_goes_on_while_a_child_floods(children: Children) -> None:
    out = HeadOutput(1000)
    child = await children.start(Launch(("/usr/bin/yes",), "/"), on_stdout=out.feed)
    loop = asyncio.get_running_loop()

    began, laps = loop.time(), 0
    while loop.time() - began < 0.2:
        await asyncio.sleep(0)
        laps += 1
    await child.stop(1.0)

    assert laps > 50
    assert not lives(child.pid)


async def test_stopping_ends_the_whole_group_though_some_ignore_term(children: Children) -> None:
    script = "sleep 300 & echo $!; (trap '' TERM; echo ready; while :; do sleep 300; done) & echo $!; wait"
    heard = Heard()
    child = await children.start(Launch(("/bin/bash", "-c", script), "/"), on_stdout=heard.feed)
    pids = [int(line) for line in await heard.lines(3) if line.isdigit()]

    await child.stop(grace_s=0.2)

    assert survivors([child.pid, *pids], 0) == []
    assert child.exit_code == -signal.SIGTERM


async def test_a_child_that_ignores_term_is_killed_after_its_grace(children: Children) -> None:
    heard = Heard()
    script = "trap '' TERM; echo ready; while :; do sleep 300; done"
    child = await children.start(Launch(("/bin/bash", "-c", script), "/"), on_stdout=heard.feed)
    await heard.lines(1)

    await child.stop(grace_s=0.1)

    assert child.exit_code == -signal.SIGKILL


async def test_stopping_one_that_has_ended_touches_nobody(children: Children) -> None:
    child = await children.start(Launch(("/bin/true",), "/"), on_stdout=HeadOutput().feed)
    await child.wait()
    stranger = await asyncio.create_subprocess_exec("/bin/sleep", "300", start_new_session=True)
    child.pid = stranger.pid  # as if the system had given the number away again

    await child.stop()

    assert lives(stranger.pid)
    stranger.kill()
    await stranger.wait()


async def test_a_child_is_given_time_to_end_in_order(children: Children) -> None:
    heard = Heard()
    script = "trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
    child = await children.start(Launch(("/bin/bash", "-c", script), "/"), on_stdout=heard.feed)
    await heard.lines(1)

    await child.stop(grace_s=10)

    assert await heard.lines(2) == ["ready", "tidied"]
    assert child.exit_code == 0


async def test_what_a_child_leaves_running_ends_with_it(children: Children) -> None:
    code, out, _ = await run_child(children, "/bin/sh", "-c", "sleep 300 & echo $!")

    assert code == 0
    assert survivors([int(out)], 0) == []
