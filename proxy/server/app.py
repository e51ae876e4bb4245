"""The HTTP server: binds the port, leads each request through the door to its handler, closes in order."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import structlog
from aiohttp import web

from proxy.config import ProxyConfig
from proxy.context import LOCAL_TOKEN, NewId, Owner, RequestContext
from proxy.events import BreakerChanged, EventSink, RequestRefused, ToolDecided
from proxy.ids import new_id
from proxy.messages.errors import ApiError, ClientError, ErrorType, forget_frames
from proxy.messages.message import JsonObject
from proxy.permissions.approval import ApprovalAnswer, ApprovalRequest
from proxy.permissions.values import Mode, ToolCall, Verdict
from proxy.routing.budgets import all_limits
from proxy.server import door
from proxy.server.call import Call
from proxy.server.connection import ConnectionGuard, GuardedConnection, GuardedServer
from proxy.server.handlers import HANDLERS
from proxy.server.hints import read_hints
from proxy.server.large_body import FORM_OVERHEAD_BYTES
from proxy.server.limits import Limits
from proxy.server.mcp_message import MAX_BYTES as MAX_MCP_BYTES
from proxy.server.responses import error_response
from proxy.server.routes import PUBLIC, match
from proxy.server.running import Running
from proxy.service.batch_body import MAX_BATCH_BYTES
from proxy.service.batch_message import BatchMessages
from proxy.service.batch_worker import Means
from proxy.service.connections import Connections, UpstreamFactory, preload, upstream_of
from proxy.service.count_tokens import models_counted_first
from proxy.service.health import Health
from proxy.service.ledger import Ledger, Spending
from proxy.service.loop_guard import LoopGuard
from proxy.service.mcp_door import McpDoor
from proxy.service.messages import MessagesService
from proxy.service.model_facts import ModelFacts
from proxy.service.record import Announcer
from proxy.service.storage import LazyStorage, Storage, StorageConfig
from proxy.service.sub_conversations import SubConversations
from proxy.service.tool_desk import Clocks, Host, ToolDesk
from proxy.tasks import spawn
from proxy.tools.catalogue import Catalogue as ToolCatalogue
from proxy.upstreams.catalogue import Catalogue

if TYPE_CHECKING:  # they load SQLAlchemy and MCP, which the program's start must not wait for
    from proxy.mcp.supervisor import Supervisor
    from proxy.store.decisions import DecisionStore
    from proxy.store.ledger import LedgerStore

_log = structlog.get_logger("proxy.server")

_LOOPBACK = "127.0.0.1"
_BATCH_GRACE_S = 5.0
"""What requests of batches get to end at a stop; the others are run again after the next start."""
_BODILESS = frozenset({"/v1/messages/batches/{id}/cancel"})
_PRELOAD_AFTER_S = 0.1
"""What a request needs beyond the program itself is loaded so long after the port is open."""
_CANCEL_S = 1.0
"""How long cancelled requests and their connections get to end."""


class ProxyServer:
    """The proxy as it listens. Make it, `start` it, `apply` changed settings, `stop` it."""

    def __init__(  # noqa: PLR0913 - what tests hand in comes by name
        self,
        config: ProxyConfig,
        emit: EventSink,
        *,
        host: Host,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,  # noqa: TID251 - the real clock is handed in here
        new_id: NewId = new_id,
        limits: Limits | None = None,
        make_upstream: UpstreamFactory | None = None,
        storage: StorageConfig | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._config = config
        self._new_id = new_id
        self._limits = limits or Limits()
        facts = ModelFacts(catalogue)
        self._ledger = Ledger(
            config,
            price_of=facts.price_of,
            wall_clock=wall_clock,
            open_store=None if storage is None else self._open_ledger,
            emit=emit,
        )
        clocks = Clocks(clock, wall_clock, new_id)
        self._desk = ToolDesk(
            config,
            host,
            emit,
            clocks,
            None if storage is None else self._open_audit,
            SubConversations(lambda: self._service, lambda: self._announcer, new_id).run,
        )
        self._mcp = McpDoor(self._desk, new_id, clock, host.redact)
        self._loop_guard = LoopGuard(self._desk.asking, clocks, facts.price_of, self._desk.note)
        self._announcer = Announcer(emit, clock, wall_clock, config.capture_bytes, self._ledger.book)
        self._failed_tokens = door.FailedTokens(self._limits, clock)
        self._connections = Connections(make_upstream or upstream_of)
        self._catalogue = catalogue
        self._health = Health(emit, clock, random.random)
        self._service: MessagesService = MessagesService(
            config, self._connections, new_id, self._health, facts, ledger=self._ledger, tools=self._desk.door
        )
        batched = BatchMessages(lambda: self._service, lambda: self._announcer, self._with_files)
        means = Means(batched, batched.provider_of, wall_clock, new_id, may_begin=batched.may_begin)
        self._storage = None if storage is None else LazyStorage(storage, means)
        max_file_bytes = 0 if storage is None else storage.rules.max_file_bytes + FORM_OVERHEAD_BYTES
        self._bodies = {
            "/v1/messages/batches": (MAX_BATCH_BYTES, door.JSON),
            "/v1/files": (max_file_bytes, door.FORM),
            "/mcp": (MAX_MCP_BYTES, door.JSON),
        }
        self._guard = ConnectionGuard(self._limits, new_id, self._refused)
        self._http: GuardedServer | None = None
        self._listening: list[asyncio.Server] = []
        self._port = 0
        self._preloading: asyncio.TimerHandle | None = None
        self._active = Running()

    @property
    def active_requests(self) -> int:
        """How many requests are being answered now; a stream on which a client only listens is none."""
        return max(0, len(self._active) - len(self._mcp.changes))

    async def start(self) -> str:
        """Binds the port and returns the address to give to clients.

        Raises:
            OSError: The port cannot be bound; `errno.EADDRINUSE` where another program has it.
            StoreError: There are budgets, and another program has the data folder.
        """
        server, loop = self._config.server, asyncio.get_running_loop()
        if self._storage is not None:
            await self._storage.claim(is_needed=bool(all_limits(self._config)))
        await self._desk.begin()
        self._http = GuardedServer(self._answer, self._guard)
        try:
            self._listening = [await loop.create_server(self._http, server.host, server.port)]
        except BaseException:
            await self.stop(0.0)  # what has begun by now, such as the claim on the data folder
            raise
        self._port = self._listening[0].sockets[0].getsockname()[1]
        if server.host == _LOOPBACK:
            await self._listen_on_ipv6(loop, self._http)
        if self._storage is not None:
            self._storage.begin()
            self._ledger.begin()
        # Its imports take the interpreter from whoever waits for the address; a request does not wait for it.
        self._preloading = loop.call_later(_PRELOAD_AFTER_S, self._preload)
        return f"http://{_shown_host(server.host)}:{self._port}"

    @property
    def shares_folder(self) -> bool:
        """Another program has the data folder: nothing is kept, and there can be no budgets."""
        return self._storage is not None and self._storage.is_shared

    async def stop(self, drain_s: float = 30.0) -> None:
        """Closes the port, lets running requests finish for `drain_s` seconds, then ends them and says so.

        Called again meanwhile it ends them at once; the first call then goes on.
        """
        listening, self._listening = self._listening, []
        http, self._http = self._http, None
        if self._preloading is not None:
            self._preloading.cancel()
        for server in listening:
            server.close()
        if http is None:
            self._active.cut()
            return
        http.pre_shutdown()
        self._mcp.close()
        await self._active.drain(max(drain_s, 0.001))
        self._active.cut()
        await http.shutdown(_CANCEL_S)
        for server in listening:
            await server.wait_closed()
        self._guard.close()
        if self._storage is not None:
            await self._storage.close(min(drain_s, _BATCH_GRACE_S), self._flush)
        await self._ledger.close()
        await self._desk.close()
        await self._connections.aclose()
        if self._catalogue is not None:
            await self._catalogue.aclose()

    def apply(self, config: ProxyConfig) -> None:
        """Uses other providers, aliases and tokens from the next request on; the port stays as it is."""
        self._config = config
        self._desk.apply(config)
        self._mcp.rules_changed()
        self._service = replace(self._service, config=config, tools=self._desk.door)
        self._announcer = replace(self._announcer, capture_limit_bytes=config.capture_bytes)
        self._ledger.apply(config)
        self._health.apply(config.providers)
        self._service.counter.forget_failures()
        if self._catalogue is not None:
            self._catalogue.retain(config.providers.values())
        spawn(self._connections.retire_others(config.providers), name="close upstreams no longer configured")
        self._preload()

    def spending(self) -> Spending:
        """Returns what was spent today and this month, and how the budgets stand."""
        return self._ledger.spending()

    def use_mcp(self, servers: Supervisor) -> None:
        """Offers the MCP servers' tools as they are now; to be called after every change of theirs."""
        self._desk.use_mcp(servers)
        self._mcp.servers_changed()

    def breakers(self) -> tuple[BreakerChanged, ...]:
        """Returns how the candidates stand that are left alone now."""
        return self._health.breakers()

    def reset_breakers(self, provider: str, model: str | None = None) -> int:
        """Lets a provider's candidates, or one of them, be tried again at once; returns how many rested."""
        return self._health.reset(provider, model)

    @property
    def tools(self) -> ToolCatalogue:
        """The tools that Signalbox can run."""
        return self._desk.catalogue

    def approvals(self) -> tuple[ApprovalRequest, ...]:
        """Returns the calls that wait for the user, oldest first."""
        return self._desk.approvals()

    def answer_approval(self, approval_id: str, digest: str, answer: ApprovalAnswer) -> ApprovalRequest:
        """Gives the answer to a call that waits; AnswerRefused where it waits no more or is another one."""
        return self._desk.answer_approval(approval_id, digest, answer)

    async def try_call(
        self, call: ToolCall, workspace: str | None, mode: Mode | None
    ) -> tuple[Verdict, str | None] | str:
        """Returns a call's verdict and the rule that would allow it, or why it cannot be judged there."""
        return await self._desk.try_call(call, workspace, mode)

    async def decisions(self, text: str = "", limit: int = 500) -> Sequence[ToolDecided]:
        """Returns past decisions that hold the text, newest first; none where the store cannot be read."""
        return await self._desk.decisions(text, limit)

    async def decisions_of(self, request_id: str) -> Sequence[ToolDecided]:
        """Returns the decisions about one request's calls, in order; none where the store cannot be read."""
        return await self._desk.decisions_of(request_id)

    async def describe_sandbox(self) -> str:
        """Says what holds commands here."""
        return await self._desk.describe_sandbox()

    def _preload(self) -> None:
        """Makes ready in the background what the first request needs, so that it does not wait."""
        for provider in {each.dialect: each for each in self._config.providers.values()}.values():
            spawn(asyncio.to_thread(preload, provider), name="preload an upstream's client")
        self._service.counter.preload(models_counted_first(self._config))

    async def _listen_on_ipv6(self, loop: asyncio.AbstractEventLoop, http: GuardedServer) -> None:
        """`localhost` may mean ::1 first; where that cannot be had, clients fall back to 127.0.0.1."""
        try:
            self._listening.append(await loop.create_server(http, "::1", self._port))
        except OSError as exc:
            _log.debug("no_ipv6_loopback", reason=str(exc))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = cast("GuardedConnection", request.protocol)
        task = self._active.begins()
        protocol.state.request_begins()
        try:
            return await self._lead(request, protocol)
        finally:
            protocol.state.request_ends(asyncio.get_running_loop().time())
            self._active.ends(task)

    async def _lead(self, request: web.BaseRequest, protocol: GuardedConnection) -> web.StreamResponse:
        """The middleware: whatever happens, the client gets an answer in the API's shape or a closed line."""
        call = self._call(request, protocol)
        failure: BaseException | None = None
        status = 500
        try:
            response = await self._through_the_door(call)
            status = response.status
        except ApiError as error:
            response, status = await self._told(call, error), error.status
            forget_frames(error)
        except (asyncio.CancelledError, ConnectionError) as exc:
            told = await self._active.tell_cut(call, self._told)
            if told is None:
                failure = exc
                raise
            response, status = told
        except Exception as exc:  # noqa: BLE001 - the HTTP middleware: our bug becomes a 500, not a dead connection
            failure = exc
            _log.error("request_failed", exc_info=exc)
            bug = ApiError(ErrorType.API, "An error inside Signalbox; its log says more.")
            if call.stream is not None and call.stream.has_begun:
                response = await call.stream.fail({**bug.body(call.context.request_id)})
            else:
                response = await self._told(call, bug)
        finally:
            if call.record is not None:
                call.record.finish(status, failure)
            failure = None  # its traceback holds this frame: neither would go before the collector comes
        return response

    def _call(self, request: web.BaseRequest, protocol: GuardedConnection) -> Call:
        headers = request.headers
        hints = read_hints(headers)
        conversation_id = headers.get("X-Claude-Code-Session-Id")
        if conversation_id is not None:
            hints["conversation_id"] = conversation_id
        context = RequestContext(
            request_id=self._new_id("req_"),
            client=door.client_of(headers),
            path=request.raw_path.partition("?")[0],
            **hints,
        )
        structlog.contextvars.bind_contextvars(request_id=context.request_id, client=context.client, **hints)
        return Call(
            request, context, protocol.state, self._config, self._service, self._announcer, self._limits,
            self._open_storage, self._mcp, self._loop_guard,
        )  # fmt: skip

    async def _open_storage(self) -> Storage:
        if self._storage is None:
            raise ClientError(ErrorType.NOT_FOUND, "This server keeps no batches and no files.")
        return await self._storage.get()

    async def _open_ledger(self) -> LedgerStore:
        return (await self._open_storage()).ledger

    async def _open_audit(self) -> DecisionStore:
        return (await self._open_storage()).decisions

    async def _flush(self) -> None:
        await self._desk.flush()
        await self._ledger.flush()

    async def _with_files(self, body: JsonObject, owner: Owner) -> JsonObject:
        return await (await self._open_storage()).files.in_place(body, owner)

    async def _through_the_door(self, call: Call) -> web.StreamResponse:
        """The order matters: a stranger never causes body parsing."""
        request, server = call.request, call.config.server
        head = door.Head(request.method, request.raw_path, request.headers)
        door.check_framing(head)
        door.check_host(head, server, self._port)
        door.check_origin(head)
        if (request.method, request.raw_path) not in PUBLIC:
            token_name = door.check_token(head, server)
            if token_name != LOCAL_TOKEN:
                call.context = replace(call.context, token_name=token_name)
            call.connection.is_known = True
        found = match(request.method, request.raw_path)
        if request.method == "POST" and found.path not in _BODILESS:
            door.check_body_head(head, *self._bodies.get(found.path, (server.max_body_bytes, door.JSON)))
        return await HANDLERS[found.path](call, found)

    async def _told(self, call: Call, error: ApiError) -> web.StreamResponse:
        """Returns the answer for an error; one told before the request was understood is a refusal."""
        response = error_response(error, call.context.request_id)
        if call.record is not None:
            call.record.error = error
            response.headers.update(call.record.answer_headers)
            call.record.client_told(_bytes(response))
            return response
        self._refused(call.context.request_id, error)
        response.force_close()  # whatever else comes on this connection may be part of what was refused
        if error.type is ErrorType.AUTHENTICATION:
            delay = self._failed_tokens.delay_s()
            if delay:
                await asyncio.sleep(delay)
        return response

    def _refused(self, request_id: str, error: ApiError) -> None:
        announcer = self._announcer
        announcer.emit(RequestRefused(request_id, announcer.wall_clock(), error.status, error.message))
        _log.info("request_refused", request_id=request_id, status=error.status, reason=error.message)


def _bytes(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""


def _shown_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
