"""Keeps approvals and pins in two private files, written whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from proxy.mcp.approvals import Approvals
from proxy.mcp.pins import Pins
from proxy.tasks import spawn

_log = structlog.get_logger("proxy.mcp")
_APPROVALS = "approvals.json"
_PINS = "pins.json"
_MAX_FILE_BYTES = 64 * 2**20


class Stores:
    """What was approved; read once, written after each change."""

    def __init__(self, folder: Path) -> None:
        """Reads nothing yet.

        Args:
            folder: A private folder; it is made when missing.
        """
        self._folder = folder
        self.approvals = Approvals()
        self.pins = Pins()
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

    async def _read(self) -> None:
        approvals, pins = await asyncio.to_thread(self._read_files)
        self.approvals = Approvals() if approvals is None else Approvals.read(approvals)
        self.pins = Pins() if pins is None else Pins.read(pins)
        if pins is False:
            self.save()  # the damaged file was put aside: that it was there must be known at the next start

    def _read_files(self) -> tuple[object, object]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _load(self._folder / _APPROVALS), _load(self._folder / _PINS)

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


def _load(path: Path) -> Any:
    """Returns a file's value; None: there is no file; False: it cannot be read, and was put aside."""
    try:
        with path.open("rb") as stream:
            return json.loads(stream.read(_MAX_FILE_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        _log.warning("mcp_trust_unreadable", file=str(path), reason=str(exc))
        with contextlib.suppress(OSError):
            path.replace(path.with_suffix(".damaged"))
        return False
