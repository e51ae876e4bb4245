"""The wiring with a window: application, loop, controller, tray and window, by plain calls."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any

import structlog
from PySide6.QtCore import QMessageLogContext, QSettings, Qt, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from app.configuration import Configuration
from app.control_answers import answers
from app.controller import Controller
from app.dearer_notices import tell_of_dearer
from app.environment import Environment
from app.exit_codes import FAILED, OK
from app.instance import ControlChannel, Reply, ask
from app.interpreter import collect_if_due, collect_only_when_asked, prefer_the_loop, settle
from app.logs import LogPipeline
from app.paths import Folders
from app.privileges import runs_elevated
from app.qt_loop import new_qt_loop
from app.secrets import SecretStore, forbid_core_dumps
from app.settings_store import SettingsStore
from app.signals import on_stop_signals
from app.terminal import tell
from app.tool_host import tool_host
from gui.attention import Attention
from gui.bridge import Bridge
from gui.desk import Desk
from gui.icons import app_icon
from gui.main_window import MainWindow
from gui.pages.page import Room
from gui.theme import Theme
from gui.tray import Tray, WindowCommands
from gui.tray_host import TrayHost
from proxy.server.app import ProxyServer
from proxy.service.storage import StorageConfig
from proxy.tasks import spawn
from proxy.upstreams.catalogue import Catalogue
from proxy.upstreams.probe import probe

_log = structlog.get_logger("app.desktop")

TRAY_GRACE_MS = 5_000
"""How long a hidden start waits for a tray: a session starts its programs before its panel."""
COLLECT_MS = 1_000
"""How often the window's thread looks for garbage; no other thread may destroy Qt's objects."""
_SHOWN_LOG_LINES = 5_000
"""So many the window finds when it opens; 1,000 take a megabyte."""
_TOLD_KEY = "window/told_about_tray"
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: "debug",
    QtMsgType.QtInfoMsg: "info",
    QtMsgType.QtWarningMsg: "warning",
}


def run_desktop(folders: Folders, environment: Environment, *, hidden: bool = False) -> int:
    """Shows tray and window until the user quits; returns the exit status.

    A second start only asks the running program to show its window.

    Args:
        folders: Where our files are; they exist.
        environment: What the environment says.
        hidden: Start with the tray icon alone; where there is no tray the window shows after all.
    """
    forbid_core_dumps()
    prefer_the_loop()
    running = asyncio.run(ask(folders.runtime, "show"))
    if running is not None:
        return _hand_over(running)
    configuration = Configuration(
        folders,
        SettingsStore(folders.settings_file),
        SecretStore(environment, names_file=folders.key_names_file),
        environment,
        is_elevated=runs_elevated(),
    )
    configuration.set_broken_aside(datetime.now(timezone.utc))
    settings = configuration.settings
    logs = LogPipeline(
        file=folders.log_file,
        stream=sys.stderr if settings.environment == "development" else None,
        level=settings.logs.level,
        mode=settings.environment,
        redactor=configuration.redactor,
        max_tail=_SHOWN_LOG_LINES,
    )
    logs.install()
    app = _application()
    collect_on_this_thread(app)
    _catch_the_rest()
    loop = new_qt_loop(app)
    loop.set_exception_handler(_log_loop_failure)
    try:
        with _closing(loop):
            return loop.run_until_complete(_live(app, configuration, logs, hidden=hidden))
    finally:
        qInstallMessageHandler(None)
        sys.excepthook = sys.__excepthook__
        logs.close()


async def _live(app: QApplication, configuration: Configuration, logs: LogPipeline, *, hidden: bool) -> int:
    ended = asyncio.Event()
    folders = configuration.folders
    catalogue = Catalogue(
        folders.models,
        on_read=lambda: controller.models_read(),  # noqa: PLW0108 - it is made below
    )
    make_server = partial(
        ProxyServer,
        host=tool_host(configuration),
        storage=StorageConfig(folders.store),
        catalogue=catalogue,
    )
    controller = Controller(
        configuration,
        make_server=make_server,
        probe=probe,
        price_of=catalogue.price_of,
        logs=logs,
        on_quit=ended.set,
    )
    loop = asyncio.get_running_loop()
    on_stop_signals(loop, controller.quit, _stop_at_once(logs))
    for notice in configuration.loaded.notices:
        _log.warning("settings_notice", notice=notice)
    channel = ControlChannel(configuration.folders.runtime, answers(controller, has_window=True))
    if not await channel.claim():
        running = await ask(configuration.folders.runtime, "show")
        return _hand_over(running) if running is not None else FAILED
    store = QSettings(str(configuration.folders.state / "window.ini"), QSettings.Format.IniFormat)
    face = Face(app, controller, store)
    try:
        face.show(hidden=hidden)
        await controller.start()
        spawn(tell_of_dearer(configuration.settings, catalogue), name="tell of dearer candidates")
        settle()
        await ended.wait()
    finally:
        face.close()
        await channel.close()
    return OK


class Face:
    """Theme, bridge, window and tray of one desk, wired to each other."""

    def __init__(
        self, app: QApplication, desk: Desk, store: QSettings, *, tray_grace_ms: int = TRAY_GRACE_MS
    ) -> None:
        self._store = store
        self._tray_grace_ms = tray_grace_ms
        self.theme = Theme(app, desk.theme())
        self.bridge = Bridge(desk)
        self.host = TrayHost()
        room = Room(desk, self.bridge, self.theme)
        self.window = MainWindow(
            room,
            store,
            has_tray=lambda: self.host.is_there,
            version=_version(),
        )
        self.tray = Tray(
            desk,
            self.bridge,
            self.theme,
            self.host,
            WindowCommands(
                self.window.show_up,
                self.toggle,
                self.window.show_logs,
                self.window.show_approvals,
                self.window.show_mcp,
                self.window.quit_banner.ask,
            ),
        )
        self.attention = Attention(room, self.window, self.tray)
        self.window.hidden_to_tray.connect(self._tell_once)
        self.host.appeared.connect(self.window.close_banner.hide)
        app.commitDataRequest.connect(self.window.allow_close)

    def show(self, *, hidden: bool) -> None:
        """Shows the window; hidden, only where no tray has come after a while."""
        if not hidden:
            self.window.show_up()
        elif not self.host.is_there:
            QTimer.singleShot(self._tray_grace_ms, self._show_without_tray)

    def toggle(self) -> None:
        """Shows the window, or hides it when it is in front."""
        if self.window.isVisible() and self.window.isActiveWindow():
            self.window.close()
        else:
            self.window.show_up()

    def close(self) -> None:
        """Takes everything off the screen."""
        self.bridge.close()
        self.attention.close()
        self.tray.close()
        self.window.allow_close()
        self.window.close()

    def _show_without_tray(self) -> None:
        if not self.host.is_there and not self.window.isVisible():
            self.window.show_up()

    def _tell_once(self) -> None:
        if self._store.value(_TOLD_KEY) is None:
            self._store.setValue(_TOLD_KEY, "yes")
            self.tray.explain_hiding()


def _application() -> QApplication:
    _name_for_taskbar()
    app = QApplication(["signalbox"])
    app.setApplicationName("signalbox")
    app.setApplicationDisplayName("Signalbox")
    app.setDesktopFileName("signalbox")
    app.setWindowIcon(app_icon())
    app.setQuitOnLastWindowClosed(False)
    return app


def collect_on_this_thread(app: QApplication) -> None:
    """Has garbage collected on the application's thread alone, for as long as it lives."""
    collect_only_when_asked()
    timer = QTimer(app)
    timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
    timer.timeout.connect(collect_if_due)
    timer.start(COLLECT_MS)


