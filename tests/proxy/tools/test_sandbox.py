from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from proxy.permissions.values import Decision, Policy, Rule
from proxy.tools.bash import Bash
from proxy.tools.child_output import HeadOutput
from proxy.tools.children import Children, Launch
from proxy.tools.errors import ToolError
from proxy.tools.sandbox import (
    NoSandbox,
    Program,
    Sandbox,
    Walls,
    bubblewrap_options,
    covers,
    network_is_allowed,
    seatbelt_profile,
)
from tests.proxy.tools.tool_room import ToolRoom, matches, survivors

_ARGV = ("/bin/true",)
_WALLS = Walls(("/work",), "/private")


async def _works(children: Children) -> bool:
    return await Sandbox(children).probe() == "bubblewrap"


@pytest.fixture
async def held(children: Children, room: ToolRoom, tmp_path: Path) -> Bash:
    if sys.platform != "linux" or not await _works(children):
        pytest.skip("bubblewrap does not work on this machine")
    hidden = tmp_path / "state"
    hidden.mkdir()
    (hidden / "token").write_text("secret")
    (tmp_path / "settings.yaml").write_text("secret")
    sandbox = Sandbox(children, "required", hidden=(str(hidden), str(tmp_path / "settings.yaml"), "/no/such"))
    return Bash(children, sandbox, shell="/bin/bash", temporary=str(tmp_path))


