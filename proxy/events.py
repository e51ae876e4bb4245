"""What the proxy announces: frozen facts about requests, for whoever listens.

A listener is a plain function, called on the proxy's own thread: it must be quick and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

Outcome = Literal["ok", "error", "cancelled"]


@dataclass(frozen=True, slots=True)
class RequestStarted:
    """A client's request passed the door and was understood."""

    request_id: str
    at: float
    """Seconds since the epoch."""
    client: str
    conversation_id: str | None
    path: str
    model_asked: str
    stream: bool


@dataclass(frozen=True, slots=True)
class RequestRouted:
    """An attempt at an upstream begins."""

    request_id: str
    alias: str | None
    provider: str
    model: str
    reason: str
    """One sentence for people: why this candidate."""
    losses: tuple[str, ...] = ()
    """What of the request this dialect cannot carry, a sentence each."""
    round: int = 1
    """From 2 on, the model is asked again because tools of Signalbox ran."""


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The first content of the answer left for the client."""

    request_id: str
    after_s: float


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """The request ended, well or not."""

    request_id: str
    at: float
    outcome: Outcome
    status: int
    """HTTP status the client saw; 499 where the client left first."""
    duration_s: float
    first_token_s: float | None = None
    stop_reason: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    input_tokens: int = 0
    """Uncached input tokens, as the Messages API counts them."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = None
    """What the upstream said it cost; None where it says nothing."""
    tool_names: tuple[str, ...] = ()
    """Tools the model called in this answer."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool of Signalbox gave back between two attempts."""

    call_id: str
    tool: str
    text: str
    """Its beginning; redact before showing."""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class UpstreamExchange:
    """One attempt: what an upstream was sent, and what came back; redact before showing."""

    n: int
    """From 1, as the ledger counts attempts."""
    round: int
    """From 2 on, the model was asked again because tools of Signalbox ran."""
    provider: str
    model: str
    reason: str
    """One sentence for people: why this candidate, or why it was not asked."""
    at: float
    """When it began, in seconds since the epoch."""
    duration_s: float = 0.0
    first_byte_s: float | None = None
    """Of the answer's body; None: none came."""
    key: str = ""
    """Which of several keys it was called with, as `key 2 of 3`."""
    dialect: str = ""
    status: int | None = None
    """The upstream's HTTP status; None: it was not asked, or did not answer."""
    outcome: str = "ok"
    """ok, cancelled, or the type of the error."""
    error_message: str = ""
    stop_reason: str | None = None
    input_tokens: int = 0
    """Uncached ones, as the Messages API counts them."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    request: str = ""
    """Empty where nothing was sent, or where `is_dropped`."""
    reply: str = ""
    request_headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Without the key."""
    reply_headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Without cookies."""
    is_cut: bool = False
    """One of the two bodies was longer than is kept."""
    is_dropped: bool = False
    """Its bodies made room for those of later attempts."""
    results: tuple[ToolResult, ...] = ()
    """Of the tools that Signalbox ran after it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Both sides of one request as text, each part cut at a limit; redact before showing."""

    request_id: str
    client_request: str = ""
    client_reply: str = ""
    client_headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Without the credential headers."""
    upstream: tuple[UpstreamExchange, ...] = ()
    """Every attempt, in order."""
    is_cut: bool = False
    """What the client sent or was told was longer than is kept."""


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """A request was turned away at the door: no token, a foreign Host or Origin, a wrong type or size."""

    request_id: str
    at: float
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class BreakerChanged:
    """A candidate is left alone from now on, is probed by one request, or serves everyone again."""

    provider: str
    model: str
    state: Literal["closed", "open", "half_open"]
    reason: str
    """What opened it, for people; empty once it is closed."""
    rest_s: float
    """How long nobody may try it."""


@dataclass(frozen=True, slots=True)
class BudgetReached:
    """What was spent has reached 50, 80 or 100 percent of a budget."""

    kind: Literal["all", "token", "alias"]
    name: str
    """Of the token or alias; empty for everything together."""
    period: Literal["day", "month"]
    percent: int
    spent_micro_usd: int
    limit_micro_usd: int


@dataclass(frozen=True, slots=True)
class SpendingRead:
    """What earlier runs spent was read from the disk; until now only what this one spent was known."""


@dataclass(frozen=True, slots=True)
class ToolDecided:
    """A tool call was judged and, where it was allowed and is ours, run; the audit keeps each of these.

    An answer about a request that came too often is one too: of no call, with the facts as its arguments.
    """

    request_id: str
    at: float
    call_id: str
    """Empty for a request."""
    tool: str
    """`Repeated request` for a request."""
    arguments: str
    """As JSON text, cut at a limit; redact before showing."""
    runner: str
    """Who runs it: `client`, `signalbox` or `mcp:NAME`."""
    decision: Literal["allow", "deny"]
    """What it came to."""
    reason: str
    rule: str | None
    source: str | None
    """Where the rule is from."""
    decided_by: str
    """`rule`, `mode`, `user (window)`, `user (command line)`, `expiry`, `headless` …"""
    conversation_id: str | None = None
    client: str = ""
    workspace: str | None = None
    ran: bool = False
    is_error: bool = False
    exit_code: int | None = None
    result_bytes: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """A call waits for the user; ask the list of approvals for it."""

    approval_id: str
    request_id: str
    tool: str


@dataclass(frozen=True, slots=True)
class ApprovalEnded:
    """A call waits no more."""

    approval_id: str
    request_id: str
    tool: str
    decision: Literal["allow", "deny"]
    by: str
    """`window`, `notification`, `command line`, `expiry`, `client left`."""


RequestEvent: TypeAlias = (
    RequestStarted | RequestRouted | FirstToken | RequestFinished | Exchange | RequestRefused
)
"""What happens to one request; `request_id` says to which."""

ProxyEvent: TypeAlias = (
    RequestEvent | BreakerChanged | BudgetReached | SpendingRead | ToolDecided | ApprovalAsked | ApprovalEnded
)

EventSink = Callable[[ProxyEvent], None]
"""Takes an event; must not block or raise."""
