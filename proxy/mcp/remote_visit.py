"""A visit to a remote server for one request: connected, asked for its tools, called, and left again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from mcp.client.streamable_http import streamable_http_client

from proxy.mcp.logs import ServerLog
from proxy.mcp.remote import MAX_ANSWER_BYTES, RemoteWatch, check_address, http_client
from proxy.mcp.results import CallResult
from proxy.mcp.session import Session, connected
from proxy.mcp.tools import McpTool, lawful_names, tool_of
from proxy.mcp.values import McpProblem
from proxy.tasks import spawn

_log = structlog.get_logger("proxy.mcp")

OPEN_S = 15.0
CALL_S = 60.0
MAX_TOOLS = 256


class RemoteVisit:
    """One remote server while a request lasts. The SDK's scopes belong to the task that opened them: ours."""

    def __init__(self, url: str, label: str, token: str | None, wall_clock: Any = None) -> None:
        """Makes the visit; nothing is sent yet.

        Args:
            url: Where the server is; the caller has seen that it may be asked.
            label: Stands for it in its tools' names.
            token: Sent as `Authorization: Bearer`.
            wall_clock: Seconds since the epoch, for its log; None: it keeps no times.
        """
        self._url = url
        self._label = label
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._log = ServerLog(wall_clock or (lambda: 0.0))
        self._watch = RemoteWatch()
        self._session: Session | None = None
        self._is_open = asyncio.Event()
        self._over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._problem: BaseException | None = None
        self.tools: tuple[McpTool, ...] = ()
        """Its tools, under lawful names."""

    async def open(self) -> None:
        """Connects and asks for its tools.

        Raises:
            McpProblem: It cannot be used.
        """
        await check_address(self._url)
        self._life = spawn(self._live(), name="visit an MCP server")
        opening = spawn(self._is_open.wait(), name="await an MCP server")
        try:
            await asyncio.wait({self._life, opening}, timeout=OPEN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            opening.cancel()
        if self._session is None:
            raise McpProblem(self._why())

    async def aclose(self) -> None:
        """Leaves the server."""
        self._over.set()
        life = self._life
        if life is not None:
            done, _ = await asyncio.wait({life}, timeout=2.0)
            if not done:
                life.cancel()
                await asyncio.wait({life})

    async def _call(self, server: str, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        del server
        session = self._session
        if session is None or self._over.is_set():
            raise McpProblem(self._why())
        return await session.call(tool, arguments, CALL_S)

    async def _live(self) -> None:
        """The whole life of the connection; what is raised in there becomes a value."""
        (outcome,) = await asyncio.gather(self._visit(), return_exceptions=True)
        self._session = None
        if isinstance(outcome, BaseException):
            self._problem = outcome
            _log.info("mcp_visit_failed", server=self._label, reason=self._why())

    async def _visit(self) -> None:
        client = await http_client(self._headers, self._watch)
        transport = streamable_http_client(self._url, http_client=client, max_sse_event_size=MAX_ANSWER_BYTES)
        async with (
            client,
            connected(transport, self._log, lambda _: None, timeout_s=OPEN_S) as session,
        ):
            said = await session.said()
            raw = {str(each.get("name", "")): each for each in said.tools[:MAX_TOOLS]}
            names = lawful_names(self._label, raw)
            self.tools = tuple(
                tool_of(self._label, full, raw[own], self._call) for own, full in names.items()
            )
            self._session = session
            self._is_open.set()
            await self._over.wait()

    def _why(self) -> str:
        watch = self._watch
        return watch.refusal or watch.trouble or _reason(self._problem) or "it did not answer in time"


def _reason(problem: BaseException | None) -> str:
    """The innermost reason: the SDK raises groups."""
    while problem is not None and getattr(problem, "exceptions", None):
        problem = getattr(problem, "exceptions")[0]  # noqa: B009 - groups are no builtin in Python 3.10
    return "" if problem is None else str(problem)[:300] or type(problem).__name__
