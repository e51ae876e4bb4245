"""Starts and stops the proxy's server, one after the other, and says why it does not listen."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from app.configuration import Configuration
from app.local_token import TokenProblem
from app.port_owner import other_port_advice, port_in_use_text, port_owner
from app.settings import Settings, has_budgets
from gui.desk import Problem, ProxyPhase
from proxy.config import ProxyConfig
from proxy.events import BreakerChanged, EventSink, ToolDecided
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest
from proxy.permissions.values import Mode, ToolCall, Verdict
from proxy.service.ledger import Spending
from proxy.store.folder_lock import is_in_use
from proxy.store.values import StoreError
from proxy.tools.catalogue import Catalogue

if TYPE_CHECKING:
    from proxy.mcp.supervisor import Supervisor

_log = structlog.get_logger("app.proxy_runner")

_IN_USE = (
    "Another Signalbox uses the data folder {folder}, and there are budgets: two would not know of each "
    "other's spending. End that one, or give this one a folder of its own: set SIGNALBOX_HOME."
)
_NO_BUDGETS = (
    "another Signalbox uses the data folder {folder}, and two would not know of each other's spending, so no "
    "budget can come into force here. End that one and save the settings again, or give this one a folder of "
    "its own: set SIGNALBOX_HOME"
)
_OLD_ADDRESS = (
    "The settings say {new}, and Signalbox listens on {old}. Clients need the old address until the proxy is "
    "stopped and started again."
)
_SHARED = (
    "Until that one has ended, requests and their costs are not recorded here, batches and files are refused "
    "and no budget can be set. To run both for good, give this one a folder of its own: set SIGNALBOX_HOME."
)


class Server(Protocol):
    """What the controller uses of the proxy's server."""

    @property
    def active_requests(self) -> int:
        """How many requests are being answered."""
        ...

    @property
    def shares_folder(self) -> bool:
        """Another program has the data folder: nothing is kept, and there can be no budgets."""
        ...

    async def start(self) -> str:
        """Binds the port and returns the address for clients; OSError where it cannot.

        Raises:
            StoreError: There are budgets, and another program has the data folder.
        """
        ...

    async def stop(self, drain_s: float = ...) -> None:
        """Closes the port and lets running requests finish; called again, it ends them."""
        ...

    def apply(self, config: ProxyConfig) -> None:
        """Uses another config from the next request on."""
        ...

    def spending(self) -> Spending:
        """Returns what was spent today and this month."""
        ...

    def breakers(self) -> tuple[BreakerChanged, ...]:
        """Returns how the models stand that are left alone now."""
        ...

    def reset_breakers(self, provider: str, model: str | None = ...) -> int:
        """Lets a provider's models, or one of them, be tried again; returns how many rested."""
        ...

    @property
    def tools(self) -> Catalogue:
        """The tools that Signalbox can run."""
        ...

    def approvals(self) -> tuple[ApprovalRequest, ...]:
        """Returns the calls that wait for the user."""
        ...

    def answer_approval(self, approval_id: str, digest: str, answer: ApprovalAnswer) -> object:
        """Gives the answer to a call; AnswerRefused where it waits no more."""
        ...

    async def try_call(
        self, call: ToolCall, workspace: str | None, mode: Mode | None
    ) -> tuple[Verdict, str | None] | str:
        """Returns a call's verdict and the rule that would allow it, or why it cannot be judged there."""
        ...

    async def decisions(self, text: str = "", limit: int = 500) -> Sequence[ToolDecided]:
        """Returns past decisions that hold the text, newest first."""
        ...

    def use_mcp(self, servers: Supervisor) -> None:
        """Offers the servers' tools as they are now."""
        ...

    async def describe_sandbox(self) -> str:
        """Says what holds commands here."""
        ...


ServerFactory = Callable[[ProxyConfig, EventSink], Server]


@dataclass(frozen=True, slots=True)
class StartFailure:
    """Why the proxy does not listen."""

    text: str
    advice: str = ""
    """What to type where there is no window."""
    is_port_in_use: bool = False
    is_folder_in_use: bool = False
    """Another Signalbox has the data folder, and budgets need it."""


