from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from io import BytesIO

import pytest
from pypdf import PdfWriter

from proxy.permissions.values import Policy
from proxy.tools.web.reader import KEPT_S, WebReader, utc_now
from proxy.tools.web.values import FetchedPage, FetchError, HandedBack
from tests.proxy.permissions.web_rules import fetch_rule
from tests.proxy.tools.web.site import RULES, fetching, moved, page, site_of

_NOW = datetime(2026, 11, 22, 14, 0, 5, 123, tzinfo=timezone.utc)


class Clock:
    """A clock that stands until it is put forward."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def _reading(clock: Clock | None = None) -> AsyncGenerator[WebReader]:
    async with fetching() as fetcher:
        yield WebReader(fetcher, clock=clock or Clock(), now=lambda: _NOW)


def _pdf(password: str | None = None) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(72, 72)
    writer.add_metadata({"/Title": "A paper"})
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


async def test_a_page_is_made_readable() -> None:
    pages = {"/": page(b"<title>T</title><h1>Head</h1>", "text/html; charset=utf-8")}
    async with site_of(pages) as site, _reading() as reader:
        answer = await reader.read(site.url(), RULES)

    assert answer == FetchedPage(site.url(), "T", "# Head", "text/html", "2026-11-22T14:00:05+00:00")


async def test_a_pdf_is_read_and_kept_whole() -> None:
    body = _pdf()
    async with site_of({"/": page(body, "application/pdf")}) as site, _reading() as reader:
        answer = await reader.read(site.url(), RULES)

    assert isinstance(answer, FetchedPage)
    assert (answer.title, answer.markdown, answer.body) == ("A paper", "## Page 1", body)


@pytest.mark.parametrize("body", [b"no pdf", b"%PDF-1.7\nbroken", b""])
@pytest.mark.expects_log("pypdf._reader")
async def test_a_damaged_pdf_is_refused(body: bytes) -> None:
    async with site_of({"/": page(body, "application/pdf")}) as site, _reading() as reader:
        with pytest.raises(FetchError) as caught:
            await reader.read(site.url(), RULES)

    assert caught.value.code == "unsupported_content_type"


async def test_a_locked_pdf_is_refused() -> None:
    async with site_of({"/": page(_pdf("x"), "application/pdf")}) as site, _reading() as reader:
        with pytest.raises(FetchError, match="locked with a password"):
            await reader.read(site.url(), RULES)


async def test_a_page_is_remembered_for_a_quarter_of_an_hour() -> None:
    clock = Clock()
    async with site_of({"/": page(b"x")}) as site, _reading(clock) as reader:
        first = await reader.read(site.url(), RULES)
        clock.now += KEPT_S - 1
        assert await reader.read(site.url("/#part"), RULES) is first
        clock.now += 1
        assert await reader.read(site.url(), RULES) is not first
        await reader.read(site.url(), RULES, use_cache=False)

    assert site.paths == ["/"] * 3


async def test_nothing_is_remembered_after_closing() -> None:
    async with site_of({"/": page(b"x")}) as site, _reading() as reader:
        await reader.read(site.url(), RULES)
        await reader.aclose()
        await reader.read(site.url(), RULES)

    assert site.paths == ["/"] * 2


async def test_a_remembered_page_is_not_shown_once_it_is_denied() -> None:
    denying = Policy("strict", (fetch_rule("deny", "domain:docs.example.com"),))
    async with site_of({"/": page(b"x")}) as site, _reading() as reader:
        await reader.read(site.url(), RULES)
        with pytest.raises(FetchError, match="deny rule"):
            await reader.read(site.url(), denying)


async def test_the_oldest_pages_are_forgotten_first() -> None:
    pages = {f"/{number}": page(b"x" * 1_000_000) for number in range(9)}
    async with site_of(pages) as site, _reading() as reader:
        for number in range(9):
            await reader.read(site.url(f"/{number}"), RULES)
        await reader.read(site.url("/8"), RULES)
        await reader.read(site.url("/0"), RULES)

    assert site.paths == [f"/{number}" for number in range(9)] + ["/0"]


async def test_a_redirect_that_is_handed_back_is_passed_on() -> None:
    async with site_of({"/": moved("https://other.example/")}) as site, _reading() as reader:
        answer = await reader.read(site.url(), RULES)

    assert isinstance(answer, HandedBack)
    assert answer.location == "https://other.example/"


async def test_what_cannot_be_read_is_refused() -> None:
    async with _reading() as reader:
        with pytest.raises(FetchError) as caught:
            await reader.read("no url", RULES)

    assert caught.value.code == "invalid_tool_input"


def test_the_time_of_day_is_in_utc() -> None:
    assert utc_now().tzinfo is timezone.utc
