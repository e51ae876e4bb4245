"""What the tests of several tools share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proxy.tools.bash import Bash
from proxy.tools.child_environment import MARK
from proxy.tools.children import Children
from proxy.tools.sandbox import Sandbox
from tests.proxy.tools.path_tree import Tree
from tests.proxy.tools.tool_room import Sleeper, ToolRoom


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ToolRoom]:
    folder = tmp_path / "room"
    folder.mkdir()
    made = ToolRoom(folder)
    yield made
    made.guard.close()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree.build(tmp_path)


@pytest.fixture
async def children(tmp_path: Path) -> AsyncIterator[Children]:
    made = Children(os.environ, tmp_path / "children")
    yield made
    await made.aclose(grace_s=0.2)


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """Starts processes that carry a run's mark; those that still live at the end are ended."""
    started: list[subprocess.Popen[bytes]] = []

    def start(run_id: str = "none") -> subprocess.Popen[bytes]:
        environment = {**os.environ, MARK: run_id}
        started.append(subprocess.Popen(["/bin/sleep", "300"], start_new_session=True, env=environment))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


@pytest.fixture
def bash(children: Children, tmp_path: Path) -> Bash:
    return Bash(children, Sandbox(children, "off"), shell="/bin/bash", temporary=str(tmp_path))
