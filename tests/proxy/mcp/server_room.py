"""A supervisor for a test: scripted servers, time that passes when the test says so, a counted `emit`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.mcp.supervisor import Supervisor
from proxy.mcp.surroundings import Surroundings
from proxy.mcp.values import McpProblem, McpServerConfig, ServerPhase, ServerStatus
from proxy.tools.children import Children

SERVERS = Path(__file__).parent / "servers"
RAW = str(SERVERS / "raw.py")
MODERN = str(SERVERS / "modern.py")
PATIENCE_S = 30.0


class Time:
    """A clock that stands still; sleepers wake when the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[float] = []
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self._changed = asyncio.Event()
        self.is_over = False
        """Nobody sleeps any more."""

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if self.is_over:
            await asyncio.sleep(0)
            return
        waking = asyncio.Event()
        sleeper = (self.now + seconds, waking)
        self._sleepers.append(sleeper)
        self.asked.append(seconds)
        self._changed.set()
        try:
            await waking.wait()
        finally:
            self._sleepers.remove(sleeper)

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        for due, waking in self._sleepers:
            if due <= self.now:
                waking.set()

    async def until_someone_sleeps(self, seconds: float) -> None:
        """Returns once somebody waits for that long."""

        def waits() -> bool:
            return any(abs(due - self.now - seconds) < 1e-6 for due, _ in self._sleepers)

        while not waits():
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), PATIENCE_S)


@dataclass
class FakePackages:
    """A registry with one version of everything."""

    version: str | None = "1.2.3"
    resolved: list[str] = field(default_factory=list[str])
    prepared: list[str] = field(default_factory=list[str])
    is_slow: bool = False
    """Downloads never end."""

    async def resolve(self, config: McpServerConfig) -> str:
        self.resolved.append(config.command)
        if self.version is None:
            raise McpProblem("the registry does not answer")
        return self.version

    async def prepare(self, config: McpServerConfig, version: str) -> None:
        self.prepared.append(f"{config.command} {version}")
        if self.is_slow:
            await asyncio.Event().wait()


class Room:
    """A supervisor and what it is given."""

    def __init__(self, folder: Path, children: Children, **other: Any) -> None:
        self.folder = folder
        self.children = children
        self.time = Time()
        self.packages = FakePackages()
        self.variables: dict[str, str] = {}
        self._changed = asyncio.Event()
        self.surroundings = Surroundings(
            children=children,
            folder=folder,
            resolve=self.variables.get,
            wall_clock=lambda: 1_800_000_000.0,
            clock=self.time.clock,
            emit=self.noted,
            environment={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
            sleep=self.time.sleep,
            packages=self.packages,
            **other,
        )
        self.supervisor = Supervisor(self.surroundings)

    def noted(self) -> None:
        self._changed.set()

    def status(self, name: str = "raw") -> ServerStatus:
        return self.supervisor.status(name)

    async def until(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        while not condition():
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), patience_s)

    async def stands(self, *phases: ServerPhase, name: str = "raw") -> ServerStatus:
        """Returns once a server is in one of these phases."""
        await self.until(lambda: self.status(name).phase in phases)
        return self.status(name)

    async def approved(self, name: str = "raw") -> None:
        """Approves what a server would start."""
        await self.until(lambda: self.status(name).phase is ServerPhase.PENDING)
        launch = self.status(name).launch
        assert launch is not None
        self.supervisor.approve(name, launch.digest)

    async def connected(self, *configs: McpServerConfig) -> ServerStatus:
        """Applies, approves, and returns the first one once all are connected."""
        self.supervisor.apply(configs)
        for config in configs:
            await self.approved(config.name)
        for config in configs:
            await self.stands(ServerPhase.CONNECTED, name=config.name)
        return self.status(configs[0].name)

    def lines(self, name: str = "raw") -> list[str]:
        return [entry.text for entry in self.supervisor.log(name)]


def raw(
    *flags: str, name: str = "raw", environment: Mapping[str, str] | None = None, **other: Any
) -> McpServerConfig:
    """Returns the entry of a scripted server of the older era."""
    return McpServerConfig(
        name,
        "stdio",
        sys.executable,
        (RAW, *flags),
        environment=environment or {},
        **other,
    )


def modern(name: str = "modern") -> McpServerConfig:
    """Returns the entry of a server of the newer era."""
    return McpServerConfig(name, "stdio", sys.executable, (MODERN,))


async def eventually(condition: Callable[[], bool]) -> None:
    """Returns once something holds that nobody tells of, such as a line in a pipe."""

    async def look() -> None:
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)

    await asyncio.wait_for(look(), PATIENCE_S)


@asynccontextmanager
async def room(folder: Path, **other: Any) -> AsyncGenerator[Room, None]:
    """Holds a room; nothing of it runs afterwards."""
    children = Children(os.environ)
    made = Room(folder / "mcp", children, **other)
    try:
        yield made
        made.time.is_over = True
        made.time.pass_by(1_000_000)
        await made.supervisor.aclose()
        assert children.living == 0
    finally:
        await children.aclose()
