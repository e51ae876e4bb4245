"""The API's own tools `web_search` and `web_fetch`, run by Signalbox: declared to the upstream as functions.

Who searches: the engine that the settings configure, else the upstream's own where each candidate has one,
else the keyless engine. A page is fetched by the upstream where each candidate is an Anthropic-compatible one
and the settings do not name an engine, else by Signalbox.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from proxy.config import ProviderConfig, SearchConfig
from proxy.dialects.loose_json import as_object
from proxy.dialects.own_calls import SERVER_MARK, call_id_of, shown_id
from proxy.dialects.profiles import Profile
from proxy.dialects.web_results import FETCH_RESULT, SEARCH_RESULT
from proxy.messages.message import JsonObject
from proxy.messages.request import (
    ContentBlockParam,
    MessagesRequest,
    OtherBlock,
    ToolParam,
    ToolResultParam,
)
from proxy.messages.wire import write_json
from proxy.permissions.values import ToolCall
from proxy.service.own_tools import ModelCall
from proxy.tools.base import Tool, ToolOutput

WebTool = Literal["web_search", "web_fetch"]
UrlSource = Literal["user_input", "client_tool_results", "server_tool_results"]
URL_SOURCES: tuple[UrlSource, ...] = ("user_input", "client_tool_results", "server_tool_results")
UNUSED_SETTINGS = ("user_location", "response_inclusion")
"""What a declaration may say that our own web tools do not go by."""
COUNTED_AS: Mapping[str, str] = {"web_search": "web_search_requests", "web_fetch": "web_fetch_requests"}

_DESCRIPTIONS: Mapping[WebTool, str] = {
    "web_search": (
        "Searches the web and returns the titles, addresses and excerpts of the pages found. Use it for what "
        "may have changed or is not known. In the answer, name the sources with their addresses."
    ),
    "web_fetch": (
        "Fetches the page or PDF at a URL and returns its text. Only URLs that stand in the conversation "
        "already may be fetched."
    ),
}
_SCHEMAS: Mapping[WebTool, JsonObject] = {
    "web_search": {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "What to search for."}},
        "required": ["query"],
    },
    "web_fetch": {
        "type": "object",
        "properties": {"url": {"type": "string", "description": "The complete URL."}},
        "required": ["url"],
    },
}


def web_tool(tool: ToolParam) -> WebTool | None:
    """Returns which of the API's web tools a declaration is of; None: of neither."""
    kind = "" if tool.is_custom else tool.type or ""
    if kind.startswith("web_search_"):
        return "web_search"
    return "web_fetch" if kind.startswith("web_fetch_") else None


def is_ours(
    kind: WebTool,
    config: SearchConfig,
    is_configured: bool,
    candidates: Iterable[tuple[ProviderConfig, Profile]],
) -> bool:
    """Whether Signalbox runs a web tool itself for a request that these candidates may serve."""
    if config.engine == "upstream" or (is_configured and kind == "web_search"):
        return config.engine != "upstream"
    return not all(_can(kind, provider, profile) for provider, profile in candidates)


def _can(kind: WebTool, provider: ProviderConfig, profile: Profile) -> bool:
    if provider.dialect == "anthropic-messages":
        return True
    return kind == "web_search" and profile.web_search != "none"


def as_function(tool: ToolParam, kind: WebTool) -> ToolParam:
    """Returns the declaration that an upstream gets in place of the API's own tool."""
    made: dict[str, Any] = {
        "name": tool.name or kind,
        "description": _DESCRIPTIONS[kind],
        "input_schema": _SCHEMAS[kind],
    }
    if tool.cache_control is not None:
        made["cache_control"] = tool.cache_control
    return ToolParam.model_validate(made)


class Web(Protocol):
    """The way to the web."""

    async def search(self, query: str, settings: Mapping[str, Any]) -> Sequence[JsonObject]:
        """Returns the rows of a `web_search_tool_result`.

        Raises:
            WebRefused: There are none to be had.
        """
        ...

    async def fetch(self, url: str, settings: Mapping[str, Any]) -> JsonObject:
        """Returns the `web_fetch_result` of a page.

        Raises:
            WebRefused: It cannot be had.
        """
        ...


class WebRefused(Exception):
    """The web gave nothing; the text is the error code of the result block."""


RunCall = Callable[[ToolCall, str, Tool], Any]
"""Runs a call of a tool as the runner does: judged, asked about, noted."""


@dataclass(slots=True)
class Uses:
    """How often a tool was used in one request."""

    most: int | None
    made: int = 0


