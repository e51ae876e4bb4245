"""Places without a disk, for judging paths: what is there is written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from proxy.permissions.path_names import clean
from proxy.permissions.rules import read_permissions
from proxy.permissions.values import (
    Mode,
    PathFacts,
    Place,
    Platform,
    Policy,
    PolicyName,
    Rule,
    Workspace,
)

ROOT = "/home/u/work"
SHARED = "/srv/docs"
HOME = "/home/u"
Kind = Literal["file", "folder", "missing", "other"]


def facts(
    path: str,
    *,
    real: str | None = None,
    kind: Kind = "file",
    links: int = 1,
    via: tuple[str, ...] = (),
) -> PathFacts:
    """Returns what a path is: a file that is where its text says, if nothing else is said."""
    lexical = clean(path if path.startswith("/") else f"{ROOT}/{path}")
    return PathFacts(path, lexical, lexical if real is None else real, kind, links, via)


def place(
    there: Mapping[str, PathFacts] | None = None,
    *,
    platform: Platform = "linux",
    folds_case: bool = False,
    has_workspace: bool = True,
    cwd: str = ROOT,
    own_paths: tuple[str, ...] = ("/home/u/.config/signalbox",),
    read_only: tuple[str, ...] = (SHARED,),
) -> Place:
    """Returns a place where exactly these paths exist, by their absolute text."""
    known = there or {}

    def look(path: str) -> PathFacts:
        return known.get(path, PathFacts(path, clean(path), clean(path), "missing"))

    workspace = Workspace("work", ROOT, read_only) if has_workspace else None
    return Place(workspace, cwd, HOME, look, own_paths, platform, folds_case)


def policy(
    name: PolicyName = "strict",
    *,
    allow: tuple[str, ...] = (),
    ask: tuple[str, ...] = (),
    deny: tuple[str, ...] = (),
    deny_except: tuple[str, ...] = (),
    mode: Mode = "default",
    additional: tuple[str, ...] = (),
) -> Policy:
    """Returns a policy of these rules."""
    read = read_permissions({"allow": [*allow], "ask": [*ask], "deny": [*deny], "denyExcept": [*deny_except]})
    assert read.broken is None
    return Policy(name, read.rules, mode, additional)


def rule(effect: Literal["allow", "ask", "deny"], spec: str | None, anchor: str = "") -> Rule:
    """Returns a Read rule."""
    return Rule(effect, f"Read({spec})", "Read", spec, anchor=anchor)
