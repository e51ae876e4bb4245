"""The controller's part about tools, rules, workspaces and approvals: `gui.permission_desk` without Qt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import structlog

from app.approval_views import approval_view
from app.call_text import MAIN_ARGUMENT
from app.configuration import Configuration
from app.decision_book import DecisionBook
from app.desk_changes import DeskChanges
from app.provider_desk import DeskRefusal
from app.proxy_runner import ProxyRunner
from app.rule_desk import RuleDesk
from app.settings_edit import Edit, Put, Remove
from app.settings_tools import BYPASS_FORBIDDEN, BYPASS_WORD
from app.tool_views import tool_views
from app.workspace_desk import WorkspaceDesk
from gui.desk import ActionDone, DeskEvent
from gui.permission_desk import (
    ApprovalAnswerDraft,
    ApprovalsChanged,
    ApprovalView,
    CallDraft,
    CallTried,
    DecisionView,
    Effect,
    HistoryRead,
    ImportPreview,
    PartView,
    PermissionsChanged,
    RuleView,
    SafetyView,
    ToolView,
    TryView,
    WorkspacesChanged,
    WorkspaceView,
)
from proxy.events import ApprovalAsked, ApprovalEnded, ProxyEvent, ToolDecided
from proxy.permissions.approval import ApprovalAnswer
from proxy.permissions.protected import CRITICAL_REMOVALS, PROTECTED_NAMES
from proxy.permissions.tool_names import canonical
from proxy.permissions.values import Mode, ToolCall
from proxy.tasks import spawn
from proxy.tools.approvals import AnswerRefused

_log = structlog.get_logger("app.controller")

_MODES = ("default", "acceptEdits", "plan", "dontAsk", "bypassPermissions")
_NOT_RUNNING = "Start the proxy first: it is the one that judges calls."


class PermissionControls:
    """What the window and the command line may ask about permissions."""

    def __init__(
        self,
        configuration: Configuration,
        runner: ProxyRunner,
        changes: DeskChanges,
        announce: Callable[[DeskEvent], None],
        clock: Callable[[], float],
    ) -> None:
        """Makes the controls.

        Args:
            configuration: Settings and their files.
            runner: The proxy, which may not run.
            changes: Carries out edits.
            announce: Tells the window.
            clock: Seconds since the epoch.
        """
        self._settings_of = configuration
        self._proxy = runner
        self._changes = changes
        self._tell = announce
        self._rule_desk = RuleDesk(configuration)
        self._workspace_desk = WorkspaceDesk(configuration)
        self._book = DecisionBook(configuration.redactor.text, clock)
        self._sandbox = "not looked for yet"

    def _note_tool_event(self, event: ProxyEvent) -> None:
        """Notes what the proxy announces about tools."""
        if isinstance(event, ToolDecided):
            self._book.add(event)
            self._tell(PermissionsChanged())
        elif isinstance(event, (ApprovalAsked, ApprovalEnded)):
            self._tell(ApprovalsChanged())

    async def _recall(self) -> None:
        """Reads what earlier runs decided, and what there is to hold commands, after the proxy started."""
        server = self._proxy.server
        if server is None:
            return
        earlier = await server.decisions(limit=1000)
        self._book.fill(reversed(earlier))
        self._sandbox = await server.describe_sandbox()
        self._tell(PermissionsChanged())

    # Tools and rules ------------------------------------------------------------------------

    def tools(self) -> tuple[ToolView, ...]:
        """Returns the catalogue; nothing while the proxy does not run."""
        server = self._proxy.server
        return () if server is None else tool_views(server.tools, self._rule_desk, self._book.counts())

    def offer_tool(self, name: str, *, is_offered: bool) -> str | None:
        """Switches a tool on or off."""
        off = [
            each
            for each in self._settings_of.settings.tools.switched_off
            if canonical(each) != canonical(name)
        ]
        if not is_offered:
            off.append(name)
        return self._store(
            [Put(("tools", "switched_off"), off)], f"{name} is {'on' if is_offered else 'off'}"
        )

    def set_tool_default(self, name: str, effect: Effect) -> str | None:
        """Stores the bare rule for a tool, in place of one with another effect."""
        return self._edit(lambda: self._rule_desk.bare_edits(canonical(name), effect), f"{name}: {effect}")

    def rules(self) -> tuple[RuleView, ...]:
        """Returns all rules: deny, ask, allow."""
        return self._rule_desk.views(self._book.hits())

    def rule_preview(self, effect: Effect, text: str) -> RuleView:
        """Says what a rule would mean, and how many of the last 200 calls it would match."""
        return self._rule_desk.preview(effect, text, self._book.recent_calls())

    def save_rule(self, effect: Effect, text: str, *, replaces: RuleView | None = None) -> str | None:
        """Adds a rule, or changes one."""
        return self._edit(
            lambda: self._rule_desk.save_edits(effect, text, replaces), f"Rule {effect} {text} saved"
        )

    def remove_rule(self, rule: RuleView) -> str | None:
        """Takes a rule of ours out."""
        return self._edit(lambda: self._rule_desk.remove_edits(rule), f"Rule {rule.text} removed")

    def rules_text(self) -> str:
        """Returns our `permissions` object as JSON text."""
        return self._rule_desk.text()

    def save_rules_text(self, text: str) -> str | None:
        """Stores the object as edited."""
        return self._edit(lambda: self._rule_desk.text_edits(text), "Rules saved")

    def preview_import(self, path: str) -> ImportPreview:
        """Reads a Claude Code settings file and says what each rule would do here."""
        return self._rule_desk.preview_import(path)

    def import_rules(self, path: str) -> str | None:
        """Takes over the file's rules that work here."""
        return self._edit(lambda: self._rule_desk.import_edits(path), f"Rules of {path} taken over")

    def export_rules(self, path: str) -> str | None:
        """Writes our rules into a Claude Code settings file; whatever else stands there stays as it is."""
        spawn(self._changes.reporting(self._export(path), "The rules were not written"), name="export rules")
        return None

    async def _export(self, path: str) -> None:
        new = await asyncio.to_thread(self._rule_desk.export, path)
        self._tell(ActionDone(f"{new} {'rule' if new == 1 else 'rules'} written to {path}"))

    def try_call(self, draft: CallDraft) -> None:
        """Judges a call without running it; CallTried follows."""
        spawn(self._try(draft), name="try a call")

    async def _try(self, draft: CallDraft) -> None:
        self._tell(CallTried(draft, await self._tried(draft)))

    async def _tried(self, draft: CallDraft) -> TryView:
        server = self._proxy.server
        call = _call_of(draft)
        if isinstance(call, str):
            return _problem(call)
        if server is None:
            return _problem(_NOT_RUNNING)
        tried = await server.try_call(call, draft.workspace, cast("Mode | None", draft.mode))
        if isinstance(tried, str):
            return _problem(tried)
        verdict, suggestion = tried
        return TryView(
            verdict.decision,
            verdict.reason,
            verdict.rule,
            verdict.source,
            tuple(PartView(each.what, each.decision, each.reason) for each in verdict.parts),
            suggestion,
        )

    # How careful ----------------------------------------------------------------------------

    def safety(self) -> SafetyView:
        """Returns mode, policy and limits."""
        config = self._settings_of.proxy_config()
        rules, tools, guard = config.permissions, config.tools, config.loop_guard
        return SafetyView(
            mode=rules.mode,
            policy=rules.policy,
            approvals=rules.approvals,
            sandbox=tools.sandbox,
            sandbox_found=self._sandbox,
            shell_timeout_s=tools.shell_timeout_s,
            repeats=0 if guard is None else guard.repeats,
            repeats_within_s=0.0 if guard is None else guard.per_s,
            protected=PROTECTED_NAMES,
            critical=CRITICAL_REMOVALS,
            broken=rules.broken,
            bypass_refusal=self._bypass_refusal(),
        )

    def set_mode(self, mode: str, *, confirmation: str = "") -> str | None:
        """Sets the mode; `bypassPermissions` needs the word `bypass` typed as confirmation."""
        if mode not in _MODES:
            return f"there is no mode '{mode}'; there are: {', '.join(_MODES)}"
        edits: list[Edit] = [Put(("permissions", "defaultMode"), mode)]
        if mode == "bypassPermissions":
            refusal = self._bypass_refusal()
            if refusal is not None:
                return refusal
            if confirmation != BYPASS_WORD:
                return f"type the word {BYPASS_WORD} to have nothing asked any more"
            edits.insert(0, Put(("permissions", "confirm_bypass"), confirmation))
        elif self._settings_of.settings.permissions.confirm_bypass:
            edits.append(Remove(("permissions", "confirm_bypass")))
        _log.info("permission_mode_set", mode=mode)
        return self._store(edits, f"Permission mode: {mode}")

    def set_loop_guard(self, repeats: int, within_s: float) -> str | None:
        """Sets how often the very same request is served within seconds before it asks; 0: it never asks."""
        edits: list[Edit] = [Put(("loop_guard", "repeats"), repeats)]
        if repeats:
            edits.append(Put(("loop_guard", "per_s"), within_s))
        return self._store(edits, "Repeated requests ask" if repeats else "Repeated requests never ask")

    def _bypass_refusal(self) -> str | None:
        rules = self._settings_of.settings.permissions
        return None if rules.disableBypassPermissionsMode is None else BYPASS_FORBIDDEN

    # Workspaces -----------------------------------------------------------------------------

    def workspaces(self) -> tuple[WorkspaceView, ...]:
        """Returns the workspaces in file order."""
        return self._workspace_desk.views()

    def save_workspace(self, workspace: WorkspaceView, *, replaces: str | None) -> str | None:
        """Adds or changes a workspace."""
        return self._changes.take(
            lambda: self._workspace_desk.save_edits(workspace, replaces),
            f"Workspace {workspace.name} saved",
            WorkspacesChanged(),
        )

    def remove_workspace(self, name: str) -> str | None:
        """Takes a workspace out of the settings; its folder is not touched."""
        return self._changes.take(
            lambda: self._workspace_desk.remove_edits(name), f"Workspace {name} removed", WorkspacesChanged()
        )

    # Approvals ------------------------------------------------------------------------------

    def approvals(self) -> tuple[ApprovalView, ...]:
        """Returns the calls that wait, oldest first."""
        server = self._proxy.server
        if server is None:
            return ()
        config = self._settings_of.proxy_config()
        redact = self._settings_of.redactor.text
        return tuple(
            approval_view(each, config.workspaces.get(each.workspace or ""), redact)
            for each in server.approvals()
        )

    def answer_approval(self, answer: ApprovalAnswerDraft) -> str | None:
        """Gives the answer; says why not where the call waits no more or is another one."""
        server = self._proxy.server
        if server is None:
            return "This call waits no more: the proxy was stopped."
        is_kept = answer.decision == "allow" and answer.scope == "always"
        if is_kept and answer.rule is None:
            return "Say which rule is to be kept."
        edits = self._edits_of(answer.rule) if is_kept and answer.rule is not None else []
        problem = edits if isinstance(edits, str) else self._changes.problem(edits) if edits else None
        if isinstance(edits, str) or problem is not None:
            return problem  # and the call waits on: it can still be allowed once
        given = ApprovalAnswer(
            answer.decision, answer.by, answer.scope, answer.rule if is_kept else None, answer.message
        )
        try:
            server.answer_approval(answer.approval_id, answer.digest, given)
        except AnswerRefused as refused:
            return str(refused)
        return self._store(edits, f"Rule {answer.rule} saved") if edits else None

    def _edits_of(self, rule: str) -> list[Edit] | str:
        """The edits that keep a rule; nothing where it is there already, a sentence where it is no rule."""
        if rule.strip() in self._settings_of.settings.permissions.allow:
            return []
        try:
            return self._rule_desk.save_edits("allow", rule, None)
        except DeskRefusal as refused:
            return str(refused)

    # What was decided -----------------------------------------------------------------------

    def read_history(self, text: str = "", limit: int = 500) -> None:
        """Asks for past decisions; HistoryRead follows."""
        spawn(self._read_history(text, limit), name="read past decisions")

    async def _read_history(self, text: str, limit: int) -> None:
        server = self._proxy.server
        found = () if server is None else await server.decisions(text, limit)
        self._tell(HistoryRead(tuple(map(self._book.view, found))))

    def decisions_of(self, request_id: str) -> tuple[DecisionView, ...]:
        """Returns the decisions about one request's calls, as far as they are in memory."""
        return self._book.of_request(request_id)

    def _edit(self, edits_of: Callable[[], list[Edit]], done: str) -> str | None:
        return self._changes.take(edits_of, done, PermissionsChanged())

    def _store(self, edits: list[Edit], done: str) -> str | None:
        return self._changes.submit(edits, done, PermissionsChanged())


def _problem(text: str) -> TryView:
    return TryView("deny", "", None, None, problem=text)


def _call_of(draft: CallDraft) -> ToolCall | str:
    """Returns the call that a draft describes, or what is wrong with it."""
    text = draft.arguments.strip()
    main = MAIN_ARGUMENT.get(canonical(draft.tool))
    if not text.startswith("{"):
        if not text:
            return (
                ToolCall(draft.tool, {})
                if main is None
                else f"Type the {main.replace('_', ' ')} of the call."
            )
        if main is None:
            return "Type the arguments as a JSON object, such as {}."
        return ToolCall(draft.tool, {main: draft.arguments})
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError) as exc:
        return f"This is no JSON object: {exc}"
    return ToolCall(draft.tool, cast("dict[str, Any]", given))
