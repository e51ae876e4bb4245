"""What the running program answers on the control channel about MCP servers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, cast

from app.instance import MAX_BYTES, Reply, Words
from app.mcp_controls import McpControls
from proxy.mcp.values import McpProblem, ServerStatus, ToolChange

_MAX_LIST_BYTES = MAX_BYTES - 4096
_MAX_TEXT_CHARS = 40_000


def mcp_answer(controls: McpControls, verb: str, words: Words) -> Reply | Awaitable[Reply]:
    """Returns the answer to a verb that begins with `mcp.`."""
    name = words.get("name", "")
    if verb == "mcp.list":
        return _listed(controls)
    if verb == "mcp.logs":
        return _logs(controls, name)
    if verb == "mcp.changes":
        return _changes(controls, name)
    if verb == "mcp.call":
        return _call(controls, name, words.get("tool", ""), words.get("arguments", "{}"))
    doing: Mapping[str, Callable[[], str | None]] = {
        "mcp.start": lambda: controls.start_mcp(name),
        "mcp.stop": lambda: controls.stop_mcp(name),
        "mcp.restart": lambda: controls.restart_mcp(name),
        "mcp.approve": lambda: controls.approve_mcp(name, words.get("digest", "")),
        "mcp.reject": lambda: controls.reject_mcp(name),
        "mcp.accept": lambda: _accept(controls, name, words.get("digest", "")),
    }
    problem = doing[verb]()
    return Reply(is_ok=problem is None, text=problem or "done")


def _changes(controls: McpControls, name: str) -> Reply:
    try:
        changes = controls.mcp_changes(name)
    except McpProblem as problem:
        return Reply(is_ok=False, text=str(problem))
    rows = [asdict(each) for each in changes]
    if len(json.dumps(rows)) > _MAX_LIST_BYTES:
        return Reply(
            is_ok=False, text=f"what changed of '{name}' is too long for here: look at it in the window"
        )
    return Reply(is_ok=True, facts={"changes": rows, "digest": _digest(changes)})


def _accept(controls: McpControls, name: str, digest: str) -> str | None:
    """Accepts what was shown, and nothing that came since."""
    try:
        changes = controls.mcp_changes(name)
    except McpProblem as problem:
        return str(problem)
    if _digest(changes) != digest:
        return f"the tools of '{name}' changed again since they were shown: look at them again"
    return controls.accept_mcp_tools(name, tuple(each.name for each in changes))


def _digest(changes: tuple[ToolChange, ...]) -> str:
    return hashlib.sha256(json.dumps([asdict(each) for each in changes]).encode()).hexdigest()


def _listed(controls: McpControls) -> Reply:
    problem = controls.mcp_problem()
    if problem is not None:
        return Reply(is_ok=False, text=problem)
    rows = [_facts(each, whole=True) for each in controls.mcp_servers()]
    if len(json.dumps(rows)) > _MAX_LIST_BYTES:
        rows = [_facts(each, whole=False) for each in controls.mcp_servers()]
    return Reply(is_ok=True, facts={"servers": rows[:500]})


def _facts(status: ServerStatus, *, whole: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": status.name,
        "type": status.type,
        "state": status.phase.value,
        "reason": status.reason[:500],
        "protocol": status.protocol,
        "restarts": status.restarts,
        "launch": None if status.launch is None else asdict(status.launch),
        "tools": len(status.tools),
    }
    if whole:
        facts["tools"] = [
            {
                "name": each.name,
                "is_enabled": each.is_enabled,
                "permission": each.permission or "default",
                "quarantine": each.quarantine,
                "tokens": each.tokens,
            }
            for each in status.tools
        ]
    return facts


def _logs(controls: McpControls, name: str) -> Reply:
    if name not in {each.name for each in controls.mcp_servers()}:
        return Reply(is_ok=False, text=f"there is no MCP server '{name}'")
    left, lines = _MAX_TEXT_CHARS, list[dict[str, Any]]()
    for entry in reversed(controls.mcp_log(name)):
        left -= len(json.dumps(entry.text)) + 60
        if left < 0:
            break
        lines.append({"at": entry.at, "kind": entry.kind, "text": entry.text})
    return Reply(is_ok=True, facts={"lines": lines[::-1]})


async def _call(controls: McpControls, name: str, tool: str, arguments: str) -> Reply:
    try:
        given: Any = json.loads(arguments)
    except (ValueError, RecursionError) as exc:
        return Reply(is_ok=False, text=f"the arguments are no JSON object: {exc}")
    supervisor = controls.supervisor
    if supervisor is None or not isinstance(given, dict):
        text = "the arguments are a JSON object" if supervisor else f"there is no MCP server '{name}'"
        return Reply(is_ok=False, text=text)
    try:
        tried = await controls.call_mcp_tool(supervisor, name, tool, cast("dict[str, Any]", given))
    except McpProblem as problem:
        return Reply(is_ok=False, text=str(problem))
    return Reply(is_ok=not tried.is_error, text=tried.text[:_MAX_TEXT_CHARS])
