from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.tasks import spawn
from proxy.tools.bash import Bash, ShellLimits
from proxy.tools.children import Children
from proxy.tools.errors import ToolError
from proxy.tools.sandbox import Sandbox
from proxy.tools.shell import pinned_shell
from tests.proxy.tools.tool_room import ToolRoom, survivors, text_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs /bin/bash")


async def test_it_returns_output_then_errors_and_the_exit_code(room: ToolRoom, bash: Bash) -> None:
    output = await room.run(bash, command="echo out; echo err >&2; exit 3")

    assert (text_of(output), output.is_error, output.exit_code) == ("Exit code 3\nout\nerr", True, 3)


async def test_a_command_begins_in_the_workspace(room: ToolRoom, bash: Bash) -> None:
    assert await room.say(bash, command="pwd") == str(room.root)


async def test_a_cd_inside_the_workspace_lasts(room: ToolRoom, bash: Bash) -> None:
    (room.root / "a b" / "c").mkdir(parents=True)

    assert await room.say(bash, command="cd 'a b'/c; false") == "Exit code 1"
    assert await room.say(bash, command="pwd") == str(room.root / "a b" / "c")
    await room.say(bash, command="cd ../.. && exit 0")
    assert room.conversation.cwd is None


async def test_a_cd_outside_is_taken_back_and_says_so(room: ToolRoom, bash: Bash) -> None:
    (room.root / "sub").mkdir()
    await room.say(bash, command="cd sub")

    assert await room.say(bash, command="cd /usr && pwd") == f"/usr\nShell cwd was reset to {room.root}"
    assert await room.say(bash, command="pwd") == str(room.root)


async def test_a_folder_whose_name_begins_like_the_workspaces_is_outside(room: ToolRoom, bash: Bash) -> None:
    beside = room.root.with_name(room.root.name + "-beside")
    beside.mkdir()

    assert "was reset to" in await room.say(bash, command=f"cd {beside}")


async def test_a_cd_into_a_folder_that_may_be_read_lasts(room: ToolRoom, bash: Bash, tmp_path: Path) -> None:
    other = (tmp_path / "other").resolve()
    other.mkdir()
    room.scope = replace(room.scope, workspace=replace(room.workspace, read_only=(str(other),)))

    assert await room.say(bash, command=f"cd {other}") == "(Bash completed with no output)"
    assert await room.say(bash, command="pwd") == str(other)


async def test_a_link_out_of_the_workspace_is_followed_to_its_end(room: ToolRoom, bash: Bash) -> None:
    (room.root / "out").symlink_to("/usr")

    assert "was reset to" in await room.say(bash, command="cd out")


async def test_a_folder_that_is_gone_is_said_and_the_next_command_begins_at_the_root(
    room: ToolRoom, bash: Bash
) -> None:
    (room.root / "sub").mkdir()
    await room.say(bash, command="cd sub")
    (room.root / "sub").rmdir()

    assert await room.say(bash, command="pwd") == (
        f"{room.root}\nShell cwd was reset to {room.root}, as {room.root / 'sub'} is gone"
    )


async def test_each_command_is_a_fresh_shell_without_start_up_files(
    room: ToolRoom, bash: Bash, home: Path
) -> None:
    for name in (".bashrc", ".bash_profile", ".profile"):
        (home / name).write_text("echo surprise; alias ls=surprise\n")

    assert await room.say(bash, command="x=1; f() { :; }; shopt -o history expand_aliases") == (
        "Exit code 1\nhistory        \toff\n/bin/bash: line 1: shopt: expand_aliases: invalid option name"
    )
    assert await room.say(bash, command='echo "[$x]"; type f') == (
        "Exit code 1\n[]\n/bin/bash: line 1: type: f: not found"
    )


async def test_the_text_is_run_as_it_was_judged(room: ToolRoom, bash: Bash) -> None:
    command = "printf '%s|' \"$#\" '$1' \"a\\\\b\" 'é\t' <<< x; echo $LINENO\necho $LINENO # end"

    assert await room.say(bash, command=command) == "0|$1|a\\b|é\t|1\n2"


