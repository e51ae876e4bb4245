"""Both sides of requests as files, for as many days as the settings say: a folder a day, a file a request.

The name of a failed request's file says so, so that the others can go without being read.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from app.exchanges import redacted
from app.files import write_atomically
from app.redaction import Redactor
from proxy.events import Exchange

_log = structlog.get_logger("app.exchanges")

_OK, _FAILED = ".json", ".failed.json"
_EXCHANGE = TypeAdapter(Exchange)
_LAWFUL_ID = re.compile(r"[A-Za-z0-9_]{1,80}")


class ExchangeFolder:
    """Exchanges on the disk. Its methods block: call them in a thread."""

    def __init__(self, folder: Path, redactor: Redactor, clock: Callable[[], float]) -> None:
        """Touches nothing yet.

        Args:
            folder: Where the days' folders are.
            redactor: Takes secrets out before anything is written.
            clock: Seconds since the epoch.
        """
        self._folder = folder
        self._redactor = redactor
        self._clock = clock

    def write(self, exchange: Exchange, *, is_failed: bool) -> None:
        """Writes an exchange without its secrets; a disk that is full costs this file and a log line."""
        if not _LAWFUL_ID.fullmatch(exchange.request_id):
            return
        clean = redacted(exchange, self._redactor)
        folder = self._folder / self._today().isoformat()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = json.dumps(_plain(clean), ensure_ascii=False, default=_plain)
            name = exchange.request_id + (_FAILED if is_failed else _OK)
            write_atomically(folder / name, text.encode("utf-8", "replace"))
        except OSError as exc:
            _log.warning("body_not_kept", request_id=exchange.request_id, reason=exc.strerror)

    def read(self, request_id: str) -> Exchange | None:
        """Returns an exchange that was written; None where there is none that can be read."""
        if not _LAWFUL_ID.fullmatch(request_id):
            return None
        names = (request_id + _OK, request_id + _FAILED)
        for path in (day / name for day in sorted(self._days(), reverse=True) for name in names):
            try:
                return _EXCHANGE.validate_json(path.read_bytes())
            except (OSError, ValueError):
                continue
        return None

    def sweep(self, days: int) -> None:
        """Deletes the days that are older than so many; with 0 all of them."""
        first = (self._today() - timedelta(days=days - 1)).isoformat() if days else "~"
        for day in self._days():
            if day.name < first:
                shutil.rmtree(day, ignore_errors=True)

    def drop_successes(self) -> None:
        """Deletes what is of requests that did not fail."""
        for path in (path for day in self._days() for path in day.glob(f"*{_OK}")):
            if not path.name.endswith(_FAILED):
                with suppress(OSError):
                    path.unlink()

    def _days(self) -> list[Path]:
        try:
            found = list(self._folder.iterdir())
        except OSError:
            return []
        return [each for each in found if re.fullmatch(r"\d{4}-\d\d-\d\d", each.name)]

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), timezone.utc).astimezone().date()


def _plain(value: Any) -> dict[str, Any]:
    """What JSON takes of a frozen value or of a mapping that cannot be changed."""
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return dict(value)
