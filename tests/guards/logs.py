"""Collects what a test logs, so that an unexpected warning fails it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import NoReturn, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

_BAD_LEVELS = frozenset({"warning", "warn", "error", "critical", "exception"})


class LogGuard(logging.Handler):
    """Sees structlog's events and the standard library's warnings of one test."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.events: list[EventDict] = []
        """Every structlog event of the test, in order, bound context included."""
        self._bad: list[tuple[str, str]] = []
        self._handlers_before: list[logging.Handler] = []

    def start(self) -> None:
        """Takes the place of the program's log pipeline."""
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, self._capture],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            logger_factory=structlog.ReturnLoggerFactory(),
            cache_logger_on_first_use=False,
        )
        root = logging.getLogger()
        self._handlers_before = list(root.handlers)
        root.addHandler(self)

    def stop(self) -> None:
        """Gives the pipeline back and takes out what the test added to it."""
        root = logging.getLogger()
        for handler in list(root.handlers):
            if handler not in self._handlers_before:
                root.removeHandler(handler)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()

    def unexpected(self, expected: Collection[str]) -> list[str]:
        """Returns a line for each warning or worse whose event or logger is not in `expected`."""
        return [line for name, line in self._bad if name not in expected]

    def emit(self, record: logging.LogRecord) -> None:
        """Notes a record of the standard library's logging."""
        name = record.name
        if isinstance(record.msg, dict):
            name = str(cast("dict[str, object]", record.msg).get("event", name))
        self._bad.append((name, f"{record.name}: {record.getMessage()}"))

    def _capture(self, _logger: WrappedLogger, method: str, event_dict: EventDict) -> NoReturn:
        self.events.append({**event_dict, "level": method})
        if method in _BAD_LEVELS:
            self._bad.append((str(event_dict.get("event")), f"{method} {event_dict!r}"))
        raise structlog.DropEvent
