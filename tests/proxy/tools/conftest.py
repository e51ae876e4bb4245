"""What the tests of several tools share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from proxy.tools.bash import Bash
from proxy.tools.children import Children
from proxy.tools.sandbox import Sandbox
from tests.proxy.tools.tool_room import ToolRoom


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ToolRoom]:
    folder = tmp_path / "room"
    folder.mkdir()
    made = ToolRoom(folder)
    yield made
    made.guard.close()


@pytest.fixture
async def children(tmp_path: Path) -> AsyncIterator[Children]:
    made = Children(os.environ, tmp_path / "children")
    yield made
    await made.aclose(grace_s=0.2)


@pytest.fixture
def bash(children: Children, tmp_path: Path) -> Bash:
    return Bash(children, Sandbox(children, "off"), shell="/bin/bash", temporary=str(tmp_path))
