"""A small program for the tests of real notifications: window, tray and one waiting call after the other.

Started with a display and a session bus; reads commands from standard input (`ask NAME`, `end NAME`,
`expire NAME`, `show PAGE`, `until STATE`, `grab FILE`, `quit`) and says a JSON line for all that happens.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

from PySide6.QtCore import QSettings, QSocketNotifier, QTimer
from PySide6.QtWidgets import QApplication

from gui.attention import Attention
from gui.bridge import Bridge
from gui.clock import now
from gui.main_window import MainWindow
from gui.pages.page import Room
from gui.permission_desk import ApprovalAnswerDraft
from gui.theme import Theme
from proxy.events import ApprovalEnded
from tests.gui.fake_desk import FakeDesk
from tests.gui.permission_scenes import FETCH, PUSH, WRITE, fill
from tests.gui.real_desktop import say
from tests.gui.scenes import START
from tests.gui.window_tray import tray_of

CALLS = {"push": PUSH, "write": WRITE, "fetch": FETCH}


class TellingDesk(FakeDesk):
    """Says what it is answered."""

    def answer_approval(self, answer: ApprovalAnswerDraft) -> str | None:
        refusal = super().answer_approval(answer)
        say("answered", id=answer.approval_id, decision=answer.decision, by=answer.by, refusal=refusal)
        return refusal


class Program:
    """Window, tray and attention over a list-backed desk."""

    def __init__(self, app: QApplication, settings: str) -> None:
        self.desk = TellingDesk()
        fill(self.desk, START)
        self.bridge = Bridge(self.desk)
        room = Room(self.desk, self.bridge, Theme(app, "light"))
        store = QSettings(settings, QSettings.Format.IniFormat)
        self.window = MainWindow(room, store, has_tray=lambda: True, version="1.2.3")
        self.tray = tray_of(self.window, room)
        self.attention = Attention(room, self.window, self.tray)
        self._wanted: dict[str, object] = {}
        self._look = QTimer()
        self._look.setInterval(20)
        self._look.timeout.connect(self._say_state)
        self._reader = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
        self._reader.activated.connect(self._read)

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), 65_536)
        for line in data.decode().splitlines():
            word, _, rest = line.partition(" ")
            self._do(word, rest)

    def _do(self, word: str, rest: str) -> None:
        match word:
            case "ask":
                self.desk.ask(replace(CALLS[rest], asked_at=now(), expires_at=now() + 120))
            case "end":
                self.desk.end(CALLS[rest].approval_id)
            case "expire":
                call = CALLS[rest]
                self.desk.end(call.approval_id)
                ended = ApprovalEnded(call.approval_id, call.request_id, call.tool, "deny", "expiry")
                self.desk.announce(ended)
            case "show":
                self.window.show_up()
                self.window.show_page(rest)
            case "until":
                self._wanted = json.loads(rest)
                self._look.start()
            case "grab":
                self.attention.popup.grab().save(rest)
                say("grabbed")
            case _:
                self.attention.close()
                self.window.allow_close()
                self.tray.close()
                QApplication.quit()

    def _say_state(self) -> None:
        """Says the state as soon as it is as wanted."""
        popup = self.attention.popup
        active = QApplication.activeWindow()
        focused = popup.focusWidget() if popup.isVisible() else None
        state: dict[str, object] = {
            "popup": popup.isVisible(),
            "guard": popup.panel.guard.isActive(),
            "focus": focused.accessibleName() if focused else "",
            "window": self.window.isVisible(),
            "page": self.window.page_id,
            "width": popup.width(),
            "active": active.windowTitle() if active else "",
        }
        if all(state[name] == value for name, value in self._wanted.items()):
            self._look.stop()
            say("state", **state)


def main() -> int:
    """Runs until it is told to quit."""
    app = QApplication(["signalbox"])
    app.setApplicationName("signalbox")
    app.setQuitOnLastWindowClosed(False)
    program = Program(app, sys.argv[1])
    QTimer.singleShot(0, lambda: say("ready"))
    status = app.exec()
    del program
    return status


if __name__ == "__main__":
    sys.exit(main())