async def test_a_command_writes_in_the_workspace_and_nowhere_else(
    room: ToolRoom, held: Bash, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()

    said = await room.say(held, command=f"echo in > made; touch {outside}/made; echo $?")

    assert room.bytes("made") == b"in\n"
    assert "1" in said.splitlines()
    assert "Read-only file system" in said or "No such file" in said
    assert list(outside.iterdir()) == []


async def test_a_failed_write_is_explained(room: ToolRoom, held: Bash) -> None:
    said = await room.say(held, command="touch /usr/made")

    assert f"They can write only in {room.root}, /tmp, and have no network." in said


async def test_the_conversation_has_a_temporary_folder_of_its_own(room: ToolRoom, held: Bash) -> None:
    name = f"signalbox-test-{room.root.parent.name}"

    assert await room.say(held, command=f"echo kept > /tmp/{name}; echo $TMPDIR") == "/tmp"
    assert await room.say(held, command=f"cat /tmp/{name}") == "kept"
    assert matches("/tmp", name) == []


async def test_signalboxs_own_files_are_not_to_be_seen(room: ToolRoom, held: Bash, tmp_path: Path) -> None:
    said = await room.say(
        held, command=f"ls {tmp_path}/state; cat {tmp_path}/state/token {tmp_path}/settings.yaml"
    )

    assert "secret" not in said


async def test_there_is_no_network_not_even_loopback(room: ToolRoom, held: Bash) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert "refused" in await room.say(held, command=f"echo hi > /dev/tcp/127.0.0.1/{port}")


async def test_a_rule_leaves_the_network(
    room: ToolRoom, children: Children, held: Bash, tmp_path: Path
) -> None:
    bash = Bash(
        children, Sandbox(children), shell="/bin/bash", temporary=str(tmp_path), has_network=lambda: True
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert "(Bash completed" in await room.say(bash, command=f": > /dev/tcp/127.0.0.1/{port}")


async def test_a_cd_and_the_exit_code_come_through(room: ToolRoom, held: Bash) -> None:
    (room.root / "sub").mkdir()

    assert await room.say(held, command="cd sub; exit 5") == "Exit code 5"
    assert await room.say(held, command="pwd") == str(room.root / "sub")


async def test_even_who_leaves_the_group_ends_with_the_command(room: ToolRoom, held: Bash) -> None:
    marker = 987_654
    await room.say(held, command=f"setsid sleep {marker} > /dev/null 2>&1 & sleep 0.1")

    assert survivors(_sleepers(marker), 2) == []


async def test_a_time_out_ends_all_of_it(room: ToolRoom, held: Bash) -> None:
    marker = 987_655
    said = await room.say(held, command=f"trap '' TERM; setsid sleep {marker} & sleep {marker}", timeout=300)

    assert "timed out after 0.3s" in said
    assert survivors(_sleepers(marker), 2) == []


_PROGRAM = """
import asyncio, os, sys
from proxy.permissions.values import Workspace
from proxy.tools.base import ToolScope
from proxy.permissions.values import Decision, Policy, Rule
from proxy.tools.bash import Bash
from proxy.tools.children import Children
from proxy.tools.conversation import Conversation
from proxy.tools.sandbox import Sandbox

children = Children(os.environ)
bash = Bash(children, Sandbox(children, "required"), shell="/bin/bash", temporary=sys.argv[1])
scope = ToolScope("c", "r", Conversation(("t", "c")), Workspace("w", sys.argv[1]))
command = "setsid sleep 987656 & sleep 987656 & echo begun > pipe; wait"
asyncio.run(bash.run({"command": command}, scope))
"""


async def test_five_seconds_after_a_kill_no_command_in_the_sandbox_is_left(
    room: ToolRoom, held: Bash
) -> None:
    os.mkfifo(room.path("pipe"))
    program = [sys.executable, "-c", _PROGRAM, str(room.root)]
    process = await asyncio.create_subprocess_exec(*program, cwd=Path(__file__).parents[3])
    await asyncio.to_thread(Path(room.path("pipe")).read_text)
    assert len(_sleepers(987_656)) == 2

    process.kill()
    await process.wait()

    assert await asyncio.to_thread(survivors, _sleepers(987_656), 5) == []


@pytest.mark.parametrize(
    ("rules", "is_allowed"),
    [
        ((), False),
        ((("allow", "WebFetch", None),), True),
        ((("allow", "WebFetch", "domain:*"),), True),
        ((("allow", "WebFetch", "domain:example.org"),), False),
        ((("allow", "Bash", None),), False),
        ((("allow", "WebFetch", None), ("deny", "Web*", None)), False),
        ((("allow", "WebFetch", None), ("deny", "WebFetch", "domain:bad.example")), False),
        ((("allow", "WebFetch", None), ("ask", "WebFetch", "domain:odd.example")), False),
    ],
)
def test_commands_keep_the_network_where_every_page_may_be_fetched(
    rules: tuple[tuple[Decision, str, str | None], ...], *, is_allowed: bool
) -> None:
    policy = Policy(rules=tuple(Rule(effect, "", tool, spec) for effect, tool, spec in rules))

    assert network_is_allowed(policy) is is_allowed


def _sleepers(seconds: int) -> list[int]:
    found: list[int] = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "cmdline").read_bytes().startswith(
                b"sleep\0%d" % seconds
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def test_one_that_is_off_changes_nothing_and_says_so(children: Children) -> None:
    sandbox = Sandbox(children, "off")

    held = await sandbox.hold(_ARGV, "/", _WALLS)

    assert (held.argv, held.is_held) == (_ARGV, False)
    assert "switched off" in sandbox.describe()


@pytest.mark.parametrize(
    ("platform", "said"),
    [
        ("linux", "bubblewrap is not installed (/no/bwrap is missing); install the package bubblewrap"),
        ("darwin", "sandbox-exec is not installed"),
        ("win32", "Signalbox knows none for this system"),
    ],
)
async def test_a_missing_one_is_said_and_commands_run_without(
    children: Children, platform: str, said: str
) -> None:
    paths: dict[Program, str] = {"bubblewrap": "/no/bwrap", "sandbox-exec": "/no/sandbox-exec"}
    sandbox = Sandbox(children, platform=platform, paths=paths)
    assert "shows when the first command runs" in sandbox.describe()

    assert (await sandbox.hold(_ARGV, "/", _WALLS)).argv == _ARGV
    assert said in sandbox.describe()
    assert "with all your rights" in sandbox.describe()


async def test_a_missing_one_that_is_required_runs_nothing(room: ToolRoom, children: Children) -> None:
    sandbox = Sandbox(children, "required", platform="win32")

    with pytest.raises(NoSandbox, match="No command runs: a sandbox is required"):
        await sandbox.hold(_ARGV, "/", _WALLS)
    with pytest.raises(ToolError, match="a sandbox is required"):
        await room.run(Bash(children, sandbox, shell="/bin/bash"), command="true")


async def test_one_that_fails_its_trial_is_not_used(children: Children, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho no  namespaces here >&2\nexit 1\n")
    broken.chmod(0o700)
    sandbox = Sandbox(children, platform="linux", paths={"bubblewrap": str(broken)})

    assert await sandbox.probe() is None
    assert "bubblewrap does not work here (no namespaces here)" in sandbox.describe()


async def test_the_trial_happens_once(children: Children, tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\necho >> {tmp_path}/runs\n")
    program.chmod(0o700)
    sandbox = Sandbox(children, platform="linux", paths={"bubblewrap": str(program)})

    assert await sandbox.probe() == "bubblewrap"
    assert await sandbox.probe() == "bubblewrap"
    assert (tmp_path / "runs").read_text() == "\n"
    assert "they write only in the workspace" in sandbox.describe()


def test_bubblewrap_is_told_to_die_with_us_and_to_bind_only_what_may_be_written() -> None:
    options = " ".join(bubblewrap_options(_WALLS))

    assert "--die-with-parent" in options
    assert "--unshare-net" in options
    assert "--tmpfs /run " in options
    assert options.endswith("--bind /private /tmp --bind /work /work")
    assert "--unshare-net" not in bubblewrap_options(Walls((), "/private", has_network=True))


def test_what_is_hidden_is_covered_as_far_as_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")

    assert covers((str(tmp_path), str(tmp_path / "file"), str(tmp_path / "link"), "/no/such")) == (
        ("--tmpfs", str(tmp_path)),
        ("--ro-bind", "/dev/null", str(tmp_path / "file")),
    )


async def test_what_is_hidden_later_is_covered_as_soon_as_it_is_there(
    children: Children, tmp_path: Path
) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    hidden = tmp_path / "state"
    paths: dict[Program, str] = {"bubblewrap": str(program)}
    sandbox = Sandbox(children, platform="linux", paths=paths, hidden=(str(hidden),))
    assert str(hidden) not in (await sandbox.hold(_ARGV, "/", _WALLS)).argv

    hidden.mkdir()

    assert str(hidden) in (await sandbox.hold(_ARGV, "/", _WALLS)).argv


def test_a_seatbelt_profile_denies_writes_network_and_our_files() -> None:
    assert seatbelt_profile(Walls(('/a "b"',), "/private"), ("/state",)) == (
        "(version 1)\n(allow default)\n(deny file-write*)\n"
        '(allow file-write* (subpath "/a \\"b\\"") (subpath "/private") (subpath "/dev"))\n'
        '(deny network*)\n(deny file-read* file-write* (subpath "/state"))'
    )
    assert "network" not in seatbelt_profile(Walls((), "/private", has_network=True), ())


async def test_macs_way_is_a_profile_before_the_command(children: Children, tmp_path: Path) -> None:
    program = tmp_path / "sandbox-exec"
    program.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    program.chmod(0o700)
    sandbox = Sandbox(children, platform="darwin", paths={"sandbox-exec": str(program)})

    held = await sandbox.hold(("/bin/echo", "hi"), "/", _WALLS)
    out = HeadOutput()
    await (await children.start(Launch(held.argv, "/"), on_stdout=out.feed)).wait()

    assert out.text() == "hi\n"
    assert held.declared == {"TMPDIR": "/private"}
    assert not held.holds_all
