from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from proxy.permissions.hosts import UrlRefusal
from proxy.permissions.url_syntax import read_url, resolve


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://docs.example.com", "https://docs.example.com/"),
        ("HTTPS://DOCS.example.com:443/X", "https://docs.example.com/X"),
        ("http://docs.example.com:80/x", "https://docs.example.com/x"),
        ("http://docs.example.com:8080/x", "http://docs.example.com:8080/x"),
        ("https://docs.example.com:/x", "https://docs.example.com/x"),
        ("https://docs.example.com/a/../b", "https://docs.example.com/b"),
        ("https://docs.example.com/a/%2E%2e/b/.", "https://docs.example.com/b/"),
        ("https://docs.example.com/a/..", "https://docs.example.com/"),
        ("https://docs.example.com//a//b", "https://docs.example.com//a//b"),
        ("https://docs.example.com/caf\u00e9?q=\u00e9#\u00e9", "https://docs.example.com/caf%C3%A9?q=%C3%A9"),
        ("https://docs.example.com/a b|c", "https://docs.example.com/a%20b%7Cc"),
        ("https://docs.example.com?q=a/b?c", "https://docs.example.com/?q=a/b?c"),
        ("https://docs.example.com?@127.0.0.1/", "https://docs.example.com/?@127.0.0.1/"),
        ("https://[2606:4700::1]:8443/", "https://[2606:4700::1]:8443/"),
        ("https://docs.example.com/%zz%2f", "https://docs.example.com/%zz%2f"),
    ],
)
def test_a_url_is_read_into_what_is_requested(text: str, url: str) -> None:
    assert read_url(text).url == url


def test_plain_http_is_kept_for_hosts_the_settings_name() -> None:
    local = frozenset({"localhost:8080", "127.0.0.1", "[::1]"})

    assert read_url("http://127.0.0.1/x", local).url == "http://127.0.0.1/x"
    assert read_url("http://[::1]/x", local).url == "http://[::1]/x"
    assert read_url("http://localhost/x", local).url == "https://localhost/x"


def test_the_length_of_a_query_is_that_of_its_text() -> None:
    assert read_url("https://example.org/?q=\u00e9").query_chars == 4


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://other.example/x", "https://other.example/x"),
        ("//other.example/x", "https://other.example/x"),
        ("/x?y#z", "https://example.org/x?y"),
        ("x", "https://example.org/a/x"),
        ("../x", "https://example.org/x"),
        ("../../../x", "https://example.org/x"),
        ("?page=2", "https://example.org/a/b?page=2"),
        ("", "https://example.org/a/b?q=1"),
        ("#part", "https://example.org/a/b?q=1"),
        ("a;b:c", "https://example.org/a/a;b:c"),
    ],
)
def test_a_redirect_may_be_relative_to_its_page(location: str, url: str) -> None:
    assert resolve(location, read_url("https://example.org/a/b?q=1")).url == url


@pytest.mark.parametrize(
    "location", ["http://example.org/", "HTTP://other.example/", "/\\x", "//a@b.example/", "x:y"]
)
def test_a_redirect_down_or_malformed_is_refused(location: str) -> None:
    with pytest.raises(UrlRefusal):
        resolve(location, read_url("https://example.org/"))


def test_plain_http_may_redirect_to_plain_http() -> None:
    base = read_url("http://localhost:8000/", frozenset({"localhost:8000"}))

    assert resolve("http://localhost:8000/x", base).url == "http://localhost:8000/x"


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_read_is_read_again_as_itself_and_by_the_http_client_too(path: str, query: str) -> None:
    try:
        target = read_url(f"https://docs.example.com/{path}?{query}")
    except UrlRefusal:
        return
    client = URL(target.url, encoded=True)

    assert target.url.isascii()
    assert read_url(target.url).url == target.url
    assert (client.raw_host, client.port, client.raw_path_qs) == (
        target.host.name,
        target.port,
        (target.path + target.query).removesuffix("?" if target.query == "?" else ""),
    )


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        target = read_url(text)
    except UrlRefusal:
        return
    assert target.scheme in {"http", "https"}
