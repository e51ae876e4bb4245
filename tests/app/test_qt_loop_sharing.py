"""How the desktop's loop shares one thread with Qt: nobody starves, dialogs nest, nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QApplication, QDialog
from typing_extensions import override

from app.qt_loop import new_qt_loop
from tests.app.loops import nth_call, run


def test_a_qt_timer_fires_while_callbacks_are_always_ready(loop: asyncio.AbstractEventLoop) -> None:
    async def flood() -> int:
        fired = loop.create_future()
        timer = _repeat(5, nth_call(10, lambda: fired.set_result(None)))
        turns = 0
        while not fired.done():
            await asyncio.sleep(0)
            turns += 1
        timer.stop()
        return turns

    assert run(loop, flood()) > 10


def test_a_qt_timer_fires_while_a_descriptor_is_always_readable(loop: asyncio.AbstractEventLoop) -> None:
    async def flood() -> None:
        fired = loop.create_future()
        timer = _repeat(5, nth_call(10, lambda: fired.set_result(None)))
        near, far = socket.socketpair()
        with near, far:
            far.send(b"never read")
            loop.add_reader(near, lambda: None)
            await fired
            loop.remove_reader(near)
        timer.stop()

    run(loop, flood())


def test_asyncio_runs_while_qt_timers_are_always_due(loop: asyncio.AbstractEventLoop) -> None:
    async def wait() -> None:
        timer = _repeat(0, lambda: None)
        for _ in range(20):
            await asyncio.sleep(0.001)
        timer.stop()

    run(loop, wait())


def test_asyncio_runs_while_qt_events_are_always_pending(loop: asyncio.AbstractEventLoop) -> None:
    async def wait() -> None:
        reposter = _Reposter()
        reposter.post()
        for _ in range(20):
            await asyncio.sleep(0.001)
            await loop.run_in_executor(None, int)
        reposter.is_posting = False

    run(loop, wait())


def test_what_a_qt_slot_schedules_runs_at_once(loop: asyncio.AbstractEventLoop) -> None:
    async def wait_for_slots() -> tuple[str, float]:
        soon = loop.create_future()
        later = loop.create_future()

        def slot() -> None:
            loop.call_soon(soon.set_result, "soon")
            loop.call_later(0.01, lambda: later.set_result(loop.time()))

        QTimer.singleShot(0, slot)
        started_at = loop.time()
        return await soon, await later - started_at

    answer, delay_s = run(loop, wait_for_slots())

    assert answer == "soon"
    assert 0.01 <= delay_s < 1


def test_a_qt_slot_stops_the_loop(loop: asyncio.AbstractEventLoop) -> None:
    QTimer.singleShot(0, loop.stop)

    loop.run_forever()

    assert not loop.is_running()


def test_other_tasks_run_while_a_coroutine_shows_a_modal_dialog(loop: asyncio.AbstractEventLoop) -> None:
    async def ask() -> tuple[int, asyncio.Task[None] | None]:
        dialog = QDialog()

        async def answer() -> None:
            await asyncio.sleep(0.01)
            await loop.run_in_executor(None, int)
            dialog.done(7)

        answering = loop.create_task(answer())
        result = dialog.exec()
        current = asyncio.current_task()
        await answering
        return result, current

    task = loop.create_task(ask())

    assert run(loop, task) == (7, task)


def test_a_modal_dialog_may_be_opened_by_a_plain_callback(loop: asyncio.AbstractEventLoop) -> None:
    async def wait_for_the_dialog() -> int:
        dialog = QDialog()
        closed = loop.create_future()
        loop.call_soon(lambda: closed.set_result(dialog.exec()))
        await asyncio.sleep(0.01)
        dialog.done(3)
        return await closed

    assert run(loop, wait_for_the_dialog()) == 3


def test_what_was_ready_beside_a_modal_dialog_runs_once_inside_it(loop: asyncio.AbstractEventLoop) -> None:
    ran: list[str] = []
    dialog = QDialog()

    def show() -> None:
        dialog.exec()
        ran.append("closed")

    def close() -> None:
        ran.append("beside")
        dialog.accept()

    loop.call_soon(show)
    loop.call_soon(close)

    run(loop, asyncio.sleep(0.01))

    assert ran == ["beside", "closed"]


def test_modal_dialogs_nest(loop: asyncio.AbstractEventLoop) -> None:
    closed: list[str] = []

    async def show(name: str, dialog: QDialog) -> None:
        dialog.exec()
        closed.append(name)

    async def open_both() -> None:
        outer, inner = _Dialog(), _Dialog()

        async def steer() -> None:
            await outer.shown.wait()
            showing = loop.create_task(show("inner", inner))
            await inner.shown.wait()
            inner.accept()
            await showing
            outer.accept()

        steering = loop.create_task(steer())
        await show("outer", outer)
        await steering

    run(loop, open_both())

    assert closed == ["inner", "outer"]


def test_stopping_the_loop_ends_a_modal_dialog_that_holds_it(loop: asyncio.AbstractEventLoop) -> None:
    results: list[int] = []
    dialog = QDialog()
    loop.call_soon(lambda: results.append(dialog.exec()))
    loop.call_later(0.01, loop.stop)

    loop.run_forever()

    assert results == [0]
    dialog.close()


def test_a_loop_that_does_not_run_runs_nothing_in_qts_loop(loop: asyncio.AbstractEventLoop) -> None:
    ran: list[str] = []
    near, far = socket.socketpair()
    with near, far:
        far.send(b"readable")

        async def leave_work_behind() -> None:
            await asyncio.sleep(0.001)
            loop.call_later(0.001, ran.append, "timer")
            loop.add_reader(near, lambda: ran.append("descriptor"))
            loop.call_soon(lambda: loop.call_soon(loop.call_soon, ran.append, "callback"))

        loop.run_until_complete(leave_work_behind())
        ran.clear()
        loop.call_soon_threadsafe(ran.append, "from a thread")

        foreign = QEventLoop()
        QTimer.singleShot(30, foreign.quit)
        foreign.exec()

        assert ran == []
        run(loop, asyncio.sleep(0.01))
        assert {"timer", "descriptor", "callback", "from a thread"} == set(ran)
        loop.remove_reader(near)


def test_a_closed_loop_leaves_no_descriptor_and_no_object_behind(qapp: QApplication) -> None:
    new_qt_loop(qapp).close()
    descriptors_before = _open_descriptors()
    loop = new_qt_loop(qapp)
    loop.call_later(3600, print)
    run(loop, asyncio.sleep(0.001))

    loop.close()

    assert _open_descriptors() == descriptors_before
    remains = weakref.ref(loop)
    del loop
    gc.collect()
    assert remains() is None


def test_a_closed_loop_refuses_work(loop: asyncio.AbstractEventLoop) -> None:
    loop.close()

    for schedule in (loop.call_soon, loop.call_soon_threadsafe):
        with pytest.raises(RuntimeError, match="closed"):
            schedule(print)
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_later(1, print)
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_forever()


def test_a_running_loop_cannot_be_closed_or_run_again(loop: asyncio.AbstractEventLoop) -> None:
    async def misuse() -> None:
        with pytest.raises(RuntimeError, match="running"):
            loop.close()
        with pytest.raises(RuntimeError, match="running"):
            loop.run_forever()

    run(loop, misuse())


def test_debug_mode_refuses_scheduling_from_another_thread(loop: asyncio.AbstractEventLoop) -> None:
    loop.set_debug(True)

    async def schedule_elsewhere() -> None:
        await loop.run_in_executor(None, loop.call_soon, print)

    with pytest.raises(RuntimeError, match="Non-thread-safe"):
        run(loop, schedule_elsewhere())


class _Dialog(QDialog):
    """Says when it is on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = asyncio.Event()

    @override
    def showEvent(self, event: QShowEvent, /) -> None:
        super().showEvent(event)
        self.shown.set()


class _Reposter(QObject):
    """Posts itself an event for each one it gets, so that Qt never finds its queue empty."""

    is_posting = True

    def post(self) -> None:
        QCoreApplication.postEvent(self, QEvent(QEvent.Type.User), Qt.EventPriority.NormalEventPriority.value)

    @override
    def event(self, event: QEvent, /) -> bool:
        if event.type() == QEvent.Type.User and self.is_posting:
            self.post()
        return True


def _open_descriptors() -> set[str]:
    return {descriptor.name for descriptor in Path("/dev/fd").iterdir()}


def _repeat(interval_ms: int, slot: Callable[[], object]) -> QTimer:
    timer = QTimer()
    timer.timeout.connect(slot)
    timer.start(interval_ms)
    return timer
