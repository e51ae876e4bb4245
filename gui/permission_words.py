"""The words and shapes of permissions: effects, modes, verdicts and who decided; pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from gui.permission_desk import ApprovalView, DecisionView, Effect, SafetyView
from gui.wording import Phrase, count, visible

BYPASS = "bypassPermissions"
MODES = (
    ("default", "Ask", "What no rule allows waits for you; reading inside the workspace needs no question."),
    ("acceptEdits", "Accept edits", "Edits of files inside the workspace go through unasked."),
    ("plan", "Plan", "Only reading goes through; nothing is changed and no command runs."),
    ("dontAsk", "Don’t ask", "What no rule allows is denied without a question."),
    (BYPASS, "Bypass…", "Everything but what a deny rule names goes through unasked."),
)
"""Name in the settings, name in the window, and what it means."""
EFFECTS: tuple[Effect, ...] = ("deny", "ask", "allow")
PATH_TOOLS = frozenset(
    {"Read", "Edit", "Write", "MultiEdit", "Glob", "Grep", "LS", "NotebookRead", "NotebookEdit"}
)
_EFFECT_PHRASES: dict[Effect, Phrase] = {
    "allow": Phrase("Allow", "ok", "check"),
    "ask": Phrase("Ask", "warn", "ask"),
    "deny": Phrase("Deny", "danger", "refused"),
}
_ANSWER_PHRASES: dict[Effect, Phrase] = {
    "allow": Phrase("Allowed", "ok", "check"),
    "ask": Phrase("Would ask", "warn", "ask"),
    "deny": Phrase("Denied", "danger", "refused"),
}


def effect_phrase(effect: Effect) -> Phrase:
    """Returns what a rule does, as a word with tone and shape."""
    return _EFFECT_PHRASES[effect]


def answer_phrase(effect: Effect) -> Phrase:
    """Returns what became, or would become, of a call."""
    return _ANSWER_PHRASES[effect]


def mode_title(mode: str) -> str:
    """Returns what the window calls a mode."""
    return next((title for name, title, _meaning in MODES if name == mode), mode).removesuffix("…")


def mode_meaning(mode: str) -> str:
    """Returns one sentence about a mode."""
    return next((meaning for name, _title, meaning in MODES if name == mode), "")


def repeats_words(safety: SafetyView) -> str:
    """Returns what becomes of a client that sends the very same request again and again."""
    if not safety.repeats:
        return "off: a client may send the very same request as often as it likes"
    then = "waits for your word" if safety.approvals == "wait" else "is refused"
    times = "once" if safety.repeats == 1 else f"{safety.repeats} times"
    within = f"{safety.repeats_within_s:g} seconds"
    return f"the very same request is served {times} within {within}, then it {then}"


def wants(approval: ApprovalView) -> str:
    """Returns what a waiting call, or a repeated request, is about, in a few words."""
    if approval.is_request:
        return "A client repeats the same request"
    verbs = {
        "Bash": "wants to run a command",
        "Read": "wants to read",
        "NotebookRead": "wants to read",
        "Write": "wants to write a file",
        "Edit": "wants to change a file",
        "MultiEdit": "wants to change a file",
        "NotebookEdit": "wants to change a notebook",
        "WebFetch": "wants to fetch a page",
        "WebSearch": "wants to search the web",
    }
    return f"{approval.tool} {verbs.get(approval.tool, 'wants to run')}"


def runner_words(runner: str) -> str:
    """Returns who runs a call: `the client`, `Signalbox`, `MCP github`."""
    if runner.startswith("mcp:"):
        return f"MCP {runner.removeprefix('mcp:')}"
    return {"client": "client", "signalbox": "Signalbox"}.get(runner, runner)


def result_words(row: DecisionView) -> str:
    """Returns how a call ended: `exit 0`, `done`, `failed`, or why there is nothing to say."""
    if row.is_request:
        return "passed on" if row.decision == "allow" else "refused"
    if row.decision != "allow":
        return "not run"
    if not row.ran:
        return "to the client" if row.runner == "client" else "not run"
    if row.exit_code is not None:
        return f"exit {row.exit_code}"
    return "failed" if row.is_error else "done"


def waiting_words(waiting: Sequence[ApprovalView]) -> str:
    """Returns `1 tool waiting for approval`; what waits may be tools, requests, or both."""
    kinds = {each.is_request for each in waiting}
    noun = "question" if len(kinds) > 1 else "request" if True in kinds else "tool"
    return f"{count(len(waiting), noun)} waiting for approval"


def can_be_typed(text: str) -> bool:
    """Says that a field of one line shows all of a text: nothing in it is invisible or breaks the line."""
    return visible(text) == text and "\n" not in text and "\t" not in text


def rule_for(tool: str, shown: str) -> str:
    """Returns the narrowest rule for a past call, as a start to edit; the bare tool where there is none."""
    about = ""
    if tool == "Bash":
        about = shown
    elif tool in PATH_TOOLS:
        path = shown.partition("\n")[0]
        about = f"/{path}" if path.startswith("/") else path
    elif tool == "WebFetch":
        about = _domain(shown)
    return f"{tool}({about})" if about and can_be_typed(about) else tool


def _domain(url: str) -> str:
    try:
        host = urlsplit(url.strip()).hostname
    except ValueError:
        return ""
    return f"domain:{host}" if host else ""
