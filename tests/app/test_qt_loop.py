"""What qasync 0.28 gets wrong and `SignalboxEventLoop` mends.

Each test of a defect also runs on plain qasync, where it is expected to fail, strictly: the day it
passes there, qasync has mended it.
"""

from __future__ import annotations

import asyncio
import builtins
import contextvars
import gc
import importlib
import random
import sys
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import qasync
from PySide6.QtWidgets import QApplication

from app.qt_loop import SignalboxEventLoop, drop_pyside_import_hook, new_qt_loop

_DAY_S = 24 * 60 * 60
_caller: contextvars.ContextVar[str] = contextvars.ContextVar("caller", default="nobody")


class _Collapse(BaseException):
    """What no `except Exception` catches."""


def _fails_on_qasync(raises: type[BaseException] = AssertionError) -> pytest.MarkDecorator:
    known = pytest.mark.xfail(raises=raises, strict=True, reason="defect of qasync 0.28")
    cases = [pytest.param(False, id="signalbox"), pytest.param(True, id="qasync", marks=known)]
    return pytest.mark.parametrize("loop", cases, indirect=True)


@_fails_on_qasync()
def test_cancelled_timers_are_dropped_long_before_they_are_due(loop: asyncio.AbstractEventLoop) -> None:
    remains = _cancelled_timers(loop, 1000)

    loop.run_until_complete(asyncio.sleep(0.001))

    gc.collect()
    assert not any(remain() for remain in remains)


def test_cancelled_timers_are_dropped_among_living_ones(loop: asyncio.AbstractEventLoop) -> None:
    living = [loop.call_later(_DAY_S / 2, print) for _ in range(200)]
    remains = _cancelled_timers(loop, 300)

    loop.run_until_complete(asyncio.sleep(0.001))

    gc.collect()
    assert not any(remain() for remain in remains)
    assert not any(timer.cancelled() for timer in living)


@_fails_on_qasync()
def test_no_timer_is_early(loop: asyncio.AbstractEventLoop) -> None:
    early: list[float] = []

    def note(due_at: float) -> None:
        if loop.time() < due_at:
            early.append(due_at - loop.time())

    start = loop.time()
    for step in range(60):
        due_at = start + 0.02 + step * 0.0017
        loop.call_at(due_at, note, due_at)

    loop.run_until_complete(asyncio.sleep(0.15))

    assert early == []


@_fails_on_qasync()
def test_timers_run_in_the_order_of_their_times(loop: asyncio.AbstractEventLoop) -> None:
    ran: list[int] = []
    numbers = list(range(40))
    random.Random(7).shuffle(numbers)
    start = loop.time() + 0.02
    for number in numbers:
        loop.call_at(start + number * 0.0001, ran.append, number)

    loop.run_until_complete(asyncio.sleep(0.05))

    assert ran == sorted(numbers)


@_fails_on_qasync(OverflowError)
def test_a_timer_may_be_further_away_than_qt_can_count(loop: asyncio.AbstractEventLoop) -> None:
    ran: list[str] = []
    loop.call_later(30 * _DAY_S, ran.append, "in a month")
    loop.call_later(1e12, ran.append, "never")

    loop.run_until_complete(asyncio.sleep(0.02))

    assert ran == []


@_fails_on_qasync()
def test_call_soon_threadsafe_keeps_the_callers_context(loop: asyncio.AbstractEventLoop) -> None:
    async def seen_from_a_thread() -> str:
        seen = loop.create_future()

        def call() -> None:
            _caller.set("thread")
            loop.call_soon_threadsafe(lambda: seen.set_result(_caller.get()))

        threading.Thread(target=call).start()
        return await seen

    assert loop.run_until_complete(seen_from_a_thread()) == "thread"


@_fails_on_qasync()
def test_call_soon_threadsafe_returns_a_handle_that_cancels(loop: asyncio.AbstractEventLoop) -> None:
    ran: list[int] = []

    handle = loop.call_soon_threadsafe(ran.append, 1)

    assert isinstance(handle, asyncio.Handle)
    handle.cancel()
    loop.run_until_complete(asyncio.sleep(0.001))
    assert ran == []


@_fails_on_qasync()
def test_call_later_returns_a_timer_handle_that_knows_its_time(loop: asyncio.AbstractEventLoop) -> None:
    before = loop.time()

    timer = loop.call_later(5, print)

    assert isinstance(timer, asyncio.TimerHandle)
    assert before + 5 <= timer.when() <= loop.time() + 5


@_fails_on_qasync()
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_abandoned_async_generator_is_finalised(loop: asyncio.AbstractEventLoop) -> None:
    finalised: list[str] = []

    async def abandon() -> None:
        await _first(_numbers(finalised))
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)

    loop.run_until_complete(abandon())

    assert finalised == ["numbers"]


