"""Makes a start ready: the program found, the package there, variables filled in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proxy.mcp.launch import Filled, fill, needs_package, runner_words
from proxy.mcp.runtimes import Runtimes
from proxy.mcp.state import State
from proxy.mcp.stores import Stores
from proxy.mcp.surroundings import Packages, Surroundings
from proxy.mcp.values import Launch, McpProblem, McpServerConfig, ServerPhase
from proxy.tools.child_environment import ForbiddenVariable


@dataclass(frozen=True, slots=True)
class Ready:
    """What is started; secrets may be in it, `shown` apart."""

    argv: tuple[str, ...] = ()
    cwd: str = ""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    shown: tuple[str, ...] = ()
    """The arguments with the program's real path, variables not filled in."""


class Starter:
    """Makes one server's start ready."""

    def __init__(
        self,
        surroundings: Surroundings,
        stores: Stores,
        runtimes: Runtimes,
        packages: Packages,
        state: State,
    ) -> None:
        self._with = surroundings
        self._stores = stores
        self._runtimes = runtimes
        self._packages = packages
        self._state = state

    async def ready(self, config: McpServerConfig, launch: Launch) -> Ready:
        """Returns what to start.

        Raises:
            McpProblem: A variable, a program or the package is missing.
        """
        filled = await asyncio.to_thread(fill, config, launch, self._with.resolve)
        environment, headers = filled.environment or {}, filled.headers or {}
        if not filled.argv:
            return Ready(url=filled.url, headers=headers)
        try:
            self._with.children.environment(environment)
        except ForbiddenVariable as exc:
            raise McpProblem(f"{config.name}: environment: {exc}") from exc
        cwd = await asyncio.to_thread(self._folder, config, filled)
        first: tuple[str, ...] = ()
        if config.node_version and config.type != "python":
            first = (await self._runtimes.node_folder(config.node_version, self._with.children),)
        program = await self._runtimes.find(filled.argv[0], self._with.children, first=first)
        words, shown = filled.argv[1:], launch.argv[1:]
        if needs_package(config) and launch.package is not None:
            await self._have(config, launch.package)
            before = len(runner_words(config))
            offline = runner_words(config, offline=True)[1:]
            words, shown = (*offline, *filled.argv[before:]), (*offline, *launch.argv[before:])
        return Ready(
            (program, *words),
            cwd,
            {"PATH": self._runtimes.path_for(program), **environment},
            shown=(program, *shown),
        )

    async def _have(self, config: McpServerConfig, package: str) -> None:
        """Downloads a package that is not there yet."""
        approvals = self._stores.approvals
        if approvals.is_ready(config.name, package):
            return
        self._state.set(ServerPhase.STARTING, f"{package} is downloaded")
        separator = "==" if config.type == "python" else "@"
        await self._packages.prepare(config, package.rpartition(separator)[2])
        approvals.set_ready(config.name, package)
        self._stores.save()
        self._state.set(ServerPhase.STARTING)

    def download_again(self, config: McpServerConfig) -> None:
        """Forgets that its package is there: it did not start."""
        self._stores.approvals.set_ready(config.name, None)
        self._stores.save()

    def _folder(self, config: McpServerConfig, filled: Filled) -> str:
        folder = Path(filled.cwd).expanduser()
        own = self._with.folder / "servers" / config.name
        if folder == own:
            own.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not folder.is_dir():
            raise McpProblem(f"{config.name}: cwd: there is no folder {folder}")
        return str(folder)
