from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from proxy.tools.background import BashOutput, KillShell, close_shell, shell_state, temporary_folder
from proxy.tools.bash import Bash
from proxy.tools.children import Children
from proxy.tools.errors import ToolError
from tests.proxy.tools.tool_room import ToolRoom, matches, survivors

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs /bin/bash")


class Gate:
    """A pipe at which a command waits until the test lets it go on."""

    def __init__(self, room: ToolRoom, name: str) -> None:
        self.path = room.path(name)
        os.mkfifo(self.path)

    async def open(self) -> None:
        await asyncio.to_thread(Path(self.path).write_text, "go\n")


async def _start(room: ToolRoom, bash: Bash, command: str, **more: object) -> str:
    said = await room.say(bash, command=command, run_in_background=True, **more)
    prefix = "Command running in background with ID: "
    assert said.startswith(prefix)
    return said.removeprefix(prefix).partition(".")[0]


async def _end(room: ToolRoom, identifier: str) -> None:
    await shell_state(room.conversation).commands[identifier].child.wait()


async def test_a_command_goes_on_while_the_conversation_does(room: ToolRoom, bash: Bash) -> None:
    first, second = Gate(room, "first"), Gate(room, "second")
    identifier = await _start(
        room, bash, "read < first; echo one; echo two >&2; read < second; echo three; exit 4"
    )

    assert await room.say(BashOutput(), bash_id=identifier) == "<status>running</status>"
    await first.open()
    await second.open()
    await _end(room, identifier)

    assert await room.say(BashOutput(), bash_id=identifier) == (
        "<status>failed</status>\n\n<exit_code>4</exit_code>\n\n<stdout>\none\ntwo\nthree\n</stdout>"
    )
    assert await room.say(BashOutput(), bash_id=identifier) == (
        "<status>failed</status>\n\n<exit_code>4</exit_code>"
    )


async def test_one_that_ends_well_is_completed(room: ToolRoom, bash: Bash) -> None:
    identifier = await _start(room, bash, "true")
    await _end(room, identifier)

    assert await room.say(BashOutput(), bash_id=identifier) == (
        "<status>completed</status>\n\n<exit_code>0</exit_code>"
    )


async def test_its_cd_moves_nobody_else(room: ToolRoom, bash: Bash) -> None:
    (room.root / "sub").mkdir()
    await _end(room, await _start(room, bash, "cd sub"))

    assert room.conversation.cwd is None


@pytest.mark.parametrize(("name", "argument"), [("KillShell", "shell_id"), ("TaskStop", "task_id")])
async def test_it_can_be_ended_with_all_it_started(
    room: ToolRoom, bash: Bash, name: str, argument: str
) -> None:
    gate = Gate(room, "gate")
    identifier = await _start(room, bash, "sleep 300 & echo $! > gate; sleep 300")
    pid = int(await asyncio.to_thread(Path(gate.path).read_text))

    said = await room.say(KillShell(name), **{argument: identifier})

    assert said == f"Ended the background command {identifier} (sleep 300 & echo $! > gate; sleep 300)."
    assert survivors([pid], 0) == []
    assert "<status>killed</status>" in await room.say(BashOutput(), bash_id=identifier)
    with pytest.raises(ToolError, match="not running any more"):
        await room.run(KillShell(name), **{argument: identifier})


async def test_what_it_wrote_last_comes_with_its_end(room: ToolRoom, bash: Bash) -> None:
    gate = Gate(room, "gate")
    identifier = await _start(room, bash, "echo begun; read < gate; sleep 300")
    await gate.open()

    assert (await room.say(KillShell(), shell_id=identifier)).endswith("The last it wrote:\nbegun")


async def test_it_is_ended_after_its_time(room: ToolRoom, bash: Bash) -> None:
    identifier = await _start(room, bash, "sleep 300", timeout=100)

    await _end(room, identifier)

    assert "<exit_code>143</exit_code>" in await room.say(BashOutput(), bash_id=identifier)


async def test_of_a_flood_the_newest_is_kept(room: ToolRoom, bash: Bash) -> None:
    identifier = await _start(room, bash, "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end")
    await _end(room, identifier)

    said = await room.say(BashOutput(), bash_id=identifier)

    assert "bytes before this are left out]\nxxx" in said
    assert said.endswith("x\nend\n</stdout>")
    assert len(said) < 31_000


async def test_an_unknown_id_is_answered_with_the_known_ones(room: ToolRoom, bash: Bash) -> None:
    with pytest.raises(ToolError, match="none was started"):
        await room.run(BashOutput(), bash_id="bash_9")
    identifier = await _start(room, bash, "true")

    with pytest.raises(ToolError, match=f"There are: {identifier}"):
        await room.run(KillShell(), shell_id="bash_9")


async def test_commands_of_another_conversation_are_out_of_reach(
    room: ToolRoom, bash: Bash, tmp_path: Path
) -> None:
    identifier = await _start(room, bash, "sleep 300")
    (tmp_path / "other").mkdir()
    other = ToolRoom(tmp_path / "other")

    with pytest.raises(ToolError, match="No background command"):
        await other.run(KillShell(), shell_id=identifier)
    other.guard.close()


async def test_there_are_not_more_than_sixteen_at_once(room: ToolRoom, bash: Bash) -> None:
    for _ in range(16):
        await _start(room, bash, "sleep 300")

    with pytest.raises(ToolError, match="16 background commands are running already"):
        await _start(room, bash, "sleep 300")


async def test_a_forgotten_conversation_ends_its_commands_and_its_temporary_folder(
    room: ToolRoom, bash: Bash, children: Children, tmp_path: Path
) -> None:
    await _start(room, bash, "sleep 300")
    await temporary_folder(room.conversation, str(tmp_path), "signalbox-x-")
    (folder,) = matches(tmp_path, "signalbox-*")
    assert oct(folder.stat().st_mode) == "0o40700"
    running = shell_state(room.conversation).running()

    closing = close_shell(room.conversation)

    assert closing is not None
    await closing
    assert (children.living, matches(tmp_path, "signalbox-*")) == (0, [])
    assert [each.child.exit_code for each in running] == [-15]
    assert close_shell(room.conversation) is None
