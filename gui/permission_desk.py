"""What the window may ask about tools, rules, workspaces and approvals, with values of its own; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Effect = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class ToolView:
    """A tool as the page lists it."""

    name: str
    group: str
    """`Read`, `Edit`, `Run`, `Web`, `Plan`, or the MCP server's name."""
    description: str
    """One sentence for people."""
    is_offered: bool
    """Switched on: models are told of it."""
    default: Effect
    """What happens to a call that no narrower rule speaks of."""
    rules: int
    """How many rules name it."""
    allowed: int = 0
    """Calls of the last 24 hours."""
    asked: int = 0
    denied: int = 0
    tokens: int = 0
    """About what its definition costs in each request."""


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule as the page lists it, in evaluation order."""

    effect: Effect
    text: str
    meaning: str
    """In words."""
    source: str
    """`settings` or the file it is from."""
    can_change: bool
    """It stands in our own settings."""
    hits: int = 0
    """Calls it decided in the last 24 hours."""
    warning: str | None = None
    """Why it does nothing or means more than it looks."""
    fix: str | None = None
    """The rule that would do what was meant."""
    is_exception: bool = False
    """It lifts deny rules where it matches too; it stands among them."""


@dataclass(frozen=True, slots=True)
class CallDraft:
    """A call to try."""

    tool: str
    arguments: str
    """A JSON object as text, or the one argument that matters: a command, a path, an address."""
    workspace: str | None = None
    mode: str | None = None
    """None: the mode that is set."""


@dataclass(frozen=True, slots=True)
class PartView:
    """A part of a tried call, such as a sub-command."""

    what: str
    decision: Effect
    reason: str


@dataclass(frozen=True, slots=True)
class TryView:
    """What would happen to a tried call. Nothing ran."""

    decision: Effect
    reason: str
    rule: str | None
    source: str | None
    parts: tuple[PartView, ...] = ()
    suggestion: str | None = None
    """The narrowest rule that would allow it."""
    problem: str | None = None
    """Why the draft is no call; then nothing else is meant."""


@dataclass(frozen=True, slots=True)
class WorkspaceView:
    """A workspace; also what the user typed to add or change one."""

    name: str
    root: str
    read_only: tuple[str, ...] = ()
    is_default: bool = False
    problem: str | None = None
    """Why it cannot be used, such as: the folder is not there."""


@dataclass(frozen=True, slots=True)
class SafetyView:
    """How careful Signalbox is, for the page's last tab."""

    mode: str
    policy: str
    approvals: str
    """`wait` or `deny`."""
    sandbox: str
    """The setting: auto, off or required."""
    sandbox_found: str
    """What is there, in words: `bubblewrap 0.8.0` or `none: install bubblewrap …`."""
    shell_timeout_s: float
    repeats: int = 0
    """So often the very same request is served within `repeats_within_s`; 0: the loop guard is off."""
    repeats_within_s: float = 0.0
    protected: tuple[str, ...] = ()
    """Names whose change always asks."""
    critical: tuple[str, ...] = ()
    """What `rm` may never take unasked."""
    broken: str | None = None
    """Why the rules cannot be read."""
    bypass_refusal: str | None = None
    """Why the mode bypassPermissions cannot be chosen; None: it can."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A rule of a Claude Code file, and what would become of it."""

    effect: Effect
    text: str
    verdict: Literal["works", "does nothing", "out of scope", "already there"]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What a Claude Code settings file holds; nothing is changed yet."""

    path: str
    rows: tuple[ImportRow, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A call that waits for the user, or a request that came too often."""

    approval_id: str
    digest: str
    tool: str
    shown: str
    """The exact call as text: command, address, path or JSON; invisible characters escaped, never cut."""
    fits_notification: bool
    """`shown` is short and plain enough for a notification to show it whole."""
    reason: str
    hints: tuple[str, ...]
    """Risks in words: `writes outside the workspace`, `uses the network`."""
    suggestion: str | None
    """The rule that `always` would store."""
    client: str
    conversation_id: str | None
    workspace: str | None
    request_id: str
    asked_at: float
    expires_at: float
    is_request: bool = False
    """No tool's call but a request that its client repeats: `shown` says which, and `10 minutes` is the scope
    beside `once`."""


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision of the past."""

    at: float
    tool: str
    shown: str
    decision: Effect
    by: str
    reason: str
    rule: str | None
    runner: str
    client: str
    request_id: str
    call_id: str
    ran: bool = False
    exit_code: int | None = None
    is_error: bool = False
    result_bytes: int = 0
    duration_s: float = 0.0
    is_request: bool = False
    """No tool's call but a request that its client repeated; no rule can be made of it."""


