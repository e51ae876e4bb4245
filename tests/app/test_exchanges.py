"""Exchanges are kept up to a bound and shown without secrets."""

from app.exchanges import MAX_EXCHANGES, ExchangeStore
from app.redaction import Redactor
from app.settings import BodySettings
from proxy.events import Exchange, RequestFinished


def test_the_oldest_go_first_by_number_and_by_size() -> None:
    by_number = ExchangeStore(Redactor(), max_exchanges=2)
    by_size = ExchangeStore(Redactor(), max_characters=25)
    for number in range(4):
        exchange = Exchange(f"req_{number}", client_request="x" * 10)
        by_number.keep(exchange)
        by_size.keep(exchange)

    for store in (by_number, by_size):
        kept = [number for number in range(4) if store.get(f"req_{number}") is not None]
        assert kept == [2, 3]


def test_of_failed_requests_whose_exchange_never_follows_only_the_newest_are_remembered() -> None:
    store = ExchangeStore(Redactor(), BodySettings(keep="errors"))
    for number in range(MAX_EXCHANGES + 1):
        store.finished(RequestFinished(f"req_{number}", 0.0, "error", 500, 1.0))

    assert not store.keep(Exchange("req_0"))
    assert store.keep(Exchange("req_1"))


def test_a_later_exchange_of_the_same_request_takes_the_place_of_the_earlier() -> None:
    store = ExchangeStore(Redactor(), max_characters=30)
    for size in (20, 25, 10):
        store.keep(Exchange("req_1", upstream_reply="x" * size))
    store.keep(Exchange("req_2", upstream_reply="y" * 20))

    first = store.get("req_1")
    assert first is not None
    assert first.upstream_reply == "x" * 10


def test_every_part_is_redacted_when_it_is_looked_at() -> None:
    key = "stored-value-1"
    store = ExchangeStore(Redactor([key]))
    store.keep(
        Exchange(
            "req_1",
            client_request=f"a {key}",
            upstream_request=f"b {key}",
            upstream_reply=f"c {key}",
            client_reply=f"d {key}",
            client_headers={"x-api-key": "whatever"},
            upstream_headers={"x-note": key},
        )
    )

    shown = store.get("req_1")

    assert shown is not None
    assert key not in repr(shown)
    assert shown.client_headers["x-api-key"] == "[redacted]"
