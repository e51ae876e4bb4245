"""Reads from a call's arguments what the call would touch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from proxy.permissions.tool_names import COMMAND_TOOLS, canonical
from proxy.permissions.values import Access, AgentAccess, CommandAccess, PathAccess, ToolCall, UrlAccess

Operation = Literal["read", "write", "list", "search"]

MAX_BRACE_FORMS = 1_000
DEFAULT_AGENT = "general-purpose"

_WILDCARD = re.compile(r"[*?\[]")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


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
        NoAccess: An argument that says it is missing or is no text, or says too much.
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
    reached = _glob_folders(_text(arguments, "pattern"))
    if not path:
        return tuple(PathAccess(each, operation) for each in reached)
    joined = (each if each.startswith("/") else f"{path.rstrip('/')}/{each}" for each in reached if each)
    return (PathAccess(path, operation), *(PathAccess(each, operation) for each in joined))


def _glob_folders(pattern: str) -> tuple[str, ...]:
    """Returns the folder, or the file, in which each form of a glob begins; empty: the working directory."""
    folders: dict[str, None] = {}
    for form in _brace_forms(pattern):
        segments = form.split("/")
        plain = next((i for i, each in enumerate(segments) if _WILDCARD.search(each)), len(segments))
        if ".." in segments[plain:]:
            raise NoAccess("the pattern goes up again behind a wildcard, so where it leads is not known")
        folders["/".join(segments[:plain]) or ("/" if form.startswith("/") else "")] = None
    return tuple(folders)


def _brace_forms(pattern: str) -> list[str]:
    """Returns the patterns that `{a,b}` stands for.

    Raises:
        NoAccess: There are more than `MAX_BRACE_FORMS`.
    """
    forms, done = [pattern], list[str]()
    while forms:
        form = forms.pop()
        found = _BRACES.search(form)
        if found is None:
            done.append(form)
        else:
            forms += [form[: found.start()] + each + form[found.end() :] for each in found[1].split(",")]
        if len(forms) + len(done) > MAX_BRACE_FORMS:
            raise NoAccess(f"the braces in the pattern stand for more than {MAX_BRACE_FORMS:,} patterns")
    return done


def _text(arguments: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    value = arguments.get(name)
    if value is None:
        value = default
    if not isinstance(value, str):
        raise NoAccess(f"the argument '{name}' is missing or is no text")
    return value
