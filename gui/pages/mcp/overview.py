"""The tab with what a server is and how it stands, and the end of its log."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import mcp_words as words
from gui import wording
from gui.clock import now
from gui.mcp_desk import McpDesk
from gui.models.mcp_log import log_text
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.call_view import CallView
from gui.widgets.cards import Banner
from gui.widgets.facts import Fact, Facts
from gui.widgets.text import label
from proxy.mcp.values import ServerPhase, ServerStatus

_TAIL = 6


class OverviewTab(QWidget):
    """Shows facts; offers the one thing that helps."""

    approve_asked = Signal()
    start_asked = Signal()

    def __init__(self, theme: Theme, desk: McpDesk, clock: Callable[[], float] = now) -> None:
        super().__init__()
        self._desk, self._clock = desk, clock
        self._facts_shown: list[Fact] = []
        self._said: tuple[str, str, bool] | None = None
        self.setAccessibleName("Overview")
        self.banner = Banner(theme, "What to do")
        self.facts = Facts("Facts about the server", title_width=110)
        self.tail = CallView("End of the log")
        self.tail.setFixedHeight(self.tail.fontMetrics().lineSpacing() * 4 + 18)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.s, 0, 0)
        layout.setSpacing(SPACE.s)
        layout.addWidget(self.banner)
        layout.addWidget(self.facts, 1)
        self.tail_title = label("Last lines", kind="muted")
        layout.addWidget(self.tail_title)
        layout.addWidget(self.tail)

    def show_server(self, server: ServerStatus) -> None:
        """Shows a server as it is now."""
        self._show_help(server)
        facts = self._facts(server)
        if facts != self._facts_shown:
            self._facts_shown = facts
            self.facts.show_facts(facts)
        lines = [e for e in self._desk.mcp_log(server.name) if e.kind in {"stderr", "lifecycle"}][-_TAIL:]
        self.tail.show_call(log_text(lines).rstrip("\n"))
        self.tail.setVisible(bool(lines))
        self.tail_title.setVisible(bool(lines))
        bar = self.tail.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _show_help(self, server: ServerStatus) -> None:
        said = (server.phase.value, server.reason, server.launch is None)
        if said == self._said:
            return
        self._said = said
        reason = words.one_line(server.reason)
        match server.phase:
            case ServerPhase.PENDING if server.launch is None:
                self.banner.say(
                    "warn",
                    "What it would start is not known yet",
                    reason,
                    actions=(("Look again", self.start_asked.emit),),
                    can_close=False,
                )
            case ServerPhase.PENDING:
                self.banner.say(
                    "warn",
                    "It waits for your approval",
                    "Nothing of it runs before you looked at exactly what would be started.",
                    actions=(("Review…", self.approve_asked.emit),),
                    can_close=False,
                )
            case ServerPhase.REJECTED:
                self.banner.say(
                    "neutral",
                    "It counts as rejected" if reason else "You said never",
                    reason or "It is not started until its entry changes, or until you approve it after all.",
                    actions=(("Review…", self.approve_asked.emit),),
                    can_close=False,
                )
            case ServerPhase.FAILED | ServerPhase.NEEDS_AUTHENTICATION:
                self.banner.say(
                    "danger" if server.phase is ServerPhase.FAILED else "warn",
                    words.phase_phrase(server).text,
                    reason,
                    actions=(("Start again", self.start_asked.emit),),
                    can_close=False,
                )
            case _:
                self.banner.hide()

    def _facts(self, server: ServerStatus) -> list[Fact]:
        launch = server.launch
        argv = server.argv or (launch.argv if launch is not None else ())
        url = server.url or (launch.url if launch is not None else "")
        facts: list[Fact] = [("Type", words.type_name(server.type), "")]
        if url:
            facts.append(("Address", words.exact(url), ""))
        if argv:
            facts.append(("Command", "\n".join(words.exact(part) for part in argv), ""))
        if server.pid is not None:
            facts.append(("Process", f"{server.pid}", ""))
        folder = server.cwd or (launch.cwd if launch is not None else "")
        if folder:
            facts.append(("Folder", words.exact(folder), ""))
        if launch is not None:
            names = ", ".join(words.exact(name) for name in launch.environment_names)
            facts.append(("Variables", names or "none of yours", ""))
            if launch.package:
                facts.append(("Package", words.exact(launch.package), ""))
        return [*facts, *self._run_facts(server)]

    def _run_facts(self, server: ServerStatus) -> list[Fact]:
        facts: list[Fact] = []
        if server.server_info:
            facts.append(("Server", words.one_line(server.server_info), ""))
        if server.protocol:
            facts.append(("Protocol", words.one_line(server.protocol), ""))
        if server.resources or server.prompts:
            offers = (
                f"{wording.count(server.resources, 'resource')}, {wording.count(server.prompts, 'prompt')}"
            )
            facts.append(("Offers too", offers, ""))
        if server.started_at is not None:
            facts.append(("Started", wording.full_time(server.started_at), ""))
        if server.last_call_at is not None:
            facts.append(("Last call", wording.full_time(server.last_call_at), ""))
        if server.restarts:
            facts.append(("Restarts", f"{server.restarts:,}", "warn"))
        return facts
