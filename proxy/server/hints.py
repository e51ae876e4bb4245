"""Reads the headers by which Claude Code says what a request is for (`CLAUDE_CODE_GATEWAY_HINT_HEADERS=1`).

They are hints of the client's: they steer routing and label log lines, and decide nothing that protects.
"""

from __future__ import annotations

from collections.abc import Mapping

_MAX_HINT = 128

_HEADERS: Mapping[str, str] = {
    "request_class": "x-claude-code-request-class",
    "agent_type": "x-claude-code-agent-type",
    "agent_id": "x-claude-code-agent-id",
    "prompt_id": "x-claude-code-prompt-id",
    "compaction": "x-claude-code-compaction",
}
"""The header of each field of the context."""


def read_hints(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns the hints by the names of the context's fields; what no honest client sends is left out."""
    found = {field: headers.get(header, "") for field, header in _HEADERS.items()}
    return {
        field: value
        for field, value in found.items()
        if 0 < len(value) <= _MAX_HINT and value.isascii() and value.isprintable()
    }
