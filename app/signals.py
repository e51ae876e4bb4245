"""SIGTERM, SIGINT and their like: the first asks to end in order, the second to end at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType


def stop_signals() -> tuple[signal.Signals, ...]:
    """Returns the signals that mean "end", as far as this system has them."""
    names = ("SIGTERM", "SIGINT", "SIGBREAK", "SIGHUP")
    return tuple(signal.Signals[name] for name in names if name in signal.Signals.__members__)


def on_stop_signals(
    loop: asyncio.AbstractEventLoop, first: Callable[[], None], second: Callable[[], None]
) -> None:
    """Calls `first` on the loop at the first signal, and `second` at each further one.

    Where the loop cannot watch signals (Windows, Qt's loop), Python's own handlers are used; they run
    between bytecodes of the main thread and only hand over.
    """
    received = 0

    def receive() -> None:
        nonlocal received
        received += 1
        (first if received == 1 else second)()

    for each in stop_signals():
        try:
            loop.add_signal_handler(each, receive)
        except (NotImplementedError, RuntimeError, ValueError):
            signal.signal(each, _handing_over(loop, receive))


def _handing_over(
    loop: asyncio.AbstractEventLoop, receive: Callable[[], None]
) -> Callable[[int, FrameType | None], None]:
    def handle(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(receive)

    return handle
