"""One running program per user: the lock, and the channel through which a second start speaks to it.

A Unix socket in a folder only its owner may enter, with the peer's user id checked; on Windows a loopback
socket with a secret that only the owner can read. One JSON object a line each way, at most 64 KiB, within
5 s. The verbs are a closed list and carry no more than ids and short words: no path, address, program or
setting.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import secrets
import socket
import struct
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

import structlog

from app.files import locked, write_atomically
from app.paths import make_private

_log = structlog.get_logger("app.instance")

Verb = Literal[
    "show",
    "quit",
    "status",
    "reload",
    "breakers.list",
    "breakers.reset",
    "approvals.list",
    "approvals.allow",
    "approvals.deny",
    "mcp.list",
    "mcp.start",
    "mcp.stop",
    "mcp.restart",
    "mcp.approve",
    "mcp.reject",
    "mcp.changes",
    "mcp.accept",
    "mcp.logs",
    "mcp.call",
]
PROTOCOL = 1
MAX_BYTES = 64 * 1024
TIMEOUT_S = 5.0
MAX_WORD_CHARS = 16_000
_MAX_SOCKET_PATH = 100
"""Bytes a socket's path may have everywhere; Linux allows 107, macOS 103."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the running program answers."""

    is_ok: bool
    text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


Words = Mapping[str, str]
"""What a verb is about: ids, choices, a person's reason."""

Answer = Callable[[Verb, Words], Reply | Awaitable[Reply]]


class ControlChannel:
    """The running program's end; holding it is the single-instance lock."""

    def __init__(
        self,
        folder: Path,
        answer: Answer,
        *,
        timeout_s: float = TIMEOUT_S,
        uses_loopback: bool = sys.platform == "win32",
    ) -> None:
        """Listens in `folder`; `answer` is called on the loop with each verb."""
        self._folder = folder
        self._answer = answer
        self._timeout_s = timeout_s
        self._uses_loopback = uses_loopback
        self._secret = ""
        self._server: asyncio.AbstractServer | None = None

    async def claim(self) -> bool:
        """Takes the channel; False where a running program has it.

        Raises:
            OSError: The folder cannot be used.
            UnsafeFolder: The folder belongs to someone else.
        """
        make_private(self._folder)
        async with self._locked():
            if await ask(
                self._folder, "status", timeout_s=self._timeout_s, uses_loopback=self._uses_loopback
            ):
                return False
            if self._uses_loopback:
                await self._listen_on_loopback()
            else:
                await self._listen_on_socket()
        return True

    @contextlib.asynccontextmanager
    async def _locked(self) -> AsyncGenerator[None, None]:
        """Makes finding, removing and binding one step, for two starts at the same moment."""
        deadline = asyncio.get_running_loop().time() + 2 * self._timeout_s
        while True:
            try:
                with locked(self._folder / "control.lock", wait=False):
                    yield
                    return
            except BlockingIOError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Lets go of the channel."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for name in ("control.sock", "control.json"):
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()
        await server.wait_closed()

    async def _listen_on_socket(self) -> None:
        path = self._folder / "control.sock"
        path.unlink(missing_ok=True)  # nobody answered there: a crash left it
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short(path) as name:
            listening.bind(name)
        path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=MAX_BYTES)

    async def _listen_on_loopback(self) -> None:
        self._secret = secrets.token_urlsafe(32)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_BYTES)
        port = self._server.sockets[0].getsockname()[1]
        place = json.dumps({"port": port, "secret": self._secret}).encode()
        write_atomically(self._folder / "control.json", place)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._uses_loopback and not _is_same_user(writer):
                _log.warning("control_refused", reason="another user")
                return
            line = await asyncio.wait_for(reader.readline(), self._timeout_s)
            reply = await self._reply(line)
            if reply is None:
                return
            document = {"v": PROTOCOL, "ok": reply.is_ok, "text": reply.text, "facts": dict(reply.facts)}
            writer.write(json.dumps(document).encode() + b"\n")
            await asyncio.wait_for(writer.drain(), self._timeout_s)
        except (asyncio.TimeoutError, ValueError, OSError) as exc:  # too long, too slow, gone
            _log.debug("control_dropped", reason=type(exc).__name__)
        finally:
            writer.close()

    async def _reply(self, line: bytes) -> Reply | None:
        """Returns the answer to a line; None for what is dropped without one."""
        try:
            asked: Any = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(asked, dict):
            return None
        question = cast("dict[str, object]", asked)
        if self._uses_loopback and not hmac.compare_digest(
            str(question.get("secret")).encode(), self._secret.encode()
        ):
            _log.warning("control_refused", reason="wrong secret")
            return None
        if question.get("v") != PROTOCOL:
            return Reply(is_ok=False, text=f"the running Signalbox speaks version {PROTOCOL} of this channel")
        verb = question.get("cmd")
        if verb not in get_args(Verb):
            return Reply(is_ok=False, text="unknown command")
        words = question.get("words", {})
        if not _are_words(words):
            return Reply(is_ok=False, text="unknown command")
        reply = self._answer(cast("Verb", verb), cast("Words", words))
        return reply if isinstance(reply, Reply) else await reply


def _are_words(given: object) -> bool:
    if not isinstance(given, dict):
        return False
    values = cast("dict[object, object]", given).values()
    return all(isinstance(each, str) and len(each) <= MAX_WORD_CHARS for each in values)


async def ask(
    folder: Path,
    verb: Verb,
    words: Words | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    uses_loopback: bool = sys.platform == "win32",
) -> Reply | None:
    """Asks the running program; None where none is running (or it does not answer in time)."""
    try:
        return await asyncio.wait_for(_ask(folder, verb, words or {}, uses_loopback=uses_loopback), timeout_s)
    except (asyncio.TimeoutError, OSError, ValueError, KeyError, TypeError):
        return None


async def _ask(folder: Path, verb: Verb, words: Words, *, uses_loopback: bool) -> Reply:
    question: dict[str, object] = {"v": PROTOCOL, "cmd": verb, "words": dict(words)}
    if uses_loopback:
        place = json.loads((folder / "control.json").read_bytes())
        question["secret"] = place["secret"]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(place["port"]), limit=MAX_BYTES)
    else:
        with _short(folder / "control.sock") as name:
            reader, writer = await asyncio.open_unix_connection(name, limit=MAX_BYTES)
    try:
        if not uses_loopback and not _is_same_user(writer):
            raise OSError("another user listens there")
        writer.write(json.dumps(question).encode() + b"\n")
        await writer.drain()
        answer = json.loads(await reader.readline())
        return Reply(is_ok=answer["ok"] is True, text=str(answer["text"]), facts=dict(answer["facts"]))
    finally:
        writer.close()


def _is_same_user(writer: asyncio.StreamWriter) -> bool:
    if sys.platform == "win32":
        return False
    peer = writer.get_extra_info("socket")
    if hasattr(socket, "SO_PEERCRED"):
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", credentials)[1] == os.getuid()
    # macOS: LOCAL_PEERCRED answers a struct xucred: version, uid, …
    credentials = peer.getsockopt(0, 1, 76)
    return struct.unpack_from("II", credentials)[1] == os.getuid()


@contextlib.contextmanager
def _short(path: Path) -> Generator[str, None, None]:
    """Gives a name for a socket that fits the system's limit, if need be through its folder's descriptor."""
    if len(os.fsencode(path)) <= _MAX_SOCKET_PATH or not Path("/proc/self/fd").is_dir():
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)
