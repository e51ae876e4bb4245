"""Runs asyncio inside Qt's event loop, in one thread, at asyncio's own speed.

Plain qasync makes a Qt timer of every callback and a Qt notifier of every watched socket, which costs
a forwarder a third of its throughput and makes windows wait. `SignalboxEventLoop` stays a
`qasync.QEventLoop` with Qt's `exec()` as the master, but asyncio keeps its own ready queue, timer heap
and selector. The rules:

1. Qt wakes asyncio in three ways: the selector's descriptor is readable, the earliest timer is due,
   callbacks are ready. However many sockets and timers there are, Qt holds three objects.
2. A wake-up runs asyncio for `SLICE_S` at most; then Qt has its turn, finished or not.
3. Whenever Qt is about to sleep it is told what asyncio waits for. That one place serves scheduling
   from callbacks, from Qt's slots and inside a nested `exec()` alike.
4. While callbacks are ready the descriptor is not watched, because the slice polls it: in GLib's
   dispatcher descriptors outrank timers, and one that is always readable would starve every QTimer.
5. A loop that does not run has nothing active in Qt.

A modal `exec()` called from a coroutine holds that one task until the dialog closes; all others go on.
"""
# ruff: noqa: SLF001 - asyncio has no public way to drive its queue, timers and selector from outside

from __future__ import annotations

import asyncio
import builtins
import heapq
import linecache
import math
import selectors
import signal
import sys
import threading
import time
from asyncio.log import logger as asyncio_logger
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import PySide6.QtWidgets  # noqa: F401 # pyright: ignore[reportUnusedImport] - qasync takes the binding it finds loaded
import qasync
from PySide6.QtCore import QAbstractEventDispatcher, QCoreApplication, QSocketNotifier, Qt, QTimer
from typing_extensions import override

if TYPE_CHECKING:
    from collections import deque

    class _QasyncLoop(asyncio.SelectorEventLoop):
        """What asyncio's loops have besides their public face; its type stubs do not show it."""

        _clock_resolution: float
        _csock: Any
        _current_handle: asyncio.Handle | None
        _debug: bool
        _ready: deque[asyncio.Handle]
        _scheduled: list[asyncio.TimerHandle]
        _selector: Any
        _signal_handlers: dict[int, asyncio.Handle]
        _stopping: bool
        _thread_id: int | None
        _timer_cancelled_count: int

        def __init__(self, app: QCoreApplication) -> None: ...
        def _asyncgen_finalizer_hook(self, generator: Any) -> None: ...
        def _asyncgen_firstiter_hook(self, generator: Any) -> None: ...
        def _check_closed(self) -> None: ...
        def _check_running(self) -> None: ...
        def _make_socket_transport(self, *args: Any, **kwargs: Any) -> Any: ...
        def _process_events(self, event_list: Any) -> None: ...
        def _set_coroutine_origin_tracking(self, enabled: bool) -> None: ...
else:
    from asyncio.base_events import BaseEventLoop
    from asyncio.selector_events import BaseSelectorEventLoop

    from qasync._unix import _SelectorEventLoop

    class _OwnSelectorLoop(_SelectorEventLoop):
        """qasync's part for Unix, on a real selector instead of one QSocketNotifier a descriptor."""

        def __init__(self) -> None:
            # Past qasync's own __init__, which would install its selector.
            super(_SelectorEventLoop, self).__init__(selectors.DefaultSelector())

    class _QasyncLoop(qasync.QSelectorEventLoop, _OwnSelectorLoop):
        """qasync's loop with what qasync replaced taken back from asyncio, and why."""

        # A Qt timer each: cancelled ones live on, the others come early, late or out of order.
        call_soon = BaseEventLoop.call_soon
        call_later = BaseEventLoop.call_later
        call_at = BaseEventLoop.call_at
        time = BaseEventLoop.time
        _add_callback = BaseEventLoop._add_callback
        # Loses the context and returns no handle.
        call_soon_threadsafe = BaseEventLoop.call_soon_threadsafe
        # A Qt notifier each.
        _add_reader = BaseSelectorEventLoop._add_reader
        _remove_reader = BaseSelectorEventLoop._remove_reader
        _add_writer = BaseSelectorEventLoop._add_writer
        _remove_writer = BaseSelectorEventLoop._remove_writer
        # A BaseException ends the worker thread and leaves the future pending for ever.
        run_in_executor = BaseEventLoop.run_in_executor
        set_default_executor = BaseEventLoop.set_default_executor
        # `get_exception_handler` does not know what `set_exception_handler` has set.
        set_exception_handler = BaseEventLoop.set_exception_handler
        default_exception_handler = BaseEventLoop.default_exception_handler
        call_exception_handler = BaseEventLoop.call_exception_handler
        # Runs what is still ready at the end without a running loop; forgets a stop() before the start.
        stop = BaseEventLoop.stop
        run_until_complete = BaseEventLoop.run_until_complete


SLICE_S = 0.004
"""How long a wake-up may run asyncio before Qt has its turn: a quarter of a frame at 60 Hz."""