@dataclass(frozen=True, slots=True)
class WebServerTool:
    """One of the API's web tools in one request."""

    kind: WebTool
    web: Web
    run_call: RunCall
    settings: Mapping[str, Any]
    """What the declaration says besides: domains, limits."""
    uses: Uses
    known: KnownText
    """The conversation so far: an address must stand in it before its page may be fetched."""

    @property
    def may_run_beside_others(self) -> bool:
        """It changes nothing."""
        return True

    @property
    def is_server_tool(self) -> bool:
        """It is one of the API's own."""
        return True

    def shown(self, call: JsonObject) -> JsonObject:
        """Returns the `server_tool_use` block of a `tool_use` block."""
        return {
            "type": "server_tool_use",
            "id": shown_id(SERVER_MARK, str(call.get("id"))),
            "name": self.kind,
            "input": as_object(call.get("input")),
            "caller": {"type": "direct"},
        }

    async def run(self, call: ModelCall) -> JsonObject:
        """Runs a call; what goes wrong is an error code in the block."""
        wanted = (call.input or {}).get("query" if self.kind == "web_search" else "url")
        if not isinstance(wanted, str) or not wanted.strip():
            return self.refused(call, "invalid_tool_input")
        if self.uses.most is not None and self.uses.made >= self.uses.most:
            return self.refused(call, "max_uses_exceeded")
        if self.kind == "web_fetch" and not _stands_in(wanted, self.known.text(url_sources(self.settings))):
            return self.refused(call, "url_not_in_prior_context")
        self.uses.made += 1
        asked = _Asked(self, call, wanted.strip())
        judged = ToolCall(asked.name, dict(asked.arguments))
        output: ToolOutput = await self.run_call(judged, call.id, asked)
        if asked.block is not None:
            return asked.block
        denied = "url_not_allowed" if self.kind == "web_fetch" else "unavailable"
        return self.refused(call, denied) if output.is_error else self.refused(call, "unavailable")

    def refused(self, call: ModelCall, why: str) -> JsonObject:
        """Returns an error result; a reason that is no code of the API's is told as `unavailable`."""
        code = why if why.replace("_", "").isalpha() else "unavailable"
        kind = SEARCH_RESULT if self.kind == "web_search" else FETCH_RESULT
        return self.result(call, {"type": f"{kind}_error", "error_code": code})

    def result(self, call: ModelCall, content: Any) -> JsonObject:
        """Returns the result block of a call."""
        return {
            "type": SEARCH_RESULT if self.kind == "web_search" else FETCH_RESULT,
            "tool_use_id": shown_id(SERVER_MARK, call.id),
            "caller": {"type": "direct"},
            "content": content,
        }


class _Asked:
    """One call as a tool that the runner runs."""

    may_run_beside_others = True
    timeout_s: float | None = 60.0
    group: Literal["Web"] = "Web"

    def __init__(self, tool: WebServerTool, call: ModelCall, wanted: str) -> None:
        self._tool = tool
        self._call = call
        self._wanted = wanted
        self.block: JsonObject | None = None
        """The result, once there is one."""
        self.name = "WebSearch" if tool.kind == "web_search" else "WebFetch"
        self.description = _DESCRIPTIONS[tool.kind]
        self.input_schema = _SCHEMAS[tool.kind]
        key = "query" if tool.kind == "web_search" else "url"
        self.arguments: Mapping[str, str] = {key: wanted}

    async def run(self, arguments: Mapping[str, Any], scope: object) -> ToolOutput:
        """Asks the web."""
        del arguments, scope
        tool = self._tool
        try:
            if tool.kind == "web_search":
                content: Any = [*await tool.web.search(self._wanted, tool.settings)]
            else:
                content = await tool.web.fetch(self._wanted, tool.settings)
        except WebRefused as refused:
            self.block = tool.refused(self._call, str(refused))
            return ToolOutput.text(str(refused), is_error=True)
        self.block = tool.result(self._call, content)
        return ToolOutput.text(write_json(content).decode())


def _stands_in(url: str, text: str) -> bool:
    """An address is known with and without what a server never sees of it, its last slash and its scheme."""
    bare = url.strip().partition("#")[0].rstrip("/")
    if not bare:
        return False
    name = bare.partition("://")[2]
    return bare in text or ("." in name and name in text)


def open_call(block: JsonObject) -> ModelCall:
    """Returns the call that a `server_tool_use` block of an earlier answer shows."""
    own = call_id_of(str(block.get("id"))) or ""
    return ModelCall(own, str(block.get("name")), as_object(block.get("input")))


class KnownText:
    """What stands in a conversation, by where it is from; made when it is first asked for.

    What the model itself said is not in it.
    """

    def __init__(self, request: MessagesRequest) -> None:
        self._request = request
        self._texts: dict[UrlSource, list[str]] | None = None
        self._later: list[str] = []

    def add(self, result: JsonObject) -> None:
        """Adds a result that came since."""
        self._later.append(_plain(result))

    def text(self, sources: Collection[UrlSource] = URL_SOURCES) -> str:
        """Returns what came from these sources."""
        if self._texts is None:
            self._texts = {source: [] for source in URL_SOURCES}
            for message in self._request.messages:
                for block in message.blocks():
                    source = _source_of(message.role, block)
                    if source is not None:
                        self._texts[source].append(_plain(block.model_dump()))
        found = [text for source in sources for text in self._texts[source]]
        return "\n".join([*found, *(self._later if "server_tool_results" in sources else ())])


def url_sources(settings: Mapping[str, Any]) -> frozenset[UrlSource]:
    """Returns where addresses may be from, as a declaration of `web_fetch` says; what it leaves out may."""
    told = as_object(settings.get("url_sources"))
    return frozenset(source for source in URL_SOURCES if not _is_off(told.get(source)))


def _is_off(value: Any) -> bool:
    return value is False or (isinstance(value, dict) and as_object(value).get("enabled") is False)


def _source_of(role: str, block: ContentBlockParam) -> UrlSource | None:
    if role == "assistant":
        is_result = isinstance(block, OtherBlock) and block.type.endswith("_result")
        return "server_tool_results" if is_result else None
    return "client_tool_results" if isinstance(block, ToolResultParam) else "user_input"


def _plain(value: Any) -> str:
    return write_json(value).decode("utf-8", "replace")
