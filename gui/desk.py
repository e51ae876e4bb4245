"""The desk: everything the window may ask of the program, and the values it gets back.

Questions that can be answered from memory return at once. What takes time returns nothing and is answered
by a `DeskEvent` later. The program (`app.controller`) implements it; tests give the window a list-backed one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Protocol, TypeAlias

from pydantic import SecretStr

from gui.mcp_desk import McpChanged, McpDesk, McpTried
from gui.permission_desk import (
    ApprovalsChanged,
    CallTried,
    HistoryRead,
    PermissionDesk,
    PermissionsChanged,
    WorkspacesChanged,
)
from gui.request_desk import AttemptsRead, EarlierRequestsRead, ExchangeRead, RequestDesk
from gui.spending import DearerView, PricesChanged, SpendingView, TokenDraft, TokenView
from proxy.events import BreakerChanged, ProxyEvent

QUIT_DRAIN_S = 30.0
"""Seconds that requests under way get when the proxy stops."""


class ProxyPhase(str, Enum):
    """What the proxy is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"
    """It should run and does not; `problem` says why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the user should know and can mend."""

    title: str
    """What is wrong, in a few words."""
    text: str
    """The consequence and what to do, plain text."""
    page: str | None = None
    """The id of the page that helps, one of `gui.pages.pages.PAGES`."""


@dataclass(frozen=True, slots=True)
class ProxyState:
    """The state of the proxy as the header shows it."""

    phase: ProxyPhase
    url: str | None = None
    """`http://127.0.0.1:4000` while it listens."""
    problems: tuple[Problem, ...] = ()
    is_demo: bool = False
    """No provider is configured: the embedded demo answers."""
    active_requests: int = 0
    started_at: float | None = None
    """Seconds since the epoch."""
    is_port_in_use: bool = False
    """It does not listen because another program has its port."""


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A configured provider as the page shows it; never holds the key."""

    name: str
    dialect: str
    base_url: str
    key_source: str
    """In words: `in the keyring (openrouter)`, `environment variable OPENROUTER_API_KEY`, `file …`,
    `none needed` or `missing`."""
    key_hint: str
    """`••••` and the last four characters; empty where there is no key."""
    has_key: bool
    problem: str | None = None
    """Why the key cannot be used, or a warning such as: the environment variable is set, but the
    keyring's key is used."""
    can_store_key: bool = True
    """The settings name a keyring entry for it, so a key can be entered here."""


@dataclass(frozen=True, slots=True)
class ProviderDraft:
    """What the user typed to add or change a provider."""

    name: str
    dialect: str
    base_url: str
    key_env: str | None = None
    """Read the key from this environment variable instead of the keyring."""
    needs_key: bool = True
    keep_key: bool = False
    """The user left the key's source as it was: keep what the settings say of it, whatever stands above."""


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One (provider, model) of an alias."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class AliasView:
    """An alias; also what the user typed to add or change one."""

    name: str
    match: tuple[str, ...]
    candidates: tuple[CandidateView, ...]
    falls_back_to_dearer: bool = False


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a model name would resolve to."""

    asked: str
    text: str
    """One sentence, such as `'claude-sonnet-5-5' matches claude-*sonnet* of the alias big →
    openrouter / anthropic/claude-sonnet-4`."""
    is_served: bool


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log event, redacted."""

    at: float
    level: str
    """debug, info, warning, error or critical."""
    component: str
    event: str
    request_id: str | None = None
    conversation_id: str | None = None
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Everything else, each value as text."""
    json: str = ""
    """The line as it stands in the log file."""


@dataclass(frozen=True, slots=True)
class ConnectLines:
    """How to point Claude Code at the proxy; holds the local token, so shown masked and copied on request."""

    shell: SecretStr
    """`export …` lines for a POSIX shell (or `$env:` lines on Windows)."""
    shown: str
    """The same with the token masked."""


# What the desk announces -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProxyStateChanged:
    """The proxy started, stopped, failed, or its problems changed."""

    state: ProxyState


@dataclass(frozen=True, slots=True)
class ProvidersChanged:
    """Providers or their keys changed; ask `providers()`."""


@dataclass(frozen=True, slots=True)
class AliasesChanged:
    """Aliases changed; ask `aliases()`."""


@dataclass(frozen=True, slots=True)
class TokensChanged:
    """Tokens of clients were made or revoked; ask `tokens()`."""


@dataclass(frozen=True, slots=True)
class TokenCreated:
    """The answer to `create_token`: the token, which cannot be shown again."""

    name: str
    value: SecretStr


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Another setting (such as the theme) changed."""


@dataclass(frozen=True, slots=True)
class ActionDone:
    """Something the user asked for worked; a short sentence for the status bar."""

    text: str


