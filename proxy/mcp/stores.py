"""Keeps approvals and pins in two private files, written whole or not at all.

A file that cannot be read is set aside untouched. As long as it is kept, what it may have said counts as no:
servers that nobody answered for since are as if rejected, tools that nobody accepted since are held back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import structlog

from proxy.mcp.approvals import Approvals
from proxy.mcp.pins import Pins
from proxy.mcp.surroundings import Sleep
from proxy.tasks import spawn

_log = structlog.get_logger("proxy.mcp")
_APPROVALS = "approvals.json"
_PINS = "pins.json"
_MAX_FILE_BYTES = 64 * 2**20
_LOOK_S = 2.0
"""Between two looks whether damaged files are still there."""
_T = TypeVar("_T")


class Stores:
    """What was approved: read once, written after each change, and whether damaged files are still kept."""

    def __init__(self, folder: Path) -> None:
        """Reads nothing yet.

        Args:
            folder: A private folder; it is made when missing.
        """
        self._folder = folder
        self.approvals = Approvals()
        self.pins = Pins()
        self._damaged: tuple[Path, ...] = ()
        """Files that could not be read, and are kept."""
        self._untouched: set[str] = set()
        """Names of damaged files that could not be set aside: they are not written over."""
        self._reading: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._changed = False

    async def ready(self) -> None:
        """Returns once both files were read."""
        if self._reading is None:
            self._reading = spawn(self._read(), name="read what MCP servers were approved")
        await asyncio.shield(self._reading)

    def save(self) -> None:
        """Writes both files soon; what changes meanwhile is written too."""
        self._changed = True
        if self._writing is None or self._writing.done():
            self._writing = spawn(self._write(), name="write what MCP servers were approved")

    async def saved(self) -> None:
        """Returns once all changes are written."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    def problem(self) -> str | None:
        """Returns what the user should know of files that cannot be read, and can mend."""
        if not self._damaged:
            return None
        names = " and ".join(path.name for path in self._damaged)
        return (
            f"What you approved and rejected could not be read; {names} in {self._folder} is kept untouched. "
            "As long as it is there, servers that you did not answer for since count as rejected, and tools "
            "that you did not accept since are held back. Answer again and delete it, or stop Signalbox, "
            f"mend it and give it its name back: {_APPROVALS} or {_PINS}."
        )

    async def watch(self, sleep: Sleep, mended: Callable[[], None]) -> None:
        """Looks whether damaged files are still there, and returns when there is none.

        Args:
            sleep: Waits between two looks.
            mended: Called each time when one is there no more.
        """
        await self.ready()
        while self._damaged:
            await sleep(_LOOK_S)
            kept = await asyncio.to_thread(self._kept)
            if kept != self._damaged:
                self._take_note(kept)
                mended()

    async def _read(self) -> None:
        approvals, pins = await asyncio.to_thread(self._read_files)
        kept = await asyncio.to_thread(self._kept)
        self.approvals = approvals or Approvals()
        self._take_note(kept)
        are_pins_lost = "pins" in self._lost()
        self.pins = pins or Pins(are_lost=are_pins_lost)
        if are_pins_lost:
            self.save()  # that they were lost must be known at the next start, whatever becomes of the file

    def _take_note(self, kept: tuple[Path, ...]) -> None:
        self._damaged = kept
        self._untouched &= {path.name for path in kept}
        self.approvals.are_lost = "approvals" in self._lost()

    def _lost(self) -> set[str]:
        return {path.name.partition(".")[0] for path in self._damaged}

    def _read_files(self) -> tuple[Approvals | None, Pins | None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._load(_APPROVALS, Approvals.read), self._load(_PINS, Pins.read)

    def _kept(self) -> tuple[Path, ...]:
        """Returns the damaged files that are there now."""
        untouched = (path for name in self._untouched if (path := self._folder / name).exists())
        return tuple(sorted({*self._folder.glob("*.damaged-*"), *untouched}))

    def _load(self, name: str, read: Callable[[object], _T]) -> _T | None:
        """Returns what a file says; None: there is none, or it cannot be read and was set aside."""
        path = self._folder / name
        try:
            with path.open("rb") as stream:
                return read(json.loads(stream.read(_MAX_FILE_BYTES)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as exc:
            kept = self._set_aside(path)
            _log.warning("mcp_trust_unreadable", file=str(path), kept=str(kept), reason=str(exc))
            return None

    def _set_aside(self, path: Path) -> Path:
        number = 1
        while (kept := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
            number += 1
        try:
            path.rename(kept)
        except OSError:
            self._untouched.add(path.name)
            return path
        return kept

    async def _write(self) -> None:
        while self._changed:
            self._changed = False
            content = {_APPROVALS: self.approvals.stored(), _PINS: self.pins.stored()}
            texts = {name: json.dumps(value, indent=1).encode() for name, value in content.items()}
            try:
                await asyncio.to_thread(self._write_files, texts)
            except OSError as exc:
                _log.warning("mcp_trust_not_stored", folder=str(self._folder), reason=str(exc))

    def _write_files(self, texts: Mapping[str, bytes]) -> None:
        for name, text in texts.items():
            path = self._folder / name
            if name in self._untouched:
                continue
            if not path.exists() or path.read_bytes() != text:
                replace_file(path, text)


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a private file so that after a crash at any moment the old or the new one is there, whole.

    Raises:
        OSError: It could not be written; the old one is untouched.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if sys.platform != "win32":
                os.fchmod(stream.fileno(), 0o600)
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
