"""Images as models take them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from proxy.tools.errors import ToolError

_MAX_BYTES = 5 * 2**20 * 3 // 4
"""The API takes 5 MiB an image, in base64."""


def image_type(data: bytes) -> str | None:
    """Returns the media type of an image that models take, told by its first bytes; None: it is none."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def image_block(data: bytes, media_type: str) -> Mapping[str, Any]:
    """Returns an image as a content block.

    Raises:
        ToolError: It is too large for a request.
    """
    if len(data) > _MAX_BYTES:
        raise ToolError(
            f"The image has {len(data):,} bytes; up to {_MAX_BYTES:,} can be shown. Make a smaller copy."
        )
    encoded = base64.standard_b64encode(data).decode("ascii")
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": encoded}}
