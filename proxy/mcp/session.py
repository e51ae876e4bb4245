"""Speaks MCP with one server by the official SDK's client, in both eras of the protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, cast

import anyio
import mcp_types
from mcp.client._transport import Transport
from mcp.client.client import Client
from mcp.client.session import IncomingMessage
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from proxy.mcp.logs import ServerLog
from proxy.mcp.pins import Said
from proxy.mcp.results import CallResult
from proxy.mcp.tap import RawAnswers, tapped
from proxy.mcp.values import McpProblem

MAX_PAGES = 100
MAX_TOOLS = 2000
_TOOLS = "tools/list"
_OPENING = ("initialize", "server/discover")
_WIRE: Any = TypeAdapter(dict[str, Any])
Listed = Literal["resources", "resourceTemplates", "prompts"]
Changed = Literal["tools", "resources", "prompts"]


class ProtocolProblem(McpProblem):
    """The server answered with an error, not in time, or with what is no answer."""


class ConnectionLost(ProtocolProblem):
    """There is no connection any more."""


class Session:
    """One connected server."""

    def __init__(self, client: Client, raw: RawAnswers) -> None:
        self._client = client
        self._raw = raw

    @property
    def protocol(self) -> str:
        """The version both speak: `2025-11-25`."""
        return self._client.protocol_version

    @property
    def is_modern(self) -> bool:
        """It has no sessions and no ping."""
        return self.protocol in MODERN_PROTOCOL_VERSIONS

    @property
    def server_info(self) -> str:
        """Its own name and version."""
        info = self._client.server_info
        return "" if info is None else f"{info.name} {info.version}".strip()[:200]

    @property
    def capabilities(self) -> mcp_types.ServerCapabilities:
        """What it can do."""
        return self._client.server_capabilities

    async def said(self) -> Said:
        """Returns what it says of itself now: instructions, and every tool's complete raw object.

        Raises:
            ProtocolProblem: It could not be had.
        """
        tools: list[Mapping[str, Any]] = []
        if self.capabilities.tools is not None:
            cursor: str | None = None
            for _ in range(MAX_PAGES):
                self._raw.newest.pop(_TOOLS, None)
                page = await _answer(
                    self._client.session.list_tools(params=_page(cursor)), "its list of tools"
                )
                tools.extend(_objects(self._raw.newest.get(_TOOLS, {}).get("tools")))
                cursor = page.next_cursor
                if cursor is None or len(tools) >= MAX_TOOLS:
                    break
        return Said(self._instructions(), tuple(tools[:MAX_TOOLS]))

    def _instructions(self) -> str:
        return self._client.instructions or ""

    async def call(self, tool: str, arguments: Mapping[str, Any], timeout_s: float) -> CallResult:
        """Calls a tool.

        Raises:
            ProtocolProblem: There is no result.
        """
        params = mcp_types.CallToolRequestParams(name=tool, arguments=dict(arguments))
        request = mcp_types.CallToolRequest(params=params)
        wire = await self._raw_answer(request, f"the call of {tool}", timeout_s)
        return CallResult(
            tuple(_objects(wire.get("content"))), wire.get("structuredContent"), bool(wire.get("isError"))
        )

    async def _raw_answer(
        self, request: mcp_types.ClientRequest, what: str, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """Returns the result of a request as it stands on the wire.

        The SDK's own `call_tool` would also hold results against the server's output schema: on the loop's
        thread, and with patterns that the server chose. Nobody here trusts a result for having a shape.

        Raises:
            ProtocolProblem: There is none.
        """
        send = self._client.session.send_request
        wire = await _answer(send(request, _WIRE, request_read_timeout_seconds=timeout_s), what)
        if wire.get("resultType") == "input_required":
            raise ProtocolProblem(
                f"{what} failed: the server asks for more input, which it does not get here"
            )
        return wire

    async def list_all(self, what: Listed) -> tuple[Mapping[str, Any], ...]:
        """Returns all of a kind.

        Raises:
            ProtocolProblem: It could not be had.
        """
        capabilities = self.capabilities
        if (capabilities.prompts if what == "prompts" else capabilities.resources) is None:
            return ()
        found: list[Mapping[str, Any]] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = _wire(await _answer(self._list(what, cursor), f"its list of {what}"))
            found.extend(_objects(page.get(what)))
            cursor = page.get("nextCursor")
            if cursor is None or len(found) >= MAX_TOOLS:
                break
        return tuple(found[:MAX_TOOLS])

    async def _list(self, what: Listed, cursor: str | None) -> Any:
        session, params = self._client.session, _page(cursor)
        if what == "prompts":
            return await session.list_prompts(params=params)
        if what == "resources":
            return await session.list_resources(params=params)
        return await session.list_resource_templates(params=params)

    async def read_resource(self, uri: str) -> Mapping[str, Any]:
        """Returns the result of `resources/read`.

        Raises:
            ProtocolProblem: There is none.
        """
        params = mcp_types.ReadResourceRequestParams(uri=uri)
        return await self._raw_answer(mcp_types.ReadResourceRequest(params=params), f"reading {uri}")

    async def get_prompt(self, name: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
        """Returns the result of `prompts/get`.

        Raises:
            ProtocolProblem: There is none.
        """
        params = mcp_types.GetPromptRequestParams(name=name, arguments=dict(arguments))
        return await self._raw_answer(mcp_types.GetPromptRequest(params=params), f"the prompt {name}")

    async def probe(self, timeout_s: float) -> None:
        """Asks whether it lives: ping, or server/discover where there is no ping.

        Raises:
            ProtocolProblem: It does not answer.
        """
        session = self._client.session
        if self.is_modern:
            await _answer(session.send_discover(self.protocol), "the health probe")
            return
        request = mcp_types.PingRequest(params=mcp_types.RequestParams())
        await _answer(
            session.send_request(request, mcp_types.EmptyResult, request_read_timeout_seconds=timeout_s),
            "the health probe",
        )

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[Any, None]:
        """Opens the stream of changes that servers of the newer era have."""
        capabilities = self.capabilities
        async with self._client.listen(
            tools_list_changed=capabilities.tools is not None,
            prompts_list_changed=capabilities.prompts is not None,
            resources_list_changed=capabilities.resources is not None,
        ) as subscription:
            yield subscription


@asynccontextmanager
async def connected(
    transport: Transport,
    log: ServerLog,
    on_change: Callable[[Changed], None],
    *,
    timeout_s: float,
    is_legacy: bool = False,
) -> AsyncGenerator[Session, None]:
    """Connects over a transport and agrees on the era; leaving closes the transport.

    Args:
        transport: How it is reached.
        log: Where the trace goes.
        on_change: Told when it says that a list changed.
        timeout_s: How long any answer but a call's may take.
        is_legacy: Do not ask for the newer era first.

    Raises:
        MCPError: They could not agree, or it ended.
    """
    raw = RawAnswers(_TOOLS, *_OPENING)

    def heard(direction: Literal["sent", "received"], message: SessionMessage) -> None:
        raw.hear(direction, message)
        if log.is_traced:
            log.trace(direction, message.message.model_dump_json(by_alias=True, exclude_unset=True))

    async def handle(message: IncomingMessage) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            on_change("tools")
        elif isinstance(message, mcp_types.ResourceListChangedNotification):
            on_change("resources")
        elif isinstance(message, mcp_types.PromptListChangedNotification):
            on_change("prompts")

    client = Client(
        tapped(transport, heard),
        read_timeout_seconds=timeout_s,
        message_handler=handle,
        client_info=mcp_types.Implementation(name="Signalbox", version="1"),
        mode="legacy" if is_legacy else "auto",
        cache=None,
    )
    async with client:
        yield Session(client, raw)


async def _answer(work: Any, what: str) -> Any:
    """Returns the answer to a request.

    Raises:
        ProtocolProblem: There is none.
    """
    try:
        return await work
    except MCPError as error:
        kind = ConnectionLost if error.code == mcp_types.CONNECTION_CLOSED else ProtocolProblem
        raise kind(_said_of(error, what)) from error
    except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
        raise ConnectionLost(f"{what} failed: the connection was closed") from error
    except ValidationError as error:
        raise ProtocolProblem(f"{what} failed: the answer is not as the protocol wants it") from error
    except (RuntimeError, ValueError) as error:
        raise ProtocolProblem(f"{what} failed: {str(error)[:500]}") from error


def _said_of(error: MCPError, what: str) -> str:
    if error.code == mcp_types.CONNECTION_CLOSED:
        return f"{what} failed: the server ended, or closed the connection"
    if error.code == mcp_types.REQUEST_TIMEOUT:
        return f"{what} failed: the server did not answer in time"
    return f"{what} failed: {error.error.message[:1000]} ({error.code})"


def _page(cursor: str | None) -> mcp_types.PaginatedRequestParams | None:
    return None if cursor is None else mcp_types.PaginatedRequestParams(cursor=cursor)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    found = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, Any]", each) for each in found if isinstance(each, Mapping)]


def _wire(result: Any) -> dict[str, Any]:
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)
