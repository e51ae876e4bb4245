"""The desktop program as users start it, with a timer in its window's thread; says when it is painted."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from app.__main__ import main


def _measure() -> None:
    from app.qt_loop import drop_pyside_import_hook  # noqa: PLC0415 - as late as the program itself does

    drop_pyside_import_hook()
    from PySide6.QtCore import QEvent, QObject  # noqa: PLC0415 - likewise

    from app import desktop  # noqa: PLC0415 - likewise
    from benchmarks.rig.window_timer import WindowTimer  # noqa: PLC0415 - likewise

    class Painted(QObject):
        """Says when the window was painted first."""

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            if event.type() is QEvent.Type.Paint:
                watched.removeEventFilter(self)
                print(json.dumps({"painted": time.monotonic()}), flush=True)
            return False

    class MeasuredFace(desktop.Face):
        """The program's own, watched."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._painted = Painted()
            self.window.installEventFilter(self._painted)
            self._window_timer = WindowTimer()
            self.window.show_page(os.environ.get("RIG_PAGE", "home"))

    desktop.Face = MeasuredFace


if __name__ == "__main__":
    sys.argv[0] = "signalbox"
    _measure()
    main()
