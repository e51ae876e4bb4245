"""Says in words what a rule means, for the window."""

from __future__ import annotations

from typing_extensions import assert_never

from proxy.permissions.command_patterns import read_pattern
from proxy.permissions.rules import DOMAIN, kind_of, parameter_of
from proxy.permissions.tool_names import is_mcp
from proxy.permissions.values import Decision, Rule

_STARTS: dict[Decision, str] = {"allow": "Allows", "ask": "Asks before", "deny": "Forbids"}
_WHOLE = {
    "Bash": "running any command",
    "Read": "the tool Read on any file (under strict: every tool that reads files)",
    "Edit": "the tools Edit and MultiEdit on any file",
    "WebFetch": "fetching any page",
    "WebSearch": "searching the web",
    "Agent": "starting any sub-conversation",
    "*": "every tool",
}


def describe(rule: Rule) -> str:
    """Returns the meaning of a rule in one sentence."""
    start = "Lifts deny rules for" if rule.is_exception else _STARTS[rule.effect]
    spec = rule.spec or ""
    kind = kind_of(rule)
    if kind == "inert":
        return "Does nothing."
    if kind == "tool":
        return f"{start} {_whole(rule.tool)}."
    if kind == "parameter":
        name, value = parameter_of(rule) or ("", "")
        return f"{start} calls of {rule.tool} whose argument {name} is {_like(value)}."
    if kind == "command":
        return f"{start} {_command(spec)}."
    if kind == "path":
        return f"{start} {_path(rule.tool, spec, rule.anchor)}."
    if kind == "domain":
        return f"{start} fetching pages of {_domain(spec[len(DOMAIN) :].strip())}."
    if kind == "agent":
        return f"{start} sub-conversations of the type {_like(spec)}."
    assert_never(kind)


def _whole(tool: str) -> str:
    if is_mcp(tool):
        server, _, name = tool.removeprefix("mcp__").partition("__")
        if not name or name == "*":
            return f"every tool of the MCP server {server}"
        return f"the tool{'s like' if '*' in name else ''} {name} of the MCP server {server}"
    return _WHOLE.get(tool, f"every tool whose name is like {tool}" if "*" in tool else f"the tool {tool}")


def _command(spec: str) -> str:
    pattern = read_pattern(spec)
    if not pattern.text:
        return "running any command"
    shown = f"commands like `{pattern.text}`" if pattern.has_inner_wildcard else f"`{pattern.text}`"
    tail = ", alone or with any arguments" if pattern.with_arguments else ""
    exactly = "" if pattern.with_arguments or pattern.has_inner_wildcard else "exactly "
    return f"running {exactly}{shown}{tail}"


def _path(tool: str, spec: str, anchor: str) -> str:
    doing = "reading" if tool == "Read" else "changing (and reading)"
    if spec.startswith("//"):
        return f"{doing} what matches `{spec[1:]}`"
    if spec.startswith("~"):
        return f"{doing} what matches `{spec}` in the home folder"
    if spec.startswith("/"):
        return f"{doing} what matches `{spec[1:]}` below {anchor or 'the working directory'}"
    plain = spec.removeprefix("./")
    if "/" not in spec.rstrip("/"):
        return f"{doing} anything called `{plain}`, at any depth below the working directory"
    return f"{doing} what matches `{plain}` below the working directory"


def _domain(pattern: str) -> str:
    if pattern == "*":
        return "any host"
    if pattern.startswith("*.") and "*" not in pattern[2:]:
        return f"hosts below {pattern[2:]}, not of {pattern[2:]} itself"
    return f"hosts like {pattern}" if "*" in pattern else pattern


def _like(pattern: str) -> str:
    return f"like `{pattern}`" if "*" in pattern else f"`{pattern}`"
