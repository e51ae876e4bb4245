"""What a call would touch is read from its arguments."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.permissions.accesses import NoAccess, accesses_of
from proxy.permissions.values import AgentAccess, CommandAccess, PathAccess, ToolCall, UrlAccess


@pytest.mark.parametrize(
    ("tool", "arguments", "accesses"),
    [
        ("Read", {"file_path": "a"}, (PathAccess("a", "read"),)),
        ("Write", {"file_path": "a"}, (PathAccess("a", "write"),)),
        ("MultiEdit", {"file_path": "a"}, (PathAccess("a", "write"),)),
        ("NotebookEdit", {"notebook_path": "a"}, (PathAccess("a", "write"),)),
        ("LS", {}, (PathAccess("", "list"),)),
        ("Grep", {"pattern": "x", "path": None}, (PathAccess("", "search"),)),
        ("Glob", {"pattern": "**/*.py"}, (PathAccess("**/*.py", "search"),)),
        (
            "Glob",
            {"pattern": "*.py", "path": "a/"},
            (PathAccess("a/", "search"), PathAccess("a/*.py", "search")),
        ),
        ("Glob", {"pattern": "/b/*", "path": "a"}, (PathAccess("a", "search"), PathAccess("/b/*", "search"))),
        ("Bash", {"command": "ls"}, (CommandAccess("ls"),)),
        ("Monitor", {"command": "ls"}, (CommandAccess("ls"),)),
        ("WebFetch", {"url": "u"}, (UrlAccess("u"),)),
        ("Task", {"subagent_type": "Explore"}, (AgentAccess("Explore"),)),
        ("Agent", {}, (AgentAccess("general-purpose"),)),
        ("TodoWrite", {"todos": []}, ()),
        ("mcp__t__x", {"file_path": "a"}, ()),
    ],
)
def test_a_call_says_what_it_would_touch(
    tool: str, arguments: dict[str, Any], accesses: tuple[Any, ...]
) -> None:
    assert accesses_of(ToolCall(tool, arguments)) == accesses


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Read", {}),
        ("Read", {"file_path": ["a"]}),
        ("Glob", {}),
        ("Bash", {"command": None}),
        ("WebFetch", {"url": 1}),
    ],
)
def test_a_call_that_does_not_say_it_has_none(tool: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(NoAccess, match="is missing or is no text"):
        accesses_of(ToolCall(tool, arguments))
