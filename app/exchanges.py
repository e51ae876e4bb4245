"""Both sides of recent requests, in memory and bounded; secrets are taken out when one is looked at."""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.redaction import Redactor
from app.settings import BodySettings
from proxy.events import Exchange, UpstreamExchange

_MB = 2**20
LEAST_BYTES = 32 * 1024
"""What an exchange counts at least, so that very many small ones do not slow down what goes through them."""


@dataclass(frozen=True, slots=True)
class _Kept:
    exchange: Exchange
    is_failed: bool
    size: int


class ExchangeStore:
    """Keeps the newest exchanges up to a size."""

    def __init__(self, redactor: Redactor, bodies: BodySettings, *, max_bytes: int | None = None) -> None:
        """Makes an empty store.

        Args:
            redactor: Takes secrets out.
            bodies: What is kept.
            max_bytes: So large together at most; None: as `bodies` says.
        """
        self._redactor = redactor
        self._given_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self.apply(bodies)

    def apply(self, bodies: BodySettings) -> None:
        """Keeps what the settings say from now on; what is kept no more goes at once."""
        self._bodies = bodies
        given = self._given_bytes
        self._max_bytes = bodies.memory_mb * _MB if given is None else given
        for request_id, kept in tuple(self._kept.items()):
            if not is_wanted(bodies, is_failed=kept.is_failed):
                self._drop(request_id)
        self._shrink()

    def keep(self, exchange: Exchange, *, is_failed: bool) -> bool:
        """Keeps an exchange, in place of an earlier one of the same request; the oldest go.

        Returns:
            Whether it is one that is to be kept.
        """
        if not is_wanted(self._bodies, is_failed=is_failed):
            return False
        self._drop(exchange.request_id)
        exchange = _fitting(exchange, self._max_bytes)
        kept = _Kept(exchange, is_failed, max(LEAST_BYTES, _bytes(exchange)))
        self._kept[exchange.request_id] = kept
        self._bytes += kept.size
        self._shrink()
        return True

    def get(self, request_id: str) -> Exchange | None:
        """Returns an exchange with the secrets in it; None when it is no longer kept."""
        found = self._kept.get(request_id)
        return None if found is None else found.exchange

    def _drop(self, request_id: str) -> None:
        kept = self._kept.pop(request_id, None)
        if kept is not None:
            self._bytes -= kept.size

    def _shrink(self) -> None:
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))


def is_wanted(bodies: BodySettings, *, is_failed: bool) -> bool:
    """Says whether the settings want both sides of such a request kept."""
    return bodies.keep == "all" or (bodies.keep == "errors" and is_failed)


def part_of(exchange: Exchange, n: int | None) -> tuple[Exchange, UpstreamExchange | None]:
    """Returns an exchange with the bodies of one part only, and the attempt that it is.

    Args:
        exchange: With all bodies.
        n: The attempt's number; 0: the client's bodies; None: the last attempt's.
    """
    number = len(exchange.upstream) if n is None else n
    attempts = tuple(each if each.n == number else bodiless(each) for each in exchange.upstream)
    chosen = next((each for each in exchange.upstream if each.n == number), None)
    if number:
        exchange = replace(exchange, client_request="", client_reply="")
    return replace(exchange, upstream=attempts), chosen


def bodiless(attempt: UpstreamExchange) -> UpstreamExchange:
    """Returns an attempt without its bodies."""
    return replace(attempt, request="", reply="")


def redacted(exchange: Exchange, redactor: Redactor) -> Exchange:
    """Returns an exchange without the secrets in it."""
    text, mapping = redactor.text, redactor.mapping
    return replace(
        exchange,
        client_request=text(exchange.client_request),
        client_reply=text(exchange.client_reply),
        client_headers=MappingProxyType(mapping(exchange.client_headers)),
        upstream=tuple(
            replace(
                each,
                reason=text(each.reason),
                error_message=text(each.error_message),
                request=text(each.request),
                reply=text(each.reply),
                request_headers=MappingProxyType(mapping(each.request_headers)),
                reply_headers=MappingProxyType(mapping(each.reply_headers)),
                results=tuple(replace(one, text=text(one.text)) for one in each.results),
            )
            for each in exchange.upstream
        ),
    )


def _fitting(exchange: Exchange, max_bytes: int) -> Exchange:
    """Returns an exchange that fits, its oldest attempts without their bodies if need be."""
    attempts = exchange.upstream
    for number, each in enumerate(attempts):
        if _bytes(exchange) <= max_bytes:
            break
        lighter = replace(bodiless(each), is_dropped=True)
        attempts = (*attempts[:number], lighter, *attempts[number + 1 :])
        exchange = replace(exchange, upstream=attempts)
    return exchange


def _bytes(exchange: Exchange) -> int:
    parts = [exchange.client_request, exchange.client_reply]
    for each in exchange.upstream:
        parts += (each.request, each.reply, *(one.text for one in each.results))
    return sum(map(sys.getsizeof, parts))
