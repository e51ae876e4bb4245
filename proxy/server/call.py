"""One request on its way through the server: what every handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from proxy.config import ProxyConfig
from proxy.context import Owner, RequestContext
from proxy.routing.token_limits import owner_of
from proxy.server.connection import ConnectionState
from proxy.server.limits import Limits
from proxy.server.sse_response import SseResponse
from proxy.service.loop_guard import LoopGuard
from proxy.service.mcp_door import McpDoor
from proxy.service.messages import MessagesService
from proxy.service.record import Announcer, RequestRecord
from proxy.service.storage import Storage

WORKSPACE_HEADER = "X-Signalbox-Workspace"
"""Names the workspace that a request's tools work in."""


@dataclass(slots=True)
class Call:
    """One request on its way through the server."""

    request: web.BaseRequest
    context: RequestContext
    connection: ConnectionState
    config: ProxyConfig
    service: MessagesService
    announcer: Announcer
    limits: Limits
    storage: Callable[[], Awaitable[Storage]]
    """Opens what is behind batches and files; raises ApiError where it cannot be had."""
    mcp: McpDoor
    guard: LoopGuard
    record: RequestRecord | None = None
    """Exists once the request was understood; what fails before was refused."""
    stream: SseResponse | None = None
    """The answer, where it is streamed."""

    @property
    def owner(self) -> Owner:
        """Whose batches and files it may have to do with."""
        return owner_of(self.config, self.context.token_name)
