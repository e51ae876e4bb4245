"""The guards of every test, the loop it runs on, and the fixtures that all parts share.

pytest-qt owns the QApplication; pytest-asyncio's runner owns the loop of each test. Tests of `gui`
(and those marked `qt_loop`) run on the desktop's loop, so that coroutines, servers and widgets share
one thread as in the program; all others run on asyncio's own. No test may call `app.exec()` or
`loop.run_*()` itself.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before any QApplication; real windows get their own process

import pytest
from blockbuster import blockbuster_ctx
from PySide6.QtWidgets import QApplication
from structlog.typing import EventDict

from app.interpreter import collect_if_due, collect_only_when_asked
from app.qt_loop import drop_pyside_import_hook, new_qt_loop
from tests.guards.home import isolated_environment
from tests.guards.logs import LogGuard
from tests.guards.network import NetworkGuard
from tests.guards.shared_data import MISSING, find_shared_data, missing_reason

_TESTS = Path(__file__).resolve().parent
_network = NetworkGuard()


def pytest_configure() -> None:
    """Closes the network before the first test module is imported; collects garbage as the desktop does."""
    _network.install()
    drop_pyside_import_hook()  # it reads source files at a module's first import, on the loop too
    collect_only_when_asked()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Destroys what a test left behind here, not on some thread of a later test."""
    yield
    collect_if_due()


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Chooses the loop of a test by its folder or marker."""
    if _wants_qt(item):
        return {"qt": _qt_loop}
    return {"asyncio": asyncio.new_event_loop}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests could not run because the shared data is not there."""
    skipped = [report for report in terminalreporter.getreports("skipped") if MISSING in str(report.longrepr)]
    terminalreporter.write_line(f"skipped for want of shared test data: {len(skipped)}")


def _wants_qt(item: pytest.Item) -> bool:
    if item.get_closest_marker("plain_asyncio"):
        return False
    return (_TESTS / "gui") in item.path.parents or item.get_closest_marker("qt_loop") is not None


def _qt_loop() -> asyncio.AbstractEventLoop:
    return new_qt_loop(QApplication.instance() or QApplication(["signalbox-tests"]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keeps what a test printed transportable: a worker of xdist cannot send lone surrogates."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8")) for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def _isolated_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sb-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "run").mkdir(mode=0o700)
        for name, value in isolated_environment(os.environ, home).items():
            if value is None:
                monkeypatch.delenv(name)
            else:
                monkeypatch.setenv(name, value)
        yield home


@pytest.fixture
def home(_isolated_home: Path) -> Path:
    """The test's own empty home folder."""
    return _isolated_home


@pytest.fixture(autouse=True)
def _no_outside_network() -> Iterator[None]:
    _network.attempts.clear()
    yield
    if _network.attempts:
        pytest.fail(f"tried to leave the machine: {', '.join(_network.attempts)}", pytrace=False)


@pytest.fixture(autouse=True)
def _log_guard(request: pytest.FixtureRequest) -> Iterator[LogGuard]:
    guard = LogGuard()
    guard.start()
    try:
        yield guard
    finally:
        guard.stop()
    marker = request.node.get_closest_marker("expects_log")
    stray = guard.unexpected(marker.args if marker else ())
    if stray:
        lines = "\n  ".join(stray)
        pytest.fail(
            f"unexpected log records (expected ones are named with @pytest.mark.expects_log):\n  {lines}",
            pytrace=False,
        )


@pytest.fixture
def log_events(_log_guard: LogGuard) -> list[EventDict]:
    """What structlog was told during the test, each with its `level`."""
    return _log_guard.events


@pytest.fixture(autouse=True)
def _unblocked_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    item = request.node
    is_coroutine = inspect.iscoroutinefunction(getattr(item, "function", None))
    if (
        not is_coroutine
        or (_TESTS / "proxy") not in item.path.parents
        or item.get_closest_marker("may_block")
    ):
        yield
        return
    with blockbuster_ctx("proxy"):
        yield


@pytest.fixture(autouse=True)
def _qt_first(request: pytest.FixtureRequest) -> None:
    """The QApplication exists before any loop of Qt does."""
    if _wants_qt(request.node):
        application = request.getfixturevalue("qapp")
        application.setQuitOnLastWindowClosed(False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared recordings and corpora; without it the test skips, or in CI fails."""
    folder = find_shared_data(os.environ)
    if not (folder / "recordings").is_dir():
        if os.environ.get("CI"):
            pytest.fail(missing_reason(folder), pytrace=False)
        pytest.skip(missing_reason(folder))  # the shared data is not there
    return folder


@pytest.fixture(scope="session")
def claude_code() -> Path:
    """The real Claude Code, as `dev.py clients` installs it; without it the test skips, or in CI fails."""
    programs = _TESTS.parent / ".clients" / "node_modules" / ".bin"
    for name in ("claude", "claude.cmd"):
        if (programs / name).exists():
            return programs / name
    missing = "Claude Code is not installed: `python3 build_scripts/dev.py clients` installs it"
    if os.environ.get("CI") and shutil.which("npm"):
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)  # the real client is not installed
