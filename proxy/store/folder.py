"""Bytes on disk: a folder only we may read, whose files appear whole and durable or not at all.

All work on the disk happens in threads; a file gets its name only after its bytes are on the disk.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import BinaryIO, TypeVar

import structlog

from proxy.store.values import StoreError, StoreFailure

_log = structlog.get_logger("proxy.store")

T = TypeVar("T")
Opener = Callable[[Path], BinaryIO]
"""Makes a new file for writing; handed in so that tests can fill the disk."""

_DRAFT = ".part"
_PIECE_BYTES = 2**20
"""How much is gathered before a thread is bothered with it."""


def open_private(path: Path) -> BinaryIO:
    """Makes a new file that only we may read (0600)."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


class PrivateFolder:
    """A folder (0700) of files (0600) that are named by an id."""

    def __init__(self, path: Path, opener: Opener = open_private) -> None:
        self._path = path
        self._opener = opener

    def prepare(self) -> None:
        """Makes the folder where it is missing and removes what a crash left unfinished. Blocks."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.chmod(0o700)
        for draft in self._path.glob(f"*{_DRAFT}"):
            draft.unlink(missing_ok=True)

    def remove_others(self, names: Collection[str]) -> None:
        """Removes the files nobody knows: a crash came between the file and its row. Blocks."""
        for path in self._path.iterdir():
            if path.name not in names:
                path.unlink(missing_ok=True)

    def path_of(self, name: str) -> Path:
        """Returns where the file of that name is."""
        return self._path / name

    async def draft(self) -> Draft:
        """Begins a new file.

        Raises:
            StoreError: The disk is full or the folder cannot be written.
        """
        path = self._path / f"{secrets.token_hex(8)}{_DRAFT}"
        return Draft(path, await in_thread(lambda: self._opener(path)))

    async def read(self, name: str) -> bytes | None:
        """Returns a whole file, or None if it is not there."""
        return await in_thread(lambda: self._read(name, 0, -1))

    async def read_part(self, name: str, offset: int, length: int) -> bytes | None:
        """Returns a part of a file, or None if the file is not there or too short."""
        data = await in_thread(lambda: self._read(name, offset, length))
        return data if data is not None and len(data) == length else None

    async def pieces(self, name: str) -> AsyncIterator[bytes]:
        """Yields a file piece by piece; nothing if it is not there."""
        offset = 0
        while piece := await in_thread(lambda: self._read(name, offset, _PIECE_BYTES)):  # noqa: B023 - awaited here
            offset += len(piece)
            yield piece

    async def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        await in_thread(lambda: self.path_of(name).unlink(missing_ok=True))

    def _read(self, name: str, offset: int, length: int) -> bytes | None:
        try:
            with self.path_of(name).open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except FileNotFoundError:
            return None


class Draft:
    """A file that is being written; `commit` gives it its name, `discard` removes it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.size_bytes = 0
        """How much was written."""
        self._file = file
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0

    async def write(self, data: bytes) -> None:
        """Takes the next bytes.

        Raises:
            StoreError: The disk is full.
        """
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        self.size_bytes += len(data)
        if self._gathered_bytes >= _PIECE_BYTES:
            await self._flush()

    async def finish(self) -> None:
        """Brings everything to the disk; the file can be read at `path` but has no name yet.

        Raises:
            StoreError: The disk is full.
        """
        await self._flush()
        await in_thread(self._sync)

    async def commit(self, name: str) -> None:
        """Gives the file its name; call `finish` first.

        Raises:
            StoreError: The folder cannot be written.
        """
        await in_thread(lambda: _rename(self.path, self.path.with_name(name)))

    async def discard(self) -> None:
        """Removes the file, if it has no name yet."""
        await in_thread(self._remove)

    async def _flush(self) -> None:
        data, self._gathered, self._gathered_bytes = b"".join(self._gathered), [], 0
        await in_thread(lambda: self._file.write(data))

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _remove(self) -> None:
        try:
            self._file.close()
        finally:
            self.path.unlink(missing_ok=True)


async def in_thread(work: Callable[[], T]) -> T:
    """Runs blocking work on the disk in a thread.

    Raises:
        StoreError: The disk is full, or the folder cannot be used.
    """
    try:
        return await asyncio.to_thread(work)
    except OSError as exc:
        raise failure_of(exc) from exc


def failure_of(error: OSError) -> StoreError:
    """Returns the store's error for one of the operating system's, which is logged."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    _log.error("data_folder_failed", reason=error.strerror, is_full=is_full)
    return StoreError(StoreFailure.DISK_FULL if is_full else StoreFailure.UNUSABLE)


def _rename(source: Path, target: Path) -> None:
    source.replace(target)
    sync_folder(target.parent)


def sync_folder(path: Path) -> None:
    """Makes a rename in the folder durable; Windows does so by itself. Blocks."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
