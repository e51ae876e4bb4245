r"""Reads rules: `tool` or `tool(what)`, one by one or as a whole `permissions` object.

What a rule's brackets mean depends on its tool: a command pattern, a path, a `domain:`, an agent's name, or a
parameter with its value. `kind_of` says which, and that a rule is `inert`: accepted and never consulted, as
Claude Code does with `Write(docs/**)`.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias, cast, get_args

from proxy.permissions.command_patterns import PREFIX
from proxy.permissions.tool_names import COMMAND_TOOLS, FILE_TOOLS, canonical, is_mcp, names_literal_server
from proxy.permissions.values import Decision, Mode, Policy, Rule
from proxy.permissions.wildcards import wildcard_match

RuleKind = Literal["tool", "command", "path", "domain", "agent", "parameter", "inert"]
ProblemKind = Literal["invalid", "nothing", "broader", "scope"]
"""The rule was not taken; it does nothing; it means more than it looks; it is not ours to decide."""

EFFECTS: tuple[Decision, ...] = ("deny", "ask", "allow")
EXCEPTIONS = "denyExcept"
DOMAIN = "domain:"

_RULE = re.compile(r"(?P<tool>[A-Za-z0-9_*.:/-]+)(?:\((?P<spec>.*)\))?", re.DOTALL)
_PARAMETER = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_-]*):(?P<value>.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([()\\])")

_PARAMETERS: Mapping[str, frozenset[str]] = {
    "Bash": frozenset(
        {"command", "timeout", "description", "run_in_background", "dangerouslyDisableSandbox"}
    ),
    "Monitor": frozenset({"command", "description", "timeout_ms", "persistent"}),
    "Read": frozenset({"file_path", "offset", "limit", "pages"}),
    "NotebookRead": frozenset({"notebook_path", "cell_id"}),
    "Grep": frozenset({"path", "pattern", "glob", "type", "output_mode", "head_limit", "multiline"}),
    "Glob": frozenset({"path", "pattern"}),
    "LS": frozenset({"path"}),
    "Edit": frozenset({"file_path", "old_string", "new_string", "replace_all"}),
    "MultiEdit": frozenset({"file_path"}),
    "Write": frozenset({"file_path", "content"}),
    "NotebookEdit": frozenset({"notebook_path", "cell_id", "cell_type", "edit_mode", "new_source"}),
    "WebFetch": frozenset({"url", "prompt", "offset"}),
    "WebSearch": frozenset({"query"}),
    "Agent": frozenset(
        {"subagent_type", "model", "effort", "run_in_background", "isolation", "prompt", "description"}
    ),
}
RAW_PARAMETERS = frozenset({"command", "file_path", "path", "notebook_path", "url"})
"""They are never compared as raw text: the same command, path or address can be written in many ways."""


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """What is wrong with a rule, for people."""

    rule: str
    """As written."""
    text: str
    """One sentence or two."""
    fix: str | None = None
    """A rule that does what was probably meant."""
    kind: ProblemKind = "nothing"
    effect: Decision | None = None
    """In which list it stands; None: it is not about a rule of a list."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A `permissions` object, read."""

    rules: tuple[Rule, ...] = ()
    mode: Mode | None = None
    """None: it names none, or none that can be used."""
    additional_directories: tuple[str, ...] = ()
    """Absolute, as text."""
    forbids_bypass: bool = False
    """The mode bypassPermissions must not be used, whoever asks for it."""
    problems: tuple[RuleProblem, ...] = ()
    broken: str | None = None
    """Why a policy from it must ask about everything."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rules are from."""

    source: str = "settings"
    """For people: `settings`, a file's path."""
    anchor: str = ""
    """The folder their `/x` is relative to; empty: the working directory."""
    folder: str = "/"
    """The folder relative `additionalDirectories` are in."""
    home: str = "/"


Read: TypeAlias = Rule | RuleProblem


