"""Exchanges are kept up to a bound and shown without secrets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.exchanges import LEAST_BYTES, ExchangeStore, part_of, redacted
from app.redaction import Redactor
from app.settings import BodySettings
from proxy.events import Exchange, ToolResult, UpstreamExchange

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
        store.keep(Exchange("req_1", client_reply="x" * size), is_failed=False)
    store.keep(Exchange("req_2", client_reply="y" * 20), is_failed=False)

    first = store.get("req_1")
    assert first is not None
    assert first.client_reply == "x" * 10


def _attempt(n: int, **bodies: str) -> UpstreamExchange:
    return UpstreamExchange(n, 1, "one", "m", "why", 0.0, **bodies)  # pyright: ignore[reportArgumentType] - bodies


def test_the_bodies_of_every_attempt_count() -> None:
    large = "x" * LEAST_BYTES
    attempts = tuple(_attempt(n, request=large, reply=large) for n in (1, 2))
    store = ExchangeStore(Redactor(), BODIES, max_bytes=9 * LEAST_BYTES)
    for number in range(3):
        store.keep(Exchange(f"req_{number}", upstream=attempts), is_failed=False)
    assert _kept(store, 3) == [1, 2]


def test_of_a_request_that_is_too_large_the_first_attempts_lose_their_bodies_and_not_their_facts() -> None:
    large = "x" * LEAST_BYTES
    attempts = tuple(_attempt(n, request=large, reply=large) for n in (1, 2, 3))
    store = ExchangeStore(Redactor(), BODIES, max_bytes=5 * LEAST_BYTES)
    store.keep(Exchange("req_0"), is_failed=False)
    store.keep(Exchange("req_1", client_request="hello", upstream=attempts), is_failed=False)

    kept = store.get("req_1")
    assert kept is not None
    assert [each.is_dropped for each in kept.upstream] == [True, False, False]
    assert [len(each.request) for each in kept.upstream] == [0, LEAST_BYTES, LEAST_BYTES]
    assert kept.client_request == "hello"


@pytest.mark.parametrize(
    ("n", "client", "requests"),
    [(0, "c", ["", ""]), (1, "", ["a", ""]), (2, "", ["", "b"]), (None, "", ["", "b"])],
)
def test_of_what_is_looked_at_one_part_has_its_bodies(
    n: int | None, client: str, requests: list[str]
) -> None:
    exchange = Exchange(
        "req_1", client_request="c", upstream=(_attempt(1, request="a"), _attempt(2, request="b"))
    )
    part, chosen = part_of(exchange, n)
    assert part.client_request == client
    assert [each.request for each in part.upstream] == requests
    assert (chosen and chosen.n) == {0: None, None: 2}.get(n, n)


def test_from_all_to_errors_what_went_well_goes_at_once() -> None:
    store = ExchangeStore(Redactor(), BODIES)
    for number in range(4):
        store.keep(Exchange(f"req_{number}"), is_failed=number % 2 == 1)
    store.apply(BodySettings(keep="errors"))
    assert _kept(store, 4) == [1, 3]


def test_every_part_is_redacted() -> None:
    key = "stored-value-1"
    attempt = replace(
        _attempt(1, request=f"b {key}", reply=f"c {key}", error_message=f"e {key}"),
        reason=f"f {key}",
        request_headers={"x-note": key},
        reply_headers={"x-note": key},
        results=(ToolResult("call_1", "Read", f"g {key}"),),
    )
    shown = redacted(
        Exchange(
            "req_1",
            client_request=f"a {key}",
            client_reply=f"d {key}",
            client_headers={"x-api-key": "whatever"},
            upstream=(attempt,),
        ),
        Redactor([key]),
    )
    assert key not in repr(shown)
    assert repr(shown).count("[redacted]") == 10
    assert shown.client_headers["x-api-key"] == "[redacted]"
