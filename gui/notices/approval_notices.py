"""Keeps the desktop's notifications in step with the calls that wait, and carries the buttons' answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import QObject, Signal

from gui import permission_words as words
from gui import wording
from gui.bridge import Bridge
from gui.notices.notice import OPEN, Notice, Notifier
from gui.permission_desk import ApprovalAnswerDraft, ApprovalView, PermissionDesk
from proxy.events import ApprovalEnded
from proxy.permissions.approval import REPEATED_REQUEST

GROUP_FROM = 3
_GROUP = "waiting"
_SHOWN_CHARACTERS = 80
_ALLOW, _DENY, _REVIEW = "allow", "deny", "review"


class ApprovalNotices(QObject):
    """One notification a waiting call, one for all from three on; taken back once answered."""

    open_asked = Signal()
    """The user wants to see the calls."""
    refused = Signal(str)
    """A button's answer was not taken; says why."""

    def __init__(
        self, desk: PermissionDesk, bridge: Bridge, notifier: Notifier, is_seen: Callable[[], bool]
    ) -> None:
        """Begins to listen.

        Args:
            desk: Knows the calls and takes the answers.
            bridge: Says when they change.
            notifier: Shows notifications.
            is_seen: Says that the user looks at the calls anyway.
        """
        super().__init__()
        self._desk, self._notifier, self._is_seen = desk, notifier, is_seen
        self._shown: dict[str, ApprovalView | None] = {}
        self._told: set[str] = set()
        bridge.approvals_changed.connect(self.refresh)
        bridge.approval_ended.connect(self._on_ended)

    def refresh(self) -> None:
        """Shows what waits now and takes back the rest."""
        waiting = self._desk.approvals()
        wanted: dict[str, ApprovalView | None] = {}
        if not self._is_seen():
            is_group = len(waiting) >= GROUP_FROM
            wanted = {_GROUP: None} if is_group else {each.approval_id: each for each in waiting}
        if _GROUP in self._shown and wanted and _GROUP not in wanted:
            self._told.clear()  # those the group stood for are told one by one
        for key in [key for key in self._shown if key not in wanted]:
            del self._shown[key]
            self._notifier.withdraw(key)
        self._told &= {each.approval_id for each in waiting}
        fresh = [each.approval_id for each in waiting if each.approval_id not in self._told]
        self._told.update(fresh)
        for key, approval in wanted.items():
            if key in self._shown or key in fresh or key == _GROUP:
                self._shown[key] = approval
                self._notifier.show(key, _group(waiting) if approval is None else notice_of(approval))

    def close(self) -> None:
        """Takes all of them back: nobody would hear their buttons any more."""
        for key in self._shown:
            self._notifier.withdraw(key)
        self._shown.clear()

    def press(self, key: str, action: str) -> None:
        """Does what a notification's button says."""
        approval = self._shown.get(key)
        if approval is None or action not in {_ALLOW, _DENY} or not approval.fits_notification:
            self.open_asked.emit()
            return
        decision: Literal["allow", "deny"] = "allow" if action == _ALLOW else "deny"
        refusal = self._desk.answer_approval(
            ApprovalAnswerDraft(approval.approval_id, approval.digest, decision, by="notification")
        )
        if refusal is not None:
            self.refused.emit(refusal)
            self.open_asked.emit()

    def _on_ended(self, event: ApprovalEnded) -> None:
        if event.by == "expiry" and not self._is_seen():
            text = f"Nobody answered in time, so {event.tool} was not run. The model was told."
            if event.tool == REPEATED_REQUEST:
                text = "Nobody answered in time, so it was not sent to a provider. The client was told."
            key = f"ended {event.approval_id}"
            self._notifier.show(key, Notice(f"{event.tool} was denied", text, ((OPEN, "Open"),)))


def notice_of(approval: ApprovalView) -> Notice:
    """Returns the notification of a call: with answers only where it shows the whole call."""
    where = f"workspace {approval.workspace}" if approval.workspace else "no workspace"
    if approval.is_request:
        where = f"sent by {wording.visible(approval.client)}"
    if approval.fits_notification:
        actions = ((OPEN, "Open"), (_ALLOW, "Allow once"), (_DENY, "Deny"))
        text = wording.visible(approval.shown)
    else:
        actions = ((OPEN, "Open"), (_REVIEW, "Review…"))
        start = wording.visible(" ".join(approval.shown.split()))
        text = f"{start[:_SHOWN_CHARACTERS]}… (not all of it is shown here)"
    return Notice(words.wants(approval), f"{text}\n{where}", actions, is_sticky=True)


def _group(waiting: Sequence[ApprovalView]) -> Notice:
    text = "Open Signalbox to see and answer them."
    return Notice(words.waiting_words(waiting), text, ((OPEN, "Open"), (_REVIEW, "Review…")), is_sticky=True)
