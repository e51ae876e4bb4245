from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from proxy.tools.child_environment import MARK, ForbiddenVariable
from proxy.tools.child_output import HeadOutput, TailOutput
from proxy.tools.children import CannotStart, Children, Launch
from tests.proxy.tools.tool_room import lives, survivors

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="process groups are POSIX; Windows has job objects"
)
_ROOT = Path(__file__).parents[3]


async def _run(children: Children, *argv: str, **declared: str) -> tuple[int, str, str]:
    out, errors = HeadOutput(), HeadOutput()
    child = await children.start(Launch(argv, "/", declared), on_stdout=out.feed, on_stderr=errors.feed)
    return await child.wait(), out.text(), errors.text()


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


async def test_a_child_has_our_harmless_variables_and_its_declared_ones_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = "sk-" + "or-v1-0123456789"
    base = {**os.environ, "OPENROUTER_API_KEY": secret, "LD_PRELOAD": "/no/such.so", "PYTHONPATH": "/app"}
    children = Children(base, tmp_path)

    code, out, errors = await _run(children, "/usr/bin/env", GREETING="hello there")
    await children.aclose()

    names = {line.partition("=")[0] for line in out.splitlines()}
    assert (code, errors) == (0, "")
    assert "GREETING=hello there\n" in out
    assert names <= {
        "PATH",
        "HOME",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "USER",
        "TZ",
        "TMPDIR",
        "TERM",
        "GREETING",
        MARK,
    }
    assert secret not in out


async def test_a_child_inherits_no_descriptor_but_those_handed_to_it(children: Children) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    out = HeadOutput()
    launch = Launch(
        ("/bin/bash", "-c", f"ls /proc/self/fd; echo handed >&{writing}"), "/", pass_fds=(writing,)
    )

    child = await children.start(launch, on_stdout=out.feed)
    await child.wait()

    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = await asyncio.to_thread(pipe.read)
    assert said == b"handed\n"
    assert str(reading) not in out.text().split()


async def test_nothing_can_be_read_from_a_closed_input(children: Children) -> None:
    assert await _run(children, "/bin/cat") == (0, "", "")


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
    assert (await _run(children, "/bin/sh", "-c", "exit 7"))[0] == 7
    assert (await _run(children, "/bin/sh", "-c", "kill -KILL $$"))[0] == -signal.SIGKILL


async def test_a_child_is_the_leader_of_a_session_of_its_own(children: Children) -> None:
    _, out, _ = await _run(children, "/bin/sh", "-c", "ps -o pid=,pgid=,sid= -p $$")

    assert len(set(out.split())) == 1


@pytest.mark.parametrize(
    ("argv", "cwd", "said"),
    [
        (("no-such-program",), "/", "no-such-program was not found"),
        (("/no/such/program",), "/", "was not found"),
        (("/etc/passwd",), "/", "was not found, or it may not be run"),
        (("/bin/true",), "/no/such/folder", "was not started in /no/such/folder: No such file or directory"),
    ],
)
async def test_what_cannot_start_says_why(
    children: Children, argv: tuple[str, ...], cwd: str, said: str
) -> None:
    with pytest.raises(CannotStart, match=said):
        await children.start(Launch(argv, cwd), on_stdout=HeadOutput().feed)

    assert children.living == 0


async def test_a_forbidden_variable_starts_nothing(children: Children) -> None:
    with pytest.raises(ForbiddenVariable):
        await _run(children, "/bin/true", LD_PRELOAD="/evil.so")


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
    code, out, _ = await _run(children, "/bin/sh", "-c", "sleep 300 & echo $!")

    assert code == 0
    assert survivors([int(out)], 0) == []


async def test_a_stray_that_left_the_group_does_not_keep_us_waiting(children: Children) -> None:
    code, out, _ = await asyncio.wait_for(
        _run(children, "/bin/sh", "-c", "setsid sh -c 'echo $$; exec sleep 300' & sleep 0.2"), 10
    )

    stray = psutil.Process(int(out))
    assert code == 0
    assert stray.is_running()  # only leaving its session lets it outlive the command; closing all ends it
    await children.aclose()
    assert survivors([stray.pid]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="no limit marks children elsewhere")
async def test_a_stray_that_left_its_session_and_its_environment_ends_with_us(children: Children) -> None:
    before = psutil.Process().rlimit(psutil.RLIMIT_MSGQUEUE)
    script = "env -i setsid sh -c 'sleep 300 & echo $!; exec sleep 300' & sleep 0.2"
    code, out, _ = await _run(children, "/bin/sh", "-c", script)

    stray = psutil.Process(int(out))
    assert code == 0
    assert MARK not in stray.environ()
    assert stray.is_running()
    assert psutil.Process().rlimit(psutil.RLIMIT_MSGQUEUE) == before
    await children.aclose()
    assert survivors([stray.pid]) == []


