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


def collect_only_when_asked() -> None:
    """Leaves garbage to `collect_if_due`, for programs whose objects must be destroyed on one thread.

    A closed window is often garbage in a cycle, and Python collects on whichever thread allocates next.
    Qt's objects may be destroyed only where they live: on another thread their timers run on, or the
    program dies.
    """
    gc.disable()


def collect_if_due() -> None:
    """Collects, on the thread that calls, what Python itself would have collected by now."""
    counts, limits = gc.get_count(), gc.get_threshold()
    if not limits[0]:  # as Python has it: nothing is collected now
        return
    due = [generation for generation in (0, 1, 2) if counts[generation] > limits[generation]]
    if due:
        gc.collect(due[-1])


def settle() -> None:
    """To be called when everything is made that lives as long as the program: it is never looked at again."""
    gc.collect()
    gc.freeze()
