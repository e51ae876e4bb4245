"""One server's life: asked about, started, watched, started again with patience, stopped."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from proxy.mcp.approvals import Answer, Approval
from proxy.mcp.definitions import Definitions
from proxy.mcp.ending import End
from proxy.mcp.launch import entry_digest, launch_of, needs_package, package_of
from proxy.mcp.logs import ServerLog
from proxy.mcp.results import CallResult
from proxy.mcp.runtimes import Runtimes
from proxy.mcp.sdk import connection_class
from proxy.mcp.starter import Starter
from proxy.mcp.state import State, start_of
from proxy.mcp.stores import Stores
from proxy.mcp.surroundings import Packages, Surroundings
from proxy.mcp.tools import Call, McpTool
from proxy.mcp.values import (
    MAX_RESTARTS,
    Launch,
    McpProblem,
    McpServerConfig,
    ServerPhase,
    ServerStatus,
    ToolChange,
)
from proxy.mcp.waiting import slept, until
from proxy.tasks import spawn
from proxy.tools.elevated import SERVERS_OFF

if TYPE_CHECKING:
    from proxy.mcp.connection import Connection
    from proxy.mcp.session import Listed

_log = structlog.get_logger("proxy.mcp")
RESTARTS_WITHIN_S = 600.0
_UNKNOWN = "the file that says whether you approved or rejected it was damaged: approve it if you want it"
_AWAITS_A_PERSON = frozenset({ServerPhase.PENDING, ServerPhase.REJECTED})
_AT_WORK = frozenset({ServerPhase.STARTING, ServerPhase.CONNECTED})


class Server:
    """One server of the file; it lives as long as its entry."""

    def __init__(
        self,
        config: McpServerConfig,
        surroundings: Surroundings,
        stores: Stores,
        runtimes: Runtimes,
        packages: Packages,
        call: Call,
    ) -> None:
        """Begins its life: it starts where it is enabled and approved."""
        self._config = config
        self._with = surroundings
        self._stores = stores
        self._runtimes = runtimes
        self._packages = packages
        self.log = ServerLog(surroundings.wall_clock)
        self._state = State(config, surroundings.emit)
        self._definitions = Definitions(config.name, stores, call)
        self._launch: Launch | None = None
        self._connection: Connection | None = None
        self._restarts: deque[float] = deque()
        self._life: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._is_closed = False
        self._may_run = self._is_let_run()
        self._begin(by_hand=False)

    # What there is -----------------------------------------------------------------------------

    @property
    def has_failed(self) -> bool:
        """It is not tried again by itself."""
        return self._state.phase is ServerPhase.FAILED

    def status(self) -> ServerStatus:
        """Returns how it stands."""
        facts = self._definitions.facts(self._config)
        return self._state.status(self._launch, facts, is_traced=self.log.is_traced)

    def offered(self) -> tuple[McpTool, ...]:
        """Returns the tools that models may be told of."""
        if self._state.phase is not ServerPhase.CONNECTED:
            return ()
        return self._definitions.offered(self._config)

    def configure(self, config: McpServerConfig) -> None:
        """Takes its entry as it is now; it starts again only where its start is another one."""
        old, self._config = self._config, config
        could_run, self._may_run = self._may_run, self._is_let_run()
        self._state.config = config
        if start_of(old) != start_of(config) or could_run != self._may_run:
            self.log.add("lifecycle", "its entry or the settings changed")
            self._restarts.clear()
            self._begin(by_hand=False)
        elif old.is_enabled != config.is_enabled:
            if config.is_enabled:
                self.start_quietly()
            else:
                self.stop()

    # What a person asks for ---------------------------------------------------------------------

    def start(self) -> None:
        """Starts it, unless it runs.

        Raises:
            McpProblem: It waits for approval.
        """
        self._must_be_approved()
        self.start_quietly()

    def start_quietly(self) -> None:
        """Starts it, or finds out again whether it may."""
        if self._state.phase not in _AT_WORK or self._stop.is_set():
            self._restarts.clear()
            self._begin(by_hand=True)

    def stop(self) -> None:
        """Stops it until somebody starts it."""
        self._stop.set()
        if self._life is None or self._life.done():
            self._state.set(ServerPhase.STOPPED if self._config.is_enabled else ServerPhase.DISABLED)

    def restart(self) -> None:
        """Stops and starts it.

        Raises:
            McpProblem: It waits for approval.
        """
        self._must_be_approved()
        self._restarts.clear()
        self._begin(by_hand=True)

    def approve(self, digest: str) -> None:
        """Lets what was shown start.

        Raises:
            McpProblem: That is not what would start now.
        """
        self._answer("approved", digest)
        self._begin(by_hand=True)

    def ask_again(self) -> None:
        """Asks about it anew where it counted as rejected because the answers were lost."""
        if self._state.phase is ServerPhase.REJECTED and self._state.reason == _UNKNOWN:
            self._begin(by_hand=False)

    def reject(self) -> None:
        """Never starts it as it is now."""
        self._answer("rejected", None if self._launch is None else self._launch.digest)
        self.log.add("lifecycle", "was rejected")
        self._begin(by_hand=False)

    def changes(self) -> tuple[ToolChange, ...]:
        """Returns what differs from what was approved."""
        return self._definitions.changes()

    def accept(self, tools: Sequence[str]) -> None:
        """Takes tools out of quarantine as they are now.

        Raises:
            McpProblem: It is not connected, so nobody knows how they are now.
        """
        if self._connection is None:
            raise McpProblem(f"{self._config.name} is not connected: its tools cannot be seen now")
        self._definitions.accept(tools)
        self.log.add("lifecycle", f"accepted as they are now: {', '.join(tools)}"[:500])
        self._with.emit()

    def _answer(self, answer: Answer, digest: str | None) -> None:
        launch = self._launch
        if launch is None or digest is None:
            why = f": {self._state.reason}" if self._state.reason else ""
            raise McpProblem(f"{self._config.name}: what it would start is not known yet{why}")
        if launch.digest != digest:
            raise McpProblem(f"{self._config.name} changed since it was shown: look at it again")
        version = self._version_in(launch)
        self._stores.approvals.note(
            self._config.name, Approval(answer, digest, entry_digest(self._config), version)
        )
        self._stores.save()

    def _version_in(self, launch: Launch) -> str | None:
        if launch.package is None:
            return None
        return launch.package.rpartition("==" if self._config.type == "python" else "@")[2]

    def _is_let_run(self) -> bool:
        return self._config.type in {"http", "sse"} or self._with.may_run_programs()

    def _must_be_approved(self) -> None:
        if self._state.phase is ServerPhase.REJECTED:
            raise McpProblem(f"{self._config.name} was rejected: approve it first")
        if self._state.phase is ServerPhase.PENDING and self._launch is not None:
            raise McpProblem(f"{self._config.name} waits for approval: look at what it would start")

    # Use --------------------------------------------------------------------------------------

    async def call(
        self, tool: str, arguments: Mapping[str, Any], timeout_s: float | None, *, is_by_hand: bool
    ) -> CallResult:
        """Calls a tool; see `Supervisor.call`."""
        connection = self._connected()
        problem = self._definitions.problem(tool, self._config, is_by_hand=is_by_hand)
        if problem is not None:
            raise McpProblem(problem)
        self._state.last_call_at = self._with.wall_clock()
        return await connection.call(tool, arguments, timeout_s or self._config.timeout_s)

    async def list_all(self, what: Listed) -> tuple[Mapping[str, Any], ...]:
        """Returns all of a kind."""
        return await self._connected().ask(lambda session: session.list_all(what))

    async def read_resource(self, uri: str) -> Mapping[str, Any]:
        """Returns a resource."""
        return await self._connected().ask(lambda session: session.read_resource(uri))

    async def get_prompt(self, prompt: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        """Returns a prompt."""
        return await self._connected().ask(lambda session: session.get_prompt(prompt, arguments))

    def _connected(self) -> Connection:
        if self._connection is None or self._state.phase is not ServerPhase.CONNECTED:
            why = f": {self._state.reason}" if self._state.reason else ""
            raise McpProblem(
                f"the MCP server {self._config.name} is not connected ({self._state.phase.value}{why})"
            )
        return self._connection

    # Its life -----------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Ends it for good."""
        self._is_closed = True
        self._stop.set()
        if self._life is not None:
            await asyncio.wait({self._life})

    def _begin(self, *, by_hand: bool) -> None:
        if self._is_closed:
            return
        self._stop.set()
        self._stop = asyncio.Event()
        name = f"run the MCP server {self._config.name}"
        self._life = spawn(self._live(self._life, self._stop, by_hand=by_hand), name=name)

    async def _live(self, previous: asyncio.Task[None] | None, stop: asyncio.Event, *, by_hand: bool) -> None:
        if previous is not None:
            await asyncio.wait({previous})
        await self._stores.ready()
        self._launch = None
        launch = None if stop.is_set() else await self._approved(stop, by_hand=by_hand)
        if launch is not None:
            await self._keep_running(launch, stop)
        if stop.is_set() and self._stop is stop:
            self._state.set(ServerPhase.STOPPED if self._config.is_enabled else ServerPhase.DISABLED)

    async def _approved(self, stop: asyncio.Event, *, by_hand: bool) -> Launch | None:
        """Returns what somebody approved; None where it may not start."""
        if not (self._config.is_enabled or by_hand):
            self._state.set(ServerPhase.DISABLED)
        elif not self._may_run:
            self._state.set(ServerPhase.FAILED, SERVERS_OFF)
        else:
            return await self._shown(stop)
        return None

    async def _shown(self, stop: asyncio.Event) -> Launch | None:
        """Finds out what would start, and whether somebody approved exactly that."""
        if self._config.name.endswith("_"):
            # mcp__a___b would be the tool _b of a server a as well, and rules could mean the wrong one.
            self._state.set(ServerPhase.FAILED, "its name ends in _: give it another one")
            return None
        try:
            launch = await until(stop, self._look())
        except McpProblem as problem:
            self._state.set(ServerPhase.PENDING, str(problem))
            return None
        if launch is None:
            return None
        self._launch = launch
        answer = self._stores.approvals.answer(self._config.name, launch.digest)
        if answer == "approved":
            return launch
        if answer is None and self._stores.approvals.is_unknown(self._config.name):
            self._state.set(ServerPhase.REJECTED, _UNKNOWN)
        else:
            self._state.set(ServerPhase.PENDING if answer is None else ServerPhase.REJECTED)
        return None

    async def _look(self) -> Launch:
        config = self._config
        version = self._stores.approvals.version(config.name, entry_digest(config))
        if needs_package(config) and version is None and package_of(config)[1] is None:
            self._state.set(ServerPhase.STARTING, "its version is looked up")
            version = await self._packages.resolve(config)
        return launch_of(config, version, str(self._with.folder / "servers" / config.name))

    async def _keep_running(self, launch: Launch, stop: asyncio.Event) -> None:
        connect = await until(stop, connection_class())
        is_legacy = False
        while connect is not None and not stop.is_set():
            starter = Starter(self._with, self._stores, self._runtimes, self._packages, self._state)
            connection = connect(
                self._config, launch, self._with, starter, self._definitions, self._state, self.log,
                is_legacy=is_legacy,
            )  # fmt: skip
            self._connection = connection
            end: End = await connection.run(stop)
            self._connection = None
            if stop.is_set() or not await self._try_again(end, stop):
                return
            is_legacy = end.came_early and not is_legacy

    async def _try_again(self, end: End, stop: asyncio.Event) -> bool:
        """Waits before the next start; False: there is none."""
        self.log.add("lifecycle", end.reason)
        _log.info("mcp_server_ended", server=self._config.name, reason=end.reason)
        if not end.may_retry or not self._config.restart:
            self._state.set(end.phase, end.reason)
            return False
        now = self._with.clock()
        while self._restarts and now - self._restarts[0] > RESTARTS_WITHIN_S:
            self._restarts.popleft()
        tried = len(self._restarts)
        if tried >= MAX_RESTARTS:
            said = f"{end.reason}; it was started again {MAX_RESTARTS} times in 10 minutes"
            self._state.set(ServerPhase.FAILED, said)
            return False
        self._restarts.append(now)
        self._state.restarting(tried + 1, end.reason)
        await until(stop, slept(self._with.sleep, float(2**tried)))
        return not stop.is_set()
