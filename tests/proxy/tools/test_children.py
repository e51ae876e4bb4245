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
from proxy.tools.child_output import HeadOutput
from proxy.tools.children import CannotStart, Children, Launch
from tests.proxy.tools.tool_room import lives, run_child, survivors

pytestmark = pytest.mark.skipif(  # POSIX only
    sys.platform == "win32", reason="process groups are POSIX; Windows has job objects"
)
_ROOT = Path(__file__).parents[3]


async def test_a_child_has_our_harmless_variables_and_its_declared_ones_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = "sk-" + "or-v1-0123456789"
    base = {**os.environ, "OPENROUTER_API_KEY": secret, "LD_PRELOAD": "/no/such.so", "PYTHONPATH": "/app"}
    children = Children(base, tmp_path)

    code, out, errors = await run_child(children, "/usr/bin/env", GREETING="hello there")
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


async def test_a_child_is_the_leader_of_a_session_of_its_own(children: Children) -> None:
    _, out, _ = await run_child(children, "/bin/sh", "-c", "ps -o pid=,pgid=,sid= -p $$")

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
        await run_child(children, "/bin/true", LD_PRELOAD="/evil.so")


async def test_a_stray_that_left_the_group_does_not_keep_us_waiting(children: Children) -> None:
    code, out, _ = await asyncio.wait_for(
        run_child(children, "/bin/sh", "-c", "setsid sh -c 'echo $$; exec sleep 300' & sleep 0.2"), 10
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
    code, out, _ = await run_child(children, "/bin/sh", "-c", script)

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
        await run_child(children, "/bin/true")


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
    assert await run_child(children, "/bin/sh", "-c", "echo out; echo err >&2; exit 3") == (
        3,
        "out\n",
        "err\n",
    )
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
        _, limit, _ = await run_child(children, "/bin/grep", "msgqueue", "/proc/self/limits")
        assert int(limit.split()[3]) < psutil.Process().rlimit(psutil.RLIMIT_MSGQUEUE)[0]
    guardian = children.guardian_pid
    assert guardian is not None
    await run_child(children, "/bin/true")
    assert children.guardian_pid == guardian
    await children.aclose()
    assert survivors([guardian], 2) == []


async def test_one_guardian_serves_all_children(tmp_path: Path) -> None:
    await _use_children(tmp_path)


@pytest.mark.qt_loop
async def test_children_live_on_the_desktops_loop_too(tmp_path: Path) -> None:
    await _use_children(tmp_path)


def test_children_live_on_the_headless_loop_too(tmp_path: Path) -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(_use_children(tmp_path), 20))
    finally:
        loop.close()
