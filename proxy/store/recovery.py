"""Judges the database file before it is used: healthy, damaged (set aside, backup put in its place) or new.

The rules, in order:

1. One process a data folder (`folder_lock`).
2. A file that is no database, or fails SQLite's `quick_check`, is moved aside with its -wal and -shm, never
   deleted; the last backup takes its place if it is healthy itself, else the store begins anew.
3. A healthy database is backed up before its schema changes, and once a day.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import structlog

from proxy.store.folder import sync_folder

_log = structlog.get_logger("proxy.store")

BACKUP_EVERY_S = 24 * 3600.0
_SIDE_FILES = ("-wal", "-shm")

Start = Literal["new", "healthy", "restored"]


@dataclass(frozen=True, slots=True)
class Health:
    """What was found at the start."""

    start: Start
    """There was no database (or none to keep), it was healthy, or the backup took its place."""
    set_aside: Path | None = None
    """Where a damaged database is kept."""

    @property
    def message(self) -> str | None:
        """What to tell the user; None where all is well."""
        if self.set_aside is None:
            return None
        after = "the last backup was put in its place" if self.start == "restored" else "a new one was begun"
        return (
            f"The database was damaged. It is kept as {self.set_aside.name}, and {after}: "
            "batches and files since then are missing from the lists."
        )


def backup_of(path: Path) -> Path:
    """Returns where the backup of a database is."""
    return path.with_name(path.name + ".backup")


def make_sound(path: Path, now: float) -> Health:
    """Leaves a healthy database, or none, at `path`. Blocks.

    Raises:
        sqlite3.OperationalError: It cannot be judged: locked, or the disk fails.
    """
    if not path.exists():
        return Health("new")
    if is_sound(path):
        return Health("healthy")
    aside = _set_aside(path, now)
    backup = backup_of(path)
    health = Health("new", aside)
    if backup.exists() and is_sound(backup):
        copy_database(backup, path)
        health = Health("restored", aside)
    _log.error("database_set_aside", kept_as=aside.name, start=health.start)
    return health


def is_sound(path: Path) -> bool:
    """Whether the file is a database without visible damage. Blocks."""
    try:
        with closing(sqlite3.connect(path, timeout=5.0)) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
    except sqlite3.OperationalError as exc:
        if _is_about_the_file(exc):
            return False
        raise
    except sqlite3.DatabaseError:
        return False


def _is_about_the_file(error: sqlite3.OperationalError) -> bool:
    return any(word in str(error) for word in ("malformed", "unsupported file format", "no such vfs"))


def back_up_daily(path: Path, now: float) -> None:
    """Makes a backup unless there is one of the last day. Blocks."""
    backup = backup_of(path)
    if not backup.exists() or now - backup.stat().st_mtime >= BACKUP_EVERY_S:
        back_up(path, backup, now)


def back_up(path: Path, backup: Path, now: float) -> None:
    """Copies a database so that `backup` is the old copy or the whole new one, dated `now`. Blocks."""
    draft = backup.with_name(backup.name + ".part")
    draft.unlink(missing_ok=True)
    copy_database(path, draft)
    os.utime(draft, (now, now))
    draft.replace(backup)
    sync_folder(backup.parent)


def copy_database(source: Path, target: Path) -> None:
    """Copies a database, whatever its write-ahead log still holds, into a new private file. Blocks."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _set_aside(path: Path, now: float) -> Path:
    stamp = datetime.fromtimestamp(now, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in _SIDE_FILES:
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.replace(aside.with_name(aside.name + suffix))
    path.replace(aside)
    return aside
