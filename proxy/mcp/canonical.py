"""One spelling of a JSON value, after RFC 8785: what a digest is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast


def canonical_json(value: object, *, indent: int | None = None) -> str:
    """Returns a value's one spelling: members in order of their names' UTF-16 code units, nothing between.

    Args:
        value: What JSON can hold.
        indent: For people: one member a line.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(_ordered(value), ensure_ascii=False, separators=separators, indent=indent)


def digest_of(value: object) -> str:
    """Returns the SHA-256 of a value's one spelling, as hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def _ordered(value: object) -> Any:
    if isinstance(value, Mapping):
        members = cast("Mapping[str, object]", value)
        return {name: _ordered(members[name]) for name in sorted(members, key=_code_units)}
    if isinstance(value, list | tuple):
        return [_ordered(each) for each in cast("list[object]", value)]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # 1.0 and 1 are one number in JSON
    return value


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")
