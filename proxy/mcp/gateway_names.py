"""How resources and prompts of several servers stand side by side: names that lead back to one. Pure.

A resource `file:///a` of the server `box` is `signalbox://box/file:///a`, its template alike; a prompt
`review` is `mcp__box__review`, as its tools are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from proxy.permissions.tool_names import MCP

_SCHEME = "signalbox://"
_LINKS = frozenset({"resource_link", "resource"})


def outer_uri(server: str, uri: str) -> str:
    """Returns the address of a server's resource or template for clients."""
    return f"{_SCHEME}{server}/{uri}"


def inner_uri(uri: str) -> tuple[str, str] | None:
    """Returns the server and its own address of a resource; None: it is none of ours."""
    if not uri.startswith(_SCHEME):
        return None
    server, slash, own = uri[len(_SCHEME) :].partition("/")
    return (server, own) if server and slash and own else None


def outer_prompt(server: str, prompt: str) -> str:
    """Returns the name of a server's prompt for clients."""
    return f"{MCP}{server}__{prompt}"


def inner_prompt(name: str) -> tuple[str, str] | None:
    """Returns the server and its own name of a prompt; None: it is none of ours."""
    if not name.startswith(MCP):
        return None
    server, mark, own = name[len(MCP) :].partition("__")
    return (server, own) if server and mark and own else None


def outer_entry(server: str, entry: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Returns a resource, template, prompt or content as clients see it.

    Args:
        server: Whose it is.
        entry: As it stands on the wire.
        field: What names it there: `uri`, `uriTemplate` or `name`.
    """
    own = str(entry.get(field, ""))
    return {**entry, field: outer_prompt(server, own) if field == "name" else outer_uri(server, own)}


def outer_contents(server: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the result of `resources/read` as clients see it."""
    contents = _objects(result.get("contents"))
    return {**result, "contents": [outer_entry(server, each, "uri") for each in contents]}


def outer_messages(server: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the result of `prompts/get` as clients see it: what it links to leads back to its server."""
    made: list[dict[str, Any]] = []
    for message in _objects(result.get("messages")):
        content: Any = message.get("content")
        made.append({**message, "content": _outer_block(server, content)})
    return {**result, "messages": made}


def _outer_block(server: str, block: Any) -> Any:
    if not isinstance(block, Mapping):
        return block
    known = cast("Mapping[str, Any]", block)
    if known.get("type") not in _LINKS:
        return known
    inner = known.get("resource")
    if isinstance(inner, Mapping):
        return {**known, "resource": outer_entry(server, cast("Mapping[str, Any]", inner), "uri")}
    return outer_entry(server, known, "uri")


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    rows = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()
    return [cast("Mapping[str, Any]", each) for each in rows if isinstance(each, Mapping)]
