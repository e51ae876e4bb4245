"""MCP servers' tools as the rest of the program takes them: permissions as rules, results as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from proxy.config import RuleSource
from proxy.mcp.values import Permission, ServerStatus

MAX_SHOWN_CHARS = 32_000
_LONGEST_SECRET_CHARS = 4_000
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


def shown_of(text: str, redact: Callable[[str], str]) -> str:
    """Returns what people read of a result, without secrets: redacting a megabyte takes half a second."""
    if len(text) <= MAX_SHOWN_CHARS:
        return redact(text)
    # Redacted beyond the cut too, else the first half of a secret would stand before it.
    shown = redact(text[: MAX_SHOWN_CHARS + _LONGEST_SECRET_CHARS])
    return f"{shown[:MAX_SHOWN_CHARS]}\n[cut here: the result has {len(text)} characters]"


def _shown(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    return text if isinstance(text, str) else json.dumps(block, ensure_ascii=False)[:_MAX_BLOCK_CHARS]
