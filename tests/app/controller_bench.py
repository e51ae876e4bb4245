"""A controller with everything around it in reach, and a stand-in for the server it starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from app.configuration import Configuration
from app.controller import Controller
from app.environment import Environment
from app.logs import LogPipeline
from app.paths import Folders
from app.secrets import SecretStore
from app.settings_store import SettingsStore
from gui.desk import Desk, DeskEvent
from proxy.config import ProviderConfig, ProxyConfig
from proxy.events import BreakerChanged, EventSink, ToolDecided
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest
from proxy.permissions.values import ToolCall, Verdict
from proxy.routing.budgets import BudgetState, Limit, all_limits
from proxy.service.ledger import Spending
from proxy.store.folder_lock import is_in_use
from proxy.store.ledger_values import DayTotal
from proxy.store.values import StoreError, StoreFailure
from proxy.tools.approvals import AnswerRefused
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.catalogue import Catalogue
from tests.app.test_secrets import Entries

E_ = TypeVar("E_")
KEY = "sk-or-" + "v1-" + "0a1b2c3d" * 8
OPENROUTER = """providers:
  openrouter: {base_url: "https://openrouter.ai/api/v1", key: {keyring: openrouter}}  # mine
"""

SPENT = Spending(
    DayTotal("2026-11-22", "", None, 2, 10, 20, 30, 40, micro_usd=900, unknown_micro_usd=400),
    DayTotal("2026-11-22", "", None, 3, micro_usd=1_500, unknown_micro_usd=500),
    (BudgetState(Limit(("alias", "big"), "day", 1_000), 700, 300, date(2026, 11, 23)),),
    (DayTotal("2026-11-21", "phone", None, 1, micro_usd=700),),
)


@dataclass(frozen=True)
class FakeTool:
    """Stands where a tool stands."""

    name: str
    group: ToolGroup = "Read"
    description: str = "Reads a file. It says more."
    input_schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    may_run_beside_others: bool = True
    timeout_s: float | None = 1.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        raise AssertionError("no test runs it")


@dataclass
class FakeServer:
    """Stands where the HTTP server stands."""

    config: ProxyConfig
    emit: EventSink
    folder: Path
    """Where it would keep what it must."""
    failure: OSError | UnicodeError | None = None
    shares_folder: bool = False
    active_requests: int = 0
    applied: list[ProxyConfig] = field(default_factory=list)
    stopped: list[float] = field(default_factory=list)
    drained: asyncio.Event | None = None
    """Set once the running requests have ended; None: none runs."""
    spent: Spending = SPENT
    tools: Catalogue = field(default_factory=lambda: Catalogue([FakeTool("Read"), FakeTool("Bash")]))
    resting: list[BreakerChanged] = field(default_factory=list["BreakerChanged"])
    waiting: list[ApprovalRequest] = field(default_factory=list["ApprovalRequest"])
    answers: list[ApprovalAnswer] = field(default_factory=list["ApprovalAnswer"])
    decided: tuple[ToolDecided, ...] = ()
    tried: list[tuple[ToolCall, str | None, str | None]] = field(default_factory=list[Any])
    mcp: object = None
    verdict: tuple[Verdict, str | None] | str = "there is no workspace called x"

    async def start(self) -> str:
        self.shares_folder = is_in_use(self.folder)
        if self.shares_folder and all_limits(self.config):
            raise StoreError(StoreFailure.IN_USE)
        if self.failure is not None:
            raise self.failure
        return f"http://{self.config.server.host}:{self.config.server.port}"

    async def stop(self, drain_s: float = 30.0) -> None:
        self.stopped.append(drain_s)
        if not drain_s and self.drained is not None:
            self.drained.set()
        elif self.drained is not None:
            await self.drained.wait()

    def apply(self, config: ProxyConfig) -> None:
        self.applied.append(config)

    def spending(self) -> Spending:
        return self.spent

    def breakers(self) -> tuple[BreakerChanged, ...]:
        return tuple(self.resting)

    def reset_breakers(self, provider: str, model: str | None = None) -> int:
        meant = [each for each in self.resting if each.provider == provider and model in (None, each.model)]
        self.resting = [each for each in self.resting if each not in meant]
        return len(meant)

    def approvals(self) -> tuple[ApprovalRequest, ...]:
        return tuple(self.waiting)

    def answer_approval(self, approval_id: str, digest: str, answer: ApprovalAnswer) -> None:
        found = next((each for each in self.waiting if each.approval_id == approval_id), None)
        if found is None or found.digest != digest:
            raise AnswerRefused("it waits no more")
        self.waiting.remove(found)
        self.answers.append(answer)

    async def try_call(
        self, call: ToolCall, workspace: str | None, mode: str | None
    ) -> tuple[Verdict, str | None] | str:
        self.tried.append((call, workspace, mode))
        return self.verdict

    async def decisions(self, text: str = "", limit: int = 500) -> tuple[ToolDecided, ...]:
        return tuple(each for each in self.decided if text in each.arguments)[:limit]

    def use_mcp(self, servers: object) -> None:
        self.mcp = servers

    async def describe_sandbox(self) -> str:
        return "bubblewrap 0.8"


@dataclass
class Found:
    is_ok: bool
    text: str


class Bench:
    """A controller with everything around it in reach."""

    def __init__(
        self,
        home: Path,
        keyring: Entries | None,
        variables: dict[str, str],
        logs: LogPipeline | None = None,
    ) -> None:
        self.folders = Folders(config=home, state=home, runtime=home / "run")
        self.folders.create()
        self.keyring = keyring
        self.servers: list[FakeServer] = []
        self.failure: OSError | UnicodeError | None = None
        self.events: list[DeskEvent] = []
        self.quits = 0
        self.now = 1234.5
        self.slept: list[float] = []
        self.probed: list[ProviderConfig] = []
        environment = Environment(process=variables)
        secrets = SecretStore(environment, names_file=self.folders.key_names_file, backend=lambda: keyring)
        self.store = SettingsStore(self.folders.settings_file)
        self.configuration = Configuration(self.folders, self.store, secrets, environment)
        self.configuration.set_broken_aside(datetime(2026, 11, 22, tzinfo=timezone.utc))
        self.controller = Controller(
            self.configuration,
            make_server=self._server,
            probe=self._probe,
            logs=logs,
            on_quit=self._quit,
            clock=lambda: self.now,
            sleep=self._sleep,
        )
        self._pauses = asyncio.Semaphore(0)
        self._has_looked = asyncio.Event()
        self._news = asyncio.Event()
        self.controller.subscribe(self._listen)

    @property
    def desk(self) -> Desk:
        """The controller as the window knows it."""
        return self.controller

    def _server(self, config: ProxyConfig, emit: EventSink) -> FakeServer:
        self.servers.append(FakeServer(config, emit, self.folders.store, self.failure))
        return self.servers[-1]

    async def _probe(self, provider: ProviderConfig) -> Found:
        self.probed.append(provider)
        return Found(True, f"took the key {provider.key.get_secret_value() if provider.key else None}")

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self._pauses.locked():
            self._has_looked.set()
        await self._pauses.acquire()

    def pass_time(self) -> None:
        """Lets the program look twice at its files and the day."""
        self._has_looked.clear()
        self._pauses.release()
        self._pauses.release()

    async def has_looked(self) -> None:
        """Waits until it has done so."""
        await asyncio.wait_for(self._has_looked.wait(), 10)

    def _quit(self) -> None:
        self.quits += 1

    def _listen(self, event: DeskEvent) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, kind: type[E_], accept: Callable[[E_], bool] = lambda _event: True) -> E_:
        """Waits for an event of a kind, takes everything up to it away and returns it."""

        async def wait() -> E_:
            while True:
                for position, event in enumerate(self.events):
                    if isinstance(event, kind) and accept(event):
                        del self.events[: position + 1]
                        return event
                self._news.clear()
                await self._news.wait()

        return await asyncio.wait_for(wait(), 10)


Make = Callable[..., Bench]
