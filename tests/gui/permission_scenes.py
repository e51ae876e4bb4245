"""Made-up but likely contents for the permission pages: tools, rules, workspaces, waiting calls, history."""

from __future__ import annotations

from gui.permission_desk import (
    ApprovalView,
    DecisionView,
    Effect,
    ImportPreview,
    ImportRow,
    PartView,
    RuleView,
    ToolView,
    TryView,
    WorkspaceView,
)
from gui.spending import BudgetView, SpendingView, TokenView
from tests.gui.fake_permissions import FakePermissions

_TOOLS: tuple[tuple[str, str, str, Effect, int], ...] = (
    ("Read", "Read", "Reads a file: text, images, PDFs and notebooks.", "allow", 980),
    ("Glob", "Read", "Finds files by name.", "allow", 340),
    ("Grep", "Read", "Searches the contents of files.", "allow", 720),
    ("LS", "Read", "Lists a folder.", "allow", 210),
    ("NotebookRead", "Read", "Reads a notebook with its outputs.", "allow", 190),
    ("Write", "Edit", "Writes a whole file.", "ask", 410),
    ("Edit", "Edit", "Replaces a passage of a file.", "ask", 690),
    ("MultiEdit", "Edit", "Replaces several passages of a file, all or none.", "ask", 880),
    ("NotebookEdit", "Edit", "Changes a cell of a notebook.", "ask", 450),
    ("Bash", "Run", "Runs a command in the workspace.", "ask", 2_300),
    ("Task", "Run", "Hands a task to another model, with at most the same rights.", "ask", 1_150),
    ("WebFetch", "Web", "Fetches a page and turns it into Markdown.", "ask", 520),
    ("WebSearch", "Web", "Searches the web.", "ask", 380),
    ("TodoRead", "Plan", "Reads the list of steps of this conversation.", "allow", 90),
    ("TodoWrite", "Plan", "Writes the list of steps of this conversation.", "allow", 1_900),
    ("mcp__github__get_issue", "github", "Reads an issue.", "ask", 260),
    ("mcp__github__create_issue", "github", "Opens an issue.", "deny", 310),
)
TOOLS = [
    ToolView(
        name,
        group,
        description,
        is_offered=name not in {"LS", "mcp__github__create_issue"},
        default=default,
        rules=3 if name == "Bash" else 1 if name in {"Read", "WebFetch"} else 0,
        allowed=41 if name == "Bash" else 118 if name == "Read" else 0,
        asked=6 if name == "Bash" else 0,
        denied=2 if name == "Bash" else 0,
        tokens=tokens,
    )
    for name, group, description, default, tokens in _TOOLS
]
RULES = [
    RuleView(
        "deny", "Read(./.env)", "Denies reading .env in the working directory.", "settings", can_change=True
    ),
    RuleView(
        "deny",
        "Bash(rm -rf *)",
        "Denies commands that begin with rm -rf.",
        "/home/you/website/.claude/settings.json",
        can_change=False,
        hits=2,
    ),
    RuleView(
        "ask",
        "Bash(git push *)",
        "Asks before every push.",
        "settings",
        can_change=True,
        hits=5,
    ),
    RuleView(
        "allow",
        "Bash(npm *)",
        "Allows commands that begin with npm.",
        "settings",
        can_change=True,
        hits=31,
        warning="npm also runs what a package brings along: npm exec, npm install with scripts.",
        fix="Bash(npm test)",
    ),
    RuleView(
        "allow",
        "Write(/etc/hosts)",
        "Allows writing etc/hosts below the settings’ folder.",
        "settings",
        can_change=True,
        warning="/etc/hosts is not the absolute path here; the rule never matches.",
        fix="Write(//etc/hosts)",
    ),
    RuleView(
        "allow",
        "WebFetch(domain:docs.python.org)",
        "Allows fetching pages of docs.python.org.",
        "settings",
        can_change=True,
        hits=4,
    ),
]
WORKSPACES = [
    WorkspaceView("website", "/home/you/website", ("/home/you/shared/brand",), is_default=True),
    WorkspaceView("notes", "/home/you/notes"),
    WorkspaceView("old", "/mnt/backup/old", problem="the folder is not there"),
]
PUSH = ApprovalView(
    "apr_1",
    "d1",
    "Bash",
    "git push origin main && npm publish",
    fits_notification=True,
    reason="ask rule Bash(git push *) matches 'git push origin main'",
    hints=("uses the network", "npm publish cannot be taken back"),
    suggestion="Bash(git push origin main)",
    client="claude-cli/2.1.330",
    conversation_id="conv_3",
    workspace="website",
    request_id="req_0004",
    asked_at=0.0,
    expires_at=0.0,
)
WRITE = ApprovalView(
    "apr_2",
    "d2",
    "Write",
    "/home/you/website/src/signal.py\n\n"
    + "\n".join(f"def lamp_{n}() -> str:\n    return 'lamp {n} is lit'\n" for n in range(12)),
    fits_notification=False,
    reason="no rule allows Write, and the mode asks",
    hints=("replaces a file of 212 lines",),
    suggestion=None,
    client="claude-cli/2.1.330",
    conversation_id="conv_3",
    workspace="website",
    request_id="req_0006",
    asked_at=0.0,
    expires_at=0.0,
)
FETCH = ApprovalView(
    "apr_3",
    "d3",
    "WebFetch",
    "https://example.org/a?q=\u202egnp.exe\u200b",
    fits_notification=False,
    reason="no rule names example.org",
    hints=("uses the network",),
    suggestion="WebFetch(domain:example.org)",
    client="python-sdk/0.80",
    conversation_id=None,
    workspace=None,
    request_id="req_0008",
    asked_at=0.0,
    expires_at=0.0,
)
REPEATED = ApprovalView(
    "apr_4",
    "d4",
    "Repeated request",
    "6 times within 60 seconds\ntoken: ci\nalias: big (asked for claude-opus-5-5)\ncost so far: $1.86",
    fits_notification=True,
    reason="the loop guard lets the same request pass 5 times in 60 s",
    hints=(),
    suggestion=None,
    client="claude-cli/2.1.330",
    conversation_id="conv_3",
    workspace=None,
    request_id="req_0009",
    asked_at=0.0,
    expires_at=0.0,
    is_request=True,
)
TRIES = {
    "git push origin main && rm -rf build": TryView(
        "deny",
        "deny rule Bash(rm -rf *) matches 'rm -rf build'",
        "Bash(rm -rf *)",
        "/home/you/website/.claude/settings.json",
        (
            PartView("git push origin main", "ask", "ask rule Bash(git push *) matches"),
            PartView("rm -rf build", "deny", "deny rule Bash(rm -rf *) matches"),
        ),
    ),
    "npm test": TryView("allow", "allow rule Bash(npm *) matches 'npm test'", "Bash(npm *)", "settings"),
    "make all": TryView(
        "ask", "no rule allows 'make all', and the mode asks", None, None, suggestion="Bash(make all)"
    ),
    "{": TryView(
        "ask", "", None, None, problem="The arguments begin like JSON but are none: line 1, column 2."
    ),
}
IMPORT = ImportPreview(
    "/home/you/.claude/settings.json",
    (
        ImportRow("deny", "Read(~/.ssh/**)", "works"),
        ImportRow("allow", "Bash(npm *)", "already there"),
        ImportRow(
            "allow", "Write(/etc/hosts)", "does nothing", "A single / is relative to the settings’ folder."
        ),
        ImportRow("allow", "SlashCommand(/review)", "out of scope", "Slash commands never reach a proxy."),
        ImportRow("allow", "Bash(make *)", "works"),
    ),
)
SPENDING = SpendingView(
    214,
    1_284_000,
    34_120,
    1.83,
    is_estimate=True,
    unpriced_usd=0.02,
    month_cost_usd=27.4,
    budgets=(
        BudgetView("everything", "month", 50.0, 27.4, 0.12, "2026-12-01", is_used_up=False),
        BudgetView("alias big", "day", 2.0, 1.71, 0.05, "2026-11-23", is_used_up=False),
        BudgetView("token phone", "day", 0.5, 0.5, 0.0, "2026-11-23", is_used_up=True),
    ),
)
TOKENS = [
    TokenView("laptop", "sbx" + "_a1b2", "2026-11-02", (), 5.0, 60.0, "2026-11-22", 21.07),
    TokenView("phone", "sbx" + "_77fe", "2026-11-14", ("small", "draft"), 0.5, None, None, 0.0, "website"),
]