async def test_a_broken_text_is_bashs_error_and_shows_nothing_of_ours(room: ToolRoom, bash: Bash) -> None:
    said = await room.say(bash, command="if then")

    assert said.startswith("Exit code 2\n/bin/bash: eval: line 1: syntax error")
    assert "history" not in said


async def test_nothing_of_our_own_environment_is_in_it(
    room: ToolRoom, tmp_path: Path, children: Children
) -> None:
    secret = "sk-" + "ant-0123456789"
    ours = Children({**os.environ, "ANTHROPIC_API_KEY": secret, "LD_LIBRARY_PATH": "/app"}, tmp_path / "c")
    bash = Bash(ours, Sandbox(ours, "off"), shell="/bin/bash")

    said = await room.say(bash, command="env; echo ${signalbox_command:+visible}")
    await ours.aclose()

    assert secret not in said
    assert "LD_LIBRARY_PATH" not in said
    assert "SHELL=/bin/bash" in said


async def test_input_is_empty(room: ToolRoom, bash: Bash) -> None:
    assert await room.say(bash, command="cat; read x; echo $?") == "1"


async def test_a_time_out_ends_the_whole_group_and_says_so(room: ToolRoom, bash: Bash) -> None:
    command = "sleep 300 & echo $!; echo $$; sleep 300"

    output = await room.run(bash, command=command, timeout=300)

    said = text_of(output).splitlines()
    assert said[:2] == ["Exit code 143", "Command timed out after 0.3s"]
    assert survivors([int(each) for each in said[2:]], 0) == []
    assert output.is_error


async def test_no_command_runs_longer_than_the_limit(room: ToolRoom, children: Children) -> None:
    bash = Bash(children, Sandbox(children, "off"), shell="/bin/bash", limits=ShellLimits(0.2, 0.3))

    assert "timed out after 0.2s" in await room.say(bash, command="sleep 300")
    assert "timed out after 0.3s" in await room.say(bash, command="sleep 300", timeout=600_000)


async def test_what_a_command_leaves_running_ends_with_it(room: ToolRoom, bash: Bash) -> None:
    pid = int(await room.say(bash, command="sleep 300 & echo $!"))

    assert survivors([pid], 0) == []


async def test_a_flood_is_cut_and_does_not_hold_the_command(room: ToolRoom, bash: Bash) -> None:
    said = await room.say(bash, command="head -c 20000000 /dev/zero | tr '\\0' x; echo done >&2")

    assert said.endswith("... [1 lines truncated] ...\ndone")
    assert len(said) < 31_000


async def test_a_caller_that_leaves_takes_its_command_along(room: ToolRoom, bash: Bash) -> None:
    pipe = room.path("pipe")
    os.mkfifo(pipe)
    running = spawn(room.run(bash, command="echo $$ > pipe; sleep 300"), name="a call")
    pid = int(await asyncio.to_thread(Path(pipe).read_text))

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await asyncio.to_thread(survivors, [pid]) == []


async def test_without_a_workspace_nothing_runs(room: ToolRoom, bash: Bash) -> None:
    room.scope = replace(room.scope, workspace=None)

    with pytest.raises(ToolError, match="no workspace"):
        await room.run(bash, command="true")


async def test_without_a_bash_nothing_runs(room: ToolRoom, children: Children) -> None:
    with pytest.raises(ToolError, match="no bash on this computer"):
        await room.run(Bash(children, Sandbox(children, "off"), shell=None), command="true")


async def test_nul_is_refused(room: ToolRoom, bash: Bash) -> None:
    with pytest.raises(ToolError, match="NUL"):
        await room.run(bash, command="echo a\0b")


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_no_descriptor_is_left_open(room: ToolRoom, bash: Bash) -> None:
    await room.say(bash, command="true")
    before = _open_descriptors()
    for _ in range(5):
        await room.say(bash, command="true")
    with pytest.raises(ToolError):
        await room.run(bash, command="a\0")

    assert _open_descriptors() < before + 5


def test_the_shell_is_pinned_whatever_the_user_prefers(tmp_path: Path) -> None:
    assert pinned_shell({"SHELL": "/bin/zsh"}, "linux") == "/bin/bash"
    assert pinned_shell({"ProgramFiles": str(tmp_path)}, "win32") is None
