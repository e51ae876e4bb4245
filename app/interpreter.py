"""Sets the interpreter up for a loop that must answer at once, beside threads that may take their time."""

from __future__ import annotations

import gc
import sys

SWITCH_S = 0.001
"""How long a thread may keep the interpreter from the loop; Python's own 5 ms is a third of a frame."""
YOUNG_OBJECTS = 10_000
"""New objects before the collector looks at them; Python's own 700 is reached within one request."""


def prefer_the_loop() -> None:
    """To be called at start."""
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def settle() -> None:
    """To be called when everything is made that lives as long as the program: it is never looked at again."""
    gc.collect()
    gc.freeze()