def _name_for_taskbar() -> None:
    """Has Windows group our windows and messages under our own name instead of Python's."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - only there

        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID("Signalbox")


def _hand_over(reply: Reply) -> int:
    if reply.is_ok:
        return OK
    with suppress(OSError, AttributeError):  # a windowed program on Windows has no standard error
        tell(reply.text)
    return FAILED


def _catch_the_rest() -> None:
    """Sends to the log what nobody else caught: errors in slots, and Qt's own messages."""
    sys.excepthook = log_uncaught
    qInstallMessageHandler(log_qt)


def log_uncaught(kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
    """Logs an error that a slot or the main thread let through; the excepthook."""
    _log.error("uncaught", exc_info=(kind, failure, trace))


def log_qt(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    """Logs what Qt itself has to say."""
    getattr(_log, _QT_LEVELS.get(kind, "error"))("qt_message", message=message)


def _log_loop_failure(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    _log.error("loop_failure", message=context.get("message"), exc_info=context.get("exception"))


def _stop_at_once(logs: LogPipeline) -> Callable[[], None]:
    def stop() -> None:
        logs.flush(timeout_s=1.0)
        os._exit(OK)

    return stop


def _version() -> str:
    try:
        return version("signalbox")
    except PackageNotFoundError:
        return "(not installed)"


class _closing:  # noqa: N801 - reads as contextlib.closing does
    """Closes a loop after its asynchronous generators and executor."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __enter__(self) -> asyncio.AbstractEventLoop:
        asyncio.set_event_loop(self._loop)
        return self._loop

    def __exit__(self, *_failure: object) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        self._loop.close()
