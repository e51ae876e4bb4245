"""The narrowest rule that would allow a call from now on, where there is one that is safe to keep."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

from proxy.permissions import urls
from proxy.permissions.accesses import NoAccess, accesses_of
from proxy.permissions.judgement import judge
from proxy.permissions.path_names import absolute_text
from proxy.permissions.risky_programs import runs_code
from proxy.permissions.rules import DOMAIN, Origin, read_rule
from proxy.permissions.shell import parse_line
from proxy.permissions.tool_names import is_mcp
from proxy.permissions.values import CommandAccess, PathAccess, Place, Policy, Rule, ToolCall, UrlAccess
from proxy.permissions.wildcards import escaped

_NAMED = frozenset({"WebSearch"})
"""Tools that a rule can only allow as a whole."""
_MCP_NAME = re.compile(r"mcp__[A-Za-z0-9_-]+__[A-Za-z0-9_-]+")
_GITIGNORE = re.compile(r"([\\*?\[\]!#{} ])")


def narrowest_rule(call: ToolCall, policy: Policy, place: Place) -> str | None:
    """Returns the rule to store when the user says always; None: there is none that is safe to keep.

    A command's rule is its exact text, and there is none for compound lines, expansions, interpreters and
    wrappers. A file's rule is its exact path, a page's its host, an MCP tool's its full name. Whatever is
    returned allows this very call: where a deny or ask rule, a limit or the mode goes before, nothing does.
    """
    text = _candidate(call, place)
    if text is None:
        return None
    rule = cast("Rule", read_rule("allow", text, Origin("this suggestion")))
    verdict = judge(call, replace(policy, rules=(*policy.rules, rule)), place)
    return text if verdict.decision == "allow" else None


def _candidate(call: ToolCall, place: Place) -> str | None:
    if _MCP_NAME.fullmatch(call.tool) or call.tool in _NAMED:
        return call.tool
    if is_mcp(call.tool):
        return None
    try:
        accesses = accesses_of(call)
    except NoAccess:
        return None
    if len(accesses) != 1:
        return None
    (access,) = accesses
    if isinstance(access, CommandAccess):
        return _command(access.command)
    if isinstance(access, UrlAccess):
        return _host(access.url)
    return _path(access, call, place) if isinstance(access, PathAccess) else None


def _command(text: str) -> str | None:
    line = parse_line(text)
    if line.problems or line.has_substitution or len(line.commands) != 1:
        return None
    (command,) = line.commands
    words = [word.text for word in command.words if word.is_literal and not word.has_tilde]
    if len(words) != len(command.words) or command.assignments or command.redirects or not words:
        return None
    # A word with a blank and two words without are the same to a rule, not to a program.
    if any(word is None or not word or re.search(r"\s", word) for word in words) or runs_code(words[0] or ""):
        return None
    return f"Bash({_bracketed(escaped(command.line))})"


def _host(url: str) -> str | None:
    judged = urls.judge_url(url, Policy())
    return None if judged.target is None else f"WebFetch({DOMAIN}{judged.target.host.name})"


def _path(access: PathAccess, call: ToolCall, place: Place) -> str | None:
    if access.operation == "search" and call.tool == "Glob":
        return None
    cwd = absolute_text(call.cwd, place.cwd, place.platform) if call.cwd else place.cwd
    facts = place.look(absolute_text(access.path, cwd, place.platform))
    if facts.kind == "other" or facts.real != facts.lexical:
        return None
    tail = "/**" if access.operation in {"list", "search"} and facts.kind == "folder" else ""
    family = "Edit" if access.operation == "write" else "Read"
    return f"{family}(/{_bracketed(_GITIGNORE.sub(_escape, facts.real))}{tail})"


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[1]}"


def _bracketed(spec: str) -> str:
    r"""Returns a text as a rule's brackets hold it: `\`, `(` and `)` behind a backslash."""
    return re.sub(r"([\\()])", r"\\\1", spec)
