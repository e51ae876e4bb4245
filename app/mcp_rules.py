"""MCP servers' tools as the rest of the program takes them: permissions as rules, results as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from proxy.config import RuleSource
from proxy.mcp.values import Permission, ServerStatus

_MAX_BLOCK_CHARS = 2000


def rules_of(servers: Iterable[ServerStatus], source: str) -> tuple[RuleSource, ...]:
    """Returns the permissions that the servers' file gives single tools, as rules.

    Args:
        servers: The servers as they are now: they know their tools' full names.
        source: What the file is called, for people.
    """
    said: list[tuple[Permission, str]] = [
        (tool.permission, tool.full_name)
        for server in servers
        for tool in server.tools
        if tool.permission is not None
    ]
    if not said:
        return ()
    allow, ask, deny = (
        tuple(name for permission, name in said if permission == each) for each in ("allow", "ask", "deny")
    )
    return (RuleSource(source, allow=allow, ask=ask, deny=deny),)


def text_of(content: Iterable[Mapping[str, Any]]) -> str:
    """Returns a result's blocks as text for people; what is no text is shown as the beginning of its JSON."""
    return "\n".join(map(_shown, content))


def _shown(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    return text if isinstance(text, str) else json.dumps(block, ensure_ascii=False)[:_MAX_BLOCK_CHARS]
