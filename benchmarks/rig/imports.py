"""Prints what is resident after each of the imports that the program needs, one after the other, as JSON.

python -m benchmarks.rig.imports MODULE...
"""

from __future__ import annotations

import importlib
import json
import sys

import psutil


def main() -> None:
    """Imports and measures."""
    process = psutil.Process()
    resident = [process.memory_info().rss / 1e6]
    for name in sys.argv[1:]:
        importlib.import_module(name)
        resident.append(process.memory_info().rss / 1e6)
    print(json.dumps(resident), flush=True)


if __name__ == "__main__":
    main()
