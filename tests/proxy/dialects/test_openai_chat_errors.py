"""What upstreams' failures mean for the client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.messages.errors import ErrorType, UpstreamError
from tests.proxy.dialects.chat import DIALECT, asked

LIMIT = (
    "This model's maximum context length is {} tokens. However, you requested {} tokens ({} in the messages, "
    "{} in the completion)."
)
BOTH = (
    "input length and `max_tokens` exceed context limit: 4000 + 1000 > 4096, decrease input length or "
    "`max_tokens` and try again"
)


def failed(status: int, body: Any, **headers: str) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return DIALECT.decode_error(asked(), status, told, raw)


def router(code: int, message: str, **metadata: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "metadata": metadata}, "user_id": "u"}


@pytest.mark.parametrize(
    ("status", "kind", "out"),
    [
        (400, ErrorType.INVALID_REQUEST, 400),
        (401, ErrorType.AUTHENTICATION, 401),
        (402, ErrorType.BILLING, 402),
        (403, ErrorType.PERMISSION, 403),
        (404, ErrorType.NOT_FOUND, 404),
        (408, ErrorType.TIMEOUT, 504),
        (409, ErrorType.CONFLICT, 409),
        (413, ErrorType.REQUEST_TOO_LARGE, 413),
        (418, ErrorType.INVALID_REQUEST, 400),
        (422, ErrorType.INVALID_REQUEST, 422),
        (429, ErrorType.RATE_LIMIT, 429),
        (500, ErrorType.API, 500),
        (501, ErrorType.API, 500),
        (502, ErrorType.OVERLOADED, 529),
        (503, ErrorType.OVERLOADED, 529),
        (504, ErrorType.TIMEOUT, 504),
        (529, ErrorType.OVERLOADED, 529),
    ],
)
def test_every_status_has_its_type(status: int, kind: ErrorType, out: int) -> None:
    error = failed(status, router(status, "so it is"))
    assert (error.type, error.status) == (kind, out)
    assert "so it is" in error.message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("provider_overloaded", ErrorType.OVERLOADED),
        ("payment_required", ErrorType.BILLING),
        ("timeout", ErrorType.TIMEOUT),
        ("invalid_image_format", ErrorType.INVALID_REQUEST),
        ("unmapped", ErrorType.API),
        ("not_found", ErrorType.NOT_FOUND),
    ],
)
def test_the_router_s_error_type_wins_over_the_status(code: str, kind: ErrorType) -> None:
    assert failed(500, router(500, "x", error_type=code)).type is kind
    assert failed(500, {"error": {"code": code, "message": "x"}}).type is kind


def test_bad_keys_and_empty_purses_are_not_worth_a_retry() -> None:
    assert [failed(status, {"error": "no"}).should_retry for status in (401, 402, 429)] == [
        False,
        False,
        None,
    ]
    quota = {"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}
    assert failed(429, quota).type is ErrorType.BILLING


def test_moderation_is_the_request_s_fault() -> None:
    assert failed(403, router(403, "flagged", reasons=["x"])).type is ErrorType.INVALID_REQUEST


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "openai/x is not a valid model ID"),
        (404, "No endpoints found for x."),
        (400, "The model `x` does not exist"),
    ],
)
def test_an_unknown_model_is_not_found(status: int, text: str) -> None:
    error = failed(status, router(status, text))
    assert (error.type, error.message) == (ErrorType.NOT_FOUND, f"model: big ({text})")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            router(400, "Provider returned error", raw='{"error":{"message":"inner"}}', provider_name="P"),
            "inner",
        ),
        (router(400, "Provider returned error", raw='{"error":"inner"}'), "inner"),
        (router(400, "Provider returned error", raw={"message": "inner"}), "inner"),
        (router(400, "Provider returned error", raw='[{"error":{"message":"inner"}}]'), "inner"),
        (router(400, "Provider returned error", raw="plain words"), "plain words"),
        (
            router(400, "Provider returned error: bad", raw="plain words"),
            "Provider returned error: bad (plain words)",
        ),
        (router(400, "Provider returned error"), "Provider returned error"),
        (router(400, "useful", raw="ignored"), "useful"),
        ({"detail": "Invalid"}, "Invalid"),
        ({"detail": [{"msg": "field required"}]}, "field required"),
        ({"message": "bare"}, "bare"),
        ({"error": "a string"}, "a string"),
        ([{"error": {"message": "listed"}}], "listed"),
        (b"plain text", "plain text"),
        (b"<html>busy</html>", "The upstream answered with status 400 and said nothing."),
        (b"", "The upstream answered with status 400 and said nothing."),
        (b"7", "The upstream answered with status 400 and said nothing."),
        ({"error": {"message": "bad key sk-or-v1-" + "0" * 20}}, "bad key [key]"),
    ],
)
def test_the_useful_words_are_dug_out(body: Any, message: str) -> None:
    assert failed(400, body).message == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            LIMIT.format(1048565, 1250025, 1250025, 0),
            "prompt is too long: 1250025 tokens > 1048565 maximum",
        ),
        (
            LIMIT.format(4096, 5000, 4000, 1000),
            BOTH,
        ),
        ("maximum context length is 4096 tokens", "prompt is too long: 4097 tokens > 4096 maximum"),
        (
            "prompt is too long: 205000 tokens > 200000 maximum",
            "prompt is too long: 205000 tokens > 200000 maximum",
        ),
        ("input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000", None),
        (
            "the request exceeds the available context size",
            "prompt is too long: the request exceeds the available context size",
        ),
        ("max_tokens: 128000 > 8192, which is the maximum allowed number of output tokens for m", None),
        ("context_management: Extra inputs are not permitted", None),
    ],
)
def test_clients_get_the_sentences_they_act_upon(text: str, message: str | None) -> None:
    error = failed(400, {"error": {"message": text}})
    assert (error.type, error.message) == (ErrorType.INVALID_REQUEST, message or text)


def test_an_overflow_by_its_code_is_one_whatever_the_words() -> None:
    error = failed(400, {"error": {"code": "context_length_exceeded", "message": "Too much."}})
    assert error.message == "prompt is too long: Too much."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "3"}, 3.0),
        ({"retry_after_ms": "1500"}, 1.5),
        ({}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:30 GMT"}, None),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "900000"}, 600.0),
        ({"retry_after": "1e30"}, 600.0),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "Mon, 22 Nov 2027 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 600.0),
    ],
)
def test_the_time_to_wait_is_kept_up_to_ten_minutes(headers: dict[str, str], seconds: float | None) -> None:
    assert failed(429, router(429, "slow"), **headers).retry_after_s == seconds


def test_the_router_s_own_word_on_waiting_counts_without_a_header() -> None:
    inside = {"error": {"message": "x", "availability": {"retry_after": 7}}}
    outside = {"error": {"message": "x"}, "availability": {"retry_after": 8}}
    assert [failed(503, body).retry_after_s for body in (inside, outside)] == [7.0, 8.0]


def test_a_status_says_more_than_a_vague_type() -> None:
    vague = {"error": {"message": "busy", "type": "server_error", "code": None}}
    assert [failed(status, vague).type for status in (529, 500, 599)] == [
        ErrorType.OVERLOADED,
        ErrorType.API,
        ErrorType.API,
    ]
