"""What MCP servers are run with: processes, clocks, secrets, and who is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from proxy.mcp.values import McpServerConfig
from proxy.tools.children import Children

Sleep = Callable[[float], Awaitable[object]]


class Packages(Protocol):
    """Turns a package's name into one version, and has that version ready."""

    async def resolve(self, config: McpServerConfig) -> str:
        """Returns the version a package without one has now.

        Raises:
            McpProblem: The registry could not be asked, or has no such package.
        """
        ...

    async def prepare(self, config: McpServerConfig, version: str) -> None:
        """Downloads a version, so that it starts offline afterwards.

        Raises:
            McpProblem: It could not be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the supervisor is given."""

    children: Children
    folder: Path
    """A private folder of ours: approvals, pins and the servers' own folders are kept there."""
    resolve: Callable[[str], str | None]
    """Looks up a variable by `NAME` and an entry of the keyring by `keyring:NAME`; None: there is none.

    It may block: it is called in a thread.
    """
    wall_clock: Callable[[], float]
    clock: Callable[[], float]
    """Monotonic seconds."""
    emit: Callable[[], None] = lambda: None
    """Called on the loop's thread after anything changed: states, tools, logs' traces."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Our own variables, for PATH and HOME."""
    sleep: Sleep = asyncio.sleep
    packages: Packages | None = None
    """None: asked through the tools' own commands, `uv` and `npm`."""
    may_run_programs: Callable[[], bool] = lambda: True
    """False: Signalbox runs as root, and the user did not allow servers that are programs to run so too."""
    platform: str = sys.platform
    stdin_grace_s: float = 2.0
    """Between closing a server's input and TERM."""
    stop_grace_s: float = 3.0
    """Between TERM and KILL."""
