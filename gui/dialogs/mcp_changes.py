"""What changed in the definitions of a server's tools, line by line, before they are offered again."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from gui import mcp_words as words
from gui.dialogs.approval_panel import GUARD_MS
from gui.dialogs.editor import EditorDialog
from gui.mcp_desk import McpDesk
from gui.theme import Theme
from gui.widgets.call_view import CallView
from gui.widgets.text import label
from gui.wording import count
from proxy.mcp.values import ToolChange

_WHY = (
    "A server may change what its tools claim to do after you looked at them. Until you accept, models are "
    "not told of these, and calls of them are refused. Lines with + are new, lines with - are gone."
)


class McpChangesDialog(EditorDialog):
    """Shows the changes of some tools and accepts exactly these."""

    def __init__(
        self, theme: Theme, desk: McpDesk, parent: QWidget, server: str, changes: Sequence[ToolChange]
    ) -> None:
        super().__init__(theme, f"Look at {count(len(changes), 'definition')} of {server}", parent)
        self._desk, self._server, self._changes = desk, server, tuple(changes)
        self.setMinimumSize(720, 520)
        self.text = CallView("Changes")
        self.text.show_call("\n\n".join(_section(each) for each in changes))
        self.middle.addWidget(label(_WHY, kind="muted", wraps=True))
        self.middle.addWidget(self.text, 1)
        self.save_button.say(f"Accept {count(len(changes), 'definition')}")
        self.save_button.setDefault(False)
        self.cancel_button.say("Not now")
        self.cancel_button.setFocus()
        self.guard = QTimer(self)
        self.guard.setSingleShot(True)
        self.guard.setInterval(GUARD_MS)
        self.guard.start()

    def save(self) -> bool:
        """Accepts what was shown, unless it is something else by now, or was shown less than a moment ago."""
        if self.guard.isActive():
            return False
        names = tuple(each.name for each in self._changes)
        now = tuple(each for each in self._desk.mcp_changes(self._server) if each.name in names)
        if now != self._changes:
            self._changes = now
            self.text.show_call("\n\n".join(_section(each) for each in now))
            self.complain("The definitions changed again", "Read them again before you accept.")
            self.guard.start()
            return False
        refusal = self._desk.accept_mcp_tools(self._server, names)
        if refusal is not None:
            self.complain("Not accepted", refusal)
            return False
        return True


def _section(change: ToolChange) -> str:
    kind = "changed" if change.before else "new"
    return f"{words.exact(change.name)} ({kind})\n{words.change_lines(change)}"