def read_rule(
    effect: Decision, text: str, origin: Origin | None = None, *, is_exception: bool = False
) -> Read:
    """Reads one rule.

    Args:
        effect: The list it stands in; `deny` for an exception from deny rules.
        text: The rule as written.
        origin: Where it is from.
        is_exception: It is from `denyExcept`.

    Returns:
        The rule, or why it cannot be taken.
    """
    origin = origin or Origin()
    found = _RULE.fullmatch(text.strip())
    if found is None or found["tool"].startswith(":"):
        return _no_rule(effect, text)
    tool, spec = canonical(found["tool"]), found["spec"]
    if spec is not None:
        spec = _ESCAPED.sub(r"\1", spec)
    if spec is not None and spec.strip() in {"", "*"}:
        spec = None
    if effect == "allow" and "*" in tool and not names_literal_server(tool):
        return RuleProblem(
            text,
            f'Invalid permission rule "{text}" was skipped: a wildcard tool name is not supported in allow '
            "rules, unless the MCP server is spelt out first, as in mcp__github__get_*.",
            kind="invalid",
            effect=effect,
        )
    if is_exception and (spec is None or tool not in {"Read", "Edit"}):
        return RuleProblem(
            text,
            f'Invalid {EXCEPTIONS} rule "{text}" was skipped: only Read(path) and Edit(path) can be.',
            kind="invalid",
            effect=effect,
        )
    return Rule(effect, text, tool, spec, origin.source, origin.anchor, is_exception)


def _no_rule(effect: Decision, text: str) -> RuleProblem:
    words = text.strip()
    fix = f"Bash({words})" if re.fullmatch(r"[a-z][\w.-]*( [^()]*)?", words) else None
    if fix is None and re.fullmatch(r"[A-Za-z_]\w*\(.*[^)]", words, re.DOTALL):
        fix = f"{words})"
    return RuleProblem(
        text,
        f'Invalid permission rule "{text}" was skipped: a rule is a tool, or a tool with something in '
        "brackets, such as Bash(git log:*).",
        fix,
        "invalid",
        effect,
    )


@lru_cache(maxsize=4096)
def kind_of(rule: Rule) -> RuleKind:
    """Returns what a rule is about."""
    if rule.spec is None:
        return "tool"
    if parameter_of(rule) is not None:
        return "parameter"
    if _has_parameter_form(rule.tool, rule.spec):
        return "inert"
    if rule.tool == "Bash":
        return "command"
    if rule.tool in {"Read", "Edit"}:
        return "path"
    if rule.tool == "WebFetch" and rule.spec.startswith(DOMAIN):
        return "domain"
    return "agent" if rule.tool == "Agent" else "inert"


def parameter_of(rule: Rule) -> tuple[str, str] | None:
    """Returns the parameter and the pattern of its value, where a rule is about one and may be."""
    if rule.spec is None or rule.effect == "allow" or not _has_parameter_form(rule.tool, rule.spec):
        return None
    name, _, value = rule.spec.partition(":")
    return None if name in RAW_PARAMETERS else (name, value)


def _has_parameter_form(tool: str, spec: str) -> bool:
    found = _PARAMETER.fullmatch(spec)
    if found is None or (tool in COMMAND_TOOLS and spec.endswith(PREFIX)):
        return False
    known = _PARAMETERS.get(tool)
    if known is None:
        return is_mcp(tool) or tool not in FILE_TOOLS | COMMAND_TOOLS
    return found["name"] in known


def parameter_matches(rule: Rule, arguments: Mapping[str, Any]) -> bool:
    """Tells whether a parameter rule matches a call's arguments; a parameter left out never does."""
    wanted = parameter_of(rule)
    if wanted is None or wanted[0] not in arguments:
        return False
    value = arguments[wanted[0]]
    if isinstance(value, (Mapping, Sequence)) and not isinstance(value, str):
        return False
    return wildcard_match(wanted[1], value if isinstance(value, str) else json.dumps(value))


def rules_of(policy: Policy, effect: Decision) -> tuple[Rule, ...]:
    """Returns a policy's rules of one effect, without the exceptions."""
    return tuple(rule for rule in policy.rules if rule.effect == effect and not rule.is_exception)


