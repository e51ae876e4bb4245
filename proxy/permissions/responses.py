"""What a page's answer may be like: its limits, its media types, how it may be packed."""

from __future__ import annotations

import re

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Of a page, unpacked."""
MAX_SECONDS = 30.0
"""For the whole of it: every look-up, every hop, the last byte."""
LOOKUP_SECONDS = 5.0
PDF = "application/pdf"
_TEXT_TYPES = frozenset(
    f"application/{name}"
    for name in (
        "ecmascript",
        "javascript",
        "json",
        "toml",
        "x-javascript",
        "x-ndjson",
        "x-yaml",
        "xml",
        "yaml",
    )
)
_PACKINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_LENGTH = re.compile(r"[0-9]{1,15}", re.ASCII)


def media_type(content_type: str) -> str:
    """Returns the media type of a `Content-Type`, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_text(kind: str) -> bool:
    """Tells whether a media type is text that a model can read."""
    return kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))


def judge_kind(content_type: str, content_encoding: str = "") -> str | None:
    """Returns why a page cannot be read, judged by what it is and how it is packed; None: it can."""
    kind = media_type(content_type)
    if kind != PDF and not is_text(kind):
        return f"the page is {kind or 'of an unknown kind'}, and only text and PDF are read"
    packing = content_encoding.strip().lower()
    if packing not in _PACKINGS:
        return f"the page is packed as {packing!r}, and only gzip or deflate, once, is unpacked"
    return None


def judge_length(content_length: str) -> str | None:
    """Returns why a page of an announced length is not read at all; None: read it."""
    if content_length and not _LENGTH.fullmatch(content_length):
        return "the page does not say sensibly how long it is"
    if content_length and int(content_length) > MAX_BODY_BYTES:
        return "the page is longer than 10 MiB"
    return None