RECEIVE_BYTES = 64 * 1024
"""How much a transport reads at once; asyncio's 256 KiB cost an mmap and a munmap each time."""

_LONGEST_TIMER_MS = 24 * 60 * 60 * 1000  # a QTimer counts in 32 bits: look again every day
_PROVEN_PLATFORMS = frozenset({"linux"})

# When cancelled timers are cleared out of the heap; the same as asyncio's.
_MIN_CANCELLED = 100
_MAX_CANCELLED_SHARE = 0.5


def new_qt_loop(app: QCoreApplication, *, plain: bool = False) -> asyncio.AbstractEventLoop:
    """Makes the desktop's event loop.

    Args:
        app: The application whose `exec()` the loop runs.
        plain: Whether to take qasync's own loop. It is also taken where `SignalboxEventLoop` has not
            been proven: on Windows, where qasync polls a completion port, and on macOS.

    Returns:
        A `qasync.QEventLoop` that does not run yet.
    """
    if plain or sys.platform not in _PROVEN_PLATFORMS:
        return qasync.QEventLoop(app)
    return SignalboxEventLoop(app)


def drop_pyside_import_hook() -> None:
    """Takes the slow half of PySide6's import hook out; harmless where there is none.

    PySide6 replaces `builtins.__import__` for `from __feature__ import …`, which nobody here uses. It
    costs a microsecond for each import, of which a request has over a hundred; and it reads and keeps the
    source of all that imports: 21 MB and 0.25 s of a start. What shiboken put underneath stays.
    To be called once this module is imported, which loads PySide6, and before anything larger is.
    """
    underneath = getattr(builtins, "__orig_import__", None)
    if underneath is not None and builtins.__import__.__name__ == "__feature_import__":
        builtins.__import__ = underneath
        linecache.clearcache()


class _WakeUps:
    """The three Qt objects that can wake a loop; knows nothing of asyncio.

    The timers are single shots: Qt never re-enters a timer whose handler is on the stack, but one that
    is spent can be started again there, which is how a nested `exec()` is served.
    """

    def __init__(self, descriptor: int, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._is_watching = False
        self._is_coming_soon = False
        self._due_at = math.inf
        self._readable = QSocketNotifier(descriptor, QSocketNotifier.Type.Read)
        self._readable.setEnabled(False)
        self._readable.activated.connect(self._on_readable)
        self._soon = QTimer()
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._on_soon)
        self._due = QTimer()
        self._due.setSingleShot(True)
        self._due.setTimerType(Qt.TimerType.PreciseTimer)
        self._due.timeout.connect(self._on_due)

    def wake_soon(self) -> None:
        """Wakes the loop as soon as Qt has had its turn."""
        if not self._is_coming_soon:
            self._is_coming_soon = True
            self._watch(watching=False)
            self._soon.start(0)

    def wake_on_event(self, due_at: float) -> None:
        """Wakes the loop when the descriptor is readable or the time (monotonic) has come.

        A time later than the one Qt already waits for changes nothing: the loop is woken once for
        nothing, which costs less than telling Qt of every timer that was cancelled.
        """
        if self._is_coming_soon:
            return
        self._watch(watching=True)
        if due_at < self._due_at:
            self._due_at = due_at
            wait_ms = max(0.0, due_at - time.monotonic()) * 1000
            self._due.start(math.ceil(min(wait_ms, _LONGEST_TIMER_MS)))

    def silence(self) -> None:
        """Leaves nothing active in Qt."""
        self._watch(watching=False)
        self._soon.stop()
        self._is_coming_soon = False
        self._due.stop()
        self._due_at = math.inf

    def _watch(self, *, watching: bool) -> None:
        if watching != self._is_watching:
            self._is_watching = watching
            self._readable.setEnabled(watching)

    def _on_readable(self) -> None:
        self._wake()

    def _on_soon(self) -> None:
        self._is_coming_soon = False
        self._wake()

    def _on_due(self) -> None:
        self._due_at = math.inf
        self._wake()


