"""Tokens of pictures and PDFs by the families' published rules."""

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.messages import media_tokens
from proxy.messages.media_tokens import ImageRule, image_tokens, pdf_pages, pdf_tokens


def _picture(width: int, height: int) -> dict[str, Any]:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + struct.pack(">II", width, height)
    return {"type": "base64", "media_type": "image/png", "data": base64.b64encode(head).decode()}


@pytest.mark.parametrize(
    ("rule", "size", "tokens"),
    [
        (media_tokens.CLAUDE, (50, 50), 7),
        (media_tokens.CLAUDE, (1092, 1092), 1524),
        (media_tokens.CLAUDE, (8000, 8000), 1524),
        (media_tokens.CLAUDE, (3136, 28), 59),
        (media_tokens.CLAUDE_LARGE, (1092, 1092), 1524),
        (media_tokens.CLAUDE_LARGE, (8000, 8000), 4764),
        (media_tokens.GPT_4O, (512, 512), 255),
        (media_tokens.GPT_4O, (1024, 1024), 765),
        (media_tokens.GPT_4O, (2048, 4096), 1105),
        (media_tokens.GPT_4O_MINI, (60, 30), 8500),
        (media_tokens.GEMINI, (4000, 3000), 258),
        (media_tokens.QWEN, (280, 280), 102),
    ],
)
def test_a_picture_costs_what_its_familys_rule_says(
    rule: ImageRule, size: tuple[int, int], tokens: int
) -> None:
    assert image_tokens(_picture(*size), rule) == tokens


@pytest.mark.parametrize(
    "source", [None, {"type": "url", "url": "http://x"}, {"type": "base64", "data": "?"}]
)
def test_a_picture_that_cannot_be_looked_at_counts_as_a_large_one(source: Any) -> None:
    assert image_tokens(source, media_tokens.CLAUDE) == 1524


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_no_picture_costs_more_than_the_most_patches(width: int, height: int) -> None:
    assert 4 <= image_tokens(_picture(width, height), media_tokens.CLAUDE) <= 1571


@pytest.mark.parametrize(
    ("pdf", "pages"),
    [
        (b"%PDF-1.7 << /Type /Pages /Count 2 >> << /Type /Page >> << /Type/Page >>", 2),
        (b"%PDF-1.7 << /Type /Pages /Count 7 >> << /Count 3 >>", 7),
        (b"%PDF-1.7 " + bytes(120_000), 3),
        (b"", 1),
        (b"/Type /Page " * 700, 600),
    ],
)
def test_the_pages_of_a_pdf_are_its_page_objects_else_its_tree_else_its_size(pdf: bytes, pages: int) -> None:
    assert pdf_pages(pdf) == pages


def test_a_pdf_costs_text_and_a_picture_a_page() -> None:
    pdf = base64.b64encode(b"/Type /Page " * 3).decode()
    assert pdf_tokens(pdf, media_tokens.CLAUDE) == 3 * pdf_tokens("", media_tokens.CLAUDE)


def test_a_pdf_that_is_no_base64_counts_as_one_page() -> None:
    assert pdf_tokens("a", media_tokens.GEMINI) == pdf_tokens("", media_tokens.GEMINI)
