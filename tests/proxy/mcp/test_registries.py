"""Real servers from the registries, by their own runners; without a runner or its registry they skip."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest

from proxy.mcp.supervisor import Supervisor
from proxy.mcp.surroundings import Surroundings
from proxy.mcp.values import McpServerConfig, ServerPhase
from proxy.tools.children import Children
from tests.proxy.mcp.server_room import Room

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the account's home is looked up the POSIX way"),
    pytest.mark.timeout(300),
]
SERVERS: Mapping[str, tuple[McpServerConfig, str, Mapping[str, Any], str]] = {
    "python": (
        McpServerConfig("time", "python", "mcp-server-time", start_timeout_s=60),
        "get_current_time",
        {"timezone": "Europe/Berlin"},
        "Europe/Berlin",
    ),
    "node": (
        McpServerConfig("all", "node", "@modelcontextprotocol/server-everything", start_timeout_s=60),
        "echo",
        {"message": "through npx"},
        "through npx",
    ),
}


@pytest.fixture
async def real(tmp_path: Path) -> AsyncGenerator[Room, None]:
    """A supervisor on real time, in the account's home: package tools have their set-up and caches there."""
    import pwd  # noqa: PLC0415 - not on Windows

    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join([os.environ["PATH"], beside])
    environment = {"PATH": path, "HOME": pwd.getpwuid(os.getuid()).pw_dir}
    children = Children(environment)
    made = Room(tmp_path / "mcp", children)
    made.supervisor = Supervisor(
        Surroundings(
            children,
            tmp_path / "mcp",
            lambda _name: None,
            time.time,
            time.monotonic,
            made.noted,
            environment,
        )
    )
    yield made
    await made.supervisor.aclose()
    await children.aclose()


@pytest.mark.parametrize("kind", SERVERS)
async def test_a_server_of_the_registry_is_pinned_downloaded_once_and_started_offline(
    kind: str, real: Room
) -> None:
    config, tool, arguments, answer = SERVERS[kind]
    real.supervisor.apply([config])
    await real.until(lambda: real.status(config.name).phase is ServerPhase.PENDING, patience_s=100)
    launch = real.status(config.name).launch
    if launch is None:
        pytest.skip(f"no runner or registry: {real.status(config.name).reason[:100]}")
    assert launch.package is not None
    real.supervisor.approve(config.name, launch.digest)
    done = {ServerPhase.CONNECTED, ServerPhase.FAILED}
    await real.until(lambda: real.status(config.name).phase in done, patience_s=200)
    status = real.status(config.name)
    if status.phase is ServerPhase.FAILED and "failed (exit" in status.reason:
        pytest.skip(f"the package could not be had: {status.reason[:100]}")

    result = await real.supervisor.call(config.name, tool, arguments)

    assert answer in result.content[0]["text"]
    assert "--offline" in status.argv
    assert launch.package in status.argv
    real.supervisor.restart(config.name)
    await real.until(lambda: real.status(config.name).pid not in {None, status.pid}, patience_s=60)
    await real.until(lambda: real.status(config.name).phase is ServerPhase.CONNECTED, patience_s=60)
