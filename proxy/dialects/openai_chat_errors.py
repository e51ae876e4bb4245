"""What an upstream's failure means for the client: type, status and the wording that clients act upon."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, cast

import orjson

from proxy.dialects.loose_json import as_object
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest

_LONGEST_WAIT_S = 600.0
"""What an upstream asks for is believed so far: a mistaken pause must not close its only candidate for days,
and one request each ten minutes harms nobody who means it."""
_MAX_TEXT = 2000
"""An upstream's error page must not become a client's screenful."""

TYPE_OF_STATUS: Mapping[int, ErrorType] = MappingProxyType({
    400: ErrorType.INVALID_REQUEST, 401: ErrorType.AUTHENTICATION, 402: ErrorType.BILLING,
    403: ErrorType.PERMISSION, 404: ErrorType.NOT_FOUND, 408: ErrorType.TIMEOUT, 409: ErrorType.CONFLICT,
    413: ErrorType.REQUEST_TOO_LARGE, 422: ErrorType.INVALID_REQUEST, 429: ErrorType.RATE_LIMIT,
    500: ErrorType.API, 502: ErrorType.OVERLOADED, 503: ErrorType.OVERLOADED, 504: ErrorType.TIMEOUT,
    529: ErrorType.OVERLOADED,
})  # fmt: skip

_TYPE_OF_CODE: Mapping[str, ErrorType] = MappingProxyType({
    "authentication": ErrorType.AUTHENTICATION, "invalid_api_key": ErrorType.AUTHENTICATION,
    "permission_denied": ErrorType.PERMISSION,
    "payment_required": ErrorType.BILLING, "insufficient_quota": ErrorType.BILLING,
    "not_found": ErrorType.NOT_FOUND, "model_not_found": ErrorType.NOT_FOUND,
    "rate_limit_exceeded": ErrorType.RATE_LIMIT,
    "provider_overloaded": ErrorType.OVERLOADED, "provider_unavailable": ErrorType.API,
    "payload_too_large": ErrorType.REQUEST_TOO_LARGE,
    "server": ErrorType.API, "server_error": ErrorType.API,
    "timeout": ErrorType.TIMEOUT,
    "context_length_exceeded": ErrorType.INVALID_REQUEST, "max_tokens_exceeded": ErrorType.INVALID_REQUEST,
    "token_limit_exceeded": ErrorType.INVALID_REQUEST, "string_too_long": ErrorType.INVALID_REQUEST,
    "invalid_request": ErrorType.INVALID_REQUEST, "invalid_prompt": ErrorType.INVALID_REQUEST,
    "precondition_failed": ErrorType.INVALID_REQUEST, "unprocessable": ErrorType.INVALID_REQUEST,
    "content_policy_violation": ErrorType.INVALID_REQUEST, "refusal": ErrorType.INVALID_REQUEST,
    "content_filter": ErrorType.INVALID_REQUEST, "tool_use_failed": ErrorType.INVALID_REQUEST,
})  # fmt: skip
"""OpenRouter's error_type and the string codes of others; what is not here goes by the status."""

_UNPROCESSABLE = 422
"""Kept apart from a 400: another server may take the request."""

_VAGUE = frozenset({"server", "server_error"})
"""Says less than a status that we know."""

_FINAL = frozenset({ErrorType.AUTHENTICATION, ErrorType.BILLING})
"""Repeating the request cannot help."""

_OVERFLOW = re.compile(
    r"maximum context length|context_length_exceeded|context window|context size|context length"
    r"|(prompt|input) is too long|too many (input )?tokens",
    re.IGNORECASE,
)
_MAXIMUM = re.compile(
    r"(?:maximum context length (?:is|of)|> |context window of|limit of)\s*(\d{3,})", re.IGNORECASE
)
_SENT = re.compile(
    r"(?:requested|resulted in|too long:|you sent|has|contains)\s*(?:about\s*)?(\d{3,})", re.IGNORECASE
)
_SPLIT = re.compile(r"(\d+) in the messages, (\d+) in the completion")
_ANTHROPIC_WORDING = re.compile(
    r"prompt is too long: \d+ tokens > \d+ maximum|exceed context limit: \d+ \+ \d+ > \d+"
)
_UNKNOWN_MODEL = re.compile(
    r"is not a valid model|model .{0,200}(does not exist|not found)|no endpoints found", re.IGNORECASE
)
_KEY = re.compile(r"\b(?:sk|gsk|xai|pplx|AIza)[-_A-Za-z0-9*]{8,}")


def decode_error(
    request: MessagesRequest, status: int, headers: Mapping[str, str], body: bytes
) -> UpstreamError:
    """Returns what an answer with an error status means; header names are lower case."""
    return error_of(_find_error(body), request, status, headers)


