"""An upstream's answer is read as one Message, also where it broke off or is no answer at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.upstream_answer import answer_of
from proxy.events import UpstreamExchange
from tests.proxy.scripted import BODY, HELLO, delta

ATTEMPT = UpstreamExchange(
    1, 1, "one", "m", "why", 0.0, dialect="openai-chat", status=200, reply=b"".join(HELLO).decode()
)
NATIVE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "whole"}], "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip


def _texts(attempt: UpstreamExchange, asked: str = "") -> list[str]:
    return [block["text"] for block in json.loads(answer_of(attempt, asked))["content"]]


def test_the_pieces_of_a_stream_make_one_message() -> None:
    message = json.loads(answer_of(ATTEMPT, json.dumps(BODY)))
    assert message["content"] == [{"type": "text", "text": "Hello"}]
    assert (message["stop_reason"], message["usage"]["output_tokens"]) == ("end_turn", 7)
    assert message["model"] == "big"


@pytest.mark.parametrize("asked", ["", "{", '{"model": "big", "mess', "[]", "[" * 100_000])
def test_a_request_that_is_not_whole_does_not_matter(asked: str) -> None:
    assert _texts(ATTEMPT, asked) == ["Hello"]


def test_what_broke_off_is_told_as_far_as_it_came() -> None:
    cut = (delta(role="assistant", content="Hel") + delta(content="lo"))[:-20].decode()
    assert _texts(replace(ATTEMPT, reply=cut)) == ["Hel"]


def test_an_answer_in_one_piece_is_read_by_its_kind() -> None:
    attempt = replace(
        ATTEMPT,
        dialect="anthropic-messages",
        reply=json.dumps(NATIVE),
        reply_headers={"Content-Type": "application/json"},
    )
    assert _texts(attempt) == ["whole"]


@pytest.mark.parametrize("changes", [{"status": 529}, {"reply": ""}, {"reply": "busy"}, {"dialect": ""}])
def test_what_is_no_answer_makes_none(changes: dict[str, object]) -> None:
    assert answer_of(replace(ATTEMPT, **changes), "") == ""
