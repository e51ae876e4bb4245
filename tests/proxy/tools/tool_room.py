"""A workspace of its own for a test's tool calls, under a judge who allows everything."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil

from proxy.permissions.values import Workspace
from proxy.tools.base import Tool, ToolOutput, ToolScope
from proxy.tools.child_output import HeadOutput
from proxy.tools.children import Children, Launch
from proxy.tools.conversation import Conversation
from proxy.tools.guard import WorkspaceGuard

Sleeper = Callable[..., subprocess.Popen[bytes]]
"""Starts a process that sleeps, with a run's mark."""


class ToolRoom:
    """One conversation in one workspace."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.conversation = Conversation(("local", "conversation"))
        self.workspace = Workspace("room", str(self.root))
        self.guard = WorkspaceGuard.open(self.workspace, judge=lambda _facts, _operation: None)
        self.scope = ToolScope("call", "request", self.conversation, self.workspace, self.guard)

    def path(self, name: str) -> str:
        return str(self.root / name)

    def file(self, name: str, content: str | bytes) -> str:
        """Writes a file past the tools and returns its path."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def bytes(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    async def run(self, tool: Tool, **arguments: Any) -> ToolOutput:
        return await tool.run(arguments, self.scope)

    async def say(self, tool: Tool, **arguments: Any) -> str:
        """Runs a call and returns the text of its result."""
        return text_of(await self.run(tool, **arguments))


def text_of(output: ToolOutput) -> str:
    return "".join(block["text"] for block in output.content if block["type"] == "text")


def matches(folder: Path | str, pattern: str) -> list[Path]:
    """Returns what a folder holds of a pattern."""
    return sorted(Path(folder).glob(pattern))


async def run_child(children: Children, *argv: str, **declared: str) -> tuple[int, str, str]:
    """Runs a program to its end; returns its exit code, and what it wrote to both outputs."""
    out, errors = HeadOutput(), HeadOutput()
    child = await children.start(Launch(argv, "/", declared), on_stdout=out.feed, on_stderr=errors.feed)
    return await child.wait(), out.text(), errors.text()


def lives(pid: int) -> bool:
    """Tells whether a process runs; one that died and was not collected does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def survivors(pids: Iterable[int], timeout_s: float = 5.0) -> list[int]:
    """Returns which processes still run after so many seconds, or as soon as none does.

    It only looks: whoever waits for a process of our own takes its exit code from the loop.
    """
    until = time.monotonic() + timeout_s
    while (alive := [pid for pid in pids if lives(pid)]) and time.monotonic() < until:
        threading.Event().wait(0.02)
    return alive