def decisions(start: float) -> list[DecisionView]:
    """Returns past decisions, newest first."""
    calls: tuple[tuple[str, str, Effect, str, str | None, str, int | None], ...] = (
        ("Bash", "npm test", "allow", "rule", "Bash(npm *)", "signalbox", 0),
        ("Bash", "git push origin main", "allow", "user (window)", None, "signalbox", 0),
        ("Bash", "rm -rf build", "deny", "rule", "Bash(rm -rf *)", "client", None),
        ("Read", "/home/you/website/src/signal.py", "allow", "rule", None, "signalbox", None),
        ("Bash", "npm run build", "allow", "rule", "Bash(npm *)", "signalbox", 2),
        ("Write", "/home/you/website/a.py\nprint('lamp')\n", "deny", "expiry", None, "signalbox", None),
        (
            "mcp__github__get_issue",
            '{"number": 12}',
            "allow",
            "user (notification)",
            None,
            "mcp:github",
            None,
        ),
        ("Edit", "/home/you/website/src/b.py", "allow", "mode", None, "client", None),
    )
    return [
        DecisionView(
            start - n * 61,
            tool,
            shown,
            decision,
            by,
            f"rule {rule} matches" if rule else "no rule names it" if by != "mode" else "the mode allows it",
            rule,
            runner,
            "claude-cli/2.1.330",
            "req_0004" if n < 4 else f"req_{n + 4:04d}",
            f"toolu_{n}",
            ran=decision == "allow" and runner != "client",
            exit_code=code,
            result_bytes=(0 if decision == "deny" else 1_240 * (n + 1)),
            duration_s=0.02 * (n + 1),
        )
        for n, (tool, shown, decision, by, rule, runner, code) in enumerate(calls)
    ]


def repeated_answer(at: float) -> DecisionView:
    """Returns the user's answer about a request that came too often."""
    return DecisionView(
        at,
        "Repeated request",
        "6 times within 60 seconds\ntoken: ci\nalias: big (asked for claude-opus-5-5)\ncost so far: $1.86",
        "allow",
        "user (window)",
        "the loop guard lets the same request pass 5 times in 60 s; allowed for 10 minutes",
        None,
        "client",
        "claude-cli/2.1.330",
        "req_0009",
        "",
        is_request=True,
    )


def fill(desk: FakePermissions, start: float) -> None:
    """Puts all of it into a desk, but no call that waits."""
    desk.tool_list = list(TOOLS)
    desk.rule_list = list(RULES)
    desk.workspace_list = list(WORKSPACES)
    desk.tries = dict(TRIES)
    desk.import_preview = IMPORT
    desk.past = decisions(start)
