"""The one log pipeline: context in, redaction last; a file, standard error and the window's tail out.

A log call only takes a snapshot of its values and puts it into a bounded queue. One thread redacts, escapes
and writes, so that neither a slow disk nor a reader of standard error who stopped reading can hold up the
loop. It gathers lines for a moment and works in small steps, so that it does not hold the interpreter when
the loop wants it. What comes too fast is dropped and counted, never waited for. The standard library's
loggers (aiohttp, openai, asyncio, …) flow into the same queue.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TextIO

import structlog

from app.log_lines import SNAPSHOT_CHARACTERS, Logged, exception_text, log_line, readable, snapshot, snapshots
from app.redaction import Redactor
from app.settings import LogLevel, RunMode
from gui.desk import LogLine

MAX_QUEUED = 20_000
MAX_BATCH = 500
GATHER_S = 0.05
"""How long lines below warning may wait for company; waking the writer for each cost more than the line."""
_STEP = 8
"""After so many lines the writer lets the loop have the interpreter; it would else wait for 5 ms."""
FILE_BYTES = 10 * 2**20
FILES_KEPT = 5

_LEVEL_NUMBERS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_PATIENT = frozenset({"debug", "info"})
_QUIETER = ("aiohttp.access", "httpcore2", "httpx2", "openai", "asyncio")
"""Their access and wire logs say again, and with more risk, what our own events say."""

LogListener = Callable[[tuple[LogLine, ...], int], None]
"""Takes new lines, oldest first, and how many were dropped before them; called in the log thread."""


@dataclass(slots=True)
class _Barrier:
    reached: threading.Event = field(default_factory=threading.Event)


class PrivateRotatingFile(logging.handlers.RotatingFileHandler):
    """A rotating file that only its owner may read."""

    def _open(self) -> Any:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if sys.platform != "win32":
            os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


class LogPipeline:
    """Takes events from everywhere and writes them; `install` it, `close` it at the end."""

    def __init__(
        self,
        *,
        file: Path | None = None,
        stream: TextIO | None = None,
        level: LogLevel = "info",
        mode: RunMode = "production",
        redactor: Redactor | None = None,
        max_queued: int = MAX_QUEUED,
        max_tail: int = 0,
        file_bytes: int = FILE_BYTES,
    ) -> None:
        """Writes to `file` (JSON lines) and `stream` (readable in development); `max_tail` lines are kept."""
        self.redactor = redactor or Redactor()
        self.mode = mode
        self.file_problem: str | None = None
        self._level = level
        self._stream = stream
        self._file = self._opened(file, file_bytes)
        self._queue: deque[Logged | _Barrier] = deque()
        self._max_queued = max_queued
        self._dropped = 0
        self._tail: deque[LogLine] = deque(maxlen=max_tail)
        self._listener: LogListener | None = None
        self._work = threading.Condition()
        self._is_open = True
        self._is_hurried = False
        self._is_idle = False
        self._handler = _FromStandardLibrary(self)
        self._levels_before: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def install(self) -> None:
        """Makes this the place where structlog and the standard library's loggers end."""
        root = logging.getLogger()
        self._levels_before = {name: logging.getLogger(name).level for name in ("", *_QUIETER)}
        self._configure()
        root.addHandler(self._handler)
        logging.captureWarnings(capture=True)

    def set_level(self, level: LogLevel) -> None:
        """Logs events of this level and above from now on."""
        self._level = level
        self._configure()

    def listen(self, listener: LogListener | None) -> None:
        """Tells `listener` of new lines in batches; None ends that."""
        self._listener = listener

    def tail(self) -> tuple[LogLine, ...]:
        """Returns the lines that are kept, oldest first."""
        with self._work:
            return tuple(self._tail)

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Waits until everything logged so far is written; False when that takes too long."""
        barrier = _Barrier()
        with self._work:
            if not self._is_open:
                return True
            self._queue.append(barrier)
            self._hurry()
        return barrier.reached.wait(timeout_s)

    def close(self) -> None:
        """Writes what is queued, then takes no more; structlog and logging are left as they were found."""
        root = logging.getLogger()
        if self._handler in root.handlers:
            root.removeHandler(self._handler)
            for name, level in self._levels_before.items():
                logging.getLogger(name).setLevel(level)
            logging.captureWarnings(capture=False)
            structlog.reset_defaults()
        with self._work:
            self._is_open = False
            self._work.notify()
        self._thread.join(timeout=5.0)
        if self._file is not None and not self._thread.is_alive():
            self._file.close()

    def take(self, logged: Logged) -> None:
        """Queues an event, or counts it as dropped."""
        with self._work:
            if not self._is_open or len(self._queue) >= self._max_queued:
                self._dropped += 1
                return
            self._queue.append(logged)
            if logged.level not in _PATIENT:
                self._hurry()
            elif self._is_idle:
                self._is_idle = False
                self._work.notify()

    def _hurry(self) -> None:
        self._is_hurried = True
        self._work.notify()

    def _configure(self) -> None:
        number = _LEVEL_NUMBERS[self._level]
        self._handler.setLevel(number)
        root = logging.getLogger()
        root.setLevel(number)
        for name in _QUIETER:
            logging.getLogger(name).setLevel(max(number, logging.WARNING))
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, self._from_structlog],
            wrapper_class=structlog.make_filtering_bound_logger(number),
            logger_factory=_NamedLogger,
            cache_logger_on_first_use=False,
        )

    def _from_structlog(self, logger: Any, method: str, event_dict: MutableMapping[str, Any]) -> NoReturn:
        fields = dict(event_dict)
        event = fields.pop("event", "")
        exc_info = fields.pop("exc_info", None)
        level = "warning" if method == "warn" else "error" if method == "exception" else method
        if method == "exception" and exc_info is None:
            exc_info = True
        self.take(
            Logged(
                at=time.time(),
                level=level,
                component=str(fields.pop("logger", None) or getattr(logger, "name", "") or "signalbox"),
                event=str(snapshot(event)),
                fields=snapshots(fields),
                exception=exception_text(exc_info),
            )
        )
        raise structlog.DropEvent

    def _opened(self, file: Path | None, file_bytes: int) -> PrivateRotatingFile | None:
        if file is None:
            return None
        try:
            return PrivateRotatingFile(file, maxBytes=file_bytes, backupCount=FILES_KEPT, encoding="utf-8")
        except OSError as exc:
            self.file_problem = f"the log file {file} cannot be written: {exc.strerror}"
            return None

    def _run(self) -> None:
        while batch := self._next_batch():
            with self._work:
                dropped, self._dropped = self._dropped, 0
            lines: list[LogLine] = []
            for number, each in enumerate(batch):
                if isinstance(each, Logged):
                    lines.append(log_line(each, self.redactor, with_trace=self.mode == "development"))
                if number % _STEP == 0:
                    time.sleep(0)
            self._write(lines)
            with self._work:
                self._tail.extend(lines)
            listener = self._listener
            if listener is not None and (lines or dropped):
                listener(tuple(lines), dropped)
            for each in batch:
                if isinstance(each, _Barrier):
                    each.reached.set()

    def _next_batch(self) -> list[Logged | _Barrier]:
        """Waits for lines, and a moment longer for more; empty: the pipeline is closed and all is written."""
        with self._work:
            while not self._queue and self._is_open:
                self._is_idle = True
                self._work.wait()
            self._is_idle = False
            if self._is_open and not self._is_hurried:
                self._work.wait(GATHER_S)
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
            self._is_hurried = bool(self._queue)
            return batch

    def _write(self, lines: list[LogLine]) -> None:
        if not lines:
            return
        if self._file is not None:
            together = "\n".join(line.json for line in lines)
            self._file.emit(logging.makeLogRecord({"msg": together, "levelno": 20}))
        stream = self._stream
        if stream is None:
            return
        shown = (line.json if self.mode == "production" else readable(line) for line in lines)
        try:
            stream.write("\n".join(shown) + "\n")
            stream.flush()
        except (OSError, ValueError):  # its reader is gone, or it was closed
            self._stream = None


class _NamedLogger:
    """What structlog ends in; carries the name given to `get_logger`."""

    def __init__(self, name: str = "", *_more: object) -> None:
        self.name = name

    def __getattr__(self, method: str) -> Callable[..., None]:
        return _nothing


def _nothing(*_arguments: object, **_named: object) -> None:
    return


class _FromStandardLibrary(logging.Handler):
    """Takes the records of third-party loggers."""

    def __init__(self, pipeline: LogPipeline) -> None:
        super().__init__()
        self._pipeline = pipeline

    def emit(self, record: logging.LogRecord) -> None:
        """Queues a record with the context of the request it happened in."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        context = structlog.contextvars.get_contextvars()
        level = record.levelname.lower()
        self._pipeline.take(
            Logged(
                at=record.created,
                level=level if level in _LEVEL_NUMBERS else "info",
                component=record.name,
                event=message[:SNAPSHOT_CHARACTERS],
                fields=snapshots(context),
                exception=exception_text(record.exc_info),
            )
        )
