"""How many tokens pictures and documents take, by the rule each model family publishes."""

from __future__ import annotations

import base64
import binascii
import math
import re
from dataclasses import dataclass
from typing import Any, Literal, cast

from proxy.messages.image_size import Size, image_size

_UNKNOWN: Size = (1092, 1092)
"""Stands in for a picture we cannot look at (a URL, a file id): the largest square Claude does not shrink."""
_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_PAGE_COUNT = re.compile(rb"/Count\s+(\d{1,5})(?!\d)")
_BYTES_PER_PAGE = 50_000
"""For a PDF whose page objects are compressed away: a page of an ordinary document."""
_TOKENS_OF_PAGE_TEXT = 600
_MAX_PAGES = 600


@dataclass(frozen=True, slots=True)
class ImageRule:
    """How one family turns a picture into tokens."""

    kind: Literal["claude", "tiles", "patches", "flat"]
    base: int = 3
    """Tokens a picture takes whatever its size; all of them where the kind is `flat`."""
    unit: float = 1.0
    """Tokens of one tile or patch."""
    side: int = 28
    """Pixels of a tile's or patch's side."""
    most: int = 1568
    """The most patches; a larger picture is shrunk to them."""
    longest: int = 1568
    """A larger picture is first shrunk until its long edge has so many pixels."""


CLAUDE = ImageRule("claude")
"""Vision page of the Messages API: at most 1,568 px on the long edge and 1,568 patches of 28 x 28 px, which
is the same as width x height / 750 with whole patches."""
CLAUDE_LARGE = ImageRule("claude", most=4784, longest=2576)
"""The same for models that see in high resolution (Opus 4.7 and later)."""
GPT_4O = ImageRule("tiles", base=85, unit=170, side=512)
GPT_4O_MINI = ImageRule("tiles", base=2833, unit=5667, side=512)
"""The same tiles; the price of a picture is kept equal to gpt-4o's by counting more tokens."""
GPT_5 = ImageRule("tiles", base=70, unit=140, side=512)
GPT_PATCHES = ImageRule("patches", base=0, unit=1.62, side=32, most=1536, longest=8192)
GEMINI = ImageRule("flat", base=258)
QWEN = ImageRule("patches", base=2, unit=1.0, side=28, most=16384, longest=8192)


def image_tokens(source: Any, rule: ImageRule) -> int:
    """Returns the tokens of an image block's source."""
    if rule.kind == "flat":
        return rule.base
    size = _UNKNOWN
    if isinstance(source, dict):
        data = cast("dict[str, Any]", source).get("data")
        if isinstance(data, str):
            size = image_size(data) or _UNKNOWN
    if rule.kind == "tiles":
        return math.ceil(rule.base + rule.unit * _tiles(size, rule.side))
    return math.ceil(rule.base + rule.unit * _patches(size, rule))


def _tiles(size: Size, side: int) -> int:
    """OpenAI's rule: fit into 2,048 px, shrink the short edge to 768 px, count the tiles."""
    scale = min(1.0, 2048 / max(size))
    scale = min(scale, 768 / min(size))
    return math.prod(max(1, math.ceil(edge * scale / side)) for edge in size)


def _patches(size: Size, rule: ImageRule) -> int:
    scale = min(1.0, rule.longest / max(size))
    width, height = size[0] * scale, size[1] * scale
    patches = math.ceil(width / rule.side) * math.ceil(height / rule.side)
    if patches <= rule.most:
        return patches
    scale = math.sqrt(rule.most * rule.side**2 / (width * height))
    across = max(1, math.floor(width * scale / rule.side))
    down = max(1, math.floor(height * scale / rule.side))
    return min(rule.most, across * down)


def pdf_tokens(data: str, rule: ImageRule) -> int:
    """Returns the tokens of a base64 PDF: each page is text and a picture (PDF page of the Messages API)."""
    try:
        pdf = base64.b64decode(data)
    except (binascii.Error, ValueError):
        pdf = b""
    return pdf_pages(pdf) * (_TOKENS_OF_PAGE_TEXT + image_tokens(None, rule))


def pdf_pages(pdf: bytes) -> int:
    """Returns a PDF's pages: its page objects, else the largest count of its tree, else by its size."""
    pages = len(_PAGE.findall(pdf))
    if not pages:
        pages = max((int(found) for found in _PAGE_COUNT.findall(pdf)), default=0)
    return min(_MAX_PAGES, pages or math.ceil(len(pdf) / _BYTES_PER_PAGE) or 1)
