"""The fetcher against a scripted site; what the pure judges decide is proven with them."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.permissions.responses import MAX_BODY_BYTES
from proxy.permissions.values import Policy
from proxy.tools.web.values import Fetched, FetchError, HandedBack
from tests.proxy.permissions.web_rules import fetch_rule
from tests.proxy.tools.web.certificates import certified
from tests.proxy.tools.web.site import RULES, TEST_INTERNET, Names, fetching, moved, page, site_of


async def _refusal(url: str, names: Names | None = None, *, timeout_s: float = 20.0) -> FetchError:
    async with fetching(names, timeout_s=timeout_s) as fetcher:
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(url, RULES)
    return caught.value


async def _page(url: str, names: Names | None = None) -> Fetched:
    async with fetching(names) as fetcher:
        answer = await fetcher.fetch(url, RULES)
    assert isinstance(answer, Fetched)
    return answer


async def test_a_page_is_fetched_with_its_kind_and_encoding() -> None:
    async with site_of({"/x": page("h\u00e9".encode("latin-1"), "Text/HTML; charset=latin-1")}) as site:
        answer = await _page(site.url("/x"))

    assert answer == Fetched(site.url("/x"), "text/html", "latin-1", b"h\xe9")


async def test_the_request_is_what_was_judged_and_carries_nothing_of_the_users(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    (home / ".netrc").write_text("machine docs.example.com login a password b\n", encoding="utf-8")
    path = "/a/%2F/%zz/b?q=%26&r=+x%20y"
    async with site_of({path: page()}) as site:
        await _page(site.url(path + "#part"))

    head = site.asked[0]
    assert head.startswith(f"GET {path} HTTP/1.1\r\n")
    assert f"\r\nHost: docs.example.com:{site.port}\r\n" in head
    names = [line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line]
    assert sorted(names) == ["accept", "accept-encoding", "connection", "host", "user-agent"]


async def test_a_name_is_looked_up_once_for_a_connection() -> None:
    names = Names({"docs.example.com": [["127.0.0.1"], ["10.0.0.1"]]})
    async with site_of({"/": page(b"x")}) as site:
        await _page(site.url(), names)

    assert names.asked == ["docs.example.com"]


@pytest.mark.parametrize("answers", [["10.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["127.0.0.1", "::1"]])
async def test_one_bad_answer_refuses_the_page_before_anything_is_connected(answers: list[str]) -> None:
    async with site_of({"/": page()}) as site:
        error = await _refusal(site.url(), Names({"docs.example.com": [answers]}))

    assert (error.code, site.asked) == ("url_not_allowed", [])
    assert str(error).startswith("docs.example.com: ")


async def test_an_unknown_name_is_said_to_be_unknown() -> None:
    error = await _refusal("https://docs.example.com/", Names({"docs.example.com": [[]]}))

    assert (error.code, str(error)) == ("url_not_accessible", "there is no host docs.example.com")


async def test_an_address_of_this_machine_is_refused() -> None:
    async with site_of({"/": page()}) as site:
        facts = replace(TEST_INTERNET, own_addresses=frozenset({"127.0.0.1"}))
        async with fetching(facts=facts) as fetcher:
            with pytest.raises(FetchError, match="an address of this machine"):
                await fetcher.fetch(site.url(), RULES)


async def test_a_host_that_the_settings_name_is_fetched_though_it_is_on_this_machine() -> None:
    async with site_of({"/": page(b"mine")}) as site:
        local = replace(TEST_INTERNET, public=(), local_hosts=frozenset({f"localhost:{site.port}"}))
        async with fetching(facts=local) as fetcher:
            answer = await fetcher.fetch(site.url(host="localhost"), RULES)

    assert isinstance(answer, Fetched)
    assert answer.body == b"mine"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://docs.example.com/", "invalid_tool_input"),
        ("https://a@docs.example.com/", "invalid_tool_input"),
        ("https://docs.example.com/" + "a" * 2100, "url_too_long"),
        ("https://x.blocked.example/", "url_not_allowed"),
        ("https://10.0.0.1/", "url_not_allowed"),
        ("https://docs.example.com/{SECRET:x}", "url_not_allowed"),
    ],
)
async def test_what_is_denied_is_not_looked_up(url: str, code: str) -> None:
    names = Names()
    error = await _refusal(url, names)

    assert (error.code, names.asked) == (code, [])


async def test_redirects_within_a_host_are_followed_and_looked_up_anew() -> None:
    names = Names()
    pages = {"/a": moved("/b", more="Set-Cookie: a=b\r\n"), "/b": moved("c?x", "308 Permanent Redirect")}
    async with site_of({**pages, "/c?x": page(b"here")}) as site:
        answer = await _page(site.url("/a"), names)

    assert (answer.url, answer.body) == (site.url("/c?x"), b"here")
    assert names.asked == ["docs.example.com"] * 3
    assert not any("cookie" in head.lower() for head in site.asked)


async def test_a_name_that_moves_inside_between_two_hops_is_refused() -> None:
    names = Names({"docs.example.com": [["127.0.0.1"], ["10.0.0.1"]]})
    async with site_of({"/a": moved("/b"), "/b": page(b"secret")}) as site:
        error = await _refusal(site.url("/a"), names)

    assert (error.code, site.paths) == ("url_not_allowed", ["/a"])


async def test_a_redirect_to_a_host_without_a_rule_is_handed_back() -> None:
    names = Names()
    pages = {"/a": moved("https://attacker.example/?leak=1", "301 Moved Permanently")}
    async with site_of(pages) as site, fetching(names) as fetcher:
        answer = await fetcher.fetch(site.url("/a"), RULES)

    reason = "no rule is about attacker.example"
    assert answer == HandedBack(site.url("/a"), "https://attacker.example/?leak=1", 301, reason)
    assert names.asked == ["docs.example.com"]


@pytest.mark.parametrize(
    "location",
    [
        *("http://169.254.169.254/", "//10.0.0.1/", "https://x.blocked.example/", "https://nas.local/"),
        *("file:///etc/passwd", "https://a@docs.example.com/", "/\\10.0.0.1/", "https://docs.example.com:x/"),
    ],
)
async def test_a_redirect_that_is_denied_ends_the_fetch(location: str) -> None:
    async with site_of({"/a": moved(location)}) as site:
        error = await _refusal(site.url("/a"))

    assert (error.code, site.paths) == ("url_not_allowed", ["/a"])


async def test_the_sixth_redirect_ends_the_fetch() -> None:
    async with site_of({"/a": moved("/a")}) as site:
        error = await _refusal(site.url("/a"))

    assert (str(error), len(site.asked)) == ("there were more than 5 redirects", 6)


async def test_a_redirect_with_two_targets_is_no_page() -> None:
    async with site_of({"/a": moved("/b", more="Location: /c\r\n")}) as site:
        error = await _refusal(site.url("/a"))

    assert error.code == "url_not_accessible"


async def test_refresh_is_not_followed() -> None:
    async with site_of({"/": page(b"x", more="Refresh: 0; url=http://10.0.0.1/\r\n")}) as site:
        assert (await _page(site.url())).body == b"x"


async def test_a_connection_that_fails_is_tried_once_more_and_judged_anew() -> None:
    tries = 0

    async def breaks_off_once(writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        if tries > 1:
            writer.write(page(b"second"))

    names = Names()
    async with site_of({"/": breaks_off_once}) as site:
        assert (await _page(site.url(), names)).body == b"second"
    assert names.asked == ["docs.example.com"] * 2


async def test_a_retry_does_not_go_to_an_address_that_was_not_judged() -> None:
    names = Names({"docs.example.com": [["127.0.0.1"], ["192.168.0.1"]]})
    async with site_of({"/": b""}) as site:
        error = await _refusal(site.url(), names)

    assert (error.code, len(site.asked)) == ("url_not_allowed", 1)


async def test_a_host_that_refuses_connections_is_not_accessible() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = await _refusal(f"http://docs.example.com:{unused.getsockname()[1]}/")

    assert (error.code, "the connection fails" in str(error)) == ("url_not_accessible", True)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("404 Nope", "404 Not Found"),
        ("500 x", "500 Internal Server Error"),
        ("799 x", "799"),
        ("304 x", "304 Not"),
    ],
)
async def test_an_error_is_told_by_its_number(status: str, words: str) -> None:
    async with site_of({"/": page(b"", status=status)}) as site:
        error = await _refusal(site.url())

    assert (error.code, f"it answers {words}" in str(error)) == ("url_not_accessible", True)


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "application/zip", ""])
async def test_a_page_that_is_no_text_is_not_read(kind: str) -> None:
    async with site_of({"/": page(b"x", kind)}) as site:
        error = await _refusal(site.url())

    assert error.code == "unsupported_content_type"


async def test_a_page_announced_too_long_is_not_read() -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {5 * 2**30}\r\n\r\n"
    async with site_of({"/": head.encode()}) as site:
        error = await _refusal(site.url())

    assert error.code == "content_too_large"


async def test_an_endless_page_is_left_at_the_limit() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    async with site_of({"/": endless}) as site:
        error = await _refusal(site.url())

    assert error.code == "content_too_large"


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_a_small_page_that_inflates_to_a_large_one_is_left_at_the_limit(packing: str) -> None:
    body = b"\0" * (MAX_BODY_BYTES + 1)
    packed = gzip.compress(body) if packing == "gzip" else zlib.compress(body)
    async with site_of({"/": page(packed, more=f"Content-Encoding: {packing}\r\n")}) as site:
        error = await _refusal(site.url())

    assert error.code == "content_too_large"


async def test_nested_packing_is_refused() -> None:
    packed = gzip.compress(gzip.compress(b"x"))
    async with site_of(
        {"/": page(packed, more="Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n")}
    ) as site:
        error = await _refusal(site.url())

    assert error.code == "unsupported_content_type"


async def test_a_packed_page_is_unpacked() -> None:
    packed = gzip.compress(b"words " * 1000)
    async with site_of({"/": page(packed, more="Content-Encoding: gzip\r\n")}) as site:
        assert (await _page(site.url())).body == b"words " * 1000


async def test_a_page_that_is_not_packed_as_it_says_is_not_accessible() -> None:
    async with site_of({"/": page(b"plain", more="Content-Encoding: gzip\r\n")}) as site:
        assert "not packed as it says" in str(await _refusal(site.url()))


async def test_a_page_that_breaks_off_is_not_accessible() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nonly this"
    async with site_of({"/": head}) as site:
        assert "it breaks off" in str(await _refusal(site.url()))


async def test_a_server_that_does_not_answer_is_left_in_time() -> None:
    async def silent(_writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with site_of({"/": silent}) as site:
        error = await _refusal(site.url(), timeout_s=0.1)

    assert (error.code, str(error)) == ("url_not_accessible", "the page took longer than 0.1 s")


async def test_a_page_that_drips_is_left_in_time() -> None:
    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nx")
        await asyncio.Event().wait()

    async with site_of({"/": drips}) as site:
        assert (await _refusal(site.url(), timeout_s=0.1)).code == "url_not_accessible"


@pytest.mark.parametrize("line", [b"X-%d: y\r\n", b"X: " + b"y" * 70_000 + b"%d\r\n"])
async def test_headers_without_an_end_are_refused(line: bytes) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        number = 0
        while not writer.is_closing():
            writer.write(line % number)
            await writer.drain()
            number += 1

    async with site_of({"/": endless}) as site:
        assert "not proper HTTP" in str(await _refusal(site.url()))


async def test_tls_is_checked_for_the_name_that_was_judged(tmp_path: Path) -> None:
    trusted = certified(tmp_path, "docs.example.com")
    async with (
        site_of({"/": page(b"safe")}, tls=trusted.server) as site,
        fetching(tls=trusted.client) as fetcher,
    ):
        answer = await fetcher.fetch(site.url(scheme="https"), RULES)
        with pytest.raises(FetchError, match="certificate is not valid"):
            await fetcher.fetch(site.url(scheme="https", host="example.org"), RULES)

    assert isinstance(answer, Fetched)
    assert answer.body == b"safe"
    assert trusted.names_asked_for == ["docs.example.com", "example.org"]


async def test_a_certificate_that_nobody_trusts_is_refused(tmp_path: Path) -> None:
    async with site_of({"/": page(b"x")}, tls=certified(tmp_path, "docs.example.com").server) as site:
        error = await _refusal(site.url(scheme="https"))

    assert (error.code, "certificate is not valid" in str(error)) == ("url_not_accessible", True)


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    expired = certified(tmp_path, "docs.example.com", is_expired=True)
    async with (
        site_of({"/": page(b"x")}, tls=expired.server) as site,
        fetching(tls=expired.client) as fetcher,
    ):
        with pytest.raises(FetchError, match="certificate is not valid"):
            await fetcher.fetch(site.url(scheme="https"), RULES)


async def test_pages_are_fetched_again_after_closing() -> None:
    async with site_of({"/": page(b"x")}) as site, fetching() as fetcher:
        await fetcher.fetch(site.url(), RULES)
        await fetcher.aclose()
        await fetcher.fetch(site.url(), RULES)

    assert site.paths == ["/", "/"]


async def test_a_rule_made_meanwhile_denies_the_next_fetch() -> None:
    denying = Policy("strict", (fetch_rule("deny", "domain:docs.example.com"),))
    async with site_of({"/": page(b"x")}) as site, fetching() as fetcher:
        await fetcher.fetch(site.url(), RULES)
        with pytest.raises(FetchError, match=r"deny rule WebFetch\(domain:docs.example.com\)"):
            await fetcher.fetch(site.url(), denying)
