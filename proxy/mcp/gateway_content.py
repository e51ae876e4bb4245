"""A tool's output as an MCP client gets it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from proxy.mcp.results import plain
from proxy.tools.base import Tool, ToolOutput

_DOCUMENT = "signalbox://signalbox/document"
"""The address of a document that a built-in tool read; MCP wants one, and the document has none."""


def call_result(output: ToolOutput) -> dict[str, Any]:
    """Returns the result of `tools/call`."""
    return {"content": [_block(each) for each in output.content], "isError": output.is_error}


def listed(tool: Tool) -> dict[str, Any]:
    """Returns a tool as `tools/list` tells it; of a server's tool also its title and annotations."""
    raw = cast("Mapping[str, Any]", getattr(tool, "raw", None) or {})
    made: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "inputSchema": plain(tool.input_schema),
    }
    if isinstance(raw.get("title"), str):
        made["title"] = raw["title"]
    annotations = raw.get("annotations")
    if isinstance(annotations, Mapping):
        made["annotations"] = plain(cast("Mapping[str, Any]", annotations))
    elif tool.may_run_beside_others:
        made["annotations"] = {"readOnlyHint": True}
    return made


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": str(block.get("text", ""))}
    source = block.get("source")
    if isinstance(source, Mapping):
        made = _sourced(str(kind), cast("Mapping[str, Any]", source))
        if made is not None:
            return made
    return {"type": "text", "text": json.dumps(plain(block), ensure_ascii=False)}


def _sourced(kind: str, source: Mapping[str, Any]) -> dict[str, Any] | None:
    media_type, data = str(source.get("media_type", "")), source.get("data")
    if not isinstance(data, str):
        return None
    if source.get("type") == "text":
        return {"type": "text", "text": data}
    if source.get("type") != "base64":
        return None
    if kind == "image":
        return {"type": "image", "data": data, "mimeType": media_type}
    return {"type": "resource", "resource": {"uri": _DOCUMENT, "mimeType": media_type, "blob": data}}
