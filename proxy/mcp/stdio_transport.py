"""JSON-RPC lines over the pipes of a child of ours, as the official SDK's client wants its streams."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from types import TracebackType

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from proxy.mcp.logs import ServerLog
from proxy.mcp.surroundings import Sleep
from proxy.mcp.waiting import slept
from proxy.tasks import spawn
from proxy.tools.child_process import Child
from proxy.tools.children import CannotStart, Children, Launch

MAX_LINE_BYTES = 16 * 2**20
_MAX_WAITING = 10_000
"""Messages that nobody took yet."""
_MAX_STRAY_LINES = 20
"""Lines that are no messages are noted this often; what follows is only counted."""


class StdioTransport:
    """One process and its messages; entering starts it, leaving ends its whole group."""

    def __init__(
        self,
        children: Children,
        launch: Launch,
        log: ServerLog,
        *,
        sleep: Sleep,
        stdin_grace_s: float,
        stop_grace_s: float,
    ) -> None:
        """Starts nothing yet."""
        self._children = children
        self._launch = launch
        self._log = log
        self._sleep = sleep
        self._stdin_grace_s = stdin_grace_s
        self._stop_grace_s = stop_grace_s
        self._line = bytearray()
        self._strays = 0
        self._is_flooding = False
        self.child: Child | None = None
        self.ended = asyncio.Event()
        """Its process is gone, or its messages cannot be read any more."""
        self.own_exit: int | None = None
        """How it ended, where it ended by itself."""
        self._is_leaving = False
        self.problem = ""
        """Why it was ended by us."""
        self.stray_line = ""
        """The first thing it wrote to its standard output that is no message."""
        self.on_pid: Callable[[int], None] = lambda _pid: None

    async def __aenter__(self) -> TransportStreams:
        """Starts the process.

        Raises:
            CannotStart: There is no such program or folder.
            ForbiddenVariable: A declared variable may not be set.
        """
        self._incoming, reading = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
        writing, self._outgoing = anyio.create_memory_object_stream[SessionMessage](0)
        self._streams: tuple[
            MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
        ]
        self._streams = (reading, writing)
        child: Child | None = None
        try:
            with anyio.CancelScope(shield=True):  # cut short it would leave a child that nobody here ends
                child = await self._children.start(
                    self._launch, on_stdout=self._heard, on_stderr=self._log.feed
                )
        except OSError:
            for stream in (self._incoming, reading, writing, self._outgoing):
                stream.close()
            raise
        if child is None:
            raise CannotStart("it was stopped while it was started")
        self.child = child
        self.on_pid(child.pid)
        self._end = spawn(self._see_end(child), name=f"see the MCP server {child.pid} to its end")
        self._writer = spawn(self._write(child), name=f"write to the MCP server {child.pid}")
        return reading, writing

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes its input, and ends what does not leave by itself."""
        self._is_leaving = True
        with anyio.CancelScope(shield=True):
            for stream in self._streams:
                stream.close()
            self._outgoing.close()
            self._writer.cancel()
            if self.child is not None:
                await self._stop(self.child)
            self._incoming.close()

    async def _stop(self, child: Child) -> None:
        child.close_input()
        if not self._is_flooding:
            patience = spawn(slept(self._sleep, self._stdin_grace_s), name="give an MCP server time to leave")
            await asyncio.wait({self._end, patience}, return_when=asyncio.FIRST_COMPLETED)
            patience.cancel()
        if not self._end.done():
            await child.stop(self._stop_grace_s)
        await asyncio.shield(self._end)

    async def _see_end(self, child: Child) -> None:
        code = await child.wait()
        if not self._is_leaving:
            self.own_exit = code
        self._log.finish()
        self._over()

    def _over(self) -> None:
        self.ended.set()
        self._incoming.close()

    async def _write(self, child: Child) -> None:
        async for message in self._outgoing:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            child.write(text.encode("utf-8", "replace") + b"\n")
            await child.drain()

    # What it writes ---------------------------------------------------------------------------

    def _heard(self, piece: bytes) -> None:
        if self.ended.is_set():
            return
        *lines, rest = piece.split(b"\n")
        for line in lines:
            self._line += line
            whole, self._line = bytes(self._line), bytearray()
            self._message(whole)
        self._line += rest
        if len(self._line) > MAX_LINE_BYTES:
            self._give_up(f"it wrote a line of more than {MAX_LINE_BYTES // 2**20} MiB")

    def _message(self, line: bytes) -> None:
        text = line.strip()
        if not text or self.ended.is_set():
            return
        try:
            message = mcp_types.jsonrpc_message_adapter.validate_json(text, by_name=False)
        except ValueError:
            self._stray(text)
            return
        if self._incoming.statistics().current_buffer_used > _MAX_WAITING:
            self._give_up("it sends messages faster than they can be read")
            return
        try:
            self._incoming.send_nowait(SessionMessage(message))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return

    def _stray(self, line: bytes) -> None:
        self._strays += 1
        shown = line[:200].decode("utf-8", "replace")
        self.stray_line = self.stray_line or shown
        if self._strays <= _MAX_STRAY_LINES:
            self._log.add("lifecycle", f"wrote what is no message to its standard output: {shown}")

    def _give_up(self, reason: str) -> None:
        self.problem = reason
        self._is_flooding = True
        self._log.add("lifecycle", f"is ended: {reason}")
        self._line.clear()
        self._over()