class SignalboxEventLoop(_QasyncLoop):
    """A `qasync.QEventLoop` that runs asyncio's own queue, timers and selector in slices inside Qt."""

    def __init__(self, app: QCoreApplication) -> None:
        super().__init__(app)
        self._app = app
        self._failure: BaseException | None = None
        self._wake_ups = _WakeUps(self._selector.fileno(), self._on_wake_up)

    @override
    def run_forever(self) -> None:
        """Runs Qt's `exec()` until `stop()` is called or the application quits.

        Raises:
            SystemExit, KeyboardInterrupt: Raised by a callback, as on asyncio.
        """
        self._check_closed()
        self._check_running()
        try:
            with self._running():
                super().run_forever()
            if self._failure is not None:
                raise self._failure
        finally:
            self._failure = None
            self._stopping = False

    @override
    def close(self) -> None:
        super().close()
        self._wake_ups.silence()

    @override
    def remove_signal_handler(self, sig: int) -> bool:
        is_removed = super().remove_signal_handler(sig)
        if self.is_running():
            self._hear_signals()  # asyncio stops listening with its last handler; Qt would sleep on
        return is_removed

    @override
    def _make_socket_transport(self, *args: Any, **kwargs: Any) -> Any:
        transport = super()._make_socket_transport(*args, **kwargs)
        transport.max_size = RECEIVE_BYTES
        return transport

    @contextmanager
    def _running(self) -> Generator[None]:
        """What asyncio's `run_forever` sets up around itself and qasync's does not; and Qt's wake-ups."""
        dispatcher = QAbstractEventDispatcher.instance()
        hooks = sys.get_asyncgen_hooks()
        self._set_coroutine_origin_tracking(self._debug)
        self._thread_id = threading.get_ident()
        sys.set_asyncgen_hooks(self._asyncgen_firstiter_hook, self._asyncgen_finalizer_hook)
        listener = self._hear_signals()
        dispatcher.aboutToBlock.connect(self._before_qt_sleeps)
        try:
            yield
        finally:
            dispatcher.aboutToBlock.disconnect(self._before_qt_sleeps)
            self._wake_ups.silence()
            if listener is not None and not self._signal_handlers:
                signal.set_wakeup_fd(listener)
            sys.set_asyncgen_hooks(*hooks)
            self._thread_id = None
            self._set_coroutine_origin_tracking(False)

    def _hear_signals(self) -> int | None:
        """Lets every signal wake Qt, so that Python's handler runs at once and not at the next event.

        Returns:
            The descriptor that was told of signals before; None outside the main thread.
        """
        if threading.current_thread() is not threading.main_thread():
            return None
        return signal.set_wakeup_fd(self._csock.fileno(), warn_on_full_buffer=False)

    def _before_qt_sleeps(self) -> None:
        if self._ready or self._stopping:
            self._wake_ups.wake_soon()
        else:
            self._wake_ups.wake_on_event(self._scheduled[0].when() if self._scheduled else math.inf)

    def _on_wake_up(self) -> None:
        # A current task means that it has opened the nested exec() we are called from.
        holder = asyncio.current_task(self)
        if holder is not None:
            asyncio.tasks._leave_task(self, holder)
        try:
            is_finished = self._run_slice()
        except BaseException as failure:  # noqa: BLE001 - Qt would swallow it; run_forever raises it
            self._failure = self._failure or failure
            self._stopping = True
            is_finished = False
        finally:
            if holder is not None:
                asyncio.tasks._enter_task(self, holder)
        if self._stopping:
            self._app.exit()
        elif is_finished:
            self._before_qt_sleeps()
        else:
            self._wake_ups.wake_soon()

    def _run_slice(self) -> bool:
        """Runs iterations of asyncio's loop.

        Returns:
            Whether there was nothing left to do; otherwise the slice was used up.
        """
        ends_at = time.monotonic() + SLICE_S
        while True:
            self._process_events(self._selector.select(0))
            self._take_due_timers()
            if not self._ready:
                return True
            self._run_ready(ends_at)
            if self._stopping or time.monotonic() >= ends_at:
                return False

    def _run_ready(self, ends_at: float) -> None:
        """Runs the callbacks that are ready now, not those that they add.

        The clock is read after each: sixteen handlers of a millisecond must not hold the window for
        sixteen. A loop that stops finishes the round, as asyncio does.
        """
        ready = self._ready
        remaining = len(ready)
        while remaining and ready:  # a nested exec() may have run some of them
            remaining -= 1
            handle = ready.popleft()
            if handle._cancelled:
                continue
            if self._debug:
                self._run_watched(handle)
            else:
                handle._run()
            if time.monotonic() >= ends_at and not self._stopping:
                return

    def _run_watched(self, handle: asyncio.Handle) -> None:
        self._current_handle = handle
        started_at = time.monotonic()
        try:
            handle._run()
        finally:
            self._current_handle = None
        lasted_s = time.monotonic() - started_at
        if lasted_s >= self.slow_callback_duration:
            asyncio_logger.warning("Executing %r took %.3f seconds", handle, lasted_s)

    def _take_due_timers(self) -> None:
        scheduled = self._scheduled
        if not scheduled:
            return
        if self._timer_cancelled_count > max(_MIN_CANCELLED, len(scheduled) * _MAX_CANCELLED_SHARE):
            self._clear_cancelled_timers()
        limit = time.monotonic() + self._clock_resolution
        while scheduled:
            timer = scheduled[0]
            if timer._cancelled:
                self._timer_cancelled_count -= 1
            elif timer.when() >= limit:
                return
            else:
                self._ready.append(timer)
            heapq.heappop(scheduled)
            timer._scheduled = False

    def _clear_cancelled_timers(self) -> None:
        kept: list[asyncio.TimerHandle] = []
        for timer in self._scheduled:
            if timer._cancelled:
                timer._scheduled = False
            else:
                kept.append(timer)
        heapq.heapify(kept)
        self._scheduled[:] = kept  # in place: a slice that opened a nested exec() holds this list
        self._timer_cancelled_count = 0