async def test_closing_ends_all_and_starts_no_more(children: Children) -> None:
    started = [
        await children.start(Launch(("/bin/sleep", "300"), "/"), on_stdout=HeadOutput().feed)
        for _ in range(3)
    ]

    await children.aclose(grace_s=1.0)

    assert children.living == 0
    assert survivors([child.pid for child in started], 0) == []
    with pytest.raises(CannotStart, match="being closed"):
        await _run(children, "/bin/true")


_PARENT = """
import asyncio, os, sys
from pathlib import Path
from proxy.tools.child_output import HeadOutput
from proxy.tools.children import Children, Launch

async def main():
    children = Children(os.environ, Path(sys.argv[1]))
    script = "sleep 300 & echo $!; (trap '' TERM HUP; sleep 300; sleep 300) & echo $!; "
    script += "setsid sleep 300 & echo $!; env -i setsid sleep 300 & echo $!; wait"
    told = asyncio.Event()
    for _ in range(3):
        out = HeadOutput()
        def feed(piece, out=out):
            out.feed(piece)
            told.set()
        child = await children.start(Launch(("/bin/bash", "-c", script), "/"), on_stdout=feed)
        while out.text().count("\\n") < 4:
            told.clear()
            await told.wait()
        print(child.pid, *out.text().split(), flush=True)
    print("guardian", children.guardian_pid, flush=True)
    await asyncio.Event().wait()

if sys.argv[2] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


def _start_parent(folder: Path, loop: str = "asyncio") -> tuple[subprocess.Popen[str], list[int], int]:
    """Starts a program with three children and their children; returns all numbers and its guardian's."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(folder), loop], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pids = [int(word) for _ in range(3) for word in parent.stdout.readline().split()]
    guardian = int(parent.stdout.readline().split()[1])
    return parent, pids, guardian


def _kill(parent: subprocess.Popen[str]) -> None:
    parent.kill()
    parent.wait()
    assert parent.stdout is not None
    parent.stdout.close()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_five_seconds_after_a_kill_no_child_or_grandchild_is_left(tmp_path: Path, loop: str) -> None:
    parent, pids, guardian = _start_parent(tmp_path, loop)
    assert len(pids) == 15
    assert all(map(lives, pids))

    _kill(parent)

    assert survivors([*pids, guardian], 5) == []


def test_without_a_guardian_the_kernel_still_ends_the_children_themselves(tmp_path: Path) -> None:
    if not Path("/usr/bin/setpriv").exists():
        pytest.skip("setpriv is not installed")
    parent, pids, guardian = _start_parent(tmp_path)
    try:
        os.kill(guardian, signal.SIGKILL)
        assert survivors([guardian]) == []

        _kill(parent)

        assert survivors(pids[::5], 5) == []
    finally:
        for group in {*pids[::5], *filter(lives, pids)}:  # those that left have a group of their own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        for pid in filter(lives, pids):
            os.kill(pid, signal.SIGKILL)


async def _use_children(folder: Path) -> None:
    """Feeds, stops and closes children on whatever loop runs."""
    children = Children(os.environ, folder)
    assert await _run(children, "/bin/sh", "-c", "echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")
    out = HeadOutput(2**21)
    cat = await children.start(Launch(("/bin/cat",), "/", stdin="pipe"), on_stdout=out.feed)
    for _ in range(20):
        cat.write(b"0123456789abcdef" * 4000)
        await cat.drain()
    cat.close_input()
    assert await cat.wait() == 0
    assert out.text() == "0123456789abcdef" * 80_000
    sleeper = await children.start(Launch(("/bin/sleep", "300"), "/"), on_stdout=out.feed)
    await sleeper.stop()
    assert sleeper.exit_code == -signal.SIGTERM
    if sys.platform == "linux":
        _, limit, _ = await _run(children, "/bin/grep", "msgqueue", "/proc/self/limits")
        assert int(limit.split()[3]) < psutil.Process().rlimit(psutil.RLIMIT_MSGQUEUE)[0]
    guardian = children.guardian_pid
    assert guardian is not None
    await _run(children, "/bin/true")
    assert children.guardian_pid == guardian
    await children.aclose()
    assert survivors([guardian], 2) == []


async def test_one_guardian_serves_all_children(tmp_path: Path) -> None:
    await _use_children(tmp_path)


@pytest.mark.qt_loop
async def test_children_live_on_the_desktops_loop_too(tmp_path: Path) -> None:
    await _use_children(tmp_path)


def test_children_live_on_the_headless_loop_too(tmp_path: Path) -> None:
    uvloop = pytest.importorskip("uvloop")
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(_use_children(tmp_path), 20))
    finally:
        loop.close()