@dataclass(frozen=True, slots=True)
class ApprovalAnswerDraft:
    """What the user answered."""

    approval_id: str
    digest: str
    """Of the call that was shown."""
    decision: Literal["allow", "deny"]
    scope: Literal["once", "conversation", "always", "10 minutes"] = "once"
    rule: str | None = None
    message: str = ""
    by: Literal["window", "notification", "command line"] = "window"


@dataclass(frozen=True, slots=True)
class PermissionsChanged:
    """Rules, mode, switches or what a tool was called for changed; ask again."""


@dataclass(frozen=True, slots=True)
class WorkspacesChanged:
    """Workspaces changed; ask `workspaces()`."""


@dataclass(frozen=True, slots=True)
class ApprovalsChanged:
    """A call waits, or waits no more; ask `approvals()`."""


@dataclass(frozen=True, slots=True)
class HistoryRead:
    """The answer to `read_history`, newest first."""

    rows: tuple[DecisionView, ...]


@dataclass(frozen=True, slots=True)
class CallTried:
    """The answer to `try_call`."""

    draft: CallDraft
    view: TryView


class PermissionDesk(Protocol):
    """The permission part of the desk. What returns `str | None` says why not, or None when it was taken."""

    def tools(self) -> tuple[ToolView, ...]:
        """Returns the catalogue."""
        ...

    def offer_tool(self, name: str, *, is_offered: bool) -> str | None:
        """Switches a tool on or off."""
        ...

    def set_tool_default(self, name: str, effect: Effect) -> str | None:
        """Stores the bare rule for a tool, in place of one with another effect."""
        ...

    def rules(self) -> tuple[RuleView, ...]:
        """Returns all rules: deny, ask, allow."""
        ...

    def rule_preview(self, effect: Effect, text: str) -> RuleView:
        """Says what a rule would mean, with its warning; `hits` counts the last 200 calls it would match."""
        ...

    def save_rule(self, effect: Effect, text: str, *, replaces: RuleView | None = None) -> str | None:
        """Adds a rule, or changes one."""
        ...

    def remove_rule(self, rule: RuleView) -> str | None:
        """Takes a rule of ours out."""
        ...

    def rules_text(self) -> str:
        """Returns our `permissions` object as JSON text."""
        ...

    def save_rules_text(self, text: str) -> str | None:
        """Stores the object as edited."""
        ...

    def preview_import(self, path: str) -> ImportPreview:
        """Reads a Claude Code settings file and says what each rule would do here."""
        ...

    def import_rules(self, path: str) -> str | None:
        """Takes over the file's rules that work here."""
        ...

    def export_rules(self, path: str) -> str | None:
        """Writes our rules into a Claude Code settings file; whatever else stands there stays as it is."""
        ...

    def try_call(self, draft: CallDraft) -> None:
        """Judges a call without running it, which looks at the disk; CallTried follows."""
        ...

    def safety(self) -> SafetyView:
        """Returns mode, policy and limits."""
        ...

    def set_mode(self, mode: str, *, confirmation: str = "") -> str | None:
        """Sets the mode; `bypassPermissions` needs the word `bypass` typed as confirmation."""
        ...

    def set_loop_guard(self, repeats: int, within_s: float) -> str | None:
        """Sets how often the very same request is served within seconds before it asks; 0: it never asks."""
        ...

    def workspaces(self) -> tuple[WorkspaceView, ...]:
        """Returns the workspaces in file order."""
        ...

    def save_workspace(self, workspace: WorkspaceView, *, replaces: str | None) -> str | None:
        """Adds or changes a workspace."""
        ...

    def remove_workspace(self, name: str) -> str | None:
        """Takes a workspace out of the settings; its folder is not touched."""
        ...

    def approvals(self) -> tuple[ApprovalView, ...]:
        """Returns the calls that wait, oldest first."""
        ...

    def answer_approval(self, answer: ApprovalAnswerDraft) -> str | None:
        """Gives the answer; says why not where the call waits no more or is another one."""
        ...

    def read_history(self, text: str = "", limit: int = 500) -> None:
        """Asks for past decisions whose tool, call, client or reason holds the text; HistoryRead follows."""
        ...

    def decisions_of(self, request_id: str) -> tuple[DecisionView, ...]:
        """Returns the decisions about one request's calls, as far as they are in memory."""
        ...
