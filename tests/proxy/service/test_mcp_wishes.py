from __future__ import annotations

import pytest

from proxy.service.mcp_wishes import host_label, is_allowed

HOSTS = ("mcp.example", "127.0.0.1:8080", "Box.Example:8443")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://mcp.example/x", True),
        ("https://MCP.example:443/x", True),
        ("https://box.example:8443", True),
        ("http://127.0.0.1:8080/mcp", True),
        ("https://mcp.example:8443/x", False),
        ("http://mcp.example/x", False),
        ("https://box.example/x", False),
        ("https://mcp.example.evil.example/x", False),
        ("https://evil.example/mcp.example", False),
        ("https://mcp.example@evil.example/x", False),
        ("https://user:pass@mcp.example/x", False),
        ("https://evil.example#mcp.example", False),
        ("https://mcp.example:port/x", False),
        ("https://[::1", False),
        ("ftp://mcp.example/x", False),
        ("file:///etc/passwd", False),
        ("signalbox", False),
        ("", False),
    ],
)
def test_only_hosts_that_the_user_named_are_asked(url: str, *, allowed: bool) -> None:
    assert is_allowed(url, HOSTS) is allowed


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://mcp.example/x", "url-mcp-example"),
        ("https://mcp.example:443/x", "url-mcp-example"),
        ("http://127.0.0.1:8080/mcp", "url-127-0-0-1-8080"),
    ],
)
def test_a_remote_servers_tools_bear_its_hosts_name(url: str, label: str) -> None:
    assert host_label(url) == label


def test_hosts_that_begin_alike_or_are_not_ascii_have_labels_of_their_own() -> None:
    hosts = ["a" * 60 + ".example", "a" * 60 + ".evil", "bücher.example", "bächer.example", "b.cher.example"]
    labels = [host_label(f"https://{host}/mcp") for host in hosts]
    assert len(set(labels)) == len(hosts)
    assert all(label.isascii() and len(label) <= 34 for label in labels)
