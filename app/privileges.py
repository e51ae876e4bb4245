"""Whether Signalbox runs as root or administrator, and what it then does only once the user allowed it."""

from __future__ import annotations

import os
import sys


def runs_elevated() -> bool:
    """Tells whether this process may do everything on this machine."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - of use there only

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0
