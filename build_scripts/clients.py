"""Installs the real client programs for the end-to-end test, from npm, into `.clients`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

RunIn = Callable[[Sequence[str], Path], int]
"""Runs a program in a folder and returns its exit code."""

_FILES = ("package.json", "package-lock.json")


def provide(root: Path, *, npm: str | None, run: RunIn) -> bool:
    """Installs the locked clients unless they are there already.

    Args:
        root: The checkout.
        npm: The path of npm, or None where there is none.
        run: Starts npm.

    Returns:
        Whether the clients are installed now; without them their test is skipped.
    """
    source, target = root / "requirements" / "clients", root / ".clients"
    if npm is None:
        print("npm is not installed: the end-to-end test with the real Claude Code will be skipped.")
        return False
    if _is_current(source, target):
        return True
    target.mkdir(exist_ok=True)
    done = target / "installed.json"
    done.unlink(missing_ok=True)
    for name in _FILES:
        shutil.copyfile(source / name, target / name)
    options = ("--omit-lockfile-registry-resolved", "--no-audit", "--no-fund", "--loglevel=error")
    if run([npm, "ci", *options], target) != 0:
        print("npm could not install the clients: the end-to-end test will be skipped.")
        return False
    shutil.copyfile(source / _FILES[1], done)
    return True


def _is_current(source: Path, target: Path) -> bool:
    try:
        return (target / "installed.json").read_bytes() == (source / _FILES[1]).read_bytes()
    except OSError:
        return False
