"""The desktop program: starts, is single, shows its window, ends in order, and logs what nobody caught."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMessageLogContext, QSettings, QtMsgType
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from structlog.typing import EventDict

from app.desktop import Face, log_qt, log_uncaught
from app.instance import ControlChannel, Reply, ask
from tests.gui.fake_desk import FakeDesk

_ROOT = Path(__file__).resolve().parents[2]
_NOISE = pytest.mark.qt_log_ignore("This plugin does not support|systemTrayWindowChanged", extend=True)


def _environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "SIGNALBOX_HOME": str(home / "sb"),
        "SIGNALBOX_TOKEN": "a-token-made-up-for-this-test",
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(_ROOT),
    }


@asynccontextmanager
async def _program(home: Path, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        *arguments,
        env=_environment(home),
        stderr=asyncio.subprocess.PIPE,
        cwd=_ROOT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def settings(home: Path) -> Path:
    """A settings file that takes any free port."""
    folder = home / "sb"
    folder.mkdir(mode=0o700)
    file = folder / "settings.yaml"
    file.write_text("version: 1\nserver: {port: 0}\n")
    return file


@pytest.fixture
def broken(settings: Path) -> str:
    """What stands in a settings file that cannot be read."""
    settings.write_text("version: 1\nserver: {port: [\n")
    return settings.read_text()


async def _status(home: Path, is_wanted: Callable[[Reply], bool]) -> Reply:
    """Asks the running program until it answers as wanted."""

    async def look() -> Reply:
        while True:
            reply = await ask(home / "sb" / "run", "status")
            if reply is not None and is_wanted(reply):
                return reply
            await asyncio.sleep(0.05)

    return await asyncio.wait_for(look(), 40)


def _is_running(reply: Reply) -> bool:
    return reply.facts.get("phase") == "running"


def _logged(home: Path) -> list[dict[str, Any]]:
    file = home / "sb" / "logs" / "signalbox.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.timeout(120)
async def test_it_listens_answers_a_second_start_and_quits_in_order(home: Path, settings: Path):
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(_program(home))
        status = await _status(home, _is_running)
        assert status.facts["kind"] == "desktop"
        assert str(status.facts["url"]).startswith("http://127.0.0.1:")
        second = await stack.enter_async_context(_program(home))
        assert await asyncio.wait_for(second.wait(), 40) == 0
        assert first.returncode is None
        reply = await ask(home / "sb" / "run", "quit")
        assert reply is not None
        assert reply.is_ok
        assert await asyncio.wait_for(first.wait(), 40) == 0
    assert await ask(home / "sb" / "run", "status") is None
    assert [line["level"] for line in _logged(home) if line["level"] in {"error", "critical"}] == []
    assert (home / "sb" / "window.ini").exists()


async def test_a_start_reads_no_source_for_pysides_import_hook(home: Path, settings: Path):
    """Its hook reads and keeps the source of what imports anything: 21 MB of lines for nobody."""
    code = """
import linecache
from app.cli import run
kept = ("main_window.py", "controller.py", "base_events.py")
print(run([]), *(name for name in linecache.cache if name.endswith(kept)))
"""
    running = ControlChannel(home / "sb" / "run", lambda _verb, _words: Reply(is_ok=True, text="shown"))
    assert await running.claim()
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=_environment(home), stdout=asyncio.subprocess.PIPE, cwd=_ROOT
    )
    try:
        out, _err = await asyncio.wait_for(second.communicate(), 40)
    finally:
        if second.returncode is None:
            second.kill()
        await second.wait()
        await running.close()
    assert out.split() == [b"0"]


@pytest.mark.timeout(120)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM")
async def test_sigterm_ends_it_in_order(home: Path, settings: Path):
    async with _program(home, "--hidden") as process:
        await _status(home, _is_running)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 40) == 0
    assert "stopped" in [line["event"] for line in _logged(home)]


@pytest.mark.timeout(120)
async def test_a_broken_settings_file_does_not_keep_the_window_away(home: Path, broken: str):
    async with _program(home) as process:
        await _status(home, lambda reply: reply.facts.get("phase") in {"running", "failed"})
        await ask(home / "sb" / "run", "quit")
        assert await asyncio.wait_for(process.wait(), 40) == 0
    assert broken in _settings_files(home)


def _settings_files(home: Path) -> list[str]:
    return [file.read_text() for file in (home / "sb").glob("settings*")]


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    """An empty place for the window's shape."""
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@_NOISE
@pytest.mark.qt_loop
def test_hidden_without_a_tray_the_window_shows_after_all(qtbot: QtBot, qapp: QApplication, store: QSettings):
    face = Face(qapp, FakeDesk(), store, tray_grace_ms=1)
    face.show(hidden=True)
    assert not face.window.isVisible()
    qtbot.waitUntil(face.window.isVisible)
    face.close()
    assert not face.window.isVisible()


@_NOISE
@pytest.mark.qt_loop
def test_a_click_on_the_tray_shows_and_hides_the_window(qtbot: QtBot, qapp: QApplication, store: QSettings):
    store.setValue("window/close_without_tray", "background")
    face = Face(qapp, FakeDesk(), store)
    face.toggle()
    qtbot.waitUntil(face.window.isActiveWindow)
    face.toggle()
    assert not face.window.isVisible()
    face.close()


@pytest.mark.expects_log("uncaught", "qt_message")
def test_what_nobody_caught_is_logged(log_events: list[EventDict]):
    failure = ValueError("in a slot")
    log_uncaught(ValueError, failure, None)
    log_qt(QtMsgType.QtWarningMsg, QMessageLogContext(), "no such signal")
    assert [(event["event"], event["level"]) for event in log_events] == [
        ("uncaught", "error"),
        ("qt_message", "warning"),
    ]