@dataclass(frozen=True, slots=True)
class ActionFailed:
    """Something the user asked for did not work."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ProviderTested:
    """The answer to `test_provider`."""

    provider: str
    is_ok: bool
    text: str
    """What was found, in a sentence: `key accepted, $8.50 left of $10.00 (212 ms)` or why not."""


@dataclass(frozen=True, slots=True)
class LogsAppended:
    """New log lines, oldest first; `dropped` counts those that came too fast to keep."""

    lines: tuple[LogLine, ...]
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class ShowWindow:
    """A second start of the program asks for the window."""


DeskEvent: TypeAlias = (
    ProxyStateChanged
    | ProvidersChanged
    | AliasesChanged
    | PricesChanged
    | TokensChanged
    | TokenCreated
    | SettingsChanged
    | ActionDone
    | ActionFailed
    | ProviderTested
    | LogsAppended
    | ShowWindow
    | PermissionsChanged
    | WorkspacesChanged
    | ApprovalsChanged
    | HistoryRead
    | CallTried
    | McpChanged
    | McpTried
    | EarlierRequestsRead
    | ExchangeRead
    | AttemptsRead
    | ProxyEvent
)

DeskListener = Callable[[DeskEvent], None]


class Desk(PermissionDesk, McpDesk, RequestDesk, Protocol):
    """What the window may ask of the program."""

    def subscribe(self, listener: DeskListener) -> Callable[[], None]:
        """Calls `listener` with every event from now on, on the Qt thread; returns the way to end that."""
        ...

    def state(self) -> ProxyState:
        """Returns the state of the proxy."""
        ...

    def start_proxy(self) -> None:
        """Starts listening; answered by ProxyStateChanged."""
        ...

    def use_another_port(self) -> None:
        """Stores a free port in place of the one in use and starts; answered by ProxyStateChanged."""
        ...

    def stop_proxy(self) -> None:
        """Drains running requests and closes the port; answered by ProxyStateChanged."""
        ...

    def quit(self, *, now: bool = False) -> None:
        """Stops the proxy and ends the program; with `now`, or asked again, it waits for no request."""
        ...

    def connect_lines(self) -> ConnectLines:
        """Returns the lines that point Claude Code at the proxy."""
        ...

    def providers(self) -> tuple[ProviderView, ...]:
        """Returns the configured providers in file order."""
        ...

    def save_provider(self, draft: ProviderDraft, *, replaces: str | None) -> str | None:
        """Adds or changes a provider; returns why not, in a sentence, or None when it was taken."""
        ...

    def remove_provider(self, name: str) -> str | None:
        """Removes a provider from the settings (its key stays in the keyring); answers as `save_provider`."""
        ...

    def restore_provider(self, name: str) -> str | None:
        """Puts back the provider removed last under this name, with everything the settings said of it.

        Returns why not, in a sentence, or None when it is back.
        """
        ...

    def store_key(self, provider: str, key: SecretStr) -> None:
        """Puts the key into the OS keyring; answered by ActionDone or ActionFailed, and ProvidersChanged."""
        ...

    def delete_key(self, provider: str) -> None:
        """Takes the key out of the OS keyring; answered likewise."""
        ...

    def test_provider(self, name: str) -> None:
        """Asks the upstream whether it can be reached and takes the key; answered by ProviderTested."""
        ...

    def breakers(self) -> tuple[BreakerChanged, ...]:
        """Returns the models that are left alone now after failures."""
        ...

    def reset_breakers(self, provider: str) -> str | None:
        """Has a provider's models that are left alone tried again; answers as `save_provider`."""
        ...

    def aliases(self) -> tuple[AliasView, ...]:
        """Returns the aliases in file order."""
        ...

    def save_alias(self, alias: AliasView, *, replaces: str | None) -> str | None:
        """Adds or changes an alias; returns why not, in a sentence, or None when it was taken."""
        ...

    def remove_alias(self, name: str) -> str | None:
        """Removes an alias; answers as `save_alias`."""
        ...

    def restore_alias(self, name: str) -> str | None:
        """Puts back the alias that was removed last under this name; answers as `restore_provider`."""
        ...

    def dearer(self, alias: AliasView, *, replaces: str | None) -> tuple[DearerView, ...]:
        """Returns which of an alias's candidates cost more than its first choice, where prices are known."""
        ...

    def resolve(self, model: str) -> Resolution:
        """Says what a model name would resolve to."""
        ...

    def spending(self) -> SpendingView | None:
        """Returns what was spent; None while the proxy does not run."""
        ...

    def tokens(self) -> tuple[TokenView, ...]:
        """Returns the tokens of clients, without the first one."""
        ...

    def create_token(self, draft: TokenDraft) -> str | None:
        """Makes a token; returns why not, in a sentence, or None: TokenCreated or ActionFailed follows."""
        ...

    def revoke_token(self, name: str) -> str | None:
        """Makes a token worthless for ever; returns why not, or None when it was taken."""
        ...

    def log_tail(self) -> tuple[LogLine, ...]:
        """Returns the log lines that are kept, oldest first."""
        ...

    def log_folder(self) -> str:
        """Returns the folder the log file is in."""
        ...

    def theme(self) -> str:
        """Returns `system`, `light` or `dark`."""
        ...

    def set_theme(self, theme: str) -> None:
        """Stores the theme; answered by SettingsChanged."""
        ...
