"""Names of tools: which are known, which name the same tool, and which are governed by one kind of rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from proxy.permissions.values import Decision
from proxy.permissions.wildcards import wildcard_match

READ_TOOLS = frozenset({"Read", "NotebookRead", "Grep", "Glob", "LS", "LSP"})
"""Governed by `Read(path)`."""
EDIT_TOOLS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
"""Governed by `Edit(path)`; what may not be read may not be written either."""
FILE_TOOLS = READ_TOOLS | EDIT_TOOLS
COMMAND_TOOLS = frozenset({"Bash", "Monitor"})
"""Governed by `Bash(pattern)`."""
HARMLESS_TOOLS = frozenset({"TodoRead", "TodoWrite", "BashOutput", "KillShell", "TaskOutput", "TaskStop"})
"""They touch nothing but what their own conversation made."""

_GOVERNED: Mapping[tuple[str, Decision], frozenset[str]] = MappingProxyType({
    ("Read", "allow"): READ_TOOLS, ("Read", "ask"): READ_TOOLS, ("Read", "deny"): READ_TOOLS,
    ("Edit", "allow"): READ_TOOLS, ("Edit", "ask"): EDIT_TOOLS, ("Edit", "deny"): EDIT_TOOLS,
})  # fmt: skip

_OTHER_NAMES = {"Task": "Agent", "KillBash": "KillShell", "BashOutputTool": "BashOutput"}
_OLDER_FORMS = {"MultiEdit": "Edit", "NotebookRead": "Read", "Monitor": "Bash"}
"""A rule on the whole tool holds for these too: the older or second form of it."""

_CLIENT_TOOLS = frozenset(
    {
        "AskUserQuestion",
        "Cd",
        "CronCreate",
        "CronDelete",
        "CronList",
        "EnterPlanMode",
        "EnterWorktree",
        "ExitPlanMode",
        "ExitWorktree",
        "ListMcpResourcesTool",
        "PowerShell",
        "PushNotification",
        "ReadMcpResourceTool",
        "RemoteTrigger",
        "ScheduleWakeup",
        "SendMessage",
        "Skill",
        "SlashCommand",
        "StructuredOutput",
        "TaskCreate",
        "TaskGet",
        "TaskList",
        "TaskUpdate",
        "TeamCreate",
        "TeamDelete",
        "ToolSearch",
        "WaitForMcpServers",
        "Workflow",
    }
)
"""Tools that clients run themselves; rules may name them."""

OUT_OF_SCOPE: Mapping[str, str] = MappingProxyType(
    {
        "Skill": "skills",
        "Cd": "the user's own /cd",
        "PowerShell": "PowerShell",
        "SlashCommand": "slash commands",
    }
)
"""Tools whose scoped rules only a client can follow, and what they are about."""

KNOWN_TOOLS = FILE_TOOLS | COMMAND_TOOLS | HARMLESS_TOOLS | _CLIENT_TOOLS | {"Agent", "WebFetch", "WebSearch"}
"""Every canonical name a rule may be about, MCP tools apart."""

MCP = "mcp__"
_MCP_WITH_SERVER = re.compile(r"mcp__[^*]*[^*_][^*]*__")
"""An allow rule with a wildcard must spell out the server first."""


def canonical(name: str) -> str:
    """Returns the name by which rules know a tool: `Agent` for `Task`."""
    return _OTHER_NAMES.get(name, name)


def is_mcp(name: str) -> bool:
    """Tells whether a name is that of an MCP server's tool, of a whole server, or a pattern of them."""
    return name.startswith(MCP)


def names_literal_server(pattern: str) -> bool:
    """Tells whether a pattern of MCP names spells out its server: `mcp__github__get_*`."""
    return _MCP_WITH_SERVER.match(pattern) is not None


def governs(rule_tool: str, name: str, effect: Decision) -> bool:
    """Tells whether a rule on the whole of `Read` or `Edit` is about another file tool too, under `strict`.

    Rules on paths are about all tools that read, or change, files. The real client takes one without brackets
    for its own tool alone, but reads in its folder without any rule. So it forbids like a rule on paths, and
    lets all tools read; what `Edit` may change no other tool may: that would be laxer than the real client.
    """
    return canonical(name) in _GOVERNED.get((rule_tool, effect), frozenset())


def matches_name(pattern: str, name: str) -> bool:
    """Tells whether a rule's tool, which may hold `*`, means the tool called `name`.

    `mcp__s` means every tool of the server `s`.
    """
    called = canonical(name)
    wanted = canonical(pattern)
    if "*" in wanted:
        return wildcard_match(wanted, called)
    if wanted in {called, _OLDER_FORMS.get(called)}:
        return True
    return is_mcp(wanted) and "__" not in wanted[len(MCP) :] and called.startswith(f"{wanted}__")