# A whole `permissions` object -----------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    origin: Origin
    rules: list[Rule] = field(default_factory=list[Rule])
    problems: list[RuleProblem] = field(default_factory=list[RuleProblem])
    broken: list[str] = field(default_factory=list[str])

    def breaks(self, why: str) -> None:
        """Notes that a part of the object could not be read: what it forbids is unknown."""
        self.broken.append(why)


def read_permissions(data: object, origin: Origin | None = None) -> RuleSet:
    """Reads a `permissions` object as YAML or JSON gave it.

    A deny or ask rule that cannot be read makes the whole set `broken`: what it was to forbid is unknown.

    Args:
        data: The object; None and an empty one hold no rules.
        origin: Where it is from.
    """
    reading = _Reading(origin or Origin())
    if data is None:
        return RuleSet()
    if not isinstance(data, Mapping):
        return RuleSet(broken="`permissions` must hold lists of rules: allow, ask and deny")
    given = cast("Mapping[object, object]", data)
    for effect in EFFECTS:
        _read_list(given, effect, effect, reading)
    _read_list(given, EXCEPTIONS, "deny", reading)
    directories = _directories(given.get("additionalDirectories"), reading)
    forbids_bypass = given.get("disableBypassPermissionsMode") == "disable"
    return RuleSet(
        tuple(reading.rules),
        _mode(given.get("defaultMode"), reading, forbids_bypass=forbids_bypass),
        directories,
        forbids_bypass,
        tuple(reading.problems),
        "; ".join(reading.broken) or None,
    )


def _read_list(given: Mapping[object, object], key: str, effect: Decision, reading: _Reading) -> None:
    listed = given.get(key)
    if listed is None:
        return
    if not isinstance(listed, list):
        reading.breaks(f"`permissions.{key}` is no list of rules")
        return
    for each in cast("list[object]", listed):
        if not isinstance(each, str):
            _refuse(RuleProblem(str(each), f'"{each}" is no text.', None, "invalid", effect), key, reading)
            continue
        found = read_rule(effect, each, reading.origin, is_exception=key == EXCEPTIONS)
        if isinstance(found, RuleProblem):
            _refuse(found, key, reading)
        else:
            reading.rules.append(found)


def _refuse(problem: RuleProblem, key: str, reading: _Reading) -> None:
    reading.problems.append(problem)
    if key in {"deny", "ask"}:
        reading.breaks(f'the {key} rule "{problem.rule}" cannot be read')


def _directories(listed: object, reading: _Reading) -> tuple[str, ...]:
    if listed is None:
        return ()
    if not isinstance(listed, list):
        reading.problems.append(_note("additionalDirectories", "`additionalDirectories` is no list."))
        return ()
    origin = reading.origin
    found: list[str] = []
    for each in cast("list[object]", listed):
        if not isinstance(each, str) or not each:
            reading.problems.append(_note(str(each), "An additional directory must be a path."))
            continue
        path = origin.home + each[1:] if each == "~" or each.startswith("~/") else each
        found.append(posixpath.normpath(posixpath.join(origin.folder, path)))
    return tuple(found)


def _mode(named: object, reading: _Reading, *, forbids_bypass: bool) -> Mode | None:
    if named is None:
        return None
    if named == "manual":
        return "default"
    if named == "bypassPermissions" and forbids_bypass:
        why = "disableBypassPermissionsMode beside it forbids it"
    elif named in get_args(Mode):
        return cast("Mode", named)
    elif named == "auto":
        why = "auto mode lets a model decide and is not supported; every call asks where no rule matches"
    else:
        why = f"there is no such mode; known are {', '.join(get_args(Mode))}"
    reading.problems.append(_note(f"defaultMode: {named}", f'defaultMode "{named}" is not used: {why}.'))
    return None


def _note(what: str, text: str) -> RuleProblem:
    return RuleProblem(what, text, None, "invalid")
