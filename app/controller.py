"""The controller: owns what runs, and answers the window. It implements `gui.desk.Desk` without Qt.

One asyncio loop, one thread. Whatever touches the disk or the keyring runs in a worker thread, one change
after the other; the answer is announced as an event. A listener that raises harms nobody: each event is a
callback of its own on the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from app.alias_controls import AliasControls
from app.bodies import Bodies
from app.configuration import Configuration
from app.desk_changes import EVERYTHING, DeskChanges
from app.hand_edits import LOOK_EVERY_S, HandEdits, WatchedFile
from app.log_controls import LogControls
from app.logs import LogPipeline
from app.mcp_controls import McpControls
from app.mcp_host import make_supervisor, mcp_file
from app.permission_controls import PermissionControls
from app.port_owner import free_port
from app.provider_controls import ProviderControls
from app.provider_desk import Probe
from app.proxy_runner import ProxyRunner, ServerFactory, StartFailure
from app.request_controls import RequestControls
from app.settings_edit import Put
from app.token_controls import TokenControls
from app.yaml_document import SettingsError
from gui.desk import (
    QUIT_DRAIN_S,
    ActionDone,
    ActionFailed,
    DeskEvent,
    DeskListener,
    Problem,
    ProvidersChanged,
    ProxyState,
    ProxyStateChanged,
    SettingsChanged,
    ShowWindow,
)
from gui.mcp_desk import McpChanged
from proxy.events import BudgetReached, Exchange, ProxyEvent, RequestFinished, SpendingRead
from proxy.service.prices import PriceOf
from proxy.tasks import spawn

if TYPE_CHECKING:
    from proxy.mcp.supervisor import Supervisor


_log = structlog.get_logger("app.controller")


class Controller(
    PermissionControls,
    ProviderControls,
    AliasControls,
    McpControls,
    RequestControls,
    TokenControls,
    LogControls,
):
    """Owns the proxy, the settings, the keys and the exchanges."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        make_server: ServerFactory,
        probe: Probe,
        price_of: PriceOf = lambda _provider, _model: None,
        logs: LogPipeline | None = None,
        on_quit: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = lambda: datetime.now(timezone.utc).timestamp(),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Makes the controller; `start` begins, `shutdown` ends.

        Args:
            configuration: Settings and keys; its token may still be unknown.
            make_server: Makes a server for a config; called at each start.
            probe: Tests a provider.
            price_of: What a provider's own list says that a model costs.
            logs: Where the log lines for the window come from.
            on_quit: Ends the program, after `quit` has stopped the proxy.
            clock: Seconds since the epoch.
            sleep: Waits so many seconds, between two looks at what changes by itself.
        """
        self._configuration = configuration
        settings, folders = configuration.settings, configuration.folders
        self._bodies = Bodies(
            configuration.redactor, settings.bodies, folders.bodies, clock, in_memory=configuration.has_window
        )
        self._runner = ProxyRunner(
            configuration, make_server, self._take, self._announce_state, QUIT_DRAIN_S, clock
        )
        self._on_quit = on_quit
        self._listeners: list[DeskListener] = []
        self._changes = DeskChanges(configuration, self._announce, self._took_over)
        PermissionControls.__init__(self, configuration, self._runner, self._changes, self._announce, clock)
        ProviderControls.__init__(
            self, configuration, self._changes, probe, self._announce, self._took_over, self._runner
        )
        McpControls.__init__(
            self,
            configuration,
            mcp_file(configuration),
            self._supervise,
            self._announce,
            self._servers_changed,
        )
        AliasControls.__init__(self, configuration, self._changes, price_of, self._announce)
        RequestControls.__init__(self, configuration, self._bodies, self._changes, self._announce)
        TokenControls.__init__(self, configuration, self._runner, self._changes, clock)
        LogControls.__init__(self, configuration, logs, self._announce)
        self._problems_told: tuple[Problem, ...] = ()
        """Those about MCP servers: they come up while the servers start."""
        self._settings_file = WatchedFile(
            lambda: configuration.settings_path, "The settings", configuration.content, self._take_settings
        )
        servers_file = WatchedFile(
            lambda: self._mcp_file.path, "The MCP servers", self._mcp_file.content, self.take_mcp_edit, "mcp"
        )
        self._hand_edits = HandEdits((self._settings_file, servers_file), self._announce_state)
        self._sleep = sleep
        self._watching: asyncio.Task[None] | None = None
        self._is_quitting = self._is_hurrying = self._is_closed = False
        self._recalling: asyncio.Task[None] | None = None

    @property
    def settings_path(self) -> Path:
        """The settings file that is in use."""
        return self._configuration.settings_path

    @property
    def is_settings_file_in_force(self) -> bool:
        """What that file says is in force, not only what the program is shipped with."""
        return self._configuration.is_file_in_force

    @property
    def failure(self) -> StartFailure | None:
        """Why the last start failed."""
        return self._runner.failure

    async def start(self) -> None:
        """Finds token and keys, then starts the proxy; what fails is in `failure` and in `state`.

        Where `shutdown` comes meanwhile, or came before, nothing is left running.
        """
        if self._is_closed:
            return
        self._begin_log()
        self.await_keyring()
        self._bodies.begin()
        await self._runner.start()
        self._announce(ProvidersChanged())  # their keys are looked up by now
        await self._begin_the_rest()

    async def _begin_the_rest(self) -> None:
        """Begins what runs beside the proxy, once."""
        if self._is_closed or self._watching is not None:
            return
        if self.failure is not None and self.failure.is_folder_in_use:
            return
        # It opens the store and tries the sandbox, for which nobody who wants to send a request need wait.
        self._recalling = spawn(self._recall(), name="recall what tools did")
        self._watching = spawn(self._watch(), name="watch our files and the day")
        await self.start_servers()
        if self._is_closed:
            await self.stop_servers()

    async def _watch(self) -> None:
        """Looks every few seconds for what nobody tells of: files that were changed by hand, a new day."""
        while True:
            await self._sleep(LOOK_EVERY_S)
            await self._hand_edits.look()
            if self.has_new_day():
                self._announce_state()

    async def shutdown(self, drain_s: float | None = None) -> None:
        """Stops the proxy and the MCP servers, and lets go of the logs.

        Args:
            drain_s: Seconds that running requests get; None: as many as ever.
        """
        self._is_closed = True
        for task in (self._recalling, self._watching):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        await self._runner.stop(drain_s)
        await self._bodies.close()
        await self.stop_servers()
        self._end_log()

    async def reload_settings(self) -> str | None:
        """Takes over what another program wrote into the settings; returns why not, or None."""
        async with self._changes.turn:
            return await self._read_again()

    async def _take_settings(self) -> str | None:
        """Takes over settings that were changed on the disk; returns why not: then nothing has changed."""
        async with self._changes.turn:
            problem = await self._read_again()
            if problem is not None:
                return f"{self._configuration.settings_path}, {problem}"
            self._tell_of_hand_edit()
            return None

    def _tell_of_hand_edit(self) -> None:
        late = self._late_problems()
        for each in late:
            _log.warning("problem", title=each.title, text=each.text)
        but = ", but for what needs a start" if late else ""
        self._announce(ActionDone(f"The settings that were changed on disk are in force{but}"))

    def _late_problems(self) -> tuple[Problem, ...]:
        """What the settings say and only a start puts in force."""
        return (*self._runner.address_problems(), *self.mode_problems())

    async def _read_again(self) -> str | None:
        try:
            await asyncio.to_thread(self._configuration.reload)
        except SettingsError as exc:
            return str(exc)
        await self.follow_settings()
        self._hand_edits.forget(self._settings_file)  # before anybody is told how things stand
        self._took_over(*EVERYTHING)
        return None

    def show_window(self) -> None:
        """Asks the window to come forward, for a second start of the program."""
        self._announce(ShowWindow())

    # gui.desk.Desk: the proxy ---------------------------------------------------------------

    def subscribe(self, listener: DeskListener) -> Callable[[], None]:
        """Calls `listener` with every event from now on; returns the way to end that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    def state(self) -> ProxyState:
        """Returns the state of the proxy."""
        return ProxyState(
            phase=self._runner.phase,
            url=self._runner.url,
            problems=tuple(self._problems()),
            is_demo=self._configuration.loaded.error is None and not self._configuration.settings.providers,
            active_requests=self._runner.active_requests,
            started_at=self._runner.started_at,
            is_port_in_use=self.failure is not None and self.failure.is_port_in_use,
        )

    def _problems(self) -> Iterator[Problem]:
        """Yields what is wrong, the worst first: what keeps requests from being served as the user means."""
        is_broken = self._configuration.loaded.error is not None
        if self.failure is not None:
            yield Problem("The proxy does not listen", self.failure.text, "home")
        yield from self._configuration.problems() if is_broken else self._hand_edits.problems()
        yield from self.budget_problems()
        yield from self._late_problems()
        yield from self._runner.problems()
        yield from self.mcp_problems()
        yield from self.log_problems()
        if not is_broken:
            yield from self._configuration.problems()

    def start_proxy(self) -> None:
        """Reads the settings again and starts listening; answered by ProxyStateChanged."""
        spawn(self._start_again(), name="start the proxy")

    def use_another_port(self) -> None:
        """Stores a free port in place of the one in use and starts; answered by ProxyStateChanged."""
        action = self._changes.reporting(self._use_another_port(), "Another port could not be used")
        spawn(action, name="use another port")

    def stop_proxy(self) -> None:
        """Drains running requests and closes the port; answered by ProxyStateChanged."""
        spawn(self._runner.stop(), name="stop the proxy")

    def quit(self, *, now: bool = False) -> None:
        """Stops the proxy and ends the program; with `now`, or asked again, it waits for no request."""
        if not self._is_quitting:
            self._is_quitting = True
            self._is_hurrying = now
            spawn(self._quit(0.0 if now else None), name="quit")
        elif not self._is_hurrying:
            self._is_hurrying = True
            spawn(self._runner.hurry(), name="quit without waiting")
        else:
            self._on_quit()

    # gui.desk.Desk: looks -------------------------------------------------------------------

    def theme(self) -> str:
        """Returns `system`, `light` or `dark`."""
        return self._configuration.settings.window.theme

    def set_theme(self, theme: str) -> None:
        """Stores the theme; answered by SettingsChanged."""
        problem = self._changes.submit([Put(("window", "theme"), theme)], None, SettingsChanged())
        if problem is not None:
            self._announce(ActionFailed("The theme was not stored", problem))

    # What takes time ------------------------------------------------------------------------

    async def _start_again(self) -> None:
        """Starts with the file as it is now: whoever changed the port in it need not quit first."""
        was_usable = self._configuration.loaded.error is None
        problem = await self.reload_settings()
        if problem is not None and was_usable:
            self._announce(ActionFailed("The settings were not read again", problem))
        servers_problem = await self.take_mcp_edit()
        if servers_problem is not None:
            self._announce(ActionFailed("The MCP servers were not read again", servers_problem))
        await self._runner.start()
        if self._watching is None:
            await self._begin_the_rest()
            return
        await self._recall()
        self._servers_changed()

    async def _use_another_port(self) -> None:
        server = self._configuration.settings.server
        port = await asyncio.to_thread(free_port, server.host, server.port)
        await asyncio.to_thread(self._configuration.apply, [Put(("server", "port"), port)])
        self._took_over(SettingsChanged())
        self._announce(ActionDone(f"Port {port} is stored: clients need the new address"))
        self.start_proxy()

    async def _quit(self, drain_s: float | None) -> None:
        try:
            await self.shutdown(drain_s)
        finally:
            self._on_quit()

    def _took_over(self, *changed: DeskEvent) -> None:
        """Gives the changed settings and keys to the running proxy and tells the window."""
        self._runner.apply()
        self._bodies.apply(self._configuration.settings.bodies)
        self._apply_log_level()
        if self._configuration.took_hand_edit:  # it came into force with a change from the window
            self._configuration.took_hand_edit = False
            spawn(self.follow_settings(), name="let MCP servers follow the settings")
            changed = (*EVERYTHING, *changed)
            self._tell_of_hand_edit()
        for each in changed:
            self._announce(each)
        self._announce_state()

    def _supervise(self) -> Supervisor:
        return make_supervisor(self._configuration, self._servers_changed)

    def _servers_changed(self) -> None:
        rules = self.mcp_rules()
        if rules != self._configuration.mcp_rules:
            self._configuration.mcp_rules = rules
            self._runner.apply()
        if self._runner.server is not None and self.supervisor is not None:
            self._runner.server.use_mcp(self.supervisor)
        self._announce(McpChanged())
        problems = self.mcp_problems()
        if problems != self._problems_told:
            self._problems_told = problems
            self._announce_state()

    def _announce_state(self) -> None:
        self._announce(ProxyStateChanged(self.state()))

    def _take(self, event: ProxyEvent) -> None:
        """Takes what the proxy announces; an exchange is kept, and only its id goes on."""
        if isinstance(event, Exchange):
            if self._bodies.keep(event):
                self._announce(Exchange(event.request_id))
            return
        if isinstance(event, (BudgetReached, SpendingRead)):
            self._announce_state()
            return
        if isinstance(event, RequestFinished):
            self._bodies.finished(event)
        self._note_tool_event(event)
        self._announce(event)

    def _announce(self, event: DeskEvent) -> None:
        for listener in tuple(self._listeners):
            asyncio.get_running_loop().call_soon(listener, event)
