"""Reads width and height from the first bytes of a PNG, JPEG, GIF or WebP picture; no pixel is decoded."""

from __future__ import annotations

import base64
import binascii

_HEAD = 96 * 1024
"""A JPEG says its size after its metadata, of which a thumbnail and a colour profile are the largest."""
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers that start a frame; C4, C8 and CC in between are tables and an extension."""
_JPEG_ALONE = frozenset(range(0xD0, 0xDA)) | {0x01, 0xFF}
"""Markers without a length, and the fill byte."""

Size = tuple[int, int]
"""Width and height in pixels."""


def image_size(data: str) -> Size | None:
    """Returns the size of a base64 picture, None where it is none we know or is cut before its size."""
    try:
        head = base64.b64decode(data[:_HEAD].strip().rstrip("="), validate=True)
    except (binascii.Error, ValueError):
        head = _unpadded(data[:_HEAD])
    for read in (_png, _gif, _webp, _jpeg):
        size = read(head)
        if size is not None and min(size) > 0:
            return size
    return None


def _unpadded(text: str) -> bytes:
    whole = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(whole[: len(whole) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _png(head: bytes) -> Size | None:
    if len(head) < 24 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _gif(head: bytes) -> Size | None:
    if len(head) < 10 or not head.startswith((b"GIF87a", b"GIF89a")):
        return None
    return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")


def _webp(head: bytes) -> Size | None:
    """Reads the three kinds of WebP: lossy, lossless and extended (Google's container specification)."""
    if len(head) < 30 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    match head[12:16]:
        case b"VP8 ":
            width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
            return width, height
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case _:
            return None


def _jpeg(head: bytes) -> Size | None:
    if not head.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _JPEG_FRAMES:
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        else:
            at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None
