"""How late a timer of 60 Hz fires in a Qt thread; asked over standard input.

`reset` forgets, `report` prints the samples as one JSON line, the input's end changes nothing.
"""

from __future__ import annotations

import json
import sys
import time

from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimer

_TICK_S = 0.016


class WindowTimer(QObject):
    """Runs as long as it is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._late_ms: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tick)
        self._orders = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._orders.activated.connect(self._obey)
        self._arm()

    def _arm(self) -> None:
        self._due_at = time.monotonic() + _TICK_S
        self._timer.start(16)

    def _tick(self) -> None:
        self._late_ms.append((time.monotonic() - self._due_at) * 1000)
        self._arm()

    def _obey(self) -> None:
        order = sys.stdin.readline().strip()
        if order == "reset":
            self._late_ms.clear()
        elif order == "report":
            print(json.dumps({"late_ms": self._late_ms}), flush=True)
        else:
            self._orders.setEnabled(False)
