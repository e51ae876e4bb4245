"""A prompt that is too long is told with both numbers, because clients read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.config import ProviderConfig
from proxy.messages.errors import ErrorType, UpstreamError
from proxy.service.overflow import lacks_numbers, with_numbers
from proxy.upstreams.catalogue import Catalogue
from proxy.upstreams.model_entries import ModelEntry
from tests.proxy.scripted import BODY, Reply, ScriptedUpstream, running


def error(text: str, kind: ErrorType = ErrorType.INVALID_REQUEST) -> UpstreamError:
    return UpstreamError(kind, text)


@pytest.mark.parametrize(
    ("failure", "lacks"),
    [
        (error("prompt is too long: context_length_exceeded"), True),
        (error("prompt is too long: 5 tokens > 4 maximum"), False),
        (error("input length and `max_tokens` exceed context limit: 1 + 2 > 2, decrease"), False),
        (error("prompt is too long: whatever", ErrorType.API), False),
        (error("temperature: too high"), False),
    ],
)
def test_only_an_overflow_without_numbers_lacks_them(failure: UpstreamError, lacks: bool) -> None:
    assert lacks_numbers(failure) is lacks


def test_the_rest_of_the_error_stays_and_a_low_estimate_is_raised_above_the_window() -> None:
    failure = UpstreamError(
        ErrorType.INVALID_REQUEST, "prompt is too long: x", status=413, retry_after_s=3.0, should_retry=False
    )
    told = with_numbers(failure, 10, 200)
    assert told.message == "prompt is too long: 201 tokens > 200 maximum"
    assert (told.status, told.retry_after_s, told.should_retry) == (413, 3.0, False)
    assert with_numbers(failure, 300, 200).message == "prompt is too long: 300 tokens > 200 maximum"


async def told(entry: ModelEntry | None) -> str:
    """What the client reads when the upstream only says that the context is exceeded."""

    async def read(_: ProviderConfig) -> tuple[ModelEntry, ...]:
        return () if entry is None else (entry,)

    body = json.dumps({"error": {"code": "context_length_exceeded", "message": "Too much."}}).encode()
    reply = Reply((body,), status=400, headers={"content-type": "application/json"})
    catalogue = Catalogue(None, read_list=read)
    async with running({"one": ScriptedUpstream([reply])}, catalogue=catalogue) as proxy:
        text: Any = ""
        for _ in range(2):  # the first one has the list read
            async with proxy.post(
                {**BODY, "messages": [{"role": "user", "content": "word " * 500}]}
            ) as response:
                text = json.loads(await response.read())["error"]["message"]
                assert response.status == 400
    return text


async def test_the_window_comes_from_the_upstreams_list_and_the_length_from_the_estimate() -> None:
    text = await told(ModelEntry("model-of-one", context_tokens=100))
    words = text.split()
    assert text == f"prompt is too long: {words[4]} tokens > 100 maximum"
    assert 450 < int(words[4]) < 600


async def both_told(first: Reply, second: Reply) -> tuple[int, str]:
    async with (
        running({"one": ScriptedUpstream([first]), "two": ScriptedUpstream([second])}) as proxy,
        proxy.post() as response,
    ):
        return response.status, json.loads(await response.read())["error"]["message"]


def too_long(window: int) -> Reply:
    text = f"This model's maximum context length is {window} tokens, you sent 300000 tokens."
    return refusing(400, text)


def refusing(status: int, text: str) -> Reply:
    body = json.dumps({"error": {"message": text}}).encode()
    return Reply((body,), status=status, headers={"content-type": "application/json"})


@pytest.mark.expects_log("candidate_failed")
async def test_too_long_is_told_only_where_all_candidates_said_so_and_by_the_largest_window() -> None:
    told = await both_told(too_long(8000), too_long(200_000))
    assert told == (400, "prompt is too long: 300000 tokens > 200000 maximum")
    assert await both_told(too_long(8000), refusing(403, "not you")) == (403, "not you")


@pytest.mark.parametrize("entry", [None, ModelEntry("model-of-one")])
async def test_an_unknown_window_is_not_made_up(entry: ModelEntry | None) -> None:
    assert await told(entry) == "prompt is too long: Too much."
