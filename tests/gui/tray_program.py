"""A small program for the tests of real trays: the tray over a list-backed desk, on standard output.

Started with a display and a session bus; says one JSON line for everything that happens and quits when
the menu's Quit is chosen.
"""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QApplication

from gui.bridge import Bridge
from gui.desk import ProxyState
from gui.theme import Theme
from gui.tray import Tray, WindowCommands
from gui.tray_host import TrayHost
from tests.gui.fake_desk import FakeDesk
from tests.gui.real_desktop import say


def say_state(state: ProxyState) -> None:
    """Tells the test what the proxy does."""
    say("state", phase=state.phase.value)


class TellingDesk(FakeDesk):
    """Says what it is asked."""

    def start_proxy(self) -> None:
        super().start_proxy()
        say("start_proxy")

    def stop_proxy(self) -> None:
        super().stop_proxy()
        say("stop_proxy")

    def quit(self, *, now: bool = False) -> None:
        say("quit")
        QApplication.quit()


def main() -> int:
    """Shows the tray until Quit is chosen."""
    app = QApplication(["signalbox"])
    app.setApplicationName("signalbox")
    app.setQuitOnLastWindowClosed(False)
    desk = TellingDesk()
    bridge = Bridge(desk)
    host = TrayHost(poll_ms=100)
    tray = Tray(
        desk,
        bridge,
        Theme(app, "light"),
        host,
        WindowCommands(
            open=lambda: say("open"),
            toggle=lambda: say("toggle"),
            show_logs=lambda: say("show_logs"),
            show_approvals=lambda: say("show_approvals"),
            show_mcp=lambda: say("show_mcp"),
            quit=desk.quit,
        ),
    )
    host.appeared.connect(lambda: say("host_appeared"))
    host.vanished.connect(lambda: say("host_vanished"))
    bridge.state_changed.connect(say_state)
    say("ready", has_tray=host.is_there)
    status = app.exec()
    tray.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
