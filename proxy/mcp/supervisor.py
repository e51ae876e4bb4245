"""Owns all MCP servers: starts in parallel, watches, restarts, stops; one bad server never hurts another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.mcp.packages import CommandPackages
from proxy.mcp.results import CallResult
from proxy.mcp.runtimes import Runtimes
from proxy.mcp.server import Server
from proxy.mcp.stores import Stores
from proxy.mcp.surroundings import Surroundings
from proxy.mcp.tools import McpTool
from proxy.mcp.values import LogEntry, McpProblem, McpServerConfig, ServerStatus, ToolChange
from proxy.tasks import spawn


class NoSuchServer(McpProblem):
    """There is no server of this name."""


class Supervisor:
    """All servers of the file. All but the coroutines returns at once; `emit` tells what follows."""

    def __init__(self, surroundings: Surroundings) -> None:
        """Starts nothing yet, and reads nothing."""
        self._with = surroundings
        self._stores = Stores(surroundings.folder)
        self._runtimes = Runtimes(surroundings.environment, surroundings.platform)
        self._packages = surroundings.packages or CommandPackages(surroundings.children, self._runtimes)
        self._servers: dict[str, Server] = {}
        self._order: tuple[str, ...] = ()
        self._leaving: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._is_closed = False

    # What there is ------------------------------------------------------------------------------

    def apply(self, configs: Sequence[McpServerConfig]) -> None:
        """Makes these the servers: new ones start, gone ones stop, others start again if their start changed.

        Switches and permissions of tools, time-outs and such hold at once without a new start.
        """
        if self._is_closed:
            return
        wanted = {config.name: config for config in configs}
        for name in [name for name in self._servers if name not in wanted]:
            gone = spawn(self._servers.pop(name).aclose(), name=f"stop the MCP server {name}")
            self._leaving.add(gone)
            gone.add_done_callback(self._leaving.discard)
        self._order = tuple(wanted)
        for name, config in wanted.items():
            server = self._servers.get(name)
            if server is None:
                self._servers[name] = Server(
                    config, self._with, self._stores, self._runtimes, self._packages, self.call
                )
            else:
                server.configure(config)
        if self._watching is None:
            watching = self._stores.watch(self._with.sleep, self._trust_mended)
            self._watching = spawn(watching, name="watch damaged approvals of MCP servers")
        self._with.emit()

    def trust_problem(self) -> str | None:
        """Returns what the user should know of approvals that were lost, and can mend."""
        return self._stores.problem()

    def statuses(self) -> tuple[ServerStatus, ...]:
        """Returns all servers as they are now, in the order of the file."""
        return tuple(self._servers[name].status() for name in self._order)

    def status(self, name: str) -> ServerStatus:
        """Returns one server as it is now.

        Raises:
            NoSuchServer: There is none of this name.
        """
        return self._server(name).status()

    # What a person asks for -----------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Starts a server, also one that is disabled or failed for good; nothing where it runs.

        Raises:
            McpProblem: There is none of this name, or it waits for approval.
        """
        self._server(name).start()

    def stop(self, name: str) -> None:
        """Stops a server; it stays stopped until it is started by hand or its entry changes.

        Raises:
            NoSuchServer: There is none of this name.
        """
        self._server(name).stop()

    def restart(self, name: str) -> None:
        """Stops and starts a server, and forgets how often it was restarted.

        Raises:
            McpProblem: There is none of this name, or it waits for approval.
        """
        self._server(name).restart()

    def restart_failed(self) -> None:
        """Starts all that failed."""
        for server in self._servers.values():
            if server.has_failed:
                server.start()

    def approve(self, name: str, digest: str) -> None:
        """Lets exactly what was shown start from now on, and starts it.

        Raises:
            McpProblem: There is none of this name, or its entry changed since it was shown.
        """
        self._server(name).approve(digest)

    def reject(self, name: str) -> None:
        """Never starts it, until its entry changes or it is approved after all.

        Raises:
            NoSuchServer: There is none of this name.
        """
        self._server(name).reject()

    def changes(self, name: str) -> tuple[ToolChange, ...]:
        """Returns the definitions that differ from those approved, invisible characters spelt out.

        `proxy.mcp.pins.INSTRUCTIONS` names the change of the server's own instructions.

        Raises:
            NoSuchServer: There is none of this name.
        """
        return self._server(name).changes()

    def accept_tools(self, name: str, tools: Sequence[str]) -> None:
        """Takes tools as they are now out of quarantine; naming all of them accepts the instructions too.

        Raises:
            McpProblem: There is none of this name, or it is not connected.
        """
        self._server(name).accept(tools)

    # Use ------------------------------------------------------------------------------------------

    async def call(
        self,
        name: str,
        tool: str,
        arguments: Mapping[str, Any],
        timeout_s: float | None = None,
        *,
        is_by_hand: bool = False,
    ) -> CallResult:
        """Calls a tool by its server's own name for it.

        Args:
            name: The server.
            tool: The server's own name of the tool.
            arguments: What it is given.
            timeout_s: None: as the file says.
            is_by_hand: The user's own trial, which a switched-off tool answers too; never a quarantined one.

        Raises:
            McpProblem: There is no such server or tool, it is not offered, it did not answer, or answered
                with an error of the protocol; the text says which.
        """
        return await self._server(name).call(tool, arguments, timeout_s, is_by_hand=is_by_hand)

    async def resources(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Returns a server's resources as they stand on the wire.

        Raises:
            McpProblem: It cannot be asked.
        """
        return await self._server(name).list_all("resources")

    async def resource_templates(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Returns a server's resource templates as they stand on the wire.

        Raises:
            McpProblem: It cannot be asked.
        """
        return await self._server(name).list_all("resourceTemplates")

    async def read_resource(self, name: str, uri: str) -> Mapping[str, Any]:
        """Returns the result of `resources/read` as it stands on the wire, at most 1 MiB.

        Raises:
            McpProblem: It cannot be had.
        """
        return await self._server(name).read_resource(uri)

    async def prompts(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Returns a server's prompts as they stand on the wire.

        Raises:
            McpProblem: It cannot be asked.
        """
        return await self._server(name).list_all("prompts")

    async def get_prompt(self, name: str, prompt: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        """Returns the result of `prompts/get` as it stands on the wire, at most 1 MiB.

        Raises:
            McpProblem: It cannot be had.
        """
        return await self._server(name).get_prompt(prompt, arguments)

    def tools(self) -> tuple[McpTool, ...]:
        """Returns the tools to offer: of connected servers, switched on, not in quarantine.

        Equal tools compare equal, so `proxy.mcp.tools.renew` changes a catalogue only where something did.
        """
        return tuple(tool for name in self._order for tool in self._servers[name].offered())

    # Logs -----------------------------------------------------------------------------------------

    def log(self, name: str) -> tuple[LogEntry, ...]:
        """Returns the lines that are kept of a server, oldest first.

        Raises:
            NoSuchServer: There is none of this name.
        """
        return self._server(name).log.entries()

    def trace(self, name: str, *, is_on: bool) -> None:
        """Keeps the JSON-RPC messages too, or no more.

        Raises:
            NoSuchServer: There is none of this name.
        """
        self._server(name).log.is_traced = is_on

    async def aclose(self) -> None:
        """Stops all servers, all at once, and starts none again."""
        self._is_closed = True
        if self._watching is not None:
            self._watching.cancel()
        await asyncio.gather(*(server.aclose() for server in self._servers.values()), *self._leaving)
        await self._stores.saved()

    def _trust_mended(self) -> None:
        for server in self._servers.values():
            server.ask_again()
        self._with.emit()

    def _server(self, name: str) -> Server:
        server = self._servers.get(name)
        if server is None:
            raise NoSuchServer(f"there is no MCP server called {name}")
        return server
