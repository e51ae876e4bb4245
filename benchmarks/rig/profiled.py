"""Runs a module as its own program and profiles it from the signal SIGUSR1 on.

python -m benchmarks.rig.profiled FILE MODULE [ARGUMENT...]
"""

from __future__ import annotations

import cProfile
import runpy
import signal
import sys


def main() -> None:
    """Runs the module; the profile is written when it ends."""
    file, module, *arguments = sys.argv[1:]
    profiler = cProfile.Profile()

    def begin(_number: int, _frame: object) -> None:
        profiler.enable()

    signal.signal(signal.SIGUSR1, begin)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        profiler.disable()
        profiler.dump_stats(file)


if __name__ == "__main__":
    main()
