"""The control channel: one program per user, a closed list of verbs, strangers refused."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.instance import MAX_BYTES, MAX_WORD_CHARS, ControlChannel, Reply, Verb, Words, ask

KINDS = pytest.mark.parametrize("loopback", [False, True], ids=["socket", "loopback"])


class _Program:
    def __init__(self) -> None:
        self.asked: list[Verb] = []
        self.words: dict[str, str] = {}

    def answer(self, verb: Verb, words: Words) -> Reply:
        self.asked.append(verb)
        self.words = dict(words)
        return Reply(is_ok=True, text="running", facts={"url": "http://127.0.0.1:4000"})


@KINDS
async def test_a_second_start_reaches_the_first_and_cannot_claim(tmp_path: Path, loopback: bool) -> None:
    program = _Program()
    first = ControlChannel(tmp_path / "run", program.answer, uses_loopback=loopback)
    second = ControlChannel(tmp_path / "run", program.answer, uses_loopback=loopback)

    assert await ask(tmp_path / "run", "show", uses_loopback=loopback) is None
    assert await first.claim() is True
    assert await second.claim() is False
    reply = await ask(tmp_path / "run", "show", uses_loopback=loopback)
    await first.close()

    assert reply == Reply(is_ok=True, text="running", facts={"url": "http://127.0.0.1:4000"})
    assert program.asked == ["status", "show"]
    assert await second.claim() is True
    await second.close()


@KINDS
async def test_a_verb_brings_the_words_it_is_about(tmp_path: Path, loopback: bool) -> None:
    program = _Program()
    channel = ControlChannel(tmp_path / "run", program.answer, uses_loopback=loopback)
    await channel.claim()
    words = {"id": "apr_1", "message": "not \u202e now"}
    await ask(tmp_path / "run", "approvals.deny", words, uses_loopback=loopback)
    await channel.close()

    assert (program.asked, program.words) == (["approvals.deny"], words)


@KINDS
async def test_of_many_starts_at_once_exactly_one_wins(tmp_path: Path, loopback: bool) -> None:
    program = _Program()
    channels = [ControlChannel(tmp_path / "run", program.answer, uses_loopback=loopback) for _ in range(6)]

    won = await asyncio.gather(*(each.claim() for each in channels))
    await asyncio.gather(*(each.close() for each in channels))

    assert sorted(won) == [False] * 5 + [True]


async def test_a_socket_that_a_crash_left_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "control.sock"))
    program = _Program()
    channel = ControlChannel(folder, program.answer)

    assert await channel.claim() is True
    assert await ask(folder, "status") is not None
    await channel.close()
    assert not (folder / "control.sock").exists()


async def test_the_folder_and_the_socket_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    channel = ControlChannel(folder, _Program().answer)
    await channel.claim()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "control.sock").stat().st_mode & 0o777 == 0o600
    await channel.close()


async def test_a_folder_with_a_very_long_name_works_too(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 30) / "run"
    channel = ControlChannel(folder, _Program().answer)

    assert await channel.claim() is True
    assert await ask(folder, "status") is not None
    await channel.close()


async def _send(folder: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(folder / "control.sock"))
    writer.write(line)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"v":1,"cmd":"launch","program":"/bin/sh"}\n', "unknown command"),
        (b'{"v":1,"cmd":["show"]}\n', "unknown command"),
        (b'{"v":1,"cmd":"show","words":["a"]}\n', "unknown command"),
        (b'{"v":1,"cmd":"show","words":{"a":1}}\n', "unknown command"),
        (b'{"v":1,"cmd":"show","words":{"a":"' + b"x" * (MAX_WORD_CHARS + 1) + b'"}}\n', "unknown command"),
        (b'{"v":99,"cmd":"show"}\n', "speaks version 1"),
        (b"not json\n", None),
        (b"[1]\n", None),
        (b"[" * 60_000 + b"\n", None),
        (b'{"v":1,"cmd":"show","pad":"' + b"x" * 2 * MAX_BYTES + b'"}\n', None),
    ],
)
async def test_what_is_no_known_verb_is_refused_or_dropped(
    tmp_path: Path, line: bytes, expected: str | None
) -> None:
    program = _Program()
    channel = ControlChannel(tmp_path / "run", program.answer)
    await channel.claim()
    try:
        answer = await _send(tmp_path / "run", line)
    except (ConnectionError, BrokenPipeError):
        answer = b""
    alive = await ask(tmp_path / "run", "status")
    await channel.close()

    assert program.asked == ["status"]
    assert alive is not None
    if expected is None:
        assert answer == b""
    else:
        assert json.loads(answer)["ok"] is False
        assert expected in json.loads(answer)["text"]


async def test_a_silent_visitor_is_sent_away_after_the_time_out(tmp_path: Path) -> None:
    channel = ControlChannel(tmp_path / "run", _Program().answer, timeout_s=0.05)
    await channel.claim()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "run" / "control.sock"))

    assert await asyncio.wait_for(reader.read(), 10) == b""

    writer.close()
    await channel.close()


@pytest.mark.expects_log("control_refused")
async def test_over_loopback_the_secret_of_the_private_file_is_needed(tmp_path: Path) -> None:
    program = _Program()
    channel = ControlChannel(tmp_path / "run", program.answer, uses_loopback=True)
    await channel.claim()
    place = tmp_path / "run" / "control.json"
    assert place.stat().st_mode & 0o777 == 0o600
    port = json.loads(place.read_bytes())["port"]

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"v":1,"cmd":"quit","secret":"guess"}\n')
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await channel.close()

    assert answer == b""
    assert program.asked == []


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="needs a second user")
@pytest.mark.expects_log("control_refused")
async def test_another_user_who_reaches_the_socket_is_refused(tmp_path: Path) -> None:
    program = _Program()
    channel = ControlChannel(tmp_path / "run", program.answer)
    await channel.claim()
    sock = tmp_path / "run" / "control.sock"
    for each in (sock, *list(sock.parents)[:3]):
        each.chmod(0o777)
    code = (
        "import os,socket,sys\nos.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
        's.sendall(b\'{"v":1,"cmd":"quit"}\\n\')\nprint(repr(s.recv(100)))'
    )

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(sock), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    await channel.close()

    assert program.asked == [], (out, err)
    assert b"running" not in out
