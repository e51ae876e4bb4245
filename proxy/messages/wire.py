"""Reads and writes JSON: one strict reader for everything a client sends.

It refuses what two parsers could read differently: duplicate keys, NaN and infinities, numbers without end,
nesting past a limit, bytes that are not UTF-8, a byte order mark, text after the value.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 128
"""Far beyond any schema in use; deeper input is an attack on recursive readers."""
MAX_DIGITS = 64
"""Python's own limit is 4,300 digits and costs quadratic time; no honest number comes near 64."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class InvalidJson(ValueError):
    """The bytes are not JSON as we accept it; the text says why without repeating the input."""


def read_json(data: bytes) -> Any:
    """Returns the one JSON value in `data`.

    Raises:
        InvalidJson: It is not strict JSON.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        raise InvalidJson("starts with a byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidJson("is not valid UTF-8") from None
    _check_depth(data)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        raise InvalidJson(f"is not valid JSON (line {exc.lineno}, column {exc.colno})") from None
    return value


def write_json(value: Any) -> bytes:
    """Returns `value` as compact JSON; halves of a surrogate pair are joined, a lone one becomes U+FFFD."""
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _check_depth(data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    # Without escapes every quote begins or ends a string: each second part is outside of one. Where a
    # backslash stands outside of a string, the reader stops, so what this takes off hides nothing from it.
    parts = data.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
    brackets = b"".join(parts[::2]).translate(None, _NOT_BRACKETS)
    depth = 0
    for byte in brackets:
        depth += 1 if byte in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidJson(f"is nested deeper than {MAX_DEPTH} levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise InvalidJson("has a duplicate key in an object")
    return made


def _constant(name: str) -> NoReturn:
    raise InvalidJson(f"holds {name}, which is not a JSON number")


def _int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise InvalidJson(f"holds a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    if math.isinf(value):
        raise InvalidJson("holds a number that is out of range")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_int, parse_float=_float, strict=True
)
