"""One start of a server: over the SDK, from the launch to its end, with the true reason of it.

The SDK's scopes belong to the task that opened them, so one task opens, serves and closes a connection.
What is raised in there, groups of exceptions too, is taken as the value `gather` makes of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import anyio
import httpx2
import structlog
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from proxy.mcp.definitions import Definitions
from proxy.mcp.ending import End
from proxy.mcp.health import Health
from proxy.mcp.logs import ServerLog
from proxy.mcp.remote import MAX_ANSWER_BYTES, RemoteWatch, check_address, client_factory, http_client
from proxy.mcp.results import CallResult
from proxy.mcp.session import Changed, ConnectionLost, ProtocolProblem, Session, connected
from proxy.mcp.starter import Ready, Starter
from proxy.mcp.state import State
from proxy.mcp.stdio_transport import StdioTransport
from proxy.mcp.surroundings import Surroundings
from proxy.mcp.values import Launch, McpProblem, McpServerConfig, ServerPhase
from proxy.mcp.waiting import slept, until
from proxy.tasks import spawn
from proxy.tools.child_environment import ForbiddenVariable
from proxy.tools.children import CannotStart
from proxy.tools.children import Launch as ChildLaunch

T = TypeVar("T")
_log = structlog.get_logger("proxy.mcp")
_RELISTEN_S = 5.0
_EXPECTED = (MCPError, McpProblem, CannotStart, ForbiddenVariable, OSError, httpx2.HTTPError, ValidationError)


class Connection:
    """One connection; `run` is its whole life."""

    def __init__(
        self,
        config: McpServerConfig,
        launch: Launch,
        surroundings: Surroundings,
        starter: Starter,
        definitions: Definitions,
        state: State,
        log: ServerLog,
        *,
        is_legacy: bool,
    ) -> None:
        self._config = config
        self._launch = launch
        self._with = surroundings
        self._starter = starter
        self._definitions = definitions
        self._state = state
        self._log = log
        self._is_legacy = is_legacy
        self._session: Session | None = None
        self._stdio: StdioTransport | None = None
        self._watch = RemoteWatch()
        self._over = asyncio.Event()
        self._over_reason = ""
        self._changed = asyncio.Event()
        self._is_late = False
        self._was_open = False
        self.health = Health(surroundings.clock)

    # Use ----------------------------------------------------------------------------------------

    async def call(self, tool: str, arguments: Mapping[str, Any], timeout_s: float) -> CallResult:
        """Calls a tool.

        Raises:
            McpProblem: There is no result.
        """
        return (await self.ask(lambda session: session.call(tool, arguments, timeout_s))).bounded()

    async def ask(self, question: Callable[[Session], Awaitable[T]]) -> T:
        """Asks the server something.

        Raises:
            McpProblem: It is not connected, or there is no answer.
        """
        session = self._session
        if session is None:
            raise McpProblem(f"the MCP server {self._config.name} is not connected")
        with self.health.in_use():
            try:
                return await question(session)
            except ProtocolProblem as problem:
                if isinstance(problem, ConnectionLost) and self._stdio is None:
                    self._over_reason = self._watch.trouble or str(problem)
                    self._over.set()
                raise McpProblem(
                    f"MCP server {self._config.name}: {problem}{self._last_words()}"
                ) from problem

    def _last_words(self) -> str:
        line = self._log.last_error_line
        return (
            f". Its last line of errors: {line}"
            if self._stdio is not None and self._stdio.ended.is_set() and line
            else ""
        )

    # Life -----------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> End:
        """Starts it, and returns when it ended or was stopped."""
        self._state.set(ServerPhase.STARTING)
        self._log.begin()
        (outcome,) = await asyncio.gather(self._live(stop), return_exceptions=True)
        self._session = None
        if outcome is not None and not _is_expected(outcome):
            _log.error("mcp_connection_failed", server=self._config.name, exc_info=outcome)
        end = self._end(outcome, stop)
        if end.came_early and self._launch.package is not None:
            self._starter.download_again(self._config)
        return end

    async def _live(self, stop: asyncio.Event) -> None:
        try:
            ready = await until(stop, self._starter.ready(self._config, self._launch))
        except McpProblem as problem:
            raise _NotReady(str(problem)) from problem
        if ready is None:
            return
        self._state.argv, self._state.cwd = ready.shown, ready.cwd
        self._log.add("lifecycle", f"starts: {' '.join(ready.shown) or self._config.url}")
        with anyio.CancelScope() as scope:
            deadline = spawn(self._cut(scope, stop), name="give a server time to start")
            try:
                async with (
                    self._transport(ready) as transport,
                    connected(
                        transport,
                        self._log,
                        self._heard_of_change,
                        timeout_s=self._config.timeout_s,
                        is_legacy=self._is_legacy,
                    ) as session,
                ):
                    said = await session.said()
                    deadline.cancel()
                    self._opened(session)
                    self._definitions.take(said)
                    self._state.set(ServerPhase.CONNECTED)
                    await self._serve(session, stop)
            finally:
                deadline.cancel()

    async def _cut(self, scope: anyio.CancelScope, stop: asyncio.Event) -> None:
        patience = spawn(slept(self._with.sleep, self._config.start_timeout_s), name="count a server's start")
        stopping = spawn(stop.wait(), name="wait for a server to be stopped")
        try:
            await asyncio.wait({patience, stopping}, return_when=asyncio.FIRST_COMPLETED)
            self._is_late = not stopping.done()
            scope.cancel()
        finally:
            patience.cancel()
            stopping.cancel()

    @asynccontextmanager
    async def _transport(self, ready: Ready) -> AsyncGenerator[Any, None]:
        if ready.argv:
            launch = ChildLaunch(ready.argv, ready.cwd, ready.environment, stdin="pipe")
            self._stdio = StdioTransport(
                self._with.children,
                launch,
                self._log,
                sleep=self._with.sleep,
                stdin_grace_s=self._with.stdin_grace_s,
                stop_grace_s=self._with.stop_grace_s,
            )
            self._stdio.on_pid = self._has_pid
            yield self._stdio
            return
        await check_address(ready.url)
        client = await http_client(ready.headers, self._watch)
        if self._config.type == "sse":
            yield sse_client(ready.url, httpx_client_factory=client_factory(client))
            return
        async with client:
            yield streamable_http_client(ready.url, http_client=client, max_sse_event_size=MAX_ANSWER_BYTES)

    def _has_pid(self, pid: int) -> None:
        self._state.pid = pid
        self._state.started_at = self._with.wall_clock()
        self._state.changed()

    def _opened(self, session: Session) -> None:
        self._session = session
        self._was_open = True
        self._state.protocol, self._state.server_info = session.protocol, session.server_info
        self._state.started_at = self._state.started_at or self._with.wall_clock()
        self._log.add("lifecycle", f"connected: {session.server_info or 'no name'}, {session.protocol}")
        _log.info("mcp_server_connected", server=self._config.name, protocol=session.protocol)

    # While it runs --------------------------------------------------------------------------------

    async def _serve(self, session: Session, stop: asyncio.Event) -> None:
        ended = self._stdio.ended if self._stdio is not None else self._over
        helpers = {
            spawn(self._follow_changes(session), name="follow an MCP server's lists"),
            spawn(self._probe(session), name="probe an MCP server"),
        }
        if session.is_modern:
            helpers.add(spawn(self._listen(session), name="listen to an MCP server"))
        waits = {
            spawn(event.wait(), name="wait for an MCP server's end") for event in (stop, ended, self._over)
        }
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        self._session = None
        if stop.is_set():
            self._state.set(ServerPhase.STOPPING)
        for task in (*helpers, *waits):
            task.cancel()
        await asyncio.wait(helpers | waits)

    def _heard_of_change(self, what: Changed) -> None:
        if not self._changed.is_set():
            self._log.add("lifecycle", f"says that its {what} changed")
        self._changed.set()

    async def _follow_changes(self, session: Session) -> None:
        while True:
            await self._count(session)
            await self._changed.wait()
            self._changed.clear()
            try:
                said = await session.said()
            except ProtocolProblem as problem:
                self._log.add("lifecycle", str(problem))
                continue
            if self._definitions.take(said):
                self._log.add("lifecycle", "its tools changed")
                self._state.changed()

    async def _count(self, session: Session) -> None:
        """Notes how many resources and prompts there are; a server that cannot say has none."""
        try:
            found = len(await session.list_all("resources")), len(await session.list_all("prompts"))
        except ProtocolProblem as problem:
            self._log.add("lifecycle", str(problem))
            return
        if found != (self._state.resources, self._state.prompts):
            self._state.resources, self._state.prompts = found
            self._state.changed()

    async def _listen(self, session: Session) -> None:
        while True:
            await asyncio.gather(self._hear(session), return_exceptions=True)
            await self._with.sleep(_RELISTEN_S)

    async def _hear(self, session: Session) -> None:
        async with session.listening() as subscription:
            self._changed.set()  # what changed before somebody listened is told to nobody
            async for _event in subscription:
                self._changed.set()

    async def _probe(self, session: Session) -> None:
        # A server may change its tools without a word, so whoever is found well is asked for them again.
        self._over_reason = await self.health.watch(
            session, self._config, self._with.sleep, on_well=self._changed.set
        )
        self._over.set()

    # Its end --------------------------------------------------------------------------------------

    def _end(self, outcome: object, stop: asyncio.Event) -> End:
        if isinstance(outcome, _NotReady):
            return End(str(outcome), may_retry=False)
        if self._watch.refusal is not None and not self._was_open:
            return End(self._watch.refusal, may_retry=False, phase=ServerPhase.NEEDS_AUTHENTICATION)
        if stop.is_set():
            return End("stopped")
        reason, is_early = self._reason(outcome)
        return End(reason, came_early=is_early)

    def _reason(self, outcome: object) -> tuple[str, bool]:
        stdio, line = self._stdio, self._log.last_error_line
        if stdio is not None and stdio.problem:
            return stdio.problem, False
        if stdio is not None and stdio.own_exit is not None:
            how = f"exit {stdio.own_exit}" if stdio.own_exit >= 0 else f"ended by signal {-stdio.own_exit}"
            return (
                f"{how}: {line}" if line else f"{how}, without a word on its standard error"
            ), not self._was_open
        if self._is_late:
            said = f"; it wrote what is no message: {stdio.stray_line}" if stdio and stdio.stray_line else ""
            said = said or (f"; its last line of errors: {line}" if line else "")
            return f"it did not answer within {self._config.start_timeout_s:g} s{said}", False
        if self._over_reason:
            return self._over_reason, False
        if self._watch.trouble is not None and not self._was_open:
            return self._watch.trouble, False
        first = _first(outcome)
        if isinstance(first, httpx2.HTTPError):
            return f"it could not be reached any more: {first or type(first).__name__}", False
        return (str(first) if first is not None and str(first) else "the connection was closed"), False


class _NotReady(McpProblem):
    """It could not even be started, and will not by itself."""


def _first(outcome: object) -> BaseException | None:
    """Returns the first exception in a group of groups."""
    first = next(_flat(outcome), None)
    return first if isinstance(first, BaseException) else None


def _is_expected(outcome: object) -> bool:
    return all(isinstance(each, _EXPECTED) for each in _flat(outcome))


def _flat(outcome: object) -> Iterator[object]:
    """Yields what is in groups of exceptions, which Python 3.10 knows by their attribute only."""
    inner: object = getattr(outcome, "exceptions", None)
    if not isinstance(inner, tuple):
        yield outcome
        return
    for each in cast("tuple[object, ...]", inner):
        yield from _flat(each)
