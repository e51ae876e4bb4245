"""How one server stands, told to whoever listens when it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.mcp.values import Launch, McpServerConfig, ServerPhase, ServerStatus, ToolFacts


def start_of(config: McpServerConfig) -> tuple[Any, ...]:
    """Returns what of an entry makes its start: where that changes, the server starts again."""
    return (
        config.type,
        config.command,
        config.args,
        config.url,
        dict(config.headers),
        dict(config.environment),
        config.cwd,
        config.python_version,
        config.node_version,
    )


class State:
    """The state of one server."""

    def __init__(self, config: McpServerConfig, emit: Callable[[], None]) -> None:
        self.config = config
        self._emit = emit
        self.phase = ServerPhase.STARTING if config.is_enabled else ServerPhase.DISABLED
        self.reason = ""
        self.attempt = 0
        self.pid: int | None = None
        self.argv: tuple[str, ...] = ()
        self.cwd = ""
        self.protocol = ""
        self.server_info = ""
        self.started_at: float | None = None
        self.last_call_at: float | None = None
        self.restarts = 0
        self.resources = 0
        self.prompts = 0

    def set(self, phase: ServerPhase, reason: str = "") -> None:
        """Enters a phase; what was true of a running server is forgotten when it does not run."""
        if phase not in {ServerPhase.CONNECTED, ServerPhase.STARTING, ServerPhase.STOPPING}:
            self.pid, self.started_at = None, None
            self.protocol, self.server_info = "", ""
            self.resources = self.prompts = 0
        if phase not in {ServerPhase.STARTING, ServerPhase.RESTARTING}:
            self.attempt = 0
        if (phase, reason) != (self.phase, self.reason):
            self.phase, self.reason = phase, reason
            self._emit()

    def restarting(self, attempt: int, reason: str) -> None:
        """Notes that it ended by itself and is started again."""
        self.restarts += 1
        self.set(ServerPhase.RESTARTING, reason)
        self.attempt = attempt
        self._emit()

    def changed(self) -> None:
        """Tells whoever listens that something else changed."""
        self._emit()

    def status(self, launch: Launch | None, tools: tuple[ToolFacts, ...], *, is_traced: bool) -> ServerStatus:
        """Returns it as a value."""
        return ServerStatus(
            self.config.name,
            self.config.type,
            self.phase,
            self.reason,
            self.attempt,
            self.pid,
            self.argv,
            self.cwd,
            self.config.url,
            self.protocol,
            self.server_info,
            self.started_at,
            self.last_call_at,
            self.restarts,
            tools,
            self.resources,
            self.prompts,
            launch,
            is_enabled=self.config.is_enabled,
            is_traced=is_traced,
        )
