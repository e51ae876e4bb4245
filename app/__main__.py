"""`python -m app`: the same as `signalbox`."""

from __future__ import annotations

import sys

from app.cli import run


def main() -> None:
    """Runs the program and ends the process with its exit status."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
