"""An upstream's words of failure, as they may be shown."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from proxy.messages.errors import ErrorType, UpstreamError
from proxy.service.cleaning import MAX_MESSAGE_CHARS, cleaned, cleaned_event
from tests.proxy.scripted import provider

KEY = "plain-" + "words-" * 3
LONGER = KEY + "and-more"
KEYED = provider(key=SecretStr(KEY), further_keys=(SecretStr(""), SecretStr(LONGER)))


def shown(text: str) -> str:
    return cleaned(UpstreamError(ErrorType.API, text), KEYED).message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all is well\nhere", "all is well\nhere"),
        (f"{KEY}, {KEY}", "••••, ••••"),
        (f"{LONGER}!", "••••!"),
        ("\x1b[31m\x07\u202e", "�[31m��"),
        ("x" * (MAX_MESSAGE_CHARS + 1), "x" * MAX_MESSAGE_CHARS + " …"),
    ],
    ids=["harmless", "key", "a key that begins with another", "control characters", "long"],
)
def test_a_text_is_shown_short_and_without_keys_and_control_characters(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(expected) == expected


@pytest.mark.parametrize("size", [8, len(LONGER) - 1])
def test_a_key_that_was_cut_off_at_the_end_is_not_shown_either(size: int) -> None:
    assert shown(f"it was {LONGER[:size]}") == "it was ••••"


def test_everything_else_of_an_error_stays() -> None:
    error = UpstreamError(
        ErrorType.RATE_LIMIT, "x", status=498, retry_after_s=3.0, should_retry=False, details={"a": [1, KEY]}
    )
    made = cleaned(error, KEYED)
    assert (made.type, made.status, made.retry_after_s, made.should_retry) == (error.type, 498, 3.0, False)
    assert made.details == {"a": [1, "••••"]}


def test_an_event_is_cleaned_in_depth_and_keeps_its_unknown_fields() -> None:
    event: Any = {"type": "error", "error": {"type": "new_error", "message": KEY, KEY: [None, {"x": KEY}]}}
    assert cleaned_event(event, provider(key=SecretStr(KEY))) == {
        "type": "error",
        "error": {"type": "new_error", "message": "••••", "••••": [None, {"x": "••••"}]},
    }


def test_what_is_nested_without_end_is_left_out() -> None:
    event: Any = {"type": "error", "error": {}}
    inner = event["error"]
    for _ in range(2000):
        inner["x"] = {}
        inner = inner["x"]
    assert len(repr(cleaned_event(event, provider()))) < 200
