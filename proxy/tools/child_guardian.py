"""Ends what we started when we cannot any more: a small shell that waits for our end of a pipe to close.

`PR_SET_PDEATHSIG` reaches only a direct child, and only Linux has it. The guardian has no part in what
children do; it knows the process groups that are alive, and when Signalbox dies, however it dies, the pipe
closes and it ends them all: TERM, a moment, KILL. On Linux it then also ends what left its group, known by
the mark in its environment or by its limit (`child_limit`), over again while there is any: they may start
others meanwhile. To be their reaper (`PR_SET_CHILD_SUBREAPER`) instead, it would have to be the ancestor of
them all, and start them. It lives in a session of its own, so that nothing that ends us ends it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from typing_extensions import override

from proxy.tools.child_environment import MARK

_SCRIPT = r"""
trap '' HUP INT TERM QUIT PIPE
echo ready
groups=' '
while read -r what id; do
  case $what in
    +) groups="$groups$id " ;;
    -) case $groups in *" $id "*) left=${groups%%" $id "*} groups="$left ${groups#*" $id "}" ;; esac ;;
  esac
done
strays() {
  [ -r /proc/self/environ ] || return
  { grep -lsa -- "$1" /proc/[0-9]*/environ; grep -lsE "^Max msgqueue size +$2 " /proc/[0-9]*/limits; } |
    tr -dc '0-9\n'
}
for id in $groups; do kill -s TERM -- "-$id" 2>/dev/null; done
[ "$groups" = ' ' ] || sleep 1
for id in $groups; do kill -s KILL -- "-$id" 2>/dev/null; done
for turn in 1 2 3 4 5; do
  found=$(strays "$0" "$1")
  [ -n "$found" ] || break
  for id in $found; do [ "$id" = $$ ] || kill -s KILL "$id" 2>/dev/null; done
done
"""


class Guardian:
    """One guardian for all children of this process; made at the first of them, and again if it dies."""

    def __init__(self, run_id: str, environment: Mapping[str, str], limit: int | None = None) -> None:
        """Starts nothing yet.

        Args:
            run_id: What children carry in their mark.
            environment: A clean one, without the mark.
            limit: The value of their `LimitMark`.
        """
        self._run_id = run_id
        self._limit = limit
        self._environment = {**environment}
        self._groups: set[int] = set()
        self._pipe: asyncio.WriteTransport | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._exited = asyncio.Event()
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The guardian's process, while there is one."""
        return self._transport.get_pid() if self._transport is not None and self._is_alive else None

    @property
    def _is_alive(self) -> bool:
        return self._pipe is not None and not self._exited.is_set()

    async def ensure(self) -> None:
        """Starts it unless it runs; waits until it does.

        Raises:
            OSError: It cannot be started; nothing may be started then.
        """
        async with self._starting:
            if self._is_alive:
                return
            if self._transport is not None:
                self._transport.close()
            loop = asyncio.get_running_loop()
            watch = _Watch()
            transport, _ = await loop.subprocess_exec(
                lambda: watch,
                "/bin/sh",
                "-c",
                _SCRIPT,
                f"{MARK}={self._run_id}",
                "none" if self._limit is None else str(self._limit),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environment,
                cwd="/",
                start_new_session=True,
            )
            await watch.ready.wait()
            self._transport, self._exited = transport, watch.exited
            self._pipe = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
            for group in self._groups:
                self._tell("+", group)

    async def wait(self) -> None:
        """Returns once the guardian that was started last has ended."""
        await self._exited.wait()

    def watch(self, group: int) -> None:
        """Takes a group under its care."""
        self._groups.add(group)
        self._tell("+", group)

    def forget(self, group: int) -> None:
        """Lets go of a group that has ended."""
        self._groups.discard(group)
        self._tell("-", group)

    def _tell(self, what: str, group: int) -> None:
        if self._pipe is not None and not self._pipe.is_closing():
            self._pipe.write(f"{what} {group}\n".encode())

    async def aclose(self) -> None:
        """Lets it go: it ends what is still in its care, then itself."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
            await self.wait()
        if self._transport is not None:
            self._transport.close()


class _Watch(asyncio.SubprocessProtocol):
    """Tells when the guardian is on guard, and when it has ended."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        """No signal but KILL ends it any more, or it has ended."""
        self.exited = asyncio.Event()

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.ready.set()

    @override
    def process_exited(self) -> None:
        self.ready.set()
        self.exited.set()
