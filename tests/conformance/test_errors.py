"""Errors: types and statuses, the headers that steer retries, and the sentences clients act upon."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from proxy.messages.errors import STATUS_OF, ErrorType, UpstreamError
from tests.conformance.front import call, chat, refusing, said, serving
from tests.proxy.scripted import BODY, TOKEN, delta

pytestmark = pytest.mark.expects_log("breaker_changed")
"""Upstreams that fail are left alone for a while; what tests provoke here may be enough for that."""

CLASSES: list[tuple[int, str, int, type[anthropic.APIStatusError]]] = [
    (400, "invalid_request_error", 400, anthropic.BadRequestError),
    (401, "authentication_error", 401, anthropic.AuthenticationError),
    (402, "billing_error", 402, anthropic.APIStatusError),
    (403, "permission_error", 403, anthropic.PermissionDeniedError),
    (404, "not_found_error", 404, anthropic.NotFoundError),
    (408, "timeout_error", 504, anthropic.APIStatusError),
    (409, "conflict_error", 409, anthropic.ConflictError),
    (413, "request_too_large", 413, anthropic.RequestTooLargeError),
    (422, "invalid_request_error", 400, anthropic.BadRequestError),
    (429, "rate_limit_error", 429, anthropic.RateLimitError),
    (500, "api_error", 500, anthropic.InternalServerError),
    (502, "overloaded_error", 529, anthropic.APIStatusError),
    (503, "overloaded_error", 529, anthropic.APIStatusError),
    (504, "timeout_error", 504, anthropic.APIStatusError),
    (529, "overloaded_error", 529, anthropic.APIStatusError),
]


@pytest.mark.conformance(
    "errors.invalid-request",
    "errors.authentication",
    "errors.billing",
    "errors.permission",
    "errors.not-found",
    "errors.conflict",
    "errors.too-large",
    "errors.rate-limit",
    "errors.api",
    "errors.timeout",
    "errors.overloaded",
    "errors.envelope",
    "errors.sdk-classes",
)
@pytest.mark.parametrize(("upstream", "kind", "status", "sdk_class"), CLASSES)
@pytest.mark.parametrize("stream", [False, True])
async def test_every_failure_of_an_upstream_has_its_type(
    upstream: int, kind: str, status: int, sdk_class: type[anthropic.APIStatusError], stream: bool
) -> None:
    async with serving(
        refusing(upstream, {"error": {"message": "Upstream says no.", "code": upstream}})
    ) as front:
        got, told = await front.told({**BODY, "stream": stream})
        with pytest.raises(sdk_class) as caught:
            await front.create()
    assert (got, told["type"], told["error"]["type"]) == (status, "error", kind)
    assert "Upstream says no." in told["error"]["message"]
    assert told["request_id"].startswith("req_")
    assert caught.value.type == kind


@pytest.mark.conformance("errors.one-table")
def test_each_type_has_one_status() -> None:
    assert len(STATUS_OF) == len(ErrorType)


@pytest.mark.conformance("errors.retry-after")
@pytest.mark.parametrize(
    ("headers", "error", "expected"),
    [
        ({"retry-after": "7"}, {}, "7"),
        ({"retry-after-ms": "1500"}, {}, "2"),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, {}, "30"),
        ({}, {"availability": {"retry_after": 4}}, "4"),
    ],
)
async def test_the_time_to_wait_is_kept(headers: dict[str, str], error: Any, expected: str) -> None:
    reply = refusing(429, {"error": {"message": "slow", **error}}, **headers)
    async with serving(reply) as front, front.proxy.post() as response:
        assert (response.status, response.headers["retry-after"]) == (429, expected)


@pytest.mark.conformance("errors.should-not-retry")
@pytest.mark.parametrize("status", [401, 402])
async def test_what_cannot_help_is_not_to_be_retried(status: int) -> None:
    async with (
        serving(refusing(status, {"error": {"message": "no"}})) as front,
        front.proxy.post() as response,
    ):
        assert response.headers["x-should-retry"] == "false"


@pytest.mark.conformance("errors.no-hidden-retry")
async def test_a_400_is_sent_up_once() -> None:
    async with serving(refusing(400, {"error": {"message": "bad"}})) as front:
        await front.told()
        assert len(front.upstream.asked) == 1


OVERFLOWS = [
    (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "prompt is too long: 9000 tokens > 8192 maximum",
    ),
    (
        (
            "This endpoint's maximum context length is 200000 tokens. However, you requested about 211333 "
            "tokens (190000 in the messages, 21333 in the completion)."
        ),
        (
            "input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000, "
            "decrease input length or `max_tokens` and try again"
        ),
    ),
    (
        "prompt is too long: 210000 tokens > 200000 maximum",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ),
]


@pytest.mark.conformance("texts.prompt-too-long", "texts.input-and-max-tokens")
@pytest.mark.parametrize(("said", "expected"), OVERFLOWS)
async def test_an_overflow_is_told_in_the_apis_words(said: str, expected: str) -> None:
    error = {"error": {"message": said, "code": "context_length_exceeded"}}
    async with serving(refusing(400, error)) as front:
        status, told = await front.told()
    assert (status, told["error"]["type"], told["error"]["message"]) == (
        400,
        "invalid_request_error",
        expected,
    )


@pytest.mark.conformance("texts.unknown-model", "errors.unknown-model")
async def test_an_unknown_model_is_named_the_apis_way() -> None:
    async with serving() as front:
        status, told = await front.told({**BODY, "model": "nobody"})
    assert (status, told["error"]) == (404, {"type": "not_found_error", "message": "model: nobody"})
    async with serving(refusing(400, {"error": {"message": "vendor/x is not a valid model ID"}})) as front:
        status, told = await front.told()
    assert (status, told["error"]["type"]) == (404, "not_found_error")
    assert told["error"]["message"].startswith("model: big")


@pytest.mark.conformance("texts.passed-through")
@pytest.mark.parametrize(
    "text",
    [
        "adaptive thinking is not supported on this model",
        "context_management: Extra inputs are not permitted",
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "max_tokens: 128000 > 8192, which is the maximum allowed number of output tokens for m",
        "capability_rejected: prompt_too_long",
    ],
)
async def test_the_sentences_that_clients_act_upon_pass_as_they_are(text: str) -> None:
    raw = {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": text}}}
    async with serving(refusing(400, raw)) as front:
        _, told = await front.told()
    assert told["error"]["message"] == text


MISSING: list[tuple[Any, str]] = [
    ({"model": "big", "messages": BODY["messages"]}, "max_tokens: Field required"),
    ({"model": "big", "max_tokens": 1}, "messages: Field required"),
    ({"max_tokens": 1, "messages": BODY["messages"]}, "model: Field required"),
    ({"model": "big", "max_tokens": 1, "messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"model": "big", "max_tokens": 1, "messages": []}, "messages: at least one message is required"),
]


@pytest.mark.conformance("validation.missing-field", "validation.no-messages")
@pytest.mark.parametrize(("body", "text"), MISSING)
async def test_a_missing_field_is_named(body: Any, text: str) -> None:
    async with serving() as front:
        status, told = await front.told(body)
    assert (status, told["error"]["type"], told["error"]["message"]) == (400, "invalid_request_error", text)


@pytest.mark.conformance("validation.wrong-type")
@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"max_tokens": "many"}, "max_tokens: "),
        ({"stream": "yes"}, "stream: "),
        ({"stop_sequences": "x"}, "stop_sequences: "),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: "),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            "messages.0.content.0.image.source: Field",
        ),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type: "),
        ({"max_tokens": -1}, "max_tokens: "),
    ],
)
async def test_a_wrong_type_is_named_by_its_path(fields: Any, path: str) -> None:
    async with serving() as front:
        status, told = await front.told({**BODY, **fields})
        assert not front.upstream.asked
    assert (status, told["error"]["type"]) == (400, "invalid_request_error")
    assert told["error"]["message"].startswith(path)


@pytest.mark.conformance("validation.not-json", "validation.not-an-object")
@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'"x"', b'{"a": NaN}', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    async with serving() as front:
        headers = {"x-api-key": TOKEN, "content-type": "application/json"}
        async with front.proxy.http.post(
            front.proxy.url + "/v1/messages", data=body, headers=headers
        ) as response:
            told = await response.json()
    assert (response.status, told["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.conformance("validation.size")
async def test_a_body_beyond_32_mib_is_a_413() -> None:
    async with serving() as front:
        headers = {"x-api-key": TOKEN, "content-type": "application/json", "content-length": str(33 * 2**20)}
        async with front.proxy.http.post(
            front.proxy.url + "/v1/messages", data=b"", headers=headers
        ) as response:
            told = await response.json()
    assert (response.status, told["error"]["type"]) == (413, "request_too_large")


CALL: Any = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT: Any = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}
USER: Any = {"role": "user", "content": "go"}
PAIRS: list[tuple[Any, str]] = [
    (
        [USER, {"role": "assistant", "content": [CALL]}, USER],
        (
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. "
            "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        ),
    ),
    (
        [USER, {"role": "assistant", "content": "ok"}, {"role": "user", "content": [RESULT]}],
        (
            "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each "
            "`tool_result` block must have a corresponding `tool_use` block in the previous message."
        ),
    ),
    (
        [USER, {"role": "assistant", "content": [CALL, CALL]}, {"role": "user", "content": [RESULT]}],
        "messages.1.content.1: `tool_use` ids must be unique",
    ),
]


@pytest.mark.conformance(
    "validation.call-without-result", "validation.result-without-call", "validation.call-ids-unique"
)
@pytest.mark.parametrize(("messages", "text"), PAIRS)
async def test_calls_and_results_must_pair(messages: Any, text: str) -> None:
    async with serving() as front:
        status, told = await front.told({**BODY, "messages": messages})
        assert not front.upstream.asked
    assert (status, told["error"]["message"]) == (400, text)


@pytest.mark.conformance("threads.create-refused", "threads.continue-refused")
@pytest.mark.parametrize(
    ("thread", "status", "code"),
    [
        ({"type": "create"}, 400, "thread_unsupported_request"),
        ({"type": "continue", "previous_message_id": "msg_1"}, 404, "thread_not_found"),
    ],
)
async def test_threads_are_refused_with_the_codes_of_the_api(thread: Any, status: int, code: str) -> None:
    async with serving() as front:
        got, told = await front.told({**BODY, "thread": thread})
    assert (got, told["error"]["details"]) == (status, {"error_code": code})


@pytest.mark.conformance("threads.runner")
async def test_the_sdks_tool_runner_sends_the_whole_conversation_instead() -> None:
    @anthropic.beta_async_tool
    async def lookup(word: str) -> str:
        """Looks a word up.

        Args:
            word: The word.
        """
        return f"{word} means x"

    first = chat(call(0, "call_1", "lookup", '{"word": "y"}'), delta("tool_calls"))
    async with serving(first, said("It means x.")) as front:
        runner = front.sdk.beta.messages.tool_runner(
            model="big", max_tokens=99, tools=[lookup], messages=[{"role": "user", "content": "what is y?"}]
        )
        last: Any = await runner.until_done()
        roles = [each["role"] for each in front.sent["messages"]]
    assert last.content[0].text == "It means x."
    assert roles == ["user", "assistant", "tool"]


@pytest.mark.conformance("errors.connection")
async def test_an_upstream_that_cannot_be_reached_is_worth_a_retry() -> None:
    async with serving(UpstreamError(ErrorType.OVERLOADED, "one cannot be reached")) as front:
        status, told = await front.told()
    assert (status, told["error"]["type"]) == (529, "overloaded_error")
