"""What a log line says: values as they were when they were logged, without secrets, on one line.

A log call keeps what its values say at that moment, which costs the loop little. The log thread makes a line
of it: secrets are taken out, then what could hide, reorder or break a line is spelt out.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from types import MappingProxyType
from typing import cast

import orjson

from app.redaction import Redactor
from gui.desk import LogLine

MAX_FIELD_CHARACTERS = 8 * 1024
SNAPSHOT_CHARACTERS = 64 * 1024
"""Taken before redaction, which must see more than what is kept: a key may lie across the cut."""

_PLAIN = frozenset({int, float, bool, type(None)})  # what no secret is and nobody changes
_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CONTEXT = ("request_id", "conversation_id")
_RESERVED = frozenset({"timestamp", "level", "logger", "event", "exception"})


@dataclass(slots=True)
class Logged:
    """What was logged, as it was then."""

    at: float
    level: str
    component: str
    event: str
    fields: Mapping[str, object]
    exception: str | None = None


def snapshots(values: Mapping[str, object]) -> dict[str, object]:
    """Returns values as text now, before whoever logged them changes them; what nobody can change stays."""
    # Most values are plain: a call for each would double what a line costs the loop.
    return {name: value if type(value) in _PLAIN else snapshot(value) for name, value in values.items()}


def snapshot(value: object) -> str | int | float | None:
    """Returns a value as text now, before whoever logged it changes it; what nobody can change stays."""
    if type(value) in _PLAIN:
        return cast("int | float | None", value)
    if isinstance(value, str):
        return value[:SNAPSHOT_CHARACTERS]
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return repr(cast("object", value))[:SNAPSHOT_CHARACTERS]
    return str(value)[:SNAPSHOT_CHARACTERS]


def exception_text(exc_info: object) -> str | None:
    """Returns the traceback of what a log call was given as `exc_info`; None where that is no exception."""
    if not exc_info:
        return None
    if exc_info is True:
        exc_info = sys.exc_info()
    failure = cast("tuple[object, ...]", exc_info)[1] if isinstance(exc_info, tuple) else exc_info
    if not isinstance(failure, BaseException):
        return None
    # Never with locals: they hold keys and conversations.
    return "".join(traceback.format_exception(type(failure), failure, failure.__traceback__))[
        -SNAPSHOT_CHARACTERS:
    ]


def escaped(text: str) -> str:
    """Returns text in which every character that could hide, reorder or break a line is spelt out."""
    if text.isascii() and text.isprintable():
        return text
    return _DANGEROUS.sub(lambda match: _SHORT.get(match[0]) or f"\\u{{{ord(match[0]):x}}}", text)


def log_line(logged: Logged, redactor: Redactor, *, with_trace: bool) -> LogLine:
    """Returns the line of what was logged, without secrets.

    Args:
        logged: What was logged, as it was then.
        redactor: Takes secrets out.
        with_trace: Whether a traceback is a field of the line too; its JSON always holds it.
    """
    fields = {name: _field(redactor, name, value) for name, value in logged.fields.items()}
    event, component = _text(redactor, logged.event), _text(redactor, logged.component)
    document: dict[str, str] = {
        "timestamp": datetime.fromtimestamp(logged.at, timezone.utc).isoformat(timespec="milliseconds"),
        "level": logged.level,
        "logger": component,
        "event": event,
        **{name if name not in _RESERVED else f"{name}_": value for name, value in fields.items()},
    }
    if logged.exception is not None:
        # The one field that keeps its line breaks: JSON spells them out in the file.
        lines = redactor.text(logged.exception).splitlines()
        document["exception"] = "\n".join(escaped(each) for each in lines)[-MAX_FIELD_CHARACTERS:]
        if with_trace:
            fields["exception"] = document["exception"]
    context = {name: fields.pop(name, None) for name in _CONTEXT}
    return LogLine(
        at=logged.at,
        level=logged.level,
        component=component,
        event=event,
        request_id=context["request_id"],
        conversation_id=context["conversation_id"],
        fields=MappingProxyType(fields),
        json=orjson.dumps(document).decode("utf-8"),
    )


def readable(line: LogLine) -> str:
    """Returns a line as a developer reads it in a terminal."""
    at = datetime.fromtimestamp(line.at, timezone.utc).astimezone().strftime("%H:%M:%S.%f")[:-3]
    context = {"request_id": line.request_id, "conversation_id": line.conversation_id}
    shown = {**{name: value for name, value in context.items() if value}, **line.fields}
    trace = shown.pop("exception", None)
    pairs = "".join(f"  {name}={value}" for name, value in shown.items())
    return f"{at} {line.level:<8} {line.component}: {line.event}{pairs}" + (f"\n{trace}" if trace else "")


def _text(redactor: Redactor, text: str) -> str:
    return escaped(redactor.text(text))[:MAX_FIELD_CHARACTERS]


def _field(redactor: Redactor, name: str, value: object) -> str:
    if not isinstance(value, str):
        return str(value)
    return escaped(redactor.field(name, value))[:MAX_FIELD_CHARACTERS]
