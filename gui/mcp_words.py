"""The words for MCP servers: states with reasons, what would be started, what changed; pure functions."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from gui import wording
from gui.wording import Phrase, visible
from proxy.mcp.values import MAX_RESTARTS, Launch, LogEntry, ServerPhase, ServerStatus, ToolChange, ToolFacts

RUNNING = frozenset({ServerPhase.CONNECTED, ServerPhase.STARTING, ServerPhase.RESTARTING})
"""The phases a server can be stopped in."""
UNAPPROVED = frozenset({ServerPhase.PENDING, ServerPhase.REJECTED})
PERMISSIONS = (("allow", "Allow"), ("ask", "Ask"), ("deny", "Deny"), ("default", "As the rules say"))

_PHRASES = {
    ServerPhase.DISABLED: Phrase("Switched off", "neutral", "state-stopped"),
    ServerPhase.PENDING: Phrase("Waits for your approval", "warn", "ask"),
    ServerPhase.REJECTED: Phrase("Rejected: never started", "neutral", "refused"),
    ServerPhase.STARTING: Phrase("Starting…", "info", "state-busy"),
    ServerPhase.CONNECTED: Phrase("Connected", "ok", "state-running"),
    ServerPhase.NEEDS_AUTHENTICATION: Phrase("Needs a sign-in", "warn", "key"),
    ServerPhase.FAILED: Phrase("Failed", "danger", "state-problem"),
    ServerPhase.STOPPING: Phrase("Stopping…", "info", "state-busy"),
    ServerPhase.STOPPED: Phrase("Stopped", "neutral", "state-stopped"),
}
_TYPES = {
    "python": "Python package",
    "node": "Node package",
    "stdio": "program",
    "http": "HTTP",
    "sse": "SSE (old)",
}
_KINDS = {"stderr": "output", "lifecycle": "Signalbox", "sent": "to server", "received": "from server"}
_LINE_BREAKS = {"\n": "\\u{a}", "\t": "\\u{9}"}


def can_start(server: ServerStatus) -> bool:
    """Says whether a start by hand means anything now; of what waits unknown, it means looking again."""
    if server.phase in UNAPPROVED:
        return server.launch is None
    return server.phase not in RUNNING and server.phase is not ServerPhase.STOPPING


def phase_phrase(server: ServerStatus) -> Phrase:
    """Returns a server's state in a word, without the reason."""
    if server.phase is ServerPhase.RESTARTING:
        return Phrase(f"Restarting ({server.attempt} of {MAX_RESTARTS})…", "warn", "state-busy")
    return _PHRASES[server.phase]


def state_text(server: ServerStatus) -> str:
    """Returns a server's state with the reason: `Failed – exit 1: npx not found`."""
    text = phase_phrase(server).text
    return f"{text} – {one_line(server.reason)}" if server.reason else text


def type_name(server_type: str) -> str:
    """Returns how Signalbox talks to a server of this type."""
    return _TYPES.get(server_type, server_type)


def transport(server: ServerStatus) -> str:
    """Returns the way messages go: stdio, HTTP or SSE."""
    return {"http": "HTTP", "sse": "SSE"}.get(server.type, "stdio")


def offered(server: ServerStatus) -> tuple[ToolFacts, ...]:
    """Returns the tools that models are told of."""
    return tuple(tool for tool in server.tools if tool.is_enabled and tool.quarantine is None)


def quarantined(server: ServerStatus) -> tuple[ToolFacts, ...]:
    """Returns the tools somebody has to look at first."""
    return tuple(tool for tool in server.tools if tool.quarantine is not None)


def ago(at: float | None, now: float) -> str:
    """Returns how long ago something was: `just now`, `12 min ago`; a dash for never."""
    if at is None:
        return "–"
    return "just now" if now - at < 60 else f"{wording.uptime(now - at)} ago"


def permission_text(tool: ToolFacts) -> str:
    """Returns what the file says of calls of a tool."""
    return dict(PERMISSIONS)[tool.permission or "default"]


def one_line(text: str) -> str:
    """Returns text from outside for a cell or a label: on one line, nothing in it invisible."""
    return visible(" ".join(text.split()))


def exact(text: str) -> str:
    """Returns an argument so that nothing in it is invisible, its line breaks included."""
    shown = "".join(_LINE_BREAKS.get(character, character) for character in text)
    return f'"{visible(shown)}"' if not shown.strip() or shown != shown.strip() else visible(shown)


def launch_lines(launch: Launch) -> str:
    """Returns exactly what would be started, one argument a line, each with its number."""
    if not launch.argv:
        return exact(launch.url)
    width = len(str(len(launch.argv) - 1))
    return "\n".join(f"{number:>{width}}  {exact(part)}" for number, part in enumerate(launch.argv))


def launch_facts(launch: Launch) -> list[tuple[str, str, str]]:
    """Returns what else an approval is bound to, as pairs of words with a tone."""
    names = ", ".join(exact(name) for name in launch.environment_names)
    facts: list[tuple[str, str, str]] = []
    if launch.argv:
        package = exact(launch.package) if launch.package else "no package: the program as it lies there"
        facts = [("Package", package, ""), ("Folder", exact(launch.cwd) if launch.cwd else "its own", "")]
    return [
        *facts,
        ("Variables", names or "none of yours", ""),
        ("Fingerprint", launch.digest or "not known yet", "muted"),
    ]


def runs_as(launch: Launch) -> str:
    """Returns what starting it means."""
    if not launch.argv:
        return (
            "Signalbox will connect there and send it the arguments of every call. What it answers reaches "
            "the model as text."
        )
    return (
        "Whatever you may read, change or send, it may too. The rules for tools hold for calls of models; "
        "they do not hold the program itself."
    )


def kind_name(entry: LogEntry) -> str:
    """Returns where a line of the log comes from."""
    return _KINDS[entry.kind]


def change_lines(change: ToolChange) -> str:
    """Returns a definition's change as lines with `+` and `-`; a new tool is all `+`."""
    before, after = change.before.splitlines(), change.after.splitlines()
    if not before:
        return "\n".join(f"+ {line}" for line in after)
    found = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return "\n".join(f"{line[:1]} {line[1:]}" if line[:1] in "+- " else line for line in found)


def summary(servers: Sequence[ServerStatus]) -> str:
    """Returns how the servers stand, in one line."""
    connected = [each for each in servers if each.phase is ServerPhase.CONNECTED]
    parts = [f"{len(connected)} of {len(servers)} connected"]
    failed = sum(each.phase is ServerPhase.FAILED for each in servers)
    if failed:
        parts.append(f"{failed} failed")
    tools = [tool for each in connected for tool in offered(each)]
    if tools:
        cost = wording.tokens(sum(tool.tokens for tool in tools))
        parts.append(f"{wording.count(len(tools), 'tool')} offered, ~{cost} tokens")
    return "  ·  ".join(parts)
