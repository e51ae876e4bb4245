"""What a request says of MCP servers: `mcp_servers` and the `mcp_toolset`s that name them, checked. Pure.

A server of ours is named by its address: `signalbox:NAME` is the server NAME of `mcp_servers.yaml`. The
entry's own `name` is the request's label for it and means nothing else, so a request cannot pass one server
off for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast
from urllib.parse import urlsplit

from proxy.messages.errors import invalid_request
from proxy.messages.request import MessagesRequest, ToolParam

SERVERS = "mcp_servers"
TOOLSET = "mcp_toolset"
MAX_SERVERS = 20
_LOCAL = "signalbox:"
_MAX_LABEL = 30
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class WishedServer:
    """One entry of `mcp_servers` with its toolset."""

    label: str
    """What the request calls it; `server_name` of its calls."""
    url: str
    token: str | None = None
    toolset: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The `mcp_toolset` that names it; empty: there is none."""
    configuration: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """`tool_configuration`, where older clients say the same."""

    @property
    def local_name(self) -> str | None:
        """The server of ours that is meant; None: it is a remote one."""
        return self.url[len(_LOCAL) :] if self.url.startswith(_LOCAL) else None

    def takes(self, tool: str) -> bool:
        """Tells whether a tool of the server is wanted."""
        allowed: Any = self.configuration.get("allowed_tools")
        if self.configuration.get("enabled") is False or (isinstance(allowed, list) and tool not in allowed):
            return False
        pinned: Any = self.toolset.get("tools")
        if isinstance(pinned, list):
            names = [_object(each).get("name") for each in cast("list[Any]", pinned)]
            if tool not in names:
                return False
        return self._setting(tool, "enabled") is not False

    def is_deferred(self, tool: str) -> bool:
        """Tells whether a tool is to be found by searching only."""
        return self._setting(tool, "defer_loading") is True

    def _setting(self, tool: str, name: str) -> Any:
        own = _object(_object(self.toolset.get("configs")).get(tool))
        return own[name] if name in own else _object(self.toolset.get("default_config")).get(name)


def has_servers(request: MessagesRequest) -> bool:
    """Tells whether a request names MCP servers."""
    extra = request.model_extra
    return bool(extra) and bool(extra.get(SERVERS))


def wished_servers(request: MessagesRequest) -> list[WishedServer]:
    """Returns the servers that a request names.

    Raises:
        ClientError: They are not as the API has them.
    """
    given: Any = (request.model_extra or {}).get(SERVERS)
    if not isinstance(given, list):
        raise invalid_request("mcp_servers: Input should be a valid list")
    rows = cast("list[Any]", given)
    if len(rows) > MAX_SERVERS:
        raise invalid_request(f"mcp_servers: At most {MAX_SERVERS} servers")
    toolsets = _toolsets(request.tools or ())
    servers = [_server(row, index, toolsets) for index, row in enumerate(rows)]
    labels = [each.label for each in servers]
    if len(set(labels)) < len(labels):
        raise invalid_request("mcp_servers: Server names must be unique.")
    for label in toolsets:
        if label not in labels:
            raise invalid_request(
                f"tools: mcp_server_name {label!r} is not the name of a server in mcp_servers"
            )
    return servers


def without(request: MessagesRequest, labels: frozenset[str]) -> MessagesRequest:
    """Returns the request without some of its servers and their toolsets."""
    tools = [each for each in request.tools or () if toolset_label(each) not in labels]
    made = request.model_copy(update={"tools": tools})
    extra = made.model_extra  # a copy of the request's own
    if extra is not None:
        kept = [each for each in cast("list[Any]", extra.get(SERVERS)) if each["name"] not in labels]
        if kept:
            extra[SERVERS] = kept
        else:
            del extra[SERVERS]
    return made


def toolset_label(tool: ToolParam) -> str | None:
    """Returns the server that a toolset names; None: the tool is no toolset."""
    if tool.type != TOOLSET:
        return None
    label: Any = (tool.model_extra or {}).get("mcp_server_name")
    return label if isinstance(label, str) else ""


def is_allowed(url: str, hosts: Sequence[str]) -> bool:
    """Tells whether the user allowed to ask a remote server's host.

    Args:
        url: Of the server.
        hosts: `host` for https on its usual port, `host:port` for any other.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return False
    if port is None or not parts.hostname or parts.username is not None or parts.password is not None:
        return False
    known = {each.lower() for each in hosts}
    if f"{parts.hostname}:{port}" in known:
        return True
    return parts.scheme == "https" and port == 443 and parts.hostname in known


def host_label(url: str) -> str:
    """Returns what stands for a remote server in its tools' names: its host, so that rules bind to that."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f"-{parts.port}" if parts.port not in (None, 443) else ""
    name = "".join(each if each.isascii() and each.isalnum() else "-" for each in host)
    if len(name) > _MAX_LABEL or not host.isascii():  # else hosts that begin alike would share their rules
        name = f"{name[: _MAX_LABEL - 8]}-{sha256(host.encode('utf-8', 'replace')).hexdigest()[:7]}"
    return f"url-{name}{port}"


def _server(row: Any, index: int, toolsets: Mapping[str, Mapping[str, Any]]) -> WishedServer:
    at = f"mcp_servers.{index}"
    fields = _object(row)
    if fields.get("type") != "url":
        raise invalid_request(f"{at}.type: Input should be 'url'")
    for name in ("name", "url"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise invalid_request(f"{at}.{name}: Field required")
    token = fields.get("authorization_token")
    if token is not None and not _is_sendable(token):
        raise invalid_request(f"{at}.authorization_token: Input should be a valid string")
    return WishedServer(
        fields["name"],
        fields["url"],
        token,
        toolsets.get(fields["name"], {}),
        _object(fields.get("tool_configuration")),
    )


def _toolsets(tools: Sequence[ToolParam]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for index, tool in enumerate(tools):
        label = toolset_label(tool)
        if label is None:
            continue
        if not label:
            raise invalid_request(f"tools.{index}.mcp_toolset.mcp_server_name: Field required")
        if label in found:
            raise invalid_request(
                f"tools.{index}: there is more than one mcp_toolset for the server {label!r}"
            )
        found[label] = {**(tool.model_extra or {}), "cache_control": tool.cache_control}
    return found


def _is_sendable(token: Any) -> bool:
    return isinstance(token, str) and token.isascii() and token.isprintable()


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
