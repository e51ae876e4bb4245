"""Exchanges are kept up to a bound and shown without secrets."""

from app.exchanges import LEAST_BYTES, ExchangeStore
from app.redaction import Redactor
from app.settings import BodySettings
from proxy.events import Exchange

BODIES = BodySettings()


def _kept(store: ExchangeStore, number: int) -> list[int]:
    return [each for each in range(number) if store.get(f"req_{each}") is not None]


def test_the_oldest_go_first_when_all_together_are_too_large() -> None:
    large = "x" * LEAST_BYTES
    store = ExchangeStore(Redactor(), BODIES, max_bytes=5 * LEAST_BYTES)
    for number in range(4):
        store.keep(Exchange(f"req_{number}", client_request=large, client_reply=large), is_failed=False)
    assert _kept(store, 4) == [2, 3]


def test_size_is_the_rule_and_not_the_number() -> None:
    store = ExchangeStore(Redactor(), BodySettings(memory_mb=48))
    for number in range(1_500):
        store.keep(Exchange(f"req_{number}", client_request="x" * 10), is_failed=False)
    assert len(_kept(store, 1_500)) == 1_500


def test_a_text_counts_with_the_memory_it_takes() -> None:
    wide = "\N{SNOWMAN}" * LEAST_BYTES  # two bytes a character
    store = ExchangeStore(Redactor(), BODIES, max_bytes=4 * LEAST_BYTES)
    for number in range(2):
        store.keep(Exchange(f"req_{number}", client_request=wide), is_failed=False)
    assert _kept(store, 2) == [1]


def test_a_later_exchange_of_the_same_request_takes_the_place_of_the_earlier() -> None:
    store = ExchangeStore(Redactor(), BODIES, max_bytes=2 * LEAST_BYTES)
    for size in (20, 25, 10):
        store.keep(Exchange("req_1", upstream_reply="x" * size), is_failed=False)
    store.keep(Exchange("req_2", upstream_reply="y" * 20), is_failed=False)

    first = store.get("req_1")
    assert first is not None
    assert first.upstream_reply == "x" * 10


def test_from_all_to_errors_what_went_well_goes_at_once() -> None:
    store = ExchangeStore(Redactor(), BODIES)
    for number in range(4):
        store.keep(Exchange(f"req_{number}"), is_failed=number % 2 == 1)
    store.apply(BodySettings(keep="errors"))
    assert _kept(store, 4) == [1, 3]


def test_every_part_is_redacted_when_it_is_looked_at() -> None:
    key = "stored-value-1"
    store = ExchangeStore(Redactor([key]), BODIES)
    store.keep(
        Exchange(
            "req_1",
            client_request=f"a {key}",
            upstream_request=f"b {key}",
            upstream_reply=f"c {key}",
            client_reply=f"d {key}",
            client_headers={"x-api-key": "whatever"},
            upstream_headers={"x-note": key},
        ),
        is_failed=False,
    )

    shown = store.get("req_1")

    assert shown is not None
    assert key not in repr(shown)
    assert shown.client_headers["x-api-key"] == "[redacted]"