class ProxyRunner:
    """Owns the server, and knows what it is doing."""

    def __init__(
        self,
        configuration: Configuration,
        make_server: ServerFactory,
        emit: EventSink,
        changed: Callable[[], None],
        drain_s: float,
        clock: Callable[[], float],
    ) -> None:
        """Makes servers that announce to `emit`; calls `changed` when the phase changes."""
        self._configuration = configuration
        self._make_server = make_server
        self._emit = emit
        self._changed = changed
        self._drain_s = drain_s
        self._clock = clock
        self._server: Server | None = None
        self._turn = asyncio.Lock()
        self.phase = ProxyPhase.STOPPED
        self.url: str | None = None
        self.started_at: float | None = None
        self.failure: StartFailure | None = None
        """Why the last start failed."""
        configuration.objection = self._objection
        self._address = ("", 0)
        """What the settings said at the last start."""

    @property
    def active_requests(self) -> int:
        """How many requests are being answered."""
        return self._server.active_requests if self._server else 0

    @property
    def server(self) -> Server | None:
        """The server that runs."""
        return self._server

    def problems(self) -> tuple[Problem, ...]:
        """Returns what the user should know of how it runs."""
        if self._server is None or not self._server.shares_folder:
            return ()
        return (Problem("Another Signalbox has the data folder", _SHARED, "home"),)

    def address_problems(self) -> tuple[Problem, ...]:
        """Returns that the settings name another address than the one in use, which only a start changes."""
        server = self._configuration.settings.server
        if self._server is None or (server.host, server.port) == self._address:
            return ()
        new, old = (f"{host} port {port}" for host, port in ((server.host, server.port), self._address))
        return (Problem("The new address is not in force", _OLD_ADDRESS.format(new=new, old=old), "home"),)

    def spending(self) -> Spending | None:
        """Returns what was spent; None where no server runs."""
        return self._server.spending() if self._server else None

    def apply(self) -> None:
        """Gives the configuration as it is now to the running server."""
        if self._server is not None:
            self._server.apply(self._configuration.proxy_config())

    async def start(self) -> None:
        """Finds the token if it is not known yet, and listens; nothing happens where it does already."""
        async with self._turn:
            if self._server is not None:
                return
            self._enter(ProxyPhase.STARTING)
            self.failure = await self._listen()
            self._enter(ProxyPhase.RUNNING if self.failure is None else ProxyPhase.FAILED)

    async def stop(self, drain_s: float | None = None) -> None:
        """Closes the port and lets running requests finish, for so many seconds at most."""
        async with self._turn:
            self.failure = None
            if self._server is not None:
                self._enter(ProxyPhase.STOPPING)
                await self._server.stop(self._drain_s if drain_s is None else drain_s)
                self._server = self.url = self.started_at = None
                _log.info("stopped")
            self._enter(ProxyPhase.STOPPED)

    async def hurry(self) -> None:
        """Ends the requests that a stop still waits for."""
        if self._server is not None:
            await self._server.stop(0.0)

    async def _listen(self) -> StartFailure | None:
        if self._configuration.token is None:
            try:
                token = await asyncio.to_thread(self._configuration.unlock)
            except TokenProblem as exc:
                _log.error("no_token", reason=str(exc))
                return StartFailure(str(exc))
            _log.info("token_found", source=token.source)
        config = self._configuration.proxy_config()
        server = self._make_server(config, self._emit)
        try:
            self.url = await server.start()
        except StoreError:
            folder = self._configuration.folders.state
            _log.error("data_folder_in_use", folder=str(folder))
            return StartFailure(_IN_USE.format(folder=folder), is_folder_in_use=True)
        except (OSError, UnicodeError) as exc:  # UnicodeError: the host is no name at all
            failure = await _start_failure(config, exc, self._configuration.settings_path)
            _log.error("not_listening", reason=f"{failure.text} {failure.advice}".rstrip())
            return failure
        self._server = server
        self._address = config.server.host, config.server.port
        self.started_at = self._clock()
        _log.info("listening", url=self.url)
        return None

    def _objection(self, settings: Settings) -> str | None:
        """Says why settings cannot come into force while the proxy runs as it does."""
        if self._server is None or not self._server.shares_folder or not has_budgets(settings):
            return None
        folders = self._configuration.folders
        if not is_in_use(folders.store):  # the other one has ended meanwhile
            return None
        return _NO_BUDGETS.format(folder=folders.state)

    def _enter(self, phase: ProxyPhase) -> None:
        self.phase = phase
        self._changed()


async def _start_failure(config: ProxyConfig, exc: OSError | UnicodeError, settings: Path) -> StartFailure:
    host, port = config.server.host, config.server.port
    if isinstance(exc, OSError) and exc.errno == errno.EADDRINUSE:
        holder = await asyncio.to_thread(port_owner, port)
        text = port_in_use_text(host, port, holder=holder)
        return StartFailure(text, other_port_advice(port, settings), is_port_in_use=True)
    reason = (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
    return StartFailure(f"Cannot listen on {host} port {port}: {reason}. Choose another address or port.")