@_fails_on_qasync()
def test_async_generators_left_open_are_closed_at_shutdown(loop: asyncio.AbstractEventLoop) -> None:
    finalised: list[str] = []
    numbers = _numbers(finalised)
    loop.run_until_complete(_first(numbers))

    loop.run_until_complete(loop.shutdown_asyncgens())

    finalised_at_shutdown = list(finalised)
    loop.run_until_complete(numbers.aclose())
    assert finalised_at_shutdown == ["numbers"]


@_fails_on_qasync(asyncio.TimeoutError)
@pytest.mark.qt_no_exception_capture
def test_a_base_exception_in_an_executor_reaches_the_awaiting_task(loop: asyncio.AbstractEventLoop) -> None:
    def collapse() -> None:
        raise _Collapse

    async def call() -> None:
        await asyncio.wait_for(loop.run_in_executor(None, collapse), 0.5)

    with pytest.raises(_Collapse):
        loop.run_until_complete(call())


@_fails_on_qasync()
def test_the_exception_handler_that_was_set_can_be_read_back(loop: asyncio.AbstractEventLoop) -> None:
    def handle(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None: ...

    loop.set_exception_handler(handle)

    assert loop.get_exception_handler() is handle


@_fails_on_qasync()
def test_no_callback_runs_outside_a_running_loop(loop: asyncio.AbstractEventLoop) -> None:
    seen: list[asyncio.AbstractEventLoop | None] = []

    async def leave_work_behind() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: loop.call_soon(lambda: seen.append(asyncio._get_running_loop())))

    loop.run_until_complete(leave_work_behind())
    loop.run_until_complete(asyncio.sleep(0))

    assert seen == [loop]


def test_more_callbacks_than_fit_a_slice_run_before_a_stopped_loop_returns(
    loop: asyncio.AbstractEventLoop,
) -> None:
    ran: list[int] = []
    loop.call_soon(loop.stop)
    for number in range(20_000):
        loop.call_soon(ran.append, number)

    loop.run_forever()

    assert len(ran) == 20_000


def test_an_exit_raised_by_a_callback_leaves_run_forever(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_soon(sys.exit, 3)

    with pytest.raises(SystemExit) as exit_:
        loop.run_forever()

    assert exit_.value.code == 3
    assert loop.run_until_complete(asyncio.sleep(0, "still usable")) == "still usable"


def test_a_keyboard_interrupt_in_a_task_leaves_run_until_complete(loop: asyncio.AbstractEventLoop) -> None:
    async def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(interrupt())


def test_a_loop_stopped_before_it_runs_runs_once(loop: asyncio.AbstractEventLoop) -> None:
    ran: list[int] = []
    loop.call_soon(ran.append, 1)
    loop.stop()

    loop.run_forever()

    assert ran == [1]


@pytest.mark.expects_log("asyncio")
def test_a_slow_callback_is_named_in_debug_mode(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0

    loop.run_until_complete(asyncio.sleep(0))

    assert "Executing" in caplog.text


def test_the_factory_makes_a_qasync_loop_of_either_kind(qapp: QApplication) -> None:
    ours, plain = new_qt_loop(qapp), new_qt_loop(qapp, plain=True)
    try:
        assert isinstance(ours, SignalboxEventLoop)
        assert isinstance(ours, qasync.QEventLoop)
        assert type(plain) is qasync.QEventLoop
    finally:
        ours.close()
        plain.close()


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_platforms_without_proof_get_plain_qasync(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "platform", platform)
        loop = new_qt_loop(qapp)
    try:
        assert type(loop) is qasync.QEventLoop
    finally:
        loop.close()


def test_pysides_import_hook_is_dropped_and_imports_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def __feature_import__(*args: Any) -> Any:  # noqa: N807 - the hook is known by its name
        raise AssertionError(args)

    monkeypatch.setattr(builtins, "__orig_import__", importlib.__import__, raising=False)
    monkeypatch.setattr(builtins, "__import__", __feature_import__)

    drop_pyside_import_hook()
    drop_pyside_import_hook()

    assert builtins.__import__ is importlib.__import__


def test_another_import_hook_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "__import__", importlib.__import__)

    drop_pyside_import_hook()

    assert builtins.__import__ is importlib.__import__


def _cancelled_timers(loop: asyncio.AbstractEventLoop, count: int) -> list[weakref.ref[asyncio.Handle]]:
    timers = [loop.call_later(_DAY_S, print) for _ in range(count)]
    for timer in timers:
        timer.cancel()
    return [weakref.ref(timer) for timer in timers]


async def _numbers(finalised: list[str]) -> AsyncGenerator[int]:
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0)
        finalised.append("numbers")


async def _first(numbers: AsyncGenerator[int]) -> int:
    return await numbers.__anext__()
