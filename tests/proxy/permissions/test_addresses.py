from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.addresses import as_network, judge_address, judge_addresses


def _judged(text: str) -> str | None:
    return judge_addresses([text])


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1"])
def test_an_address_of_the_internet_may_be_reached(address: str) -> None:
    assert _judged(address) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "127.0.0.1 is a loopback address"),
        ("192.168.1.1", "192.168.1.1 is a private address"),
        ("169.254.169.254", "169.254.169.254 is a link-local address, where clouds keep their metadata"),
        ("168.63.129.16", "168.63.129.16 is a cloud platform's internal address"),
        ("::1", "::1 is a loopback address"),
        ("::", ":: is the unspecified address"),
        ("fe80::1%eth0", "fe80::1%eth0 is a link-local address"),
        ("5f00::1", "5f00::1 is not an address of the internet"),
    ],
)
def test_a_special_address_is_refused_and_named(address: str, reason: str) -> None:
    assert _judged(address) == reason


@pytest.mark.parametrize(
    ("address", "embedded"),
    [
        ("::ffff:7f00:1", "IPv4-mapped address (127.0.0.1)"),
        ("::ffff:0:a00:1", "IPv4-translated address (10.0.0.1)"),
        ("::a00:1", "IPv4-compatible address (10.0.0.1)"),
        ("64:ff9b::a9fe:a9fe", "NAT64 address (169.254.169.254)"),
        ("64:ff9b:1::a00:1", "local NAT64 address (10.0.0.1)"),
        ("2002:c0a8:101::", "6to4 address (192.168.1.1)"),
        ("2001::80ff:fffe", "Teredo address (127.0.0.1)"),
        ("2606:4700::5efe:a00:1", "ISATAP address (10.0.0.1 is a private address)"),
        ("2606:4700::200:5efe:a00:1", "ISATAP address (10.0.0.1 is a private address)"),
    ],
)
def test_an_embedded_ipv4_address_is_unpacked(address: str, embedded: str) -> None:
    assert embedded in (_judged(address) or "")


def test_an_isatap_address_of_the_internet_may_be_reached() -> None:
    assert _judged("2606:4700::200:5efe:808:808") is None


def test_one_bad_answer_refuses_all() -> None:
    assert judge_addresses(["8.8.8.8", "2606:4700::1", "10.0.0.1"]) == "10.0.0.1 is a private address"


def test_no_answer_is_refused() -> None:
    assert judge_addresses([]) == "the name has no address"


def test_an_answer_that_is_no_address_is_refused() -> None:
    assert judge_addresses(["8.8.8.8", "<hang>"]) == "the look-up gave no usable address (<hang>)"


def test_an_address_of_this_machine_is_refused_though_it_is_public() -> None:
    assert judge_addresses(["8.8.8.8"], own=["8.8.8.8"]) == "8.8.8.8 is an address of this machine"


def test_networks_named_as_public_are_reached() -> None:
    public = (as_network("203.0.113.0/24"), as_network("2001:db8:cafe::/48"))

    assert judge_addresses(["203.0.113.9", "2001:db8:cafe::1"], public=public) is None
    assert judge_addresses(["2001:db8::1"], public=public) is not None


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_what_embeds_an_ipv4_address_is_never_laxer_than_that_address(bits: int) -> None:
    inner = judge_address(IPv4Address(bits))
    forms = [
        IPv6Address(0xFFFF << 32 | bits),
        IPv6Address(0xFFFF << 48 | bits),
        IPv6Address(0x64FF9B << 96 | bits),
        IPv6Address(0x2002 << 112 | bits << 80),
        IPv6Address(0x20010000 << 96 | (bits ^ 0xFFFFFFFF)),
        IPv6Address(0x26064700 << 96 | 0x5EFE << 32 | bits),
    ]

    if inner is not None:
        assert all(judge_address(form) is not None for form in forms)


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_loopback_or_link_local_is_reached(
    address: IPv4Address | IPv6Address,
) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified:
        assert judge_address(address) is not None
