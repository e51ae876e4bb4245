"""Places to judge calls at: a real folder, or one that only exists on paper."""

from __future__ import annotations

import posixpath
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from proxy.permissions.rules import Origin, RuleSet, read_permissions
from proxy.permissions.values import Mode, PathFacts, Place, Policy, ToolCall, Workspace
from proxy.tools.guard import WorkspaceGuard

ROOT = "/w/project"
HOME = "/home/u"
MODES: tuple[Mode, ...] = get_args(Mode)


def paper_place(files: tuple[str, ...] = (), links: Mapping[str, str] | None = None, **changes: Any) -> Place:
    """Returns a place whose files are named; folders are those on the way to them.

    Args:
        files: Absolute paths.
        links: Absolute paths of links, and where they lead.
        changes: Fields of the place.
    """
    there = {ROOT, HOME, "/"}
    for each in files:
        there.update(map(str, PurePosixPath(each).parents))

    def look(path: str) -> PathFacts:
        lexical = posixpath.normpath(posixpath.join(ROOT, path))
        real = (links or {}).get(lexical, lexical)
        kind = "file" if real in files else "folder" if real in there else "missing"
        return PathFacts(path, lexical, real, kind, via=(real,) if real != lexical else ())

    fields: dict[str, Any] = {"workspace": Workspace("here", ROOT), "cwd": ROOT, "home": HOME, "look": look}
    return Place(**{**fields, **changes})


def fill(root: Path, names: Sequence[str]) -> None:
    """Writes a small file for each name."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", encoding="utf-8")


@contextmanager
def real_place(root: Path, home: Path, *, read_only: tuple[Path, ...] = ()) -> Generator[Place]:
    """Yields a place in a real folder."""
    workspace = Workspace("here", str(root), tuple(map(str, read_only)))
    guard = WorkspaceGuard.open(workspace)
    try:
        yield Place(workspace, str(root), str(home), guard.facts, list_folder=guard.names_in)
    finally:
        guard.close()


def rule_set(**lists: list[str]) -> RuleSet:
    """Returns rules as a settings file would give them."""
    return read_permissions(lists, Origin("settings", "", ROOT, HOME))


def policy(**changes: Any) -> Policy:
    """Returns a policy; `allow`, `ask`, `deny` and `denyExcept` are lists of rules, the rest its fields."""
    lists = {key: changes.pop(key) for key in ("allow", "ask", "deny", "denyExcept") if key in changes}
    read = rule_set(**lists)
    assert not read.problems, read.problems
    return Policy(rules=read.rules, **changes)


def bash(command: str, **arguments: Any) -> ToolCall:
    """Returns a call of Bash."""
    return ToolCall("Bash", {"command": command, **arguments})


def read(path: str) -> ToolCall:
    """Returns a call of Read."""
    return ToolCall("Read", {"file_path": path})


def write(path: str, tool: str = "Write") -> ToolCall:
    """Returns a call of a tool that writes a file."""
    return ToolCall(tool, {"file_path": path, "content": "x"})


def fetch(url: str) -> ToolCall:
    """Returns a call of WebFetch."""
    return ToolCall("WebFetch", {"url": url, "prompt": "p"})


PROJECT = paper_place((f"{ROOT}/src/app.py", f"{ROOT}/.env", "/etc/hostname", f"{ROOT}/docs/a.md"))
