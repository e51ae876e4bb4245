"""Reads from a call's arguments what the call would touch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from proxy.permissions.tool_names import COMMAND_TOOLS, canonical
from proxy.permissions.values import Access, AgentAccess, CommandAccess, PathAccess, ToolCall, UrlAccess

Operation = Literal["read", "write", "list", "search"]

DEFAULT_AGENT = "general-purpose"


class NoAccess(Exception):
    """The arguments do not say what would be touched: such a call can only be refused."""


_PATHS: Mapping[str, tuple[str, Operation, bool]] = {
    "Read": ("file_path", "read", True),
    "Write": ("file_path", "write", True),
    "Edit": ("file_path", "write", True),
    "MultiEdit": ("file_path", "write", True),
    "NotebookRead": ("notebook_path", "read", True),
    "NotebookEdit": ("notebook_path", "write", True),
    "LS": ("path", "list", False),
    "Grep": ("path", "search", False),
    "Glob": ("path", "search", False),
}
"""Of each file tool the argument with the path, what is done there, and whether it must be given."""


def accesses_of(call: ToolCall) -> tuple[Access, ...]:
    """Returns what a call would touch, in the order of its arguments; nothing for tools judged by name alone.

    Raises:
        NoAccess: An argument that says it is missing or is no text.
    """
    tool = canonical(call.tool)
    if tool in _PATHS:
        return _files(tool, call.input)
    if tool in COMMAND_TOOLS:
        return (CommandAccess(_text(call.input, "command")),)
    if tool == "WebFetch":
        return (UrlAccess(_text(call.input, "url")),)
    if tool == "Agent":
        return (AgentAccess(_text(call.input, "subagent_type", default=DEFAULT_AGENT)),)
    return ()


def _files(tool: str, arguments: Mapping[str, Any]) -> tuple[Access, ...]:
    name, operation, is_needed = _PATHS[tool]
    path = _text(arguments, name, default=None if is_needed else "")
    if tool != "Glob":
        return (PathAccess(path, operation),)
    pattern = _text(arguments, "pattern")
    if not path:
        return (PathAccess(pattern, operation),)
    if pattern.startswith(("/", "~", "\\")):  # it does not begin in the folder that is named beside it
        return (PathAccess(path, operation), PathAccess(pattern, operation))
    return (PathAccess(path, operation), PathAccess(f"{path.rstrip('/')}/{pattern}", operation))


def _text(arguments: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    value = arguments.get(name)
    if value is None:
        value = default
    if not isinstance(value, str):
        raise NoAccess(f"the argument '{name}' is missing or is no text")
    return value
