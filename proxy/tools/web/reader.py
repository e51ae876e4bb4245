"""Fetches a page and makes it readable; remembers it for a quarter of an hour."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timezone

from proxy.permissions.responses import PDF
from proxy.permissions.urls import judge_url
from proxy.permissions.values import Policy
from proxy.tools.web.fetcher import Fetcher
from proxy.tools.web.values import Fetched, FetchedPage, HandedBack, PageText

KEPT_S = 15 * 60.0
_KEPT_BYTES = 32 * 1024 * 1024


def utc_now() -> datetime:
    """Returns the time of day in UTC."""
    return datetime.now(timezone.utc)


class WebReader:
    """The pages of the web, for the tool WebFetch and for the server tool `web_fetch`."""

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Makes a reader that remembers nothing yet.

        Args:
            fetcher: Who requests pages.
            clock: Seconds, for how long a page is kept.
            now: The time of day, for `retrieved_at`.
        """
        self._fetcher = fetcher
        self._clock = clock
        self._now = now
        self._kept: OrderedDict[str, tuple[float, FetchedPage]] = OrderedDict()

    async def read(self, url: str, policy: Policy, *, use_cache: bool = True) -> FetchedPage | HandedBack:
        """Returns a page whose call was judged, and allowed by a rule or by the user.

        Raises:
            FetchError: There is none, or it may not or cannot be read.
        """
        facts = await self._fetcher.known_facts()
        target = judge_url(url, policy, facts).target
        key = url if target is None else target.url
        kept = self._find(key) if use_cache else None
        # Rules may have changed since: a page from where now is denied is asked for, and refused, again.
        if kept is not None and all(
            judge_url(each, policy, facts).decision != "deny" for each in (url, kept.url)
        ):
            return kept
        answer = await self._fetcher.fetch(url, policy)
        if isinstance(answer, HandedBack):
            return answer
        page = await self._readable(answer)
        self._keep(key, page)
        return page

    async def aclose(self) -> None:
        """Closes the connections and forgets the pages."""
        self._kept.clear()
        await self._fetcher.aclose()

    async def _readable(self, answer: Fetched) -> FetchedPage:
        is_pdf = answer.media_type == PDF
        text = await asyncio.to_thread(_text_of, answer, self._clock)
        return FetchedPage(
            answer.url,
            text.title,
            text.markdown,
            answer.media_type,
            self._now().isoformat(timespec="seconds"),
            answer.body if is_pdf else None,
            text.note,
        )

    def _find(self, key: str) -> FetchedPage | None:
        kept_at, page = self._kept.get(key, (0.0, None))
        if page is None or self._clock() - kept_at >= KEPT_S:
            return None
        return page

    def _keep(self, key: str, page: FetchedPage) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (self._clock(), page)
        while sum(map(_weight, self._kept.values())) > _KEPT_BYTES:
            self._kept.popitem(last=False)


def _weight(entry: tuple[float, FetchedPage]) -> int:
    page = entry[1]
    return 4 * len(page.markdown) + len(page.body or b"")


def _text_of(answer: Fetched, clock: Callable[[], float]) -> PageText:
    """Runs in a thread, where the parsers are loaded too: whoever fetches nothing has none in memory."""
    from proxy.tools.web.page import read_text_page  # noqa: PLC0415 - see above
    from proxy.tools.web.pdf import read_pdf  # noqa: PLC0415 - see above

    return read_pdf(answer, clock) if answer.media_type == PDF else read_text_page(answer)
