"""The dialog of the loop guard: how often the very same request may come before somebody is asked."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QLineEdit, QWidget

from gui.dialogs.editor import EditorDialog
from gui.permission_desk import PermissionDesk
from gui.theme import Theme
from gui.widgets.fields import CheckBox
from gui.widgets.text import set_look

_USUAL_REPEATS, _USUAL_S = 5, 60.0


class RepeatsDialog(EditorDialog):
    """Changes the loop guard, or switches it off."""

    def __init__(self, theme: Theme, desk: PermissionDesk, parent: QWidget) -> None:
        super().__init__(theme, "Repeated requests", parent)
        self._desk = desk
        safety = desk.safety()
        self.is_on = CheckBox(theme, "Stop a client that sends the very same request again and again")
        self.is_on.setChecked(bool(safety.repeats))
        self.add_row(
            "Loop guard", self.is_on, "Else one that is stuck pays for the same answer over and over."
        )
        then = "waits for your word" if safety.approvals == "wait" else "is refused"
        times, seconds = safety.repeats or _USUAL_REPEATS, safety.repeats_within_s or _USUAL_S
        self.times = self.line("Times", str(times), hint=f"So often it is served; the next one {then}.")
        self.seconds = self.line("Within seconds", f"{seconds:g}", hint="At most 3600, which is an hour.")
        self.is_on.toggled.connect(self._show_on)
        self._show_on()
        self.is_on.setFocus()

    def save(self) -> bool:
        """Hands the numbers to the desk."""
        times, seconds = 0, _USUAL_S
        if self.is_on.isChecked():
            times, seconds = int(_number(self.times)), _number(self.seconds)
            if times < 1 or times != _number(self.times):
                self.complain("This is no number of times", "Type a whole number, such as 5.", self.times)
                return False
            if seconds <= 0:
                self.complain("These are no seconds", "Type a number, such as 60.", self.seconds)
                return False
        refusal = self._desk.set_loop_guard(times, seconds)
        if refusal is not None:
            self.complain("Not saved", refusal)
            return False
        return True

    def _show_on(self) -> None:
        self.banner.hide()
        for each in (self.times, self.seconds):
            each.setEnabled(self.is_on.isChecked())
            set_look(each, "wrong", "false")


def _number(field: QLineEdit) -> float:
    """Returns what was typed; 0 where it is no number."""
    try:
        value = float(field.text().strip().replace(",", "."))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
