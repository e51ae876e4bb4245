"""What a request must show before its body is read."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import SecretStr

from proxy.config import ClientToken, ServerConfig
from proxy.messages.errors import ClientError, ErrorType
from proxy.server import door
from proxy.server.door import FailedTokens, Head
from proxy.server.limits import Limits

TOKEN = "t" * 32
CONFIG = ServerConfig(SecretStr(TOKEN), port=4000, allowed_hosts=("box.lan",))
PORT = 4000


def head(*headers: tuple[str, str], method: str = "POST", target: str = "/v1/messages") -> Head:
    return Head(method, target, CIMultiDict(headers))


def refusal(check: Callable[[], object]) -> tuple[int, ErrorType]:
    with pytest.raises(ClientError) as caught:
        check()
    return caught.value.status, caught.value.type


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4000",
        "localhost:4000",
        "LocalHost:4000",
        "[::1]:4000",
        "box.lan",
        "box.lan:8080",
        "BOX.lan",
    ],
)
def test_our_own_names_pass(host: str) -> None:
    door.check_host(head(("Host", host)), CONFIG, PORT)


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "evil.example:4000", "127.0.0.1", "127.0.0.1:4001", "localhost:4000.evil.example",
        "localhost.evil.example:4000", "[::1]", "::1:4000", "[::ffff:127.0.0.1]:4000", "2130706433:4000",
        "0.0.0.0:4000", "127.1:4000", "box.lan:x", "a/?x=", "localhost:4000@evil.example", "127.0.0.1:04000",
    ],
)  # fmt: skip
def test_any_other_host_is_refused(host: str) -> None:
    assert refusal(lambda: door.check_host(head(("Host", host)), CONFIG, PORT)) == (403, ErrorType.PERMISSION)


@given(st.text())
def test_no_text_around_the_name_makes_a_host_ours(text: str) -> None:
    for host in (f"{text}.127.0.0.1:4000", f"127.0.0.1:4000{text}x", f"x{text}localhost:4000"):
        assert refusal(lambda host=host: door.check_host(head(("Host", host)), CONFIG, PORT))[0] == 403


@pytest.mark.parametrize("headers", [(), (("Host", "a"), ("Host", "a"))])
def test_a_request_has_exactly_one_host(headers: tuple[tuple[str, str], ...]) -> None:
    assert refusal(lambda: door.check_framing(head(*headers))) == (400, ErrorType.INVALID_REQUEST)


@pytest.mark.parametrize("lengths", [("5", "5"), ("-1",), ("+1",), ("1_0",), ("\u0665",), ("",)])
def test_a_length_is_one_plain_number(lengths: tuple[str, ...]) -> None:
    asked = head(("Host", "x"), *(("Content-Length", length) for length in lengths))
    assert refusal(lambda: door.check_framing(asked)) == (400, ErrorType.INVALID_REQUEST)


@pytest.mark.parametrize("target", ["http://evil.example/v1/messages", "evil.example:443", "*", ""])
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    assert refusal(lambda: door.check_framing(head(("Host", "x"), target=target)))[0] == 400


@pytest.mark.parametrize("origin", ["", "null", "http://localhost:4000", "https://evil.example"])
def test_any_origin_at_all_is_a_web_page(origin: str) -> None:
    assert refusal(lambda: door.check_origin(head(("Origin", origin)))) == (403, ErrorType.PERMISSION)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "", "NONE "])
def test_a_fetch_site_other_than_none_is_a_web_page(site: str) -> None:
    asked = head(("Sec-Fetch-Site", site))
    if site.strip().lower() == "none":
        door.check_origin(asked)
    else:
        assert refusal(lambda: door.check_origin(asked))[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        (("x-api-key", TOKEN),),
        (("Authorization", f"Bearer {TOKEN}"),),
        (("authorization", f"bearer   {TOKEN}"),),
        (("x-api-key", "another"), ("Authorization", f"Bearer {TOKEN}")),
    ],
)
def test_the_token_is_taken_from_either_header(headers: tuple[tuple[str, str], ...]) -> None:
    door.check_token(head(*headers), CONFIG)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("x-api-key", ""),),
        (("x-api-key", TOKEN[:-1]),),
        (("x-api-key", TOKEN + "t"),),
        (("x-api-key", "ü" * 32),),
        (("x-api-key", "\udcff" * 32),),
        (("Authorization", "Bearer"),),
        (("Authorization", f"Basic {TOKEN}"),),
        (("Authorization", TOKEN),),
        (("Cookie", f"token={TOKEN}"),),
    ],
)
def test_without_the_token_it_is_401(headers: tuple[tuple[str, str], ...]) -> None:
    assert refusal(lambda: door.check_token(head(*headers), CONFIG)) == (401, ErrorType.AUTHENTICATION)


def test_an_empty_token_in_the_settings_opens_nothing() -> None:
    config = ServerConfig(SecretStr(""))
    assert refusal(lambda: door.check_token(head(("x-api-key", "")), config))[0] == 401


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=UTF-8", "application/json;"])
def test_json_passes(kind: str) -> None:
    door.check_body_head(head(("Content-Type", kind), ("Content-Length", "10")), 10)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/plain; application/json",
        "application/json-patch+json",
        "application/json; x=y",
    ],
)
def test_another_content_type_is_415(kind: str) -> None:
    asked = head(("Content-Type", kind))
    assert refusal(lambda: door.check_body_head(asked, 10)) == (415, ErrorType.INVALID_REQUEST)


def test_a_compressed_body_is_415_before_it_is_read() -> None:
    asked = head(("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    assert refusal(lambda: door.check_body_head(asked, 10))[0] == 415


@pytest.mark.parametrize("length", ["11", "1000000000000"])
def test_a_declared_size_beyond_the_limit_is_413(length: str) -> None:
    asked = head(("Content-Type", "application/json"), ("Content-Length", length))
    assert refusal(lambda: door.check_body_head(asked, 10)) == (413, ErrorType.REQUEST_TOO_LARGE)


def test_wrong_tokens_are_answered_slowly_after_twenty_in_a_minute() -> None:
    now = [0.0]
    failed = FailedTokens(Limits(failures_per_minute=20, failure_delay_s=1.5), lambda: now[0])
    assert [failed.delay_s() for _ in range(20)] == [0.0] * 20
    assert failed.delay_s() == 1.5
    now[0] = 61.0
    assert failed.delay_s() == 0.0


def test_the_client_is_the_first_word_of_its_user_agent() -> None:
    assert door.client_of({"User-Agent": "claude-cli/2.1.330 (external, cli)"}) == "claude-cli/2.1.330"
    assert door.client_of({"User-Agent": "a\x1b[31mb c"}) == "a[31mb"
    assert door.client_of({}) == "unknown"
    assert len(door.client_of({"User-Agent": "x" * 500})) == 80


WITH_CLIENTS = replace(
    CONFIG,
    client_tokens=tuple(
        ClientToken(name, sha256((name * 9).encode()).hexdigest()) for name in ("phone", "laptop", "ci")
    ),
)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ([("x-api-key", TOKEN)], "local"),
        ([("x-api-key", "phone" * 9)], "phone"),
        ([("Authorization", "Bearer " + "ci" * 9)], "ci"),
        ([("x-api-key", "wrong"), ("Authorization", "bearer " + "laptop" * 9)], "laptop"),
        ([("x-api-key", "laptop" * 9), ("Authorization", "Bearer " + TOKEN)], "laptop"),
    ],
)
def test_the_first_right_token_names_the_client(headers: list[tuple[str, str]], name: str) -> None:
    assert door.check_token(head(*headers), WITH_CLIENTS) == name


@pytest.mark.parametrize("value", ["phone", "", WITH_CLIENTS.client_tokens[0].digest, "phone" * 9 + " x"])
def test_neither_a_name_nor_a_hash_is_a_token(value: str) -> None:
    config = replace(WITH_CLIENTS, token=SecretStr(""))
    assert refusal(lambda: door.check_token(head(("x-api-key", value)), config))[0] == 401


def test_a_token_is_compared_with_every_hash_whichever_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    real = hmac.compare_digest

    def noting(one: str, other: str) -> bool:
        compared.append(other)
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    for value in ("phone" * 9, "ci" * 9, "wrong", TOKEN):
        compared.clear()
        refused = value == "wrong"
        try:
            door.check_token(head(("x-api-key", value)), WITH_CLIENTS)
        except ClientError:
            assert refused
        assert len(compared) == 1 + len(WITH_CLIENTS.client_tokens)
