"""Reads JSON values that may be of any type: an upstream promises nothing."""

from __future__ import annotations

import json
from typing import Any, cast

import orjson

from proxy.messages.message import JsonObject


def as_object(value: Any) -> JsonObject:
    """Returns the object, or an empty one."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[JsonObject]:
    """Returns the objects in a list; what else is in it is left out."""
    if not isinstance(value, list):
        return []
    return [cast("JsonObject", item) for item in cast("list[Any]", value) if isinstance(item, dict)]


def as_text(value: Any) -> str:
    """Returns the string, or an empty one."""
    return value if isinstance(value, str) else ""


def looks_like_json(data: bytes) -> bool | None:
    """Whether a body that begins so is one JSON value, not an event stream; None: it does not tell yet."""
    start = data.lstrip()[:1]
    return start in (b"{", b"[") if start else None


def read_loosely(data: bytes) -> tuple[Any, bool]:
    """Returns the JSON value, and whether its strings may hold lone surrogate halves.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return orjson.loads(data), False
    except ValueError:
        pass
    try:
        return json.loads(data.decode("utf-8", "replace")), True
    except RecursionError:
        raise ValueError("nested too deeply") from None
