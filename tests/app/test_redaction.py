"""Redaction against the corpus of secrets: no leak, no ordinary line changed, twice is as once."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.redaction import REDACTED, Redactor

_PREFIXES = (
    "sk-ant-",
    "sk-or-v1-",
    "sk-or-",
    "sk-proj-",
    "sk-svcacct-",
    "sk-admin-",
    "github_pat_",
    "sbx_",
    "nvapi-",
)


def _corpus(shared_data: Path) -> list[dict[str, Any]]:
    lines = (shared_data / "attacks" / "open" / "secrets.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _leaks(secret: str, shown: str) -> bool:
    body = secret[:-4]
    for prefix in _PREFIXES:
        body = body.removeprefix(prefix)
    return any(body[at : at + 8] in shown for at in range(len(body) - 7)) or (
        len(body) < 8 and secret in shown
    )


def test_no_secret_of_the_corpus_is_left_and_no_ordinary_line_is_changed(shared_data: Path) -> None:
    failures: list[str] = []
    for line in _corpus(shared_data):
        text = "".join(line["input"])
        secrets = ["".join(each) for each in line.get("secrets", [])]
        is_known = "known-value match" in str(line["why"])
        redactor = Redactor(secrets if is_known else ())
        shown = redactor.text(text)
        if line["expect"] == "keep":
            if shown != text:
                failures.append(f"{line['id']} changed: {text!r} -> {shown!r}")
            continue
        failures += [f"{line['id']} leaks: {shown!r}" for each in secrets if _leaks(each, shown)]
        failures += [
            f"{line['id']} lost {each!r}: {shown!r}"
            for each in line.get("must_contain", [])
            if each not in shown
        ]
        if redactor.text(shown) != shown:
            failures.append(f"{line['id']} not stable: {shown!r} -> {redactor.text(shown)!r}")
        if shown == text:
            failures.append(f"{line['id']} unchanged: {text!r}")
    assert failures == []


_HEX = "0123456789abcdef"
_MADE = {  # fragments, so that no scanner takes them for keys
    "openrouter": ("sk-or-", "v1-" + _HEX * 4),
    "anthropic": ("sk-ant-", "api03-" + "aB3_" * 22 + "AA"),
    "openai": ("sk-pr", "oj-" + "Zx9-" * 30),
    "openai of old": ("sk-", "aB3dE5" * 3 + "T3Blbk" + "FJ" + "qR7tU9" * 3),
    "google": ("AI", "za" + "Sy9_k" * 7),
    "groq": ("gsk", "_" + "aB3dE5fG" * 6),
    "aws": ("AK", "IA" + "Q2W3E4R5T6Y7U8I9"),
    "github": ("gh", "s_" + "aB3dE5" * 6),
    "gitlab": ("gl", "pat-" + "aB3_E" * 4),
    "slack": ("xo", "xb-123456789012-123456789012-" + "aB3d" * 6),
    "stripe": ("sk_", "test_" + "aB3dE5" * 4),
    "sendgrid": ("S", "G." + "aB3dE5fGhIjK" * 2 + "." + "qR7tU9vW" * 5),
    "npm": ("np", "m_" + "aB3dE5" * 6),
    "pypi": ("py", "pi-" + "AgEIcHlwaS5vcmcC" * 4),
    "telegram": ("1234567890:", "AA" + "aB3dE5fGhIj" * 3),
    "discord": ("M", "aB3dE5fGhIjKlMnOpQrStU9" + ".aB3dE5." + "aB3dE5fGhI" * 4),
    "z.ai": (_HEX * 2, ".aB3dE5fGhIjK7m9Q"),
    "jwt": ("ey", "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiAiQkJWbkxq.7QEL0Vrg0ONqjSJN5AuMdd"),
    "hugging face": ("hf", "_" + "aB3dE5f" * 5),
    "ours": ("sb", "x_" + "aB3_E" * 8),
}
_AROUND = (
    "{}",
    "key {} for openrouter",
    "x-api-key: {}",
    "Authorization: Bearer {}",
    '{{"api_key":"{}","model":"small"}}',
    "('{}',)",
    "a={};b",
    "a={}&b",
    "a={})b",
    "a={}]b",
    "a={}>b",
    "a={}|b",
    "{},{}",
    "url=https://x.example/?key={}&alt=json",
    "\x1b[31m{}\x1b[0m",
    "{}…",
    "[(b'x-api-key', b'{}')]",
    '\\"{}\\"',
    "line\n{}\nline",
)


@pytest.mark.parametrize("kind", _MADE)
@pytest.mark.parametrize("around", _AROUND)
def test_a_key_of_a_known_kind_is_found_wherever_it_stands(kind: str, around: str) -> None:
    key = "".join(_MADE[kind])

    shown = Redactor().text(around.format(key, key))

    assert not _leaks(key, shown)
    assert Redactor().text(shown) == shown


@pytest.mark.parametrize(
    "line",
    [
        "password={}",
        "password: {}",
        '"password": "{}"',
        "PASSWORD={}",
        "db_password={}",
        "DB_PASS={}",
        "pwd={};x",
        "client_secret={}",
        "refresh_token={}",
        "access_token={}&x=1",
        "MY_TOKEN: {}",
        "export MY_SERVICE_SECRET={}",
        "--api-key {} --model small",
        "--api-key={}",
        "--password {}",
        "{{'BRAIN_API_KEY': '{}'}}",
        "sshpass -p {} ssh x",
        "https://user:{}@proxy.example.test:8080",
        "redis://:{}@h:1",
        "Authorization: Basic {}",
        "Cookie: session={}; theme=dark",
        "Set-Cookie: sid={}; Path=/",
        '{{"cookie":"sid={}"}}',
        "X-Subscription-Token: {}",
        'apiKey: "{}"',
        "openrouterApiKey={}",
        "API key: {}",
        "aws_secret_access_key = {}",
        "curl -u user:{} https://x.example",
        "mysql -u root -p{} db",
        "?token={}",
        "<password>{}</password>",
        "password => '{}'",
        "//registry.example/:_authToken={}",
        "ANTHROPIC_AUTH_TOKEN={}",
        '"Authorization":["Bearer {}"]',
        "{{'authorization': 'Bearer {}'}}",
        "password:\n  {}",
        "token: {}",
        "secret: {}",
        "login u password {}",
        '{{\\"api_key\\":\\"{}\\"}}',
        "p%61ssword=x&api_key={}",
    ],
)
def test_a_value_is_found_by_the_name_before_it(line: str) -> None:
    value = "u8Rk2-vQ" + "x7Lp4z"

    shown = Redactor().text(line.format(value))

    assert value not in shown
    assert value[:8] not in shown
    assert Redactor().text(shown) == shown


@pytest.mark.parametrize(
    "line",
    [
        "request_id=req_011CSHoEeqs5C35K2UUqR7Fy",
        "gen-1700000000-abcDEF0123456789abcd",
        "call_abcdEFGH0123456789abcdef",
        "X-Claude-Code-Session-Id: 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "md5 d41d8cd98f00b204e9800998ecf8427e",
        "total_tokens: 12 max_tokens=4096",
        "first_token_s=0.35",
        "time_to_first_token: 1.2",
        "token_count=55",
        "api_key=$OPENROUTER_API_KEY",
        "key: {keyring: openrouter}",
        "api_key: None",
        "token: null",
        "password: ****",
        "api_key missing",
        "Bearer token missing",
        "token expired",
        "Unexpected token } in JSON at position 5",
        "unexpected token: foo",
        "tokenizer=cl100k_base",
        "author: Jane",
        "secretary: Bob",
        "monkey=banana",
        "primary_key=id sort_key=name cache_key=model-list",
        "key=value",
        '"key": "value"',
        "cookies=3",
        "pass=1 fail=0",
        "http://127.0.0.1:4000/v1/messages",
        "http://[::1]:4000",
        "pwd=/home/user",
        "claude-sonnet-4-5-20250929",
        "basic auth is not supported",
        "task-orchestrator-service-0123456789",
        "risk-assessment-2026-11-22-final",
        "npm_config_registry=https://registry.example/",
        "key_source=environment variable OPENROUTER_API_KEY",
        "token_source=in the keyring (local-token)",
        "git@github.com:owner/repo.git",
        "code=ENOENT errno=2",
        "status code: 404",
        "authorization: none",
        "cookie: none",
        'WWW-Authenticate: Bearer realm="x", error="invalid_token"',
        "export ANTHROPIC_AUTH_TOKEN=••••",
        "next_token=abc",
        "x-api-key: missing",
        "ANTHROPIC_API_KEY is not set",
        "2026-11-22T11:36:24.733+00:00",
        "100% of 50%20",
        "C:\\users\\x",
    ],
)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert Redactor().text(line) == line


def _disguises(key: str) -> dict[str, str]:
    raw = key.encode()
    return {
        "base64": base64.b64encode(raw).decode(),
        "base64 at 2": base64.b64encode(b"u:" + raw).decode(),
        "base64url at 5": base64.urlsafe_b64encode(b"user:" + raw + b":more").decode(),
        "hex": raw.hex(),
        "upper hex": raw.hex().upper(),
        "percent": "".join(f"%{each:02x}" for each in raw),
        "quoted": quote(key, safe=""),
        "backslash u": "".join(f"\\u{each:04x}" for each in raw),
        "backslash x": "".join(f"\\x{each:02x}" for each in raw),
        "zero width": "\u200b".join(key),
    }


@pytest.mark.parametrize("disguise", _disguises(""))
def test_a_key_we_hold_is_found_in_its_usual_disguises(disguise: str) -> None:
    key = "a/plain+value=of?no&known~kind"
    hidden = _disguises(key)[disguise]

    shown = Redactor([key]).text(f"before {hidden} after")

    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert REDACTED in shown
    assert not any(hidden[at : at + 12] in shown for at in range(4, len(hidden) - 16))


def test_a_field_with_a_sensitive_name_is_hidden_whole_and_a_harmless_one_is_not() -> None:
    redactor = Redactor()

    assert redactor.field("api_key", "anything at all") == REDACTED
    assert redactor.field("Authorization", "x y z") == REDACTED
    assert redactor.field("max_tokens", "4096") == "4096"
    assert redactor.field("api_key", "missing") == "missing"
    assert redactor.field("note", "password=hunter2hunter2") == f"password={REDACTED}"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "_key",
        "A_",
        "curl ",
        "://",
        "bearer ",
        "eyJ.",
        "\\",
        " ",
        "0a",
        "\\u0041",
        "sk-",
        '"',
        "password=",
        "key='",
        "-----BEGIN PRIVATE KEY-----",
        "--token ",
        "M",
        "mysql -",
        "authorization: bearer ",
        "%41",
        "\u200b",
        'key="x',
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """A quadratic pattern would need minutes for this."""
    Redactor(["stored-value"]).text(piece * (200_000 // len(piece)))


@given(st.text(max_size=200))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    redactor = Redactor(["stored-value"])

    once = redactor.text(text)

    assert redactor.text(once) == once


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_stored_key_never_survives(before: str, after: str) -> None:
    key = "n0t-a-known-kind-7"

    assert key not in Redactor([key]).text(before + key + after)


LINES = (
    ("max_tokens: 4096", "max_tokens: 4096"),
    ('"password": "correct-horse-battery-9"', '"password": "[redacted]"'),
    ("sk-" + "ant-api03-" + "a1B2" * 9, "[redacted]"),
    ("gh" + "p_" + "a1B2c3" * 6, "[redacted]"),
    ("%67h" + "p_" + "a1B2c3" * 6, "[redacted]"),
    ("\\u0067h" + "p_" + "a1B2c3" * 6, "[redacted]"),
    ("next_token: abcdefghijklmnop", "next_token: abcdefghijklmnop"),
)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("edge", [4 * 1024, 224 * 1024, 228 * 1024, 256 * 1024, 448 * 1024])
def test_in_a_long_text_a_secret_is_found_wherever_it_stands(line: tuple[str, str], edge: int) -> None:
    secret, shown = line
    redactor = Redactor()
    assert redactor.text(f"x\n{secret}\n") == f"x\n{shown}\n"
    for shift in (-len(secret) - 2, -len(secret), -len(secret) // 2, -1, 0, 2):
        before = "lamp 12\n" * (edge // 8)
        before = before[: edge + shift - 1] + "\n"
        after = "\n" + "lamp 12\n" * 40_000
        assert redactor.text(before + secret + after) == before + shown + after, shift


def test_of_two_keys_in_a_long_text_neither_hides_the_other() -> None:
    secret, shown = LINES[2]
    text = "\n".join([secret, *["lamp"] * 100_000, secret, *["lamp"] * 100_000, secret])
    assert Redactor().text(text) == text.replace(secret, shown)
