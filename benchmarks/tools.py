"""What the tools cost over the plain call, in the same run: files, commands, to-do lists.

    python -m benchmarks.tools [--rounds 200] [--uvloop]

Each tool and its plain counterpart take turns, so that both meet the same machine. The limits are those of
the acceptance: our own part of reading or writing a small file below 1 ms, of a command below 5 ms over the
bare shell, of a to-do list below 0.1 ms. They hold for the fastest tenth, because what is above it is what
else the machine did; the medians stand beside. Files lie in memory where the system has a place for that: how
long a disk takes to flush is the same for both, but never twice the same.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rig.table import median, print_table, quantile, verdict
from proxy.permissions.values import Workspace
from proxy.tools.base import Tool, ToolScope
from proxy.tools.bash import Bash
from proxy.tools.children import Children
from proxy.tools.conversation import Conversation
from proxy.tools.edit import Edit
from proxy.tools.guard import WorkspaceGuard
from proxy.tools.read import Read
from proxy.tools.sandbox import Sandbox
from proxy.tools.todo_write import TodoWrite
from proxy.tools.write import Write

_TEXT = "".join(f"line {number} of a small file\n" for number in range(50))
_SHELL = ("/bin/bash", "--noprofile", "--norc", "-c", ":")
_IN_MEMORY = "/dev/shm"  # noqa: S108 - a folder of its own is made there
_PLACE = _IN_MEMORY if os.access(_IN_MEMORY, os.W_OK) else os.path.realpath(tempfile.gettempdir())
_TODOS = [{"content": f"step {number}", "status": "pending", "activeForm": "Doing"} for number in range(10)]

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A tool's call beside the plain one."""

    name: str
    plain_name: str
    plain: Call
    ours: Call
    limit_ms: float | None
    rounds_share: float = 1.0


async def nothing() -> None:
    """Does nothing: what a to-do list is measured against."""


def plain_write(path: Path, text: str) -> None:
    """Writes a file as durably as the tool does: a temporary file, flushed, renamed, its folder flushed."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    with temporary.open("xb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def plain_command(*argv: str) -> None:
    """Runs a program to its end with pipes for what it writes."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    await process.communicate()


async def compare(pair: Pair, rounds: int) -> tuple[list[float], list[float]]:
    """Returns the milliseconds of the plain calls and of ours, taken in turns, each sorted."""
    plain: list[float] = []
    ours: list[float] = []
    for turn in range(max(int(rounds * pair.rounds_share), 10) + 3):
        for call, times in ((pair.plain, plain), (pair.ours, ours)):
            began = time.perf_counter()
            await call()
            if turn >= 3:  # the first ones import, start the guardian, fill caches
                times.append((time.perf_counter() - began) * 1000)
    return sorted(plain), sorted(ours)


def file_pairs(folder: Path, scope: ToolScope) -> list[Pair]:
    """Returns the file tools beside plain files."""
    path, beside = folder / "small.txt", folder / "beside.txt"
    path.write_text(_TEXT)
    beside.write_text(_TEXT)
    turns = iter(range(10**9))

    def call(tool: Tool, **arguments: Any) -> Awaitable[object]:
        return tool.run({"file_path": str(path), **arguments}, scope)

    async def write() -> None:
        await call(Write(), content=f"{_TEXT}{next(turns)}")

    async def edit_there_and_back() -> None:
        await call(Edit(), old_string="line 7 of", new_string="line seven of")
        await call(Edit(), old_string="line seven of", new_string="line 7 of")

    async def plain_edit_twice() -> None:
        for old, new in (("line 7 of", "line seven of"), ("line seven of", "line 7 of")):
            plain_write(beside, beside.read_text().replace(old, new))

    async def plain_read() -> None:
        beside.read_text()

    async def plain_writes() -> None:
        plain_write(beside, f"{_TEXT}{next(turns)}")

    return [
        Pair("Read", "open and read", plain_read, lambda: call(Read()), 1.0),
        Pair("Write", "write, flush, rename", plain_writes, write, 1.0),
        Pair("Edit, twice", "read, replace, write", plain_edit_twice, edit_there_and_back, None),
    ]


async def command_pairs(children: Children, scope: ToolScope) -> list[Pair]:
    """Returns Bash beside the bare shell, without and with the sandbox."""
    free = Bash(children, Sandbox(children, "off"), shell=_SHELL[0])
    sandbox = Sandbox(children)
    pairs = [
        Pair(
            "Bash",
            "bare shell",
            lambda: plain_command(*_SHELL),
            lambda: free.run({"command": ":"}, scope),
            5.0,
            0.5,
        )
    ]
    if await sandbox.probe() != "bubblewrap":
        print(sandbox.describe())
    else:
        held = Bash(children, sandbox, shell=_SHELL[0])
        walls = (
            "--die-with-parent",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-net",
            "--ro-bind",
            "/",
            "/",
        )
        bare = ("/usr/bin/bwrap", *walls, "--dev", "/dev", "--proc", "/proc", *_SHELL)

        def run() -> Awaitable[object]:
            return held.run({"command": ":"}, scope)

        pairs.append(Pair("Bash, sandboxed", "bare bubblewrap", lambda: plain_command(*bare), run, 5.0, 0.5))
        pairs.append(Pair("Bash, sandboxed", "bare shell", lambda: plain_command(*_SHELL), run, None, 0.5))
    return pairs


async def measure(rounds: int) -> bool:
    """Prints the table; True where all limits are kept."""
    is_good = True
    with tempfile.TemporaryDirectory(dir=_PLACE) as name:
        root, state = Path(name) / "workspace", Path(name) / "children"
        root.mkdir()
        workspace = Workspace("bench", str(root))
        guard = WorkspaceGuard.open(workspace, judge=lambda _facts, _operation: None)
        scope = ToolScope("call", "request", Conversation(("local", "bench")), workspace, guard, str(root))
        children = Children(os.environ, state)
        todo = Pair("TodoWrite", "nothing", nothing, lambda: TodoWrite().run({"todos": _TODOS}, scope), 0.1)
        pairs = [*file_pairs(root, scope), todo, *await command_pairs(children, scope)]
        rows: list[list[str]] = []
        for pair in pairs:
            plain, ours = await compare(pair, rounds)
            over = quantile(ours, 0.1) - quantile(plain, 0.1)
            figures = (quantile(plain, 0.1), quantile(ours, 0.1), over, median(ours) - median(plain))
            wanted = verdict(over, pair.limit_ms) if pair.limit_ms is not None else "-"
            rows.append([pair.name, *(f"{each:.3f}" for each in figures), wanted, pair.plain_name])
            is_good &= pair.limit_ms is None or over <= pair.limit_ms
        columns = ("tool", "plain", "ours", "over", "over, median", "limit", "beside")
        print_table("milliseconds, fastest tenth", columns, rows)
        await children.aclose()
        guard.close()
    print(f"\nall limits kept: {is_good}")
    return is_good


def main() -> int:
    """Runs the comparison; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--uvloop", action="store_true", help="on the loop of the headless server")
    arguments = parser.parse_known_args()[0]
    if not arguments.uvloop:
        return 0 if asyncio.run(measure(arguments.rounds)) else 1
    import uvloop  # noqa: PLC0415 - not made for Windows

    return 0 if uvloop.run(measure(arguments.rounds)) else 1


if __name__ == "__main__":
    sys.exit(main())
