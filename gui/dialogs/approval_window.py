"""The window that comes up by itself when a call waits and nobody looks at the Approvals page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QApplication, QDialog, QVBoxLayout

from gui.clock import now
from gui.dialogs.approval_panel import ApprovalPanel
from gui.permission_desk import ApprovalView, PermissionDesk
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import row
from gui.widgets.text import label, name_structure

_SIZE = QSize(640, 440)
TITLE = "A tool waits for your approval"
REQUEST_TITLE = "A request waits for your approval"


class ApprovalWindow(QDialog):
    """Steps through the calls that wait; stays in front, takes no typing away, closes when nothing waits."""

    put_off = Signal()
    """The user closed it: the calls go on waiting."""
    page_asked = Signal()
    request_asked = Signal(str)

    def __init__(self, theme: Theme, desk: PermissionDesk, *, clock: Callable[[], float] = now) -> None:
        super().__init__()
        self._approvals: tuple[ApprovalView, ...] = ()
        self.setWindowTitle(TITLE)  # Qt adds the program's name
        self.setAccessibleName(TITLE)
        self.setWindowFlags(
            Qt.WindowType.Window
            | Qt.WindowType.CustomizeWindowHint
            | Qt.WindowType.WindowTitleHint
            | Qt.WindowType.WindowCloseButtonHint
            | Qt.WindowType.WindowStaysOnTopHint
        )
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setModal(False)
        self.panel = ApprovalPanel(theme, desk, clock=clock)
        self.panel.add_keys(self)
        self.panel.request_asked.connect(self.request_asked.emit)
        self.position = label(kind="strong")
        self.before = button(theme, "Previous", icon="up", kind="flat", on_click=lambda: self._step(-1))
        self.after = button(theme, "Next", icon="down", kind="flat", on_click=lambda: self._step(1))
        self.to_page = button(theme, "Open Approvals", kind="flat", on_click=self.page_asked.emit)
        self.later = button(theme, "Later", kind="flat", name="Later: let it wait", on_click=self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.l)
        layout.setSpacing(SPACE.s)
        layout.addLayout(
            row(self.position, self.before, self.after, None, self.to_page, self.later, spacing=SPACE.xs)
        )
        layout.addWidget(self.panel, 1)
        self.resize(_SIZE)
        self.setMinimumSize(560, 380)
        name_structure(self)

    @property
    def approvals(self) -> tuple[ApprovalView, ...]:
        """The calls it steps through."""
        return self._approvals

    def show_approvals(self, approvals: Sequence[ApprovalView], *, first: str | None = None) -> None:
        """Shows these calls, staying with the one that is shown as long as it waits.

        Args:
            approvals: All that wait, oldest first; with none of them the window closes.
            first: The one to begin with when the window comes up.
        """
        self._approvals = tuple(approvals)
        if not self._approvals:
            self.panel.forget()
            self.hide()
            return
        shown = self.panel.shown.approval_id if self.panel.shown and self.isVisible() else first
        waiting = [each.approval_id for each in self._approvals]
        self._show(waiting.index(shown) if shown in waiting else 0)
        if not self.isVisible():
            self.panel.restart_guard()
            self.panel.deny.setFocus()
            self.show()
            self.raise_()
            QApplication.alert(self)

    def reject(self) -> None:
        """Lets the calls wait; closing the window comes here too."""
        super().reject()
        self.put_off.emit()

    def _show(self, position: int) -> None:
        number = len(self._approvals)
        title = REQUEST_TITLE if self._approvals[position].is_request else TITLE
        if title != self.windowTitle():
            self.setWindowTitle(title)
            self.setAccessibleName(title)
        self.panel.show_approval(self._approvals[position], takes_focus=True)
        self.position.setText(f"{position + 1} of {number}")
        for part in (self.position, self.before, self.after):
            part.setVisible(number > 1)
        self.before.setEnabled(position > 0)
        self.after.setEnabled(position < number - 1)

    def _step(self, by: int) -> None:
        shown = self.panel.shown
        waiting = [each.approval_id for each in self._approvals]
        if shown is not None and shown.approval_id in waiting:
            self._show(max(0, min(len(waiting) - 1, waiting.index(shown.approval_id) + by)))
