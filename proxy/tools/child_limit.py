"""A mark of our children that neither another environment nor another session takes off: a resource limit.

A variable is gone after `env -i`, a process group after `setsid`, and whose child a process was is forgotten
when its parent dies. Limits stay, whatever is started. On Linux each run's children have a soft limit of
their own on the memory of POSIX message queues, below the usual one: hardly a program uses these. A program
that means to get away can, as from any mark.
"""

from __future__ import annotations

import contextlib
import sys
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil  # of use only where children run, or were left behind

if sys.platform == "linux":
    import resource

    _OURS = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    """Soft and hard; read before any mark is on."""

_USUAL = 819_200
_MOST_TAKEN = 400_000


class LimitMark:
    """The limit of one run's children."""

    def __init__(self, run_id: str) -> None:
        """Works it out.

        Args:
            run_id: What the children carry in their environment.
        """
        self.value: int | None = None
        """None: there is none here."""
        if sys.platform == "linux":
            soft, hard = _OURS
            usual = soft if 0 < soft < _USUAL else _USUAL
            value = usual - 1 - zlib.crc32(run_id.encode()) % _MOST_TAKEN
            self.value = value if value > 0 and (value <= hard or hard == resource.RLIM_INFINITY) else None

    def put_on(self) -> None:
        """What is started from now on, until `take_off`, carries it."""
        if sys.platform == "linux" and self.value is not None:
            _limit_ourselves(self.value)

    def take_off(self) -> None:
        """We are limited as before."""
        if sys.platform == "linux" and self.value is not None:
            _limit_ourselves(_OURS[0])

    def is_on(self, process: psutil.Process) -> bool:
        """Tells whether a process was started, however indirectly, by this run.

        Raises:
            psutil.Error: It cannot be looked at.
        """
        if sys.platform != "linux" or self.value is None:
            return False
        return process.rlimit(resource.RLIMIT_MSGQUEUE)[0] == self.value


def _limit_ourselves(soft: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError):  # then the mark in the environment is left
            resource.setrlimit(resource.RLIMIT_MSGQUEUE, (soft, _OURS[1]))
