"""Which IP addresses a fetch may reach: an explicit table, with every embedded IPv4 address unpacked.

The standard library's `is_private` and `is_global` are not asked: their answers differ between versions of
Python, and they call tunnelled, translated and cloud-metadata addresses global.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_SPECIAL_4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an address of this machine"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's internal address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud platform's internal address"),
        ("169.254.0.0/16", "a link-local address, where clouds keep their metadata"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address reserved for protocols"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.31.196.0/24", "an address reserved for protocols"),
        ("192.52.193.0/24", "an address reserved for protocols"),
        ("192.88.99.0/24", "a tunnel's relay address"),
        ("192.168.0.0/16", "a private address"),
        ("192.175.48.0/24", "an address reserved for protocols"),
        ("198.18.0.0/15", "an address reserved for benchmarks"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_UNICAST_6 = IPv6Network("2000::/3")
"""All of IPv6 that is given to anybody on the internet; what is outside is special, whatever it is for."""
_SPECIAL_6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("100::/64", "an address that discards everything"),
        ("2001:db8::/32", "a documentation address"),
        ("2001::/23", "an address reserved for protocols"),
        ("2620:4f:8000::/48", "an address reserved for protocols"),
        ("3ffe::/16", "an address of a network that is no more"),
        ("3fff::/20", "a documentation address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address of old"),
        ("ff00::/8", "a multicast address"),
    )
)
_NARROW_6 = tuple(entry for entry in _SPECIAL_6 if entry[0].prefixlen > 32)
"""Those that lie within a form that embeds an IPv4 address, or beside one: they are asked first."""
_EMBEDDING: tuple[tuple[IPv6Network, str, int], ...] = tuple(
    (IPv6Network(network), kind, shift)
    for network, kind, shift in (
        ("::ffff:0:0/96", "IPv4-mapped", 0),
        ("::ffff:0:0:0/96", "IPv4-translated", 0),
        ("64:ff9b::/96", "NAT64", 0),
        ("64:ff9b:1::/48", "local NAT64", 0),
        ("2002::/16", "6to4", 80),
        ("2001::/32", "Teredo", 0),
        ("::/96", "IPv4-compatible", 0),
    )
)
"""Forms that stand for an IPv4 address, and how many bits follow it. Whatever they embed they are refused: no
server on the internet is reached by such an address without somebody's translator or tunnel in between."""
_TEREDO = IPv6Network("2001::/32")
_ISATAP = (0x00005EFE, 0x02005EFE)


def as_network(text: str) -> Network:
    """Returns the network that a text like `203.0.113.0/24` names.

    Raises:
        ValueError: It names none.
    """
    return ip_network(text)


def judge_addresses(
    answers: Iterable[str], *, public: Sequence[Network] = (), own: Iterable[str] = ()
) -> str | None:
    """Judges all answers of one look-up; one that may not be reached refuses them all.

    Args:
        answers: Addresses as text, as the resolver gave them.
        public: Networks that count as public although the table says otherwise.
        own: Addresses of this machine's interfaces.

    Returns:
        Why nothing may be connected to; None: every answer may be.
    """
    ours = frozenset(own)
    is_empty = True
    for answer in answers:
        is_empty = False
        try:
            address = ip_address(answer)
        except ValueError:
            return f"the look-up gave no usable address ({answer})"
        refusal = judge_address(address, public=public, own=ours)
        if refusal is not None:
            return refusal
    return "the name has no address" if is_empty else None


def judge_address(
    address: Address, *, public: Sequence[Network] = (), own: frozenset[str] = frozenset()
) -> str | None:
    """Returns why an address may not be reached, as a sentence such as `10.0.0.1 is a private address`."""
    if str(address) in own:
        return f"{address} is an address of this machine"
    if any(address in network for network in public if network.version == address.version):
        return None
    kind = _special_4(address) if isinstance(address, IPv4Address) else _special_6(address)
    return None if kind is None else f"{address} is {kind}"


def _special_4(address: IPv4Address) -> str | None:
    return next((kind for network, kind in _SPECIAL_4 if address in network), None)


def _special_6(address: IPv6Address) -> str | None:
    plain = IPv6Address(int(address))
    narrow = next((kind for network, kind in _NARROW_6 if plain in network), None)
    if narrow is not None:
        return narrow
    for network, kind, shift in _EMBEDDING:
        if plain in network:
            return f"{_article(kind)} {kind} address ({_embedded(plain, network, shift)})"
    if (int(plain) >> 32) & 0xFFFFFFFF in _ISATAP:
        inner = _special_4(IPv4Address(int(plain) & 0xFFFFFFFF))
        if inner is not None:
            return f"an ISATAP address ({IPv4Address(int(plain) & 0xFFFFFFFF)} is {inner})"
    special = next((kind for network, kind in _SPECIAL_6 if plain in network), None)
    if special is None and plain not in _UNICAST_6:
        return "not an address of the internet"
    return special


def _article(kind: str) -> str:
    return "an" if kind.startswith("IPv4") else "a"


def _embedded(address: IPv6Address, network: IPv6Network, shift: int) -> IPv4Address:
    bits = (int(address) >> shift) & 0xFFFFFFFF
    return IPv4Address(bits ^ 0xFFFFFFFF if network == _TEREDO else bits)
