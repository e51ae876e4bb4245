"""Ids are never given twice, look as Anthropic's do, and sort by the time at which they were made."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timezone
from itertools import pairwise

import pytest

from proxy.ids import new_id

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""In the order in which texts sort."""


def _made_at_ms(made: str) -> int:
    value = 0
    for character in made[:7]:
        value = value * 62 + BASE62.index(character)
    return value


@pytest.mark.parametrize("prefix", ["msg_", "req_", "", "chatcmpl-"])
def test_an_id_is_its_prefix_and_24_characters_of_base_62(prefix: str) -> None:
    assert all(re.fullmatch(re.escape(prefix) + "[0-9A-Za-z]{24}", new_id(prefix)) for _ in range(500))


def test_no_two_threads_get_the_same_id() -> None:
    threads = 8
    found: list[list[str]] = [[] for _ in range(threads)]
    begin = threading.Barrier(threads)

    def make(into: list[str]) -> None:
        begin.wait(10)
        into.extend(new_id("msg_") for _ in range(5_000))

    running = [threading.Thread(target=make, args=(each,)) for each in found]
    for each in running:
        each.start()
    for each in running:
        each.join(30)

    made = [each for one in found for each in one]
    assert len(made) == threads * 5_000
    assert len(set(made)) == len(made)


def test_an_id_of_a_later_millisecond_sorts_later() -> None:
    made = [new_id("")]
    while len({each[:7] for each in made[-200:]}) < 2:
        made.append(new_id(""))
    first, last = made[0], made[-1]
    assert last > first
    assert _made_at_ms(last) > _made_at_ms(first)
    assert all(_made_at_ms(one) <= _made_at_ms(other) for one, other in pairwise(made))


def test_an_id_begins_with_milliseconds_since_the_epoch() -> None:
    moment = datetime.fromtimestamp(_made_at_ms(new_id("")) / 1000, timezone.utc)
    assert 2024 <= moment.year < 2081


def test_every_character_is_as_likely_as_the_others() -> None:
    random_part = "".join(new_id("")[7:] for _ in range(20_000))
    counts = [random_part.count(each) for each in BASE62]
    mean = len(random_part) / 62
    assert all(abs(count - mean) < 8 * mean**0.5 for count in counts)  # eight deviations: not by chance
