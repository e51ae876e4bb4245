"""What an MCP server is, how it stands, and what there is to decide about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal

ServerType = Literal["python", "node", "stdio", "http", "sse"]
Permission = Literal["allow", "ask", "deny"]
MAX_RESTARTS = 5
"""So often a server that ends by itself is started again in ten minutes."""


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """What the file says of one tool."""

    is_enabled: bool = True
    permission: Permission | None = None
    """None: as the rules say, else ask."""


@dataclass(frozen=True, slots=True)
class McpServerConfig:
    """One entry of `mcp_servers.yaml`, variables not filled in."""

    name: str
    """Letters, digits, `_` and `-`; the middle of `mcp__name__tool`."""
    type: ServerType
    command: str = ""
    """The program; for `python` and `node` the package, with its version where it is pinned."""
    args: tuple[str, ...] = ()
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """`$VAR`, `${VAR}`, `${VAR:-default}` and `${keyring:name}` stand for what is looked up at each start."""
    cwd: str | None = None
    """None: a private folder of the server's own."""
    python_version: str | None = None
    node_version: str | None = None
    is_enabled: bool = True
    """It starts with Signalbox."""
    health_check: str | None = None
    """A URL that must answer 2xx; None: MCP's own probe."""
    restart: bool = True
    """After it ended by itself."""
    timeout_s: float = 60.0
    """One call may take."""
    start_timeout_s: float = 30.0
    tools: Mapping[str, ToolChoice] = field(default_factory=lambda: MappingProxyType({}))
    """By the tool's own name."""


@dataclass(frozen=True, slots=True)
class Launch:
    """Exactly what would be started, for the approval: names of variables, never their values."""

    server: str
    argv: tuple[str, ...]
    """With the package's version; empty for a remote server."""
    url: str = ""
    environment_names: tuple[str, ...] = ()
    cwd: str = ""
    package: str | None = None
    """`mcp-server-time==2026.1.0`, as it was resolved; None where no package runner is used."""
    digest: str = ""
    """SHA-256 over all of this: what an approval is bound to."""


class ServerPhase(str, Enum):
    """How a server stands."""

    DISABLED = "disabled"
    PENDING = "pending approval"
    REJECTED = "rejected"
    STARTING = "starting"
    CONNECTED = "connected"
    NEEDS_AUTHENTICATION = "needs authentication"
    RESTARTING = "restarting"
    """It ended by itself and is started again after a pause; `attempt` of five."""
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """One tool as its server describes it now."""

    name: str
    """The server's own name for it."""
    full_name: str
    """The lawful name models call: `mcp__server__tool`."""
    description: str
    input_schema: Mapping[str, Any]
    is_enabled: bool
    permission: Permission | None
    tokens: int
    """About what its definition costs in each request."""
    quarantine: Literal["new", "changed"] | None = None
    """Not offered and not called until somebody has looked at what changed."""
    annotations: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ToolChange:
    """A tool's definition as it was approved, and as it is now; invisible characters spelt out."""

    name: str
    before: str
    """Canonical JSON, indented; empty for a new tool."""
    after: str


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server as it is now."""

    name: str
    type: ServerType
    phase: ServerPhase
    reason: str = ""
    """Why, where it is not connected: `exit 1: npx not found; PATH searched: …`."""
    attempt: int = 0
    """Of five restarts."""
    pid: int | None = None
    argv: tuple[str, ...] = ()
    """As started, the program resolved to its real path; secrets are never in it."""
    cwd: str = ""
    url: str = ""
    protocol: str = ""
    """`2025-11-25`, `2026-07-28`."""
    server_info: str = ""
    """Its own name and version."""
    started_at: float | None = None
    """Seconds since the epoch."""
    last_call_at: float | None = None
    restarts: int = 0
    tools: tuple[ToolFacts, ...] = ()
    resources: int = 0
    prompts: int = 0
    launch: Launch | None = None
    """What waits for approval, or what was approved."""
    is_enabled: bool = True
    """It starts with Signalbox; one that does not may run all the same, started by hand."""
    is_traced: bool = False
    """Its messages are kept."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of a server's standard error, or what happened to it."""

    at: float
    kind: Literal["stderr", "lifecycle", "sent", "received"]
    """`sent` and `received` are JSON-RPC messages, kept only while the trace is on."""
    text: str


class McpProblem(Exception):
    """Something about MCP servers that a person must mend; the text names the place and says how."""
