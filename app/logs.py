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
import re
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, TextIO, cast

import orjson
import structlog

from app.redaction import Redactor
from app.settings import LogLevel, RunMode
from gui.desk import LogLine

MAX_FIELD_CHARACTERS = 8 * 1024
MAX_QUEUED = 20_000
MAX_BATCH = 500
GATHER_S = 0.05
"""How long lines below warning may wait for company; waking the writer for each cost more than the line."""
_PLAIN = frozenset({int, float, bool, type(None)})  # what no secret is and nobody changes
_STEP = 8
"""After so many lines the writer lets the loop have the interpreter; it would else wait for 5 ms."""
FILE_BYTES = 10 * 2**20
FILES_KEPT = 5
_SNAPSHOT_CHARACTERS = 64 * 1024
"""Taken before redaction, which must see more than what is kept: a key may lie across the cut."""

_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LEVEL_NUMBERS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_PATIENT = frozenset({"debug", "info"})
_CONTEXT = ("request_id", "conversation_id")
_QUIETER = ("aiohttp.access", "httpcore2", "httpx2", "openai", "asyncio")
"""Their access and wire logs say again, and with more risk, what our own events say."""

LogListener = Callable[[tuple[LogLine, ...], int], None]
"""Takes new lines, oldest first, and how many were dropped before them; called in the log thread."""


@dataclass(slots=True)
class _Entry:
    at: float
    level: str
    component: str
    event: str
    fields: Mapping[str, object]
    exception: str | None = None


@dataclass(slots=True)
class _Barrier:
    reached: threading.Event = field(default_factory=threading.Event)


def escaped(text: str) -> str:
    """Returns text in which every character that could hide, reorder or break a line is spelt out."""
    if text.isascii() and text.isprintable():
        return text
    return _DANGEROUS.sub(lambda match: _SHORT.get(match[0]) or f"\\u{{{ord(match[0]):x}}}", text)


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
        self._queue: deque[_Entry | _Barrier] = deque()
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

    def take(self, entry: _Entry) -> None:
        """Queues an event, or counts it as dropped."""
        with self._work:
            if not self._is_open or len(self._queue) >= self._max_queued:
                self._dropped += 1
                return
            self._queue.append(entry)
            if entry.level not in _PATIENT:
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
            _Entry(
                at=time.time(),
                level=level,
                component=str(fields.pop("logger", None) or getattr(logger, "name", "") or "signalbox"),
                event=str(_snapshot(event)),
                # Most values are plain: a call for each would double what a line costs the loop.
                fields={
                    name: value if type(value) in _PLAIN else _snapshot(value)
                    for name, value in fields.items()
                },
                exception=_exception_text(exc_info),
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
                if isinstance(each, _Entry):
                    lines.append(self._line(each))
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

    def _next_batch(self) -> list[_Entry | _Barrier]:
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

    def _line(self, entry: _Entry) -> LogLine:
        fields = {name: self._field(name, value) for name, value in entry.fields.items()}
        event, component = self._text(entry.event), self._text(entry.component)
        document: dict[str, str] = {
            "timestamp": datetime.fromtimestamp(entry.at, timezone.utc).isoformat(timespec="milliseconds"),
            "level": entry.level,
            "logger": component,
            "event": event,
            **{name if name not in _RESERVED else f"{name}_": value for name, value in fields.items()},
        }
        if entry.exception is not None:
            # The one field that keeps its line breaks: JSON spells them out in the file.
            lines = self.redactor.text(entry.exception).splitlines()
            document["exception"] = "\n".join(escaped(each) for each in lines)[-MAX_FIELD_CHARACTERS:]
            if self.mode == "development":
                fields["exception"] = document["exception"]
        context = {name: fields.pop(name, None) for name in _CONTEXT}
        return LogLine(
            at=entry.at,
            level=entry.level,
            component=component,
            event=event,
            request_id=context["request_id"],
            conversation_id=context["conversation_id"],
            fields=MappingProxyType(fields),
            json=orjson.dumps(document).decode("utf-8"),
        )

    def _text(self, text: str) -> str:
        return escaped(self.redactor.text(text))[:MAX_FIELD_CHARACTERS]

    def _field(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            return str(value)
        return escaped(self.redactor.field(name, value))[:MAX_FIELD_CHARACTERS]

    def _write(self, lines: list[LogLine]) -> None:
        if not lines:
            return
        if self._file is not None:
            together = "\n".join(line.json for line in lines)
            self._file.emit(logging.makeLogRecord({"msg": together, "levelno": 20}))
        stream = self._stream
        if stream is None:
            return
        shown = (line.json if self.mode == "production" else _readable(line) for line in lines)
        try:
            stream.write("\n".join(shown) + "\n")
            stream.flush()
        except (OSError, ValueError):  # its reader is gone, or it was closed
            self._stream = None


_RESERVED = frozenset({"timestamp", "level", "logger", "event", "exception"})


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
            _Entry(
                at=record.created,
                level=level if level in _LEVEL_NUMBERS else "info",
                component=record.name,
                event=message[:_SNAPSHOT_CHARACTERS],
                fields={name: _snapshot(value) for name, value in context.items()},
                exception=_exception_text(record.exc_info),
            )
        )


def _snapshot(value: object) -> str | int | float | None:
    """Returns a value as text now, before whoever logged it changes it; what nobody can change stays."""
    if type(value) in _PLAIN:
        return cast("int | float | None", value)
    if isinstance(value, str):
        return value[:_SNAPSHOT_CHARACTERS]
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return repr(cast("object", value))[:_SNAPSHOT_CHARACTERS]
    return str(value)[:_SNAPSHOT_CHARACTERS]


def _exception_text(exc_info: object) -> str | None:
    if not exc_info:
        return None
    if exc_info is True:
        exc_info = sys.exc_info()
    failure = cast("tuple[object, ...]", exc_info)[1] if isinstance(exc_info, tuple) else exc_info
    if not isinstance(failure, BaseException):
        return None
    # Never with locals: they hold keys and conversations.
    return "".join(traceback.format_exception(type(failure), failure, failure.__traceback__))[
        -_SNAPSHOT_CHARACTERS:
    ]


def _readable(line: LogLine) -> str:
    at = datetime.fromtimestamp(line.at, timezone.utc).astimezone().strftime("%H:%M:%S.%f")[:-3]
    context = {"request_id": line.request_id, "conversation_id": line.conversation_id}
    shown = {**{name: value for name, value in context.items() if value}, **line.fields}
    trace = shown.pop("exception", None)
    pairs = "".join(f"  {name}={value}" for name, value in shown.items())
    return f"{at} {line.level:<8} {line.component}: {line.event}{pairs}" + (f"\n{trace}" if trace else "")