def error_of(
    error: JsonObject,
    request: MessagesRequest,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> UpstreamError:
    """Returns what an upstream's error object means.

    Args:
        error: The object as received, from an error body or from the middle of a stream.
        request: The request that failed.
        status: The HTTP status; None: the answer had begun, the object says what it knows.
        headers: The response's headers.
    """
    status = status if status is not None else _status_in(error)
    text = _text(error) or f"The upstream answered with status {status} and said nothing."
    kind, status_out = _kind(error, status, text)
    if kind in (ErrorType.INVALID_REQUEST, ErrorType.REQUEST_TOO_LARGE) and _OVERFLOW.search(
        f"{_code(error)} {text}"
    ):
        kind, text = ErrorType.INVALID_REQUEST, _overflow(text, request)
    elif kind is ErrorType.NOT_FOUND:
        text = f"model: {request.model} ({text})"
    elif kind is ErrorType.INVALID_REQUEST and status == _UNPROCESSABLE:
        status_out = status
    return UpstreamError(
        kind,
        text,
        status=status_out,
        retry_after_s=_retry_after(error, headers or {}),
        should_retry=False if kind in _FINAL else None,
    )


def _kind(error: JsonObject, status: int, text: str) -> tuple[ErrorType, int | None]:
    """The type, and the status where it is not the type's own."""
    metadata = as_object(error.get("metadata"))
    if status == 403 and ("reasons" in metadata or "flagged_input" in metadata):
        return ErrorType.INVALID_REQUEST, None
    if status in (400, 404) and _UNKNOWN_MODEL.search(text):
        return ErrorType.NOT_FOUND, None
    code = _code(error)
    if code.startswith("invalid_image"):
        return ErrorType.INVALID_REQUEST, None
    if code in _TYPE_OF_CODE and not (code in _VAGUE and status in TYPE_OF_STATUS):
        return _TYPE_OF_CODE[code], None
    if status in TYPE_OF_STATUS:
        return TYPE_OF_STATUS[status], None
    return (ErrorType.INVALID_REQUEST, None) if 400 <= status < 500 else (ErrorType.API, None)


def _code(error: JsonObject) -> str:
    metadata = as_object(error.get("metadata"))
    for value in (metadata.get("error_type"), error.get("error_type"), error.get("code"), error.get("type")):
        if (isinstance(value, str) and value in _TYPE_OF_CODE) or str(value).startswith("invalid_image"):
            return str(value)
    return ""


def _status_in(error: JsonObject) -> int:
    for value in (error.get("status_code"), error.get("code"), error.get("status")):
        if isinstance(value, int) and 400 <= value < 600:
            return value
        if isinstance(value, str) and re.fullmatch(r"[45]\d\d", value):
            return int(value)
    return 500


def _find_error(body: bytes) -> JsonObject:
    """The error object of a body, whatever its shape."""
    try:
        parsed = orjson.loads(body)
    except ValueError:
        text = body.decode("utf-8", "replace").strip()
        return {} if text.startswith("<") else {"message": text}
    if isinstance(parsed, list) and parsed:
        parsed = cast("list[Any]", parsed)[0]
    whole = as_object(parsed)
    error = whole.get("error")
    if isinstance(error, dict):
        return {
            **cast("JsonObject", error),
            **({"availability": whole["availability"]} if "availability" in whole else {}),
        }
    if isinstance(error, str):
        return {**whole, "message": error}
    return whole


def _text(error: JsonObject) -> str:
    """What the failure says, dug out of what a router put around it."""
    said = _say(error.get("message")) or _say(error.get("detail")) or _say(error.get("error"))
    raw = _inner_text(as_object(error.get("metadata")).get("raw"))
    if raw and (not said or "provider returned error" in said.lower()):
        said = raw if not said or said.lower() == "provider returned error" else f"{said} ({raw})"
    return _KEY.sub("[key]", said)[:_MAX_TEXT]


def _inner_text(raw: Any) -> str:
    if isinstance(raw, str):
        try:
            raw = orjson.loads(raw)
        except ValueError:
            return raw.strip()
    if isinstance(raw, list) and raw:
        raw = cast("list[Any]", raw)[0]
    inner = as_object(raw)
    nested = inner.get("error")
    return _say(as_object(nested).get("message")) or _say(nested) or _say(inner.get("message"))


def _say(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list) and value:
        first = as_object(cast("list[Any]", value)[0])
        return _say(first.get("msg") or first.get("message"))
    return ""


def _overflow(text: str, request: MessagesRequest) -> str:
    """The sentence by which clients know that they must compact the conversation, or ask for less."""
    if _ANTHROPIC_WORDING.search(text):
        return text
    most = _MAXIMUM.search(text)
    if most is None:
        return f"prompt is too long: {text}"
    maximum = int(most.group(1))
    split = _SPLIT.search(text)
    if split and int(split.group(1)) <= maximum:
        return (
            f"input length and `max_tokens` exceed context limit: {split.group(1)} + {split.group(2)} > "
            f"{maximum}, decrease input length or `max_tokens` and try again"
        )
    sent = _SENT.search(text)
    tokens = int(sent.group(1)) if sent else len(request.model_dump_json()) // 4
    return f"prompt is too long: {max(tokens, maximum + 1)} tokens > {maximum} maximum"


def _retry_after(error: JsonObject, headers: Mapping[str, str]) -> float | None:
    told = _told_to_wait(error, headers)
    return None if told is None else min(told, _LONGEST_WAIT_S)


def _told_to_wait(error: JsonObject, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait; a date is read against the answer's own date, because pure code has no clock."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after")
    seconds = _number(told)
    if seconds is None and told:
        seconds = _until(told, headers.get("date"))
    if seconds is None:
        seconds = _number(as_object(error.get("availability")).get("retry_after"))
    return seconds


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < math.inf else None


def _until(then: str, now: str | None) -> float | None:
    start, end = _date(now), _date(then)
    if start is None or end is None:
        return None
    return max(0.0, (end - start).total_seconds())


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text or "")
    except (TypeError, ValueError):
        return None
