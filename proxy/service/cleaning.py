"""Makes an upstream's words of failure fit to be shown: short, and without control characters and keys.

They go far: to the client, the log, the ledger and the window, and with what a candidate is remembered by
even to other clients. So they are cleaned where they come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from proxy.config import ProviderConfig
from proxy.messages.errors import UpstreamError
from proxy.messages.events import StreamEvent
from proxy.routing.keys import keys_of

MAX_MESSAGE_CHARS = 4096
"""Of an upstream's error text, this much is handed on."""
_MARK = "••••"
"""Stands for a key."""
_MIN_CUT = 8
"""So much of a key at the end of a text is taken for one that was cut off there."""
_MAX_DEPTH = 8
"""Of objects in an error; what lies deeper is left out."""


def cleaned(error: UpstreamError, provider: ProviderConfig) -> UpstreamError:
    """Returns an upstream's error as it may be shown."""
    keys = _keys_of(provider)
    return UpstreamError(
        error.type,
        _text(error.message, keys),
        status=error.status,
        retry_after_s=error.retry_after_s,
        should_retry=error.should_retry,
        details=None if error.details is None else _value(dict(error.details), keys),
    )


def cleaned_event(event: StreamEvent, provider: ProviderConfig) -> StreamEvent:
    """Returns an upstream's `error` event as it may be shown, its unknown fields too."""
    return _value(event, _keys_of(provider))


def _keys_of(provider: ProviderConfig) -> tuple[str, ...]:
    told = (key.get_secret_value() for key in keys_of(provider) if key is not None)
    return tuple(sorted(filter(None, told), key=len, reverse=True))


def _value(value: Any, keys: Sequence[str], depth: int = 0) -> Any:
    if isinstance(value, str):
        return _text(value, keys)
    if not isinstance(value, dict | list):
        return value
    if depth == _MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [_value(each, keys, depth + 1) for each in cast("list[Any]", value)]
    items = cast("dict[str, Any]", value).items()
    return {_text(name, keys): _value(each, keys, depth + 1) for name, each in items}


def _text(text: str, keys: Sequence[str]) -> str:
    for key in keys:
        text = text.replace(key, _MARK)
        beginnings = (key[:size] for size in range(len(key) - 1, _MIN_CUT - 1, -1))
        cut = next((each for each in beginnings if text.endswith(each)), "")
        text = text.removesuffix(cut) + _MARK if cut else text
    shown = "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}"
        for char in text[:MAX_MESSAGE_CHARS]
    )
    return shown if len(text) <= MAX_MESSAGE_CHARS else shown + " …"
