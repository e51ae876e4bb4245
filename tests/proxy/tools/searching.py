"""A folder to search in, and the tools that search it, without an engine of permissions around them."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proxy.permissions.paths import Operation
from proxy.permissions.values import PathFacts, Workspace
from proxy.tools.base import Tool, ToolScope
from proxy.tools.conversation import Conversation
from proxy.tools.guard import Judge, WorkspaceGuard


def anything(facts: PathFacts, operation: Operation) -> str | None:
    """Allows everything."""
    return None


def denying(*names: str) -> Judge:
    """Returns a judge who denies what has one of these names in its real path."""

    def judge(facts: PathFacts, operation: Operation) -> str | None:
        return "denied" if set(facts.real.split("/")) & set(names) else None

    return judge


def fill(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Writes files, the later ones newer."""
    for age, (name, content) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (1_000_000 + age, 1_000_000 + age))


@contextmanager
def scope_in(folder: Path, judge: Judge = anything) -> Generator[ToolScope]:
    """Opens a workspace in a folder."""
    workspace = Workspace("w", os.path.realpath(folder))
    guard = WorkspaceGuard.open(workspace, judge=judge)
    try:
        yield ToolScope("call", "request", Conversation(("token", "c")), workspace, guard)
    finally:
        guard.close()


async def text_of(tool: Tool, scope: ToolScope, **arguments: Any) -> str:
    """Runs a call and returns its text; `_A` stands for the argument `-A`."""
    named = {name.replace("_", "-", 1) if name.startswith("_") else name: v for name, v in arguments.items()}
    output = await tool.run(named, scope)
    assert not output.is_error
    (block,) = output.content
    return str(block["text"])


def ticking(limit: int) -> Callable[[], float]:
    """Returns a clock that moves on by a second at each look, so that time is over after `limit` looks."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 10.0 / limit
        return now

    return clock
