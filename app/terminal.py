"""Says something to whoever typed a command, on standard error: standard output holds answers only."""

from __future__ import annotations

import sys
from contextlib import suppress


def tell(text: str) -> None:
    """Says it, where somebody still reads."""
    with suppress(OSError):
        sys.stderr.write(f"signalbox: {text}\n")
        sys.stderr.flush()


def failed(text: str, status: int) -> int:
    """Says why a command failed, and returns its exit status."""
    tell(text)
    return status
