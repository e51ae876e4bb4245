"""Both sides of recent requests, in memory and bounded; secrets are taken out when one is looked at."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from types import MappingProxyType

from app.redaction import Redactor
from proxy.events import Exchange

MAX_EXCHANGES = 300
MAX_CHARACTERS = 48 * 2**20


class ExchangeStore:
    """Keeps the newest exchanges up to a number and a size."""

    def __init__(
        self, redactor: Redactor, *, max_exchanges: int = MAX_EXCHANGES, max_characters: int = MAX_CHARACTERS
    ) -> None:
        self._redactor = redactor
        self._max_exchanges = max_exchanges
        self._max_characters = max_characters
        self._kept: OrderedDict[str, Exchange] = OrderedDict()
        self._characters = 0

    def keep(self, exchange: Exchange) -> None:
        """Keeps an exchange, in place of an earlier one of the same request; the oldest go."""
        earlier = self._kept.pop(exchange.request_id, None)
        if earlier is not None:
            self._characters -= _characters(earlier)
        self._kept[exchange.request_id] = exchange
        self._characters += _characters(exchange)
        while self._kept and (
            len(self._kept) > self._max_exchanges or self._characters > self._max_characters
        ):
            _, oldest = self._kept.popitem(last=False)
            self._characters -= _characters(oldest)

    def get(self, request_id: str) -> Exchange | None:
        """Returns an exchange without its secrets; None when it is no longer kept."""
        found = self._kept.get(request_id)
        if found is None:
            return None
        text, mapping = self._redactor.text, self._redactor.mapping
        return replace(
            found,
            client_request=text(found.client_request),
            upstream_request=text(found.upstream_request),
            upstream_reply=text(found.upstream_reply),
            client_reply=text(found.client_reply),
            client_headers=MappingProxyType(mapping(found.client_headers)),
            upstream_headers=MappingProxyType(mapping(found.upstream_headers)),
        )


def _characters(exchange: Exchange) -> int:
    return sum(
        map(
            len,
            (
                exchange.client_request,
                exchange.upstream_request,
                exchange.upstream_reply,
                exchange.client_reply,
            ),
        )
    )
