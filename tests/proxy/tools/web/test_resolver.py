from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest

from proxy.permissions.urls import NetworkFacts
from proxy.tools.web.resolver import JudgingResolver, Lookup, interface_addresses, system_lookup
from proxy.tools.web.values import FetchError


def _resolver(
    lookup: Lookup, facts: NetworkFacts | None = None, *, timeout_s: float = 5.0
) -> JudgingResolver:
    async def known() -> NetworkFacts:
        return facts or NetworkFacts()

    return JudgingResolver(lookup, known, timeout_s=timeout_s)


def _answering(*addresses: str) -> Lookup:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return addresses

    return lookup


async def test_good_answers_are_passed_on_as_addresses_to_connect_to() -> None:
    found = await _resolver(_answering("8.8.8.8", "2606:4700::1")).resolve("example.org", 443)

    assert [(each["hostname"], each["host"], each["port"], each["family"]) for each in found] == [
        ("example.org", "8.8.8.8", 443, socket.AF_INET),
        ("example.org", "2606:4700::1", 443, socket.AF_INET6),
    ]
    assert all(each["flags"] & socket.AI_NUMERICHOST for each in found)


@pytest.mark.parametrize("answers", [("8.8.8.8", "10.0.0.1"), (), ("fe80::1%eth0",)])
async def test_bad_answers_are_refused(answers: tuple[str, ...]) -> None:
    with pytest.raises(FetchError) as caught:
        await _resolver(_answering(*answers)).resolve("example.org", 443)

    assert caught.value.code == "url_not_allowed"


async def test_a_resolver_that_hangs_is_left_in_time() -> None:
    async def hangs(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(FetchError, match="took too long"):
        await _resolver(hangs, timeout_s=0.05).resolve("example.org", 443)


async def test_hosts_of_the_users_own_may_have_any_address_on_their_port_only() -> None:
    facts = NetworkFacts(local_hosts=frozenset({"localhost:8000"}))
    resolver = _resolver(_answering("127.0.0.1"), facts)

    assert (await resolver.resolve("localhost", 8000))[0]["host"] == "127.0.0.1"
    with pytest.raises(FetchError):
        await resolver.resolve("localhost", 8001)
    await resolver.close()


async def test_the_system_is_asked() -> None:
    assert "127.0.0.1" in await system_lookup("127.0.0.1", 80)
    with pytest.raises(OSError, match="no such name"):
        await system_lookup("nothing.invalid", 80)


def test_the_interfaces_addresses_are_known() -> None:
    assert "127.0.0.1" in interface_addresses()
    assert not any("%" in address for address in interface_addresses())
