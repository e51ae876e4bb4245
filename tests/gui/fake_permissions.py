"""The permission part of the fake desk: rules, tools, workspaces and approvals in lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

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
    PermissionsChanged,
    RuleView,
    SafetyView,
    ToolView,
    TryView,
    WorkspacesChanged,
    WorkspaceView,
)

SAFETY = SafetyView(
    mode="default",
    policy="claude-code",
    approvals="wait",
    sandbox="auto",
    sandbox_found="none: install bubblewrap (apt install bubblewrap) to run commands in a sandbox",
    shell_timeout_s=120.0,
    protected=(".git", ".claude", ".bashrc", ".ssh"),
    critical=("/", "~", "/etc", "/usr"),
    repeats=5,
    repeats_within_s=60.0,
)
_ORDER: tuple[Effect, ...] = ("deny", "ask", "allow")


class FakePermissions:
    """Implements `gui.permission_desk.PermissionDesk`; `answers` says what the user answered."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refusal: str | None = None
        self.tool_list: list[ToolView] = []
        self.rule_list: list[RuleView] = []
        self.workspace_list: list[WorkspaceView] = []
        self.waiting: list[ApprovalView] = []
        self.answers: list[ApprovalAnswerDraft] = []
        self.past: list[DecisionView] = []
        self.safety_now = SAFETY
        self.previews: dict[str, RuleView] = {}
        self.tries: dict[str, TryView] = {}
        self.tried: list[CallDraft] = []
        self.import_preview: ImportPreview | None = None
        self.rules_json = '{\n  "allow": ["Read"]\n}'

    def announce(self, *events: DeskEvent) -> None:
        """Tells every listener."""
        raise NotImplementedError

    def ask(self, *views: ApprovalView) -> None:
        """Lets calls wait and says so."""
        self.waiting.extend(views)
        self.announce(ApprovalsChanged())

    def end(self, approval_id: str) -> None:
        """Takes a call from the list, as when it expires or was answered elsewhere."""
        self.waiting = [view for view in self.waiting if view.approval_id != approval_id]
        self.announce(ApprovalsChanged())

    # gui.permission_desk.PermissionDesk -----------------------------------------------------

    def tools(self) -> tuple[ToolView, ...]:
        return tuple(self.tool_list)

    def _change_listed(self, name: str, change: Callable[[ToolView], ToolView]) -> str | None:
        if self.refusal is not None:
            return self.refusal
        self.tool_list = [change(tool) if tool.name == name else tool for tool in self.tool_list]
        self.announce(PermissionsChanged())
        return None

    def offer_tool(self, name: str, *, is_offered: bool) -> str | None:
        self.calls.append(f"offer_tool {name} {is_offered}")
        return self._change_listed(name, lambda tool: replace(tool, is_offered=is_offered))

    def set_tool_default(self, name: str, effect: Effect) -> str | None:
        self.calls.append(f"set_tool_default {name} {effect}")
        return self._change_listed(name, lambda tool: replace(tool, default=effect))

    def rules(self) -> tuple[RuleView, ...]:
        return tuple(sorted(self.rule_list, key=lambda rule: _ORDER.index(rule.effect)))

    def rule_preview(self, effect: Effect, text: str) -> RuleView:
        known = self.previews.get(text)
        if known is not None:
            return replace(known, effect=effect)
        verb = {"allow": "Allows", "ask": "Asks before", "deny": "Denies"}[effect]
        return RuleView(effect, text, f"{verb} every call that {text} names.", "settings", can_change=True)

    def save_rule(self, effect: Effect, text: str, *, replaces: RuleView | None = None) -> str | None:
        self.calls.append(f"save_rule {effect} {text} replaces {replaces.text if replaces else None}")
        if self.refusal is not None:
            return self.refusal
        view = self.rule_preview(effect, text)
        if replaces in self.rule_list:
            self.rule_list[self.rule_list.index(replaces)] = view
        else:
            self.rule_list.append(view)
        self.announce(PermissionsChanged(), ActionDone("Saved the rule"))
        return None

    def remove_rule(self, rule: RuleView) -> str | None:
        self.calls.append(f"remove_rule {rule.effect} {rule.text}")
        if self.refusal is not None:
            return self.refusal
        self.rule_list.remove(rule)
        self.announce(PermissionsChanged())
        return None

    def rules_text(self) -> str:
        return self.rules_json

    def save_rules_text(self, text: str) -> str | None:
        self.calls.append("save_rules_text")
        try:
            json.loads(text)
        except ValueError as problem:
            return f"This is not JSON: {problem}."
        self.rules_json = text
        self.announce(PermissionsChanged())
        return None

    def preview_import(self, path: str) -> ImportPreview:
        self.calls.append(f"preview_import {path}")
        return self.import_preview or ImportPreview(path, problem=f"{path} cannot be read.")

    def import_rules(self, path: str) -> str | None:
        self.calls.append(f"import_rules {path}")
        self.announce(PermissionsChanged())
        return self.refusal

    def export_rules(self, path: str) -> str | None:
        self.calls.append(f"export_rules {path}")
        return self.refusal

    def try_call(self, draft: CallDraft) -> None:
        self.tried.append(draft)
        known = self.tries.get(draft.arguments)
        view = known or TryView("ask", "No rule speaks of this call.", None, None)
        self.announce(CallTried(draft, view))

    def safety(self) -> SafetyView:
        return self.safety_now

    def set_mode(self, mode: str, *, confirmation: str = "") -> str | None:
        self.calls.append(f"set_mode {mode} {confirmation}".rstrip())
        if mode == "bypassPermissions" and confirmation != "bypass":
            return "Type the word bypass to confirm."
        if self.refusal is not None:
            return self.refusal
        self.safety_now = replace(self.safety_now, mode=mode)
        self.announce(PermissionsChanged())
        return None

    def set_loop_guard(self, repeats: int, within_s: float) -> str | None:
        self.calls.append(f"set_loop_guard {repeats} {within_s:g}")
        if self.refusal is not None:
            return self.refusal
        self.safety_now = replace(self.safety_now, repeats=repeats, repeats_within_s=within_s)
        self.announce(PermissionsChanged())
        return None

    def workspaces(self) -> tuple[WorkspaceView, ...]:
        return tuple(self.workspace_list)

    def save_workspace(self, workspace: WorkspaceView, *, replaces: str | None) -> str | None:
        self.calls.append(f"save_workspace {workspace.name} replaces {replaces}")
        if self.refusal is not None:
            return self.refusal
        kept = self.workspace_list
        if workspace.is_default:
            kept = [replace(each, is_default=False) for each in kept]
        names = [each.name for each in kept]
        if replaces in names:
            kept[names.index(replaces)] = workspace
        else:
            kept.append(workspace)
        self.workspace_list = kept
        self.announce(WorkspacesChanged())
        return None

    def remove_workspace(self, name: str) -> str | None:
        self.calls.append(f"remove_workspace {name}")
        if self.refusal is not None:
            return self.refusal
        self.workspace_list = [each for each in self.workspace_list if each.name != name]
        self.announce(WorkspacesChanged())
        return None

    def approvals(self) -> tuple[ApprovalView, ...]:
        return tuple(self.waiting)

    def answer_approval(self, answer: ApprovalAnswerDraft) -> str | None:
        waits = {view.approval_id: view.digest for view in self.waiting}
        if waits.get(answer.approval_id) != answer.digest:
            return "This call waits no more."
        if self.refusal is not None:
            return self.refusal
        self.answers.append(answer)
        self.end(answer.approval_id)
        return None

    def read_history(self, text: str = "", limit: int = 500) -> None:
        self.calls.append(f"read_history {text}".rstrip())
        wanted = text.casefold()
        rows = [row for row in self.past if wanted in f"{row.tool} {row.shown} {row.client}".casefold()]
        self.announce(HistoryRead(tuple(rows[:limit])))

    def decisions_of(self, request_id: str) -> tuple[DecisionView, ...]:
        return tuple(row for row in self.past if row.request_id == request_id)
