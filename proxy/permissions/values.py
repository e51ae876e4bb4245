"""The values of the permission engine: what is asked, where, under which policy, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Decision = Literal["allow", "ask", "deny"]
PolicyName = Literal["claude-code", "strict"]
Mode = Literal["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions"]
Platform = Literal["linux", "macos", "windows"]


STRICTNESS: Mapping[Decision, int] = MappingProxyType({"allow": 0, "ask": 1, "deny": 2})


def strictest(*decisions: Decision) -> Decision:
    """Returns the strictest of them; `allow` where there are none."""
    return "deny" if "deny" in decisions else "ask" if "ask" in decisions else "allow"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool and its arguments, as the model wrote them."""

    tool: str
    """The name as called: `Bash`, `Task`, `mcp__github__get_issue`."""
    input: Mapping[str, Any]
    cwd: str | None = None
    """Where relative paths and commands begin; None: the place's `cwd`."""


# What a call would touch --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PathAccess:
    """A file or folder."""

    path: str
    """As given; empty stands for the working directory."""
    operation: Literal["read", "write", "list", "search"]


@dataclass(frozen=True, slots=True)
class CommandAccess:
    """A shell line."""

    command: str


@dataclass(frozen=True, slots=True)
class UrlAccess:
    """A page on the network."""

    url: str


@dataclass(frozen=True, slots=True)
class AgentAccess:
    """A sub-conversation."""

    agent: str


Access: TypeAlias = PathAccess | CommandAccess | UrlAccess | AgentAccess
"""A call with no access at all (TodoWrite, WebSearch, an MCP tool) is judged by its tool's name."""


# Where --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What the machine says of a path at this moment."""

    given: str
    lexical: str
    """Absolute, with `.` and `..` taken out as text; no link followed."""
    real: str
    """Where it really leads, all links followed; of what is missing, the real parent with the rest."""
    kind: Literal["file", "folder", "missing", "other"]
    """`other`: a device, a pipe, a socket, or nothing that could be looked at."""
    links: int = 1
    """Hard links of a file."""
    via: tuple[str, ...] = ()
    """Where each symbolic link on the way leads, in order."""


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A name in a folder."""

    name: str
    kind: Literal["file", "folder", "link", "other"]
    """Of the name itself: links are not followed."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A named root folder in which tools may work."""

    name: str
    root: str
    """Absolute real path; POSIX separators (`/c/Users/a` on Windows)."""
    read_only: tuple[str, ...] = ()
    """Further folders that may be read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is judged: what does not depend on the call."""

    workspace: Workspace | None
    """None: file tools and commands ask or are denied whatever the rules say."""
    cwd: str
    """Absolute; the workspace's root unless the conversation moved."""
    home: str
    look: Callable[[str], PathFacts]
    """Facts of an absolute or cwd-relative path; never raises for what is missing or unreadable."""
    own_paths: tuple[str, ...] = ()
    """Signalbox's own settings and state folders: always denied."""
    platform: Platform = "linux"
    folds_case: bool = False
    """The workspace's volume takes `A` and `a` for the same name."""
    list_folder: Callable[[str], Sequence[FolderEntry]] | None = None
    """What an absolute folder holds, hidden names included, for globs and recursive searches in commands;
    nothing where it cannot be read. None: it cannot be known, and what depends on it asks."""
    look_for_rules: Callable[[str], PathFacts] | None = None
    """`look` for folders that rules and settings name, where `look` notes what calls name. None: `look`."""


# Under which rules --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it was read; made by `rules.read_rule`."""

    effect: Decision
    text: str
    """As written."""
    tool: str
    """Canonical tool name (`Agent` for `Task`) or a pattern of names."""
    spec: str | None = None
    """What stands in the brackets; None: the whole tool."""
    source: str = "settings"
    """Where it is from, for people: `settings`, a file's path, `this conversation`."""
    anchor: str = ""
    """The folder `/x` is relative to: the folder of the source; empty: the working directory."""
    is_exception: bool = False
    """From `denyExcept`: lifts deny rules where it matches too."""
    workspace: str | None = None
    """The only workspace it counts in; None: everywhere. Whoever makes the policy leaves the others out."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules with how they are to be applied."""

    name: PolicyName = "claude-code"
    rules: tuple[Rule, ...] = ()
    """In evaluation order within each effect; deny, ask and allow may be mixed."""
    mode: Mode = "default"
    additional_directories: tuple[str, ...] = ()
    """Absolute folders counted as inside."""
    builtin_read_only: bool = True
    """Claude Code's list of harmless commands runs without a rule; `strict` never has one."""
    broken: str | None = None
    """Why the rules could not be read; then everything asks."""
    interactive_tools: frozenset[str] = frozenset()
    """Tools that say of themselves that the user must confirm every call: no rule and no mode allows them."""


# The verdict --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartVerdict:
    """One sub-command, path or address of a call."""

    what: str
    decision: Decision
    reason: str
    rule: str | None = None
    source: str | None = None
    """Where that rule is from."""
    is_open: bool = False
    """It asks only because nothing spoke: a rule for the whole tool, or the mode, may still allow it."""


def strictest_part(parts: Iterable[PartVerdict]) -> PartVerdict | None:
    """Returns the first of the strictest; of asks, one that nothing may lift goes first."""
    return max(parts, key=lambda part: (STRICTNESS[part.decision], not part.is_open), default=None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may happen with a call, and why."""

    decision: Decision
    reason: str
    """One sentence for people, such as `deny rule Bash(rm *) matches 'rm -rf build'`."""
    rule: str | None = None
    """The rule that decided, as written; None: the mode or a built-in limit."""
    source: str | None = None
    """Where that rule is from."""
    parts: tuple[PartVerdict, ...] = field(default=())
    """Each part's own verdict, in the order of the text; empty where there is only one."""
