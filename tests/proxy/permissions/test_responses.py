from __future__ import annotations

import pytest

from proxy.permissions.responses import MAX_BODY_BYTES, judge_kind, judge_length, media_type


@pytest.mark.parametrize(
    "kind",
    [
        *("text/html; charset=utf-8", "TEXT/PLAIN", "text/markdown", "application/json", "image/svg+xml"),
        *("application/problem+json", "application/pdf"),
    ],
)
def test_text_and_pdf_are_read(kind: str) -> None:
    assert judge_kind(kind, "gzip") is None


@pytest.mark.parametrize(
    "kind", ["image/png", "application/octet-stream", "", "application/zip", "video/mp4"]
)
def test_anything_else_is_not(kind: str) -> None:
    assert "only text and PDF are read" in (judge_kind(kind) or "")


@pytest.mark.parametrize("packing", ["gzip, gzip", "br", "gzip, deflate", "compress", "gzip,"])
def test_only_one_known_packing_is_undone(packing: str) -> None:
    assert "only gzip or deflate, once" in (judge_kind("text/html", packing) or "")


def test_a_page_is_not_begun_that_is_too_long() -> None:
    assert judge_length("") is None
    assert judge_length(str(MAX_BODY_BYTES)) is None
    assert judge_length(str(MAX_BODY_BYTES + 1)) == "the page is longer than 10 MiB"
    assert judge_length("-1") == judge_length("\u0665") == "the page does not say sensibly how long it is"


def test_a_media_type_is_read_without_its_parameters() -> None:
    assert media_type(" Text/HTML ; charset=x") == "text/html"
