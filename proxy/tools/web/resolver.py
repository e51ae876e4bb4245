"""Looks a name up once and lets a connection have only answers that were judged, all of them or none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from proxy.permissions.hosts import read_host
from proxy.permissions.responses import LOOKUP_SECONDS
from proxy.permissions.url_syntax import Target
from proxy.permissions.urls import NetworkFacts, judge_addresses
from proxy.tools.web.values import FetchError

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name; raises OSError where there are none."""
Facts = Callable[[], Awaitable[NetworkFacts]]

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


async def system_lookup(host: str, port: int) -> Sequence[str]:
    """Asks the system's resolver, in a thread."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def interface_addresses() -> frozenset[str]:
    """Returns the addresses of this machine's interfaces; it may block."""
    import psutil  # noqa: PLC0415 - of use only where pages are fetched

    families = (socket.AF_INET, socket.AF_INET6)
    return frozenset(
        each.address.partition("%")[0]
        for interface in psutil.net_if_addrs().values()
        for each in interface
        if each.family in families
    )


class JudgingResolver(AbstractResolver):
    """The resolver of the fetcher's connections."""

    def __init__(self, lookup: Lookup, facts: Facts, *, timeout_s: float = LOOKUP_SECONDS) -> None:
        """Makes a resolver.

        Args:
            lookup: Who knows the addresses.
            facts: What must be known to judge them, at this moment.
            timeout_s: How long a look-up may take.
        """
        self._lookup = lookup
        self._facts = facts
        self._timeout_s = timeout_s

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Looks a name up.

        Raises:
            FetchError: There is no answer, or one of them may not be connected to.
        """
        try:
            answers = await asyncio.wait_for(self._lookup(host, port), self._timeout_s)
        except asyncio.TimeoutError as error:
            raise FetchError("url_not_accessible", f"looking up {host} took too long") from error
        except (OSError, UnicodeError) as error:
            raise FetchError("url_not_accessible", f"there is no host {host}") from error
        # The scheme does not matter here: only the name and the port are compared.
        target = Target("https", read_host(host), port, "/")
        refusal = judge_addresses(target, answers, await self._facts())
        if refusal is not None:
            raise FetchError("url_not_allowed", refusal)
        return [_result(host, answer, port) for answer in answers]

    @override
    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, answer: str, port: int) -> ResolveResult:
    return {
        "hostname": host,
        "host": answer,
        "port": port,
        "family": _FAMILIES[ip_address(answer).version],
        "proto": 0,
        "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    }
