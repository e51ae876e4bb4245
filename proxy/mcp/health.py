"""Asks a server that nobody uses whether it still lives."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from proxy.mcp.remote import probe_url
from proxy.mcp.surroundings import Sleep
from proxy.mcp.values import McpProblem, McpServerConfig

if TYPE_CHECKING:
    from proxy.mcp.session import Session

IDLE_S = 30.0
PROBE_TIMEOUT_S = 10.0
_TRIES = 2
_BETWEEN_TRIES_S = 5.0


class Health:
    """When a server was used last, and whether it answers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used_at = clock()
        self._in_use = 0

    @contextmanager
    def in_use(self) -> Generator[None, None, None]:
        """Keeps probes away while a call runs: some servers do one thing at a time."""
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1
            self._used_at = self._clock()

    @property
    def is_idle(self) -> bool:
        """Nobody used it for 30 s."""
        return not self._in_use and self._clock() - self._used_at >= IDLE_S

    async def watch(
        self, session: Session, config: McpServerConfig, sleep: Sleep, *, on_well: Callable[[], None]
    ) -> str:
        """Probes whenever it is idle; returns why it is given up once it does not answer.

        Args:
            session: Whom to ask.
            config: Where to ask, and by which address.
            sleep: How to wait.
            on_well: Called after each answer.
        """
        failures = 0
        while True:
            await sleep(_BETWEEN_TRIES_S if failures else IDLE_S)
            if not self.is_idle:
                failures = 0
                continue
            problem = await _problem(session, config)
            if problem is None:
                failures = 0
                self._used_at = self._clock()
                on_well()
                continue
            failures += 1
            if failures >= _TRIES:
                return f"it does not answer any more: {problem}"


async def _problem(session: Session, config: McpServerConfig) -> str | None:
    if config.health_check:
        return await probe_url(config.health_check, PROBE_TIMEOUT_S)
    try:
        await session.probe(PROBE_TIMEOUT_S)
    except McpProblem as problem:
        return str(problem)
    return None
