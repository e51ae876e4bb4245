"""Both sides of recent requests, in memory and bounded; secrets are taken out when one is looked at."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import replace
from types import MappingProxyType

from app.redaction import Redactor
from app.settings import BodySettings
from proxy.events import Exchange, RequestFinished

MAX_EXCHANGES = 300
_MB = 2**20


class ExchangeStore:
    """Keeps the newest exchanges up to a number and a size."""

    def __init__(
        self,
        redactor: Redactor,
        bodies: BodySettings | None = None,
        *,
        max_exchanges: int = MAX_EXCHANGES,
        max_characters: int | None = None,
    ) -> None:
        """Makes an empty store.

        Args:
            redactor: Takes secrets out.
            bodies: What is kept.
            max_exchanges: So many at most.
            max_characters: So large together at most; None: as `bodies` says.
        """
        self._redactor = redactor
        self._max_exchanges = max_exchanges
        self._given_characters = max_characters
        self._kept: OrderedDict[str, Exchange] = OrderedDict()
        self._characters = 0
        self._failed: deque[str] = deque(maxlen=MAX_EXCHANGES)
        """Whose exchange is to follow; where none is announced, none does."""
        self.apply(bodies or BodySettings())

    def apply(self, bodies: BodySettings) -> None:
        """Keeps what the settings say from now on; what is kept no more goes at once."""
        self._bodies = bodies
        self._max_characters = self._given_characters or bodies.memory_mb * _MB
        if bodies.keep == "off":
            self._kept.clear()
            self._characters = 0
        self._shrink()

    def finished(self, event: RequestFinished) -> None:
        """Notes how a request ended; its exchange follows."""
        if event.outcome != "ok" and self._bodies.keep == "errors":
            self._failed.append(event.request_id)

    def keep(self, exchange: Exchange) -> bool:
        """Keeps an exchange, in place of an earlier one of the same request; the oldest go.

        Returns:
            Whether it is one that is to be kept.
        """
        is_failed = exchange.request_id in self._failed
        if is_failed:
            self._failed.remove(exchange.request_id)
        if self._bodies.keep == "off" or (self._bodies.keep == "errors" and not is_failed):
            return False
        earlier = self._kept.pop(exchange.request_id, None)
        if earlier is not None:
            self._characters -= _characters(earlier)
        self._kept[exchange.request_id] = exchange
        self._characters += _characters(exchange)
        self._shrink()
        return True

    def _shrink(self) -> None:
        while self._kept and (
            len(self._kept) > self._max_exchanges or self._characters > self._max_characters
        ):
            _, oldest = self._kept.popitem(last=False)
            self._characters -= _characters(oldest)

    def get(self, request_id: str) -> Exchange | None:
        """Returns an exchange without its secrets; None when it is no longer kept."""
        found = self._kept.get(request_id)
        return None if found is None else redacted(found, self._redactor)


def redacted(exchange: Exchange, redactor: Redactor) -> Exchange:
    """Returns an exchange without the secrets in it."""
    text, mapping = redactor.text, redactor.mapping
    return replace(
        exchange,
        client_request=text(exchange.client_request),
        upstream_request=text(exchange.upstream_request),
        upstream_reply=text(exchange.upstream_reply),
        client_reply=text(exchange.client_reply),
        client_headers=MappingProxyType(mapping(exchange.client_headers)),
        upstream_headers=MappingProxyType(mapping(exchange.upstream_headers)),
    )


def _characters(exchange: Exchange) -> int:
    parts = (
        exchange.client_request,
        exchange.upstream_request,
        exchange.upstream_reply,
        exchange.client_reply,
    )
    return sum(map(len, parts))
