"""The dialogs of the clients' tokens: make one, see it once, revoke one."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from gui.desk import Desk, TokenCreated
from gui.dialogs.editor import EditorDialog
from gui.spending import TokenDraft, TokenView
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import CopyButton, button
from gui.widgets.cards import row, scrolling
from gui.widgets.fields import CheckBox, ChoiceBox
from gui.widgets.text import label, name_structure, selectable, set_look

_MOST_TICKS = 8
"""With more aliases their ticks scroll, and what comes after them stays in sight."""


class TokenDialog(EditorDialog):
    """Makes a token."""

    def __init__(self, theme: Theme, desk: Desk, parent: QWidget) -> None:
        super().__init__(theme, "New client token", parent)
        self._desk = desk
        self.name = self.line(
            "Name", placeholder="for example laptop", hint="For this list, the log and the budgets."
        )
        self.day = self.line("Limit a day in $", placeholder="none")
        self.month = self.line("Limit a month in $", placeholder="none")
        holder = QWidget()
        holder.setAccessibleName("Aliases it may use")
        inside = QVBoxLayout(holder)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(SPACE.xs)
        self.aliases: dict[str, CheckBox] = {}
        for alias in desk.aliases():
            self.aliases[alias.name] = CheckBox(theme, alias.name, f"May use {alias.name}")
            inside.addWidget(self.aliases[alias.name])
        ticks = scrolling(holder, "Aliases it may use, scrolling")
        ticks.setFixedHeight(
            min(holder.sizeHint().height(), _MOST_TICKS * (self.fontMetrics().height() + 12))
        )
        self.add_row("Aliases", ticks, "None ticked: all models.")
        self.workspace = ChoiceBox(theme, "Workspace", letters=24)
        self.workspace.addItem("The default one", None)
        for workspace in desk.workspaces():
            self.workspace.addItem(workspace.name, workspace.name)
        about = "Where the tools of its requests may work. Tokens of one workspace share batches and files."
        self.add_row("Workspace", self.workspace, about)
        self.save_button.say("Make token")
        self.name.setFocus()

    def save(self) -> bool:
        """Hands the draft to the desk."""
        name = self.name.text().strip()
        if not name:
            self.complain("A name is missing", "Give the token a short name.", self.name)
            return False
        limits: list[float | None] = []
        for field in (self.day, self.month):
            text = field.text().strip().removeprefix("$").replace(",", ".")
            limit = _amount(text)
            if text and limit is None:
                self.complain("This is no amount", "Type dollars, such as 5 or 2.50.", field)
                return False
            limits.append(limit)
        aliases = tuple(alias for alias, box in self.aliases.items() if box.isChecked())
        workspace: str | None = self.workspace.currentData()
        refusal = self._desk.create_token(TokenDraft(name, limits[0], limits[1], aliases, workspace))
        if refusal is not None:
            self.complain("Not made", refusal)
            return False
        return True


def _amount(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


class NewTokenDialog(QDialog):
    """Shows a token this once."""

    def __init__(self, theme: Theme, created: TokenCreated, parent: QWidget) -> None:
        super().__init__(parent)
        title = f"The token {created.name}"
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(520)
        self.value = QLineEdit(created.value.get_secret_value())
        self.value.setReadOnly(True)
        self.value.setProperty("kind", "mono")
        self.value.setAccessibleName("Token")
        self.copy = CopyButton(theme, self.value.text, text="Copy", name="Copy the token", kind="primary")
        self.close_button = button(theme, "Done", on_click=self.accept)
        line = row(spacing=SPACE.s)
        line.addWidget(self.value, 1)
        line.addWidget(self.copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.xl, SPACE.l + 2, SPACE.xl, SPACE.l + 2)
        layout.setSpacing(SPACE.l)
        layout.addWidget(label(title, kind="heading"))
        layout.addWidget(
            label(
                "Copy it now: it is shown this once and kept nowhere in readable form. A client sends it "
                "as its API key.",
                wraps=True,
            )
        )
        layout.addLayout(line)
        layout.addLayout(row(None, self.close_button))
        self.copy.setFocus()
        name_structure(self)


class RevokeDialog(EditorDialog):
    """Asks before a token is made worthless, for that cannot be undone."""

    def __init__(self, theme: Theme, desk: Desk, parent: QWidget, token: TokenView) -> None:
        super().__init__(theme, f"Revoke the token {token.name}?", parent)
        self._desk, self._token = desk, token
        self.middle.addWidget(
            selectable(
                label(
                    "Clients that use it are refused from now on, and its batches go no further. This cannot "
                    "be undone; a new token has another value, and takes over batches and files if it is "
                    "called the same.",
                    wraps=True,
                )
            )
        )
        self.save_button.say("Revoke")
        set_look(self.save_button, "kind", "danger")
        self.save_button.setDefault(False)
        self.cancel_button.setFocus()

    def save(self) -> bool:
        """Has the desk revoke it."""
        refusal = self._desk.revoke_token(self._token.name)
        if refusal is not None:
            self.complain("Not revoked", refusal)
            return False
        return True
