"""Where garbage is collected: on the thread that asks, and on no other."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.desktop import collect_on_this_thread
from app.interpreter import YOUNG_OBJECTS, collect_if_due, collect_only_when_asked, prefer_the_loop


@pytest.fixture(autouse=True)
def _own_collector() -> Iterator[None]:
    limits = gc.get_threshold()
    prefer_the_loop()
    gc.collect()
    yield
    gc.set_threshold(*limits)
    collect_only_when_asked()


class Node:
    """Garbage that only the collector finds, and that says on which thread it was destroyed."""

    def __init__(self, destroyed_on: list[threading.Thread], held: QObject | None = None) -> None:
        self.itself = self
        self.held = held
        self.destroyed_on = destroyed_on

    def __del__(self) -> None:
        self.destroyed_on.append(threading.current_thread())


def allocate_elsewhere() -> None:
    """Makes as much garbage on another thread as has the collector run, were it allowed to."""

    def allocate() -> None:
        for _ in range(2 * YOUNG_OBJECTS):
            cycle: list[object] = []
            cycle.append(cycle)

    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()


def test_python_itself_destroys_garbage_on_whichever_thread_allocates() -> None:
    destroyed_on: list[threading.Thread] = []
    gc.enable()
    Node(destroyed_on)
    allocate_elsewhere()
    assert destroyed_on
    assert destroyed_on != [threading.current_thread()]


def test_garbage_is_destroyed_where_it_is_asked_for_and_nowhere_else() -> None:
    destroyed_on: list[threading.Thread] = []
    Node(destroyed_on)
    allocate_elsewhere()
    assert destroyed_on == []
    collect_if_due()
    assert destroyed_on == [threading.current_thread()]


def test_what_is_not_due_yet_is_left_alone() -> None:
    destroyed_on: list[threading.Thread] = []
    Node(destroyed_on)
    collect_if_due()
    assert destroyed_on == []


def test_nothing_is_collected_while_the_threshold_is_zero() -> None:
    destroyed_on: list[threading.Thread] = []
    Node(destroyed_on)
    allocate_elsewhere()
    gc.set_threshold(0)
    collect_if_due()
    assert destroyed_on == []


def test_what_survived_is_looked_at_again() -> None:
    destroyed_on: list[threading.Thread] = []
    gc.set_threshold(100, 2, 2)
    node = Node(destroyed_on)
    for generation in (0, 1, 0, 1):
        gc.collect(generation)
    del node
    for _ in range(1_000):
        kept = [[index] for index in range(200)]
        collect_if_due()
        del kept
        if destroyed_on:
            break
    assert destroyed_on == [threading.current_thread()]


def test_the_desktop_destroys_a_window_s_timers_on_its_own_thread(qapp: QApplication, qtbot: QtBot) -> None:
    gc.enable()
    timers = set(qapp.findChildren(QTimer))
    collect_on_this_thread(qapp)
    (collector,) = set(qapp.findChildren(QTimer)) - timers
    collector.setInterval(5)
    destroyed_on: list[threading.Thread] = []
    closed = QObject()
    QTimer(closed).start(60_000)
    Node(destroyed_on, held=closed)
    del closed
    allocate_elsewhere()
    assert destroyed_on == []
    qtbot.waitUntil(lambda: destroyed_on == [threading.current_thread()])
    collector.deleteLater()
