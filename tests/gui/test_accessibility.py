"""Everything has a name, outside text stays plain, and the keyboard reaches every control."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QTabBar,
    QTabWidget,
    QTextBrowser,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.desk import (
    ActionDone,
    ActionFailed,
    AliasView,
    CandidateView,
    LogLine,
    LogsAppended,
    Problem,
    ProviderTested,
    ProxyPhase,
    ProxyState,
)
from gui.main_window import PAGES, MainWindow
from gui.mcp_desk import McpImportRow
from gui.pages.page import Room
from gui.permission_desk import RuleView, WorkspaceView
from gui.widgets.text import plain, tip
from proxy.events import (
    Exchange,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    RequestStarted,
    UpstreamExchange,
)
from proxy.mcp.values import Launch, LogEntry, ServerPhase, ToolChange
from tests.gui.acting import key
from tests.gui.fake_desk import URL, FakeDesk
from tests.gui.mcp_scenes import PENDING, TIME
from tests.gui.permission_scenes import TOKENS, TOOLS, WRITE, decisions
from tests.gui.scenes import PROVIDERS, START, request_events

HOSTILE = '<b>x</b><img src="http://127.0.0.1:9/p.png"><a href="x">&y</a>'
CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
)


def _all_widgets(root: QWidget) -> list[QWidget]:
    return [root, *root.findChildren(QWidget)]


def _open_everything(window: MainWindow) -> Iterator[QWidget]:
    """Shows the window page by page, then each editor."""
    for page, _title in PAGES:
        window.show_page(page)
        for tabs in window.page(page).findChildren(QTabWidget):
            for tab in range(tabs.count()):
                tabs.setCurrentIndex(tab)
                QApplication.processEvents()
                yield window
            tabs.setCurrentIndex(0)
        QApplication.processEvents()
        yield window
    rules, folders = window.pages.permissions.rules, window.pages.permissions.workspaces
    for opened in (
        window.pages.providers.open_add,
        window.pages.models.open_add,
        window.pages.models.open_edit,
        window.pages.connect_page.open_add,
        window.pages.connect_page.open_revoke,
        rules.open_add,
        rules.open_edit,
        rules.open_text,
        rules.open_import,
        rules.open_export,
        folders.open_add,
        folders.open_edit,
        *_mcp_dialogs(window),
    ):
        before = set(QApplication.topLevelWidgets())
        opened()
        dialog = next(w for w in QApplication.topLevelWidgets() if w not in before and w.isVisible())
        yield dialog
        dialog.close()


def _mcp_dialogs(window: MainWindow) -> tuple[Callable[[], None], ...]:
    page = window.pages.mcp

    def open_trust() -> None:
        page.choose(next(each.name for each in page.model.values if each.phase is ServerPhase.PENDING))
        page.open_trust()

    def open_changes() -> None:
        page.choose(next(each.name for each in page.model.values if each.tools and each.tools[0].quarantine))
        page.detail.tools.open_changes()

    def open_try() -> None:
        page.choose(page.model.values[0].name)
        page.detail.tools.open_try()

    return (
        open_trust,
        open_changes,
        open_try,
        page.open_add,
        page.open_edit,
        page.open_paste,
        page.open_import,
    )


def _fill(qtbot: QtBot, room: Room, desk: FakeDesk) -> None:
    with qtbot.waitSignal(room.bridge.requests_advanced):
        desk.announce(*request_events(20))


def test_every_control_has_a_name_for_screen_readers(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    _fill(qtbot, room, desk)
    window.pages.requests.show_request("req_0004")
    nameless: list[str] = []
    for root in _open_everything(window):
        for widget in _all_widgets(root):
            if isinstance(widget, CONTROLS):
                interface = QAccessible.queryAccessibleInterface(widget)
                if not interface.text(QAccessible.Text.Name).strip():
                    nameless.append(f"{type(widget).__name__} in {widget.parent()}")
    assert nameless == []


def test_every_other_widget_is_named_or_text(qtbot: QtBot, window: MainWindow):
    nameless = [
        f"{type(widget).__name__} in {widget.parent()}"
        for root in _open_everything(window)
        for widget in _all_widgets(root)
        if not isinstance(widget, QLabel) and not widget.accessibleName() and widget.isVisible()
    ]
    assert nameless == []


def test_no_two_controls_on_a_page_share_kind_and_name(qtbot: QtBot, window: MainWindow):
    for page, _title in PAGES:
        window.show_page(page)
        QApplication.processEvents()
        names = [
            (type(w).__name__, w.accessibleName())
            for w in window.page(page).findChildren(QWidget)
            if isinstance(w, (QLineEdit, QComboBox, QAbstractItemView)) and w.isVisible()
        ]
        assert len(names) == len(set(names)), page


def test_an_icon_cell_says_its_state_in_words_too(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk
):
    _fill(qtbot, room, desk)
    texts = {
        window.pages.requests.proxy.index(row, 4).data()
        for row in range(window.pages.requests.proxy.rowCount())
    }
    assert texts <= {"waiting", "answering", "200 ok", "401 refused", "429 rate_limit", "499 cancelled"}


@pytest.mark.parametrize("page", [page for page, _ in PAGES])
def test_the_keyboard_reaches_every_control_of_a_page(
    qtbot: QtBot, window: MainWindow, room: Room, desk: FakeDesk, page: str
):
    _fill(qtbot, room, desk)
    window.show_page(page)
    window.activateWindow()
    QApplication.processEvents()
    wanted = {
        w
        for w in window.findChildren(QWidget)
        if isinstance(w, CONTROLS)
        and w.isVisible()
        and w.isEnabled()
        and not isinstance(w, QTabBar)
        and w.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    window.sidebar.button(page).setFocus()
    reached: set[QWidget] = set()
    for _ in range(len(wanted) * 3 + 20):
        focused = window.focusWidget()
        reached.add(focused)
        key(focused, Qt.Key.Key_Tab)
    missing = [w.accessibleName() for w in wanted - reached if w not in _group_mates(window, reached)]
    assert missing == []


def _group_mates(window: MainWindow, reached: set[QWidget]) -> set[QWidget]:
    """Entries of the sidebar are one stop for Tab; the arrows go from one to the next."""
    entries: set[QWidget] = {window.sidebar.button(page) for page, _ in PAGES}
    return entries if entries & reached else set()


def test_arrows_walk_the_sidebar(qtbot: QtBot, window: MainWindow):
    window.sidebar.button("home").setFocus()
    key(window.sidebar.button("home"), Qt.Key.Key_Down)
    assert window.page_id == "connect"


@pytest.fixture
def hostile(desk: FakeDesk) -> FakeDesk:
    """A desk whose every text comes from an enemy."""
    desk.provider_list = [
        replace(PROVIDERS[0], name=HOSTILE, base_url=HOSTILE, key_source=HOSTILE, problem=HOSTILE)
    ]
    desk.alias_list = [AliasView(HOSTILE, (HOSTILE,), (CandidateView(HOSTILE, HOSTILE),))]
    desk.lines = [LogLine(START, "error", HOSTILE, HOSTILE, HOSTILE, None, {HOSTILE: HOSTILE}, HOSTILE)]
    desk.state_now = ProxyState(ProxyPhase.RUNNING, URL, problems=(Problem(HOSTILE, HOSTILE, "home"),))
    attempt = UpstreamExchange(
        1,
        1,
        HOSTILE,
        HOSTILE,
        HOSTILE,
        START,
        key=HOSTILE,
        outcome=HOSTILE,
        error_message=HOSTILE,
        stop_reason=HOSTILE,
        request=HOSTILE,
        reply=HOSTILE,
        reply_headers={HOSTILE: HOSTILE},
    )
    desk.exchanges = {HOSTILE: Exchange(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, (attempt,))}
    desk.tool_list = [replace(TOOLS[0], name=HOSTILE, group=HOSTILE, description=HOSTILE)]
    desk.rule_list = [
        RuleView("deny", HOSTILE, HOSTILE, HOSTILE, can_change=True, warning=HOSTILE, fix=HOSTILE)
    ]
    desk.previews = {HOSTILE: desk.rule_list[0]}
    desk.workspace_list = [WorkspaceView(HOSTILE, HOSTILE, (HOSTILE,), is_default=True, problem=HOSTILE)]
    desk.waiting = [
        replace(
            WRITE,
            tool=HOSTILE,
            shown=HOSTILE,
            reason=HOSTILE,
            hints=(HOSTILE,),
            suggestion=HOSTILE,
            client=HOSTILE,
            conversation_id=HOSTILE,
            workspace=HOSTILE,
            request_id=HOSTILE,
        )
    ]
    desk.past = [
        replace(decisions(START)[0], tool=HOSTILE, shown=HOSTILE, reason=HOSTILE, request_id=HOSTILE)
    ]
    desk.safety_now = replace(desk.safety_now, broken=HOSTILE, sandbox_found=HOSTILE, protected=(HOSTILE,))
    desk.token_list = [replace(TOKENS[0], name=HOSTILE, aliases=(HOSTILE,))]
    launch = Launch(HOSTILE, (HOSTILE, HOSTILE), HOSTILE, (HOSTILE,), HOSTILE, HOSTILE, HOSTILE)
    tool = replace(TIME.tools[0], name=HOSTILE, description=HOSTILE, full_name=HOSTILE)
    schema = {"properties": {HOSTILE: {"description": HOSTILE, "default": HOSTILE, "enum": [HOSTILE]}}}
    seen = replace(
        TIME,
        reason=HOSTILE,
        argv=(HOSTILE,),
        cwd=HOSTILE,
        protocol=HOSTILE,
        server_info=HOSTILE,
        launch=launch,
    )
    desk.server_list = [
        replace(seen, name=HOSTILE, tools=(replace(tool, input_schema=schema),)),
        replace(seen, phase=PENDING.phase, name="waits", url=HOSTILE, tools=()),
        replace(seen, name="changed", tools=(replace(tool, quarantine="changed"),)),
    ]
    desk.mcp_changed_tools = {"changed": (ToolChange(HOSTILE, HOSTILE, HOSTILE),)}
    desk.mcp_logs = {HOSTILE: [LogEntry(START, "stderr", HOSTILE)]}
    desk.mcp_texts = {HOSTILE: HOSTILE}
    desk.import_rows = (McpImportRow("k", HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "none", (HOSTILE,)),)
    desk.mcp_problem_now = HOSTILE
    return desk


def test_text_from_outside_is_never_rich_text(
    qtbot: QtBot,
    hostile: FakeDesk,
    make_room: Callable[[FakeDesk], Room],
    make_window: Callable[[Room], MainWindow],
):
    room = make_room(hostile)
    window = make_window(room)
    with qtbot.waitSignals(
        [room.bridge.requests_advanced, room.bridge.logs_appended, room.bridge.action_failed]
    ):
        hostile.announce(
            RequestStarted(HOSTILE, START, HOSTILE, HOSTILE, HOSTILE, HOSTILE, stream=True),
            RequestRouted(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)),
            RequestFinished(
                HOSTILE, START, "error", 500, 1.0, None, HOSTILE, HOSTILE, HOSTILE, tool_names=(HOSTILE,)
            ),
            RequestRefused("other", START, 401, HOSTILE),
            LogsAppended(tuple(hostile.lines)),
            ActionDone(HOSTILE),
            ActionFailed(HOSTILE, HOSTILE),
            ProviderTested(HOSTILE, is_ok=False, text=HOSTILE),
        )
    window.pages.models.resolve.field.setText(HOSTILE)
    window.pages.requests.show_request(HOSTILE)
    window.pages.providers.undo.tell_removal(HOSTILE, None, HOSTILE, lambda: None)
    seen = 0
    for root in _open_everything(window):
        for widget in _all_widgets(root):
            assert not isinstance(widget, QTextBrowser)
            assert not isinstance(widget, QTextEdit), "rich text"
            if isinstance(widget, QLabel):
                assert widget.textFormat() == Qt.TextFormat.PlainText, widget.text()
                seen += HOSTILE in widget.text()
            assert "<b>" not in widget.toolTip()
    assert seen >= 60


def test_ampersands_in_buttons_and_menus_are_shown(
    qtbot: QtBot,
    hostile: FakeDesk,
    make_room: Callable[[FakeDesk], Room],
    make_window: Callable[[Room], MainWindow],
):
    window = make_window(make_room(hostile))
    menu = window.header.problems.menu()
    assert isinstance(menu, QMenu)
    entries: list[QAction] = menu.actions()
    assert "&&y" in entries[0].text()


def test_markup_in_tool_tips_is_escaped_and_ampersands_are_doubled():
    assert tip(HOSTILE).startswith("<span>&lt;b&gt;x")
    assert tip("") == ""
    assert plain("a & b") == "a && b"
