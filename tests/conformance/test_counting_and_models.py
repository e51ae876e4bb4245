"""Counting tokens, and the list of models."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import pytest

from tests.conformance.front import serving

TURNS: list[Any] = [{"role": "user", "content": "hello there"}]


async def counted(front: Any, **fields: Any) -> int:
    status, told = await front.told(
        {"model": "big", "messages": TURNS, **fields}, "/v1/messages/count_tokens"
    )
    assert (status, told.keys()) == (200, {"input_tokens"}), told
    return told["input_tokens"]


@pytest.mark.conformance("count.answer", "count.no-upstream")
async def test_counting_gives_a_number_without_asking_the_upstream() -> None:
    async with serving() as front:
        assert 2 <= await counted(front) <= 30
        assert not front.upstream.asked


@pytest.mark.conformance("count.everything-counts")
@pytest.mark.parametrize(
    "more",
    [
        {"system": "Be brief and kind to all."},
        {
            "tools": [
                {"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
            ]
        },
        {
            "messages": [
                *TURNS,
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "And you?"},
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        *[{"type": "text", "text": "hello there"}],
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
                        },
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "hello there"},
                        {
                            "type": "document",
                            "source": {
                                "type": "text",
                                "media_type": "text/plain",
                                "data": "some words of it",
                            },
                        },
                    ],
                }
            ]
        },
    ],
)
async def test_system_tools_turns_images_and_documents_count(more: Any) -> None:
    async with serving() as front:
        assert await counted(front, **more) > await counted(front)


@pytest.mark.conformance("count.empty-tools", "count.parallel")
async def test_many_counts_at_once_with_empty_tools_are_answered() -> None:
    async with serving() as front:
        counts = await asyncio.gather(*(counted(front, tools=[]) for _ in range(30)))
    assert set(counts) == {counts[0]}


@pytest.mark.conformance("count.optional-fields")
async def test_all_fields_of_the_endpoint_are_taken() -> None:
    async with serving() as front:
        await counted(
            front,
            thinking={"type": "adaptive"},
            output_config={"effort": "low"},
            cache_control={"type": "ephemeral"},
            tool_choice={"type": "auto"},
            speed="standard",
            context_management={"edits": []},
        )


@pytest.mark.conformance("count.errors")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"messages": TURNS}, 400),
        ({"model": "big"}, 400),
        ({"model": "nobody", "messages": TURNS}, 404),
        ({"model": "big", "messages": []}, 400),
    ],
)
async def test_a_wrong_count_is_refused_like_a_message(body: Any, status: int) -> None:
    async with serving() as front:
        got, told = await front.told(body, "/v1/messages/count_tokens")
    assert (got, told["type"]) == (status, "error")


@pytest.mark.conformance("models.list", "models.shape")
async def test_the_list_has_the_shape_of_the_api() -> None:
    async with serving() as front:
        status, told = await front.get("/v1/models")
    assert status == 200
    assert told.keys() == {"data", "has_more", "first_id", "last_id"}
    assert (told["first_id"], told["last_id"], told["has_more"]) == ("big", "claude-big", False)
    for row in told["data"]:
        assert row["type"] == "model"
        assert row["display_name"]
        assert row["created_at"].endswith("Z")


@pytest.mark.conformance("models.paging")
async def test_the_list_is_paged_in_both_directions() -> None:
    async with serving() as front:
        assert [each.id async for each in front.sdk.models.list(limit=1)] == ["big", "claude-big"]
        _, page = await front.get("/v1/models?limit=1")
        assert ([row["id"] for row in page["data"]], page["has_more"]) == (["big"], True)
        _, page = await front.get("/v1/models?limit=1&after_id=big")
        assert ([row["id"] for row in page["data"]], page["has_more"]) == (["claude-big"], False)
        _, page = await front.get("/v1/models?limit=1&before_id=claude-big")
        assert ([row["id"] for row in page["data"]], page["has_more"]) == (["big"], False)


@pytest.mark.conformance("models.paging-errors")
@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after_id=nobody"])
async def test_a_wrong_page_is_refused(query: str) -> None:
    async with serving() as front:
        status, told = await front.get(f"/v1/models?{query}")
    assert (status, told["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.conformance("models.retrieve", "models.retrieve-unknown", "models.slash-in-id")
async def test_a_model_is_retrieved_by_any_name_that_is_served() -> None:
    async with serving() as front:
        assert (await front.sdk.models.retrieve("claude-sonnet-4-6")).id == "claude-sonnet-4-6"
        with pytest.raises(anthropic.NotFoundError):
            await front.sdk.models.retrieve("vendor/nobody")
        status, told = await front.get("/v1/models/claude-x%2Fy")
        assert (status, told["id"]) == (200, "claude-x/y")
        status, told = await front.get("/v1/models/claude-x/y")
        assert (status, told["id"]) == (200, "claude-x/y")


@pytest.mark.conformance("models.discovery")
async def test_claude_codes_discovery_finds_every_alias() -> None:
    async with serving() as front:
        _, told = await front.get("/v1/models?limit=1000")
    kept = [row for row in told["data"] if "claude" in row["id"].lower() or "anthropic" in row["id"].lower()]
    assert [row["id"] for row in kept] == ["claude-big"]
    assert kept[0]["display_name"]
