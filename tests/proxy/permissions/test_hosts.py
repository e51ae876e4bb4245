from __future__ import annotations

import pytest

from proxy.permissions.hosts import Host, UrlRefusal, internal_reason, read_host


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EXAMPLE.org", "example.org"),
        ("example.org.", "example.org"),
        ("docs\u3002example\u3002com", "docs.example.com"),
        ("\uff45xample.org", "example.org"),
        ("exam\u00adple.org", "example.org"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("8.8.8.8", "8.8.8.8"),
        ("[2606:4700:0:0::1]", "2606:4700::1"),
        ("_dmarc.example.org", "_dmarc.example.org"),
    ],
)
def test_a_host_has_one_form(text: str, name: str) -> None:
    assert read_host(text).name == name


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a..b", ".example.org", "example.org..", "exa mple.org", "example.org^x", "a,b.example"),
        *(
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "127.0.0.1.",
            "\uff11\uff12\uff17.0.0.1",
            "256.1.1.1",
            "x.0x7f",
        ),
        *("[::1", "[::1%eth0]", "[docs.example.com]", "[]", "[1.2.3.4]"),
        *("xn--", "xn--a.example", "\u0301.example", "a" * 64 + ".example", ".".join(["a" * 60] * 5)),
        "\U0001f600.example",
    ],
)
def test_what_programs_read_differently_is_refused(text: str) -> None:
    with pytest.raises(UrlRefusal):
        read_host(text)


def test_punycode_is_shown_as_people_read_it() -> None:
    assert read_host("xn--bcher-kva.example").shown == "b\u00fccher.example"


@pytest.mark.parametrize(
    "name", ["localhost", "router", "nas.local", "x.internal", "metadata.google.example"]
)
def test_a_name_inside_a_network_is_known(name: str) -> None:
    assert internal_reason(Host(name, name)) is not None


@pytest.mark.parametrize("name", ["example.org", "internal.example", "8.8.8.8"])
def test_other_hosts_are_not_taken_for_internal(name: str) -> None:
    assert internal_reason(read_host(name)) is None


def test_a_name_too_long_to_be_mapped_is_refused() -> None:
    with pytest.raises(UrlRefusal, match="characters that no name can have"):
        read_host("\u00fc" * 20_000)
