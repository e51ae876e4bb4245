from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.permissions.url_secrets import find_secret

_SECRET = "sk-" + "local-" + "Zq8/Vx+3LmPw7RtY2uKdN5"
_STORED = "the URL carries a stored secret"
_BODY = "a1B2c3D4e5F6g7H8i9J0" * 2


def _b64(text: str, ahead: str = "") -> str:
    return base64.b64encode((ahead + text).encode()).decode()


def _found(part: str) -> str | None:
    return find_secret(f"https://docs.example.com/{part}", [_SECRET])


@pytest.mark.parametrize(
    "part",
    [
        _SECRET,
        f"?q={_SECRET}&r=1",
        f"#{_SECRET}",
        quote(_SECRET, safe=""),
        quote(quote(_SECRET, safe=""), safe=""),
        "".join(f"%{byte:02x}" for byte in _SECRET.encode()),
        _SECRET.upper(),
        _SECRET[::-1],
        _SECRET.encode().hex(),
        _b64(_SECRET),
        _b64(_SECRET, "x"),
        _b64(_SECRET, "xy"),
        base64.urlsafe_b64encode(_SECRET.encode()).decode().rstrip("="),
        base64.b32encode(_SECRET.encode()).decode().lower().rstrip("="),
        ".".join(_SECRET),
        _SECRET[4:],
    ],
)
def test_a_stored_secret_is_found_in_every_spelling(part: str) -> None:
    assert _found(part) == _STORED


def test_a_stored_secret_is_found_as_labels_of_a_name() -> None:
    encoded = _SECRET.encode().hex()

    assert find_secret(f"https://{encoded[:30]}.{encoded[30:]}.attacker.example/", [_SECRET]) == _STORED


@pytest.mark.parametrize(
    "part", ["", "?q=sk-local", "sk-local-and-other-words", _SECRET[:12], "?q=Zq8Vx3LmP"]
)
def test_a_few_characters_of_a_secret_are_ordinary_text(part: str) -> None:
    assert _found(part) is None


def test_a_short_secret_is_not_looked_for() -> None:
    assert find_secret("https://lm-studio.example/lm-studio", ["lm-studio", "", "none"]) is None


def test_a_secret_of_middling_length_is_found_whole() -> None:
    assert find_secret("https://example.org/?k=Passw0rd-123456", ["passw0rd-123456"]) == _STORED


@pytest.mark.parametrize(
    "key",
    [
        "sk-" + f"ant-api03-{_BODY}",
        "sk-" + "or-v1-" + "0123456789abcdef" * 4,
        "sk-" + f"proj-{_BODY}",
        "gh" + f"p_{_BODY}",
        "AK" + "IA" + "ABCDEFGHIJKLMNOP",
        "xox" + f"b-{_BODY}",
    ],
)
def test_what_looks_like_a_key_is_found_plain_and_encoded(key: str) -> None:
    looks = "the URL carries what looks like a key"

    for part in (key, _b64(key), key.encode().hex(), quote(key, safe="").replace("-", "%2D")):
        assert find_secret(f"https://example.org/?q={part}", []) == looks


@pytest.mark.parametrize(
    "part",
    [
        "sk-is-a-prefix",
        "task-force-sk-how-to-write-a-slug-of-many-words",
        "ghp_short",
        "AKIA",
        "0123456789abcdef" * 4,
    ],
)
def test_what_only_resembles_a_key_is_let_through(part: str) -> None:
    assert find_secret(f"https://example.org/{part}", []) is None


@pytest.mark.parametrize("part", ["{SECRET:x}", "{B64:SECRET:x}", "${API_KEY}", "%7BTOKEN%7D", "{{ key }}"])
def test_a_placeholder_that_was_not_filled_in_is_found(part: str) -> None:
    assert (
        find_secret(f"https://example.org/{part}", []) == "the URL holds a placeholder that was not filled in"
    )


@pytest.mark.parametrize("part", ["{id}", "{}", "{a,b}", "{1}"])
def test_other_braces_are_no_placeholder(part: str) -> None:
    assert find_secret(f"https://example.org/{part}", []) is None


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=20, max_size=60),
    st.binary(max_size=12),
    st.binary(max_size=12),
)
def test_base64_hides_no_secret_wherever_it_stands(secret: str, before: bytes, after: bytes) -> None:
    packed = base64.b64encode(before + secret.encode() + after).decode()

    assert find_secret(f"https://example.org/?q={packed}", [secret]) is not None


def test_percent_signs_are_decoded_three_times_and_no_more() -> None:
    spelt = "".join(f"%{byte:02x}" for byte in _SECRET.encode())

    assert _found(spelt.replace("%", "%2525")) == _STORED
    assert _found(spelt.replace("%", "%25252525")) is None


def test_a_secret_in_letters_beyond_ascii_is_found() -> None:
    secret = "\u043f\u0430\u0440\u043e\u043b\u044c-0123456789abcdef"

    assert find_secret("https://example.org/" + quote(secret), [secret]) == _STORED
