"""One process a data folder: the lock is held as long as the store is open; the system frees it on a kill."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

from proxy.store.values import StoreError, StoreFailure

_NAME = "store.lock"


class FolderLock:
    """Keeps a second process out of the data folder."""

    def __init__(self, folder: Path) -> None:
        """Takes the lock of a folder, which is made where it is missing. Blocks.

        Raises:
            StoreError: Another process has it.
            OSError: The folder cannot be used.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = _open_lock(folder / _NAME)
        try:
            _lock(self._file)
        except OSError as exc:
            self._file.close()
            raise StoreError(StoreFailure.IN_USE) from exc

    def release(self) -> None:
        """Gives the lock back; again does no harm."""
        self._file.close()


def is_in_use(folder: Path) -> bool:
    """Says whether an open store has the data folder, which need not exist. Blocks."""
    if not (folder / _NAME).exists():
        return False
    try:
        FolderLock(folder).release()
    except StoreError:
        return True
    except OSError:
        return False  # whoever opens the store will say what is wrong
    return False


def _open_lock(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "rb+")


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
