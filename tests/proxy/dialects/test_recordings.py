"""Recorded traffic of real servers, through both dialects."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.dialects.anthropic_messages import AnthropicMessagesDialect
from proxy.dialects.base import Dialect
from proxy.dialects.loose_json import as_object, as_objects, as_text
from proxy.dialects.openai_chat_usage import UsageTotal
from proxy.messages.errors import UpstreamError
from proxy.messages.events import StreamEvent
from proxy.messages.fold import fold
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest, parse_request
from tests.proxy.dialects.chat import DIALECT, asked, counter, judged, target

PASS = AnthropicMessagesDialect()
CUTS = (1, 7, 64, 4096)


def recordings(folder: Path, protocol: str) -> Iterator[JsonObject]:
    for path in sorted((folder / "recordings").glob("*.json")):
        recording = json.loads(path.read_text(encoding="utf-8"))
        if recording["protocol"] == protocol:
            yield recording


def body_of(response: JsonObject) -> bytes:
    if "sse" in response:
        return response["sse"].encode()
    return (response.get("leading_whitespace", "") + json.dumps(response["body"])).encode()


def run(dialect: Dialect, request: MessagesRequest, recording: JsonObject, cut: int) -> list[StreamEvent]:
    response = recording["response"]
    raw = body_of(response)
    to = target(recording["model"] or "m", provider="p")
    decoder = dialect.decoder(request, to, response["headers"].get("content-type") or "", counter())
    made = [event for at in range(0, len(raw), cut) for event in decoder.feed(raw[at : at + cut])]
    return judged(made + decoder.finish())


def chunks_of(response: JsonObject) -> list[JsonObject]:
    if "body" in response:
        return [response["body"]]
    lines = response["sse"].replace("\r\n", "\n").split("\n")
    return [json.loads(line[5:]) for line in lines if line.startswith("data:") and "[DONE]" not in line]


class Told:
    """What a recorded chat answer says, read without our decoder."""

    def __init__(self, response: JsonObject) -> None:
        self.text: str = ""
        self.reasoning: str = ""
        self.arguments: list[str] = []
        self.usage = UsageTotal()
        calls: dict[Any, str] = {}
        whole = "body" in response
        for chunk in chunks_of(response):
            self.usage.take(as_object(chunk.get("usage") or as_object(chunk.get("x_groq")).get("usage")))
            for choice in as_objects(chunk.get("choices"))[:1]:
                self._take(as_object(choice.get("message" if whole else "delta")), calls)
        self.arguments = list(calls.values())

    def _take(self, delta: JsonObject, calls: dict[Any, str]) -> None:
        self.text += as_text(delta.get("content")) + as_text(delta.get("refusal"))
        for part in as_objects(delta.get("content")):
            self.text += as_text(part.get("text"))
            self.reasoning += "".join(inner["text"] for inner in as_objects(part.get("thinking")))
        told = as_objects(delta.get("reasoning_details"))
        details = "".join(as_text(detail.get("text") or detail.get("summary")) for detail in told)
        self.reasoning += details or as_text(delta.get("reasoning") or delta.get("reasoning_content"))
        for position, call in enumerate(as_objects(delta.get("tool_calls"))):
            key = call.get("index", position)
            calls[key] = calls.get(key, "") + as_text(call["function"].get("arguments"))
        function = as_object(delta.get("function_call"))
        if function.get("name"):
            calls[0] = function["arguments"]


def is_answer(recording: JsonObject) -> bool:
    response = recording["response"]
    return response["status"] == 200 and ("sse" in response or "choices" in response["body"])


def test_every_recorded_chat_answer_is_lawful_and_loses_nothing_at_any_cut(shared_data: Path) -> None:
    seen = 0
    for recording in recordings(shared_data, "openai-chat"):
        if not is_answer(recording):
            continue
        seen += 1
        first, *others = (run(DIALECT, asked(stream=True), recording, cut) for cut in CUTS)
        assert all(other == first for other in others), recording["id"]
        unwatched = [run(DIALECT, asked(), recording, cut) for cut in CUTS]
        if first[-1]["type"] == "error":
            assert recording["id"].startswith("groq-gpt-oss-120b-sse-tool-use-failed-error"), first[-1]
            continue
        made, told = fold(first), Told(recording["response"])
        assert all(fold(other) == made for other in unwatched), recording["id"]
        _compare(made["content"], told, recording["id"])
        expected = told.usage.usage(len(told.text) + len(told.reasoning))
        got = {key: value for key, value in made["usage"].items() if key != "server_tool_use"}
        assert got == {key: value for key, value in expected.items() if key != "server_tool_use"}, recording[
            "id"
        ]
    assert seen == 79


def _compare(blocks: list[JsonObject], told: Told, name: str) -> None:
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    thinking = "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    if told.text.lstrip().startswith("<think>"):
        thought, _, told.text = told.text.partition("<think>")[2].partition("</think>")
        told.reasoning += thought
    assert text == (told.text if told.text.strip() else ""), name
    assert thinking == told.reasoning, name
    inputs = [block["input"] for block in blocks if block["type"] == "tool_use"]
    assert inputs == [_input(arguments) for arguments in told.arguments], name


def _input(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return {}


def test_a_recorded_call_that_was_cut_is_never_presented_as_complete(shared_data: Path) -> None:
    cut = [
        r for r in recordings(shared_data, "openai-chat") if "tool-truncation" in r["id"] and "low" in r["id"]
    ]
    assert [fold(run(DIALECT, asked(), recording, 64))["stop_reason"] for recording in cut] == [
        "max_tokens"
    ] * len(cut)
    assert len(cut) >= 2


def test_every_recorded_failure_of_a_chat_server_has_its_type(shared_data: Path) -> None:
    told: dict[str, tuple[str, int, str]] = {}
    for recording in recordings(shared_data, "openai-chat"):
        response = recording["response"]
        if response["status"] != 200:
            error = DIALECT.decode_error(asked(), response["status"], response["headers"], body_of(response))
            told[recording["id"]] = (error.type.value, error.status, error.message)
    assert [(kind, status) for kind, status, _ in told.values()] == [
        ("invalid_request_error", 400),
        ("invalid_request_error", 400),
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("rate_limit_error", 429),
        ("not_found_error", 404),
    ]
    texts = [message for _, _, message in told.values()]
    assert texts[0] == "prompt is too long: 1250025 tokens > 1048565 maximum"
    assert "temporarily rate-limited upstream" in texts[4]


def requests_of(folder: Path) -> Iterator[tuple[JsonObject, MessagesRequest]]:
    for recording in recordings(folder, "anthropic-messages"):
        body: Any = recording["request"]["body"]
        if body and "messages" in body and "max_tokens" in body:
            yield recording, parse_request(body)


@pytest.fixture
def checker(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The strict judge of the scripted upstream."""
    monkeypatch.setattr(sys, "path", [str(shared_data / "clients"), *sys.path])
    return importlib.import_module("stub_upstream").Checker


@pytest.mark.parametrize(
    ("url", "model", "flavor"),
    [
        ("https://openrouter.ai/api/v1", "anthropic/claude-sonnet-4", "openrouter"),
        ("https://openrouter.ai/api/v1", "openai/gpt-5-mini", "openrouter"),
        ("https://openrouter.ai/api/v1", "google/gemini-2.5-flash", "openrouter"),
        ("http://127.0.0.1:8080/v1", "local", "openai"),
    ],
)
def test_every_recorded_request_is_a_lawful_chat_request_with_every_loss_named(
    shared_data: Path, checker: Any, url: str, model: str, flavor: str
) -> None:
    only_at_anthropic = ("tools.", "mcp_servers", "container", "messages.0.content.1.source")
    encoded = vital = 0
    for recording, request in requests_of(shared_data):
        made = DIALECT.encode_request(request, target(model, url))
        encoded += 1
        assert checker(made.payload, flavor).run() == [], recording["id"]
        assert all(loss.path and loss.reason for loss in made.losses)
        paths = [loss.path for loss in made.losses if loss.is_vital]
        assert all(path.startswith(only_at_anthropic) for path in paths), recording["id"]
        vital += bool(paths)
    assert encoded == 50
    assert vital < 25


def test_every_recorded_message_passes_through_to_the_same_object(shared_data: Path) -> None:
    seen = 0
    for recording, request in requests_of(shared_data):
        response = recording["response"]
        sent = {**recording["request"]["body"], "model": "m", "stream": True}
        assert PASS.encode_request(request, target("m")).payload == sent
        if response["status"] != 200:
            continue
        seen += 1
        first, *others = (run(PASS, request, recording, cut) for cut in CUTS)
        assert all(other == first for other in others), recording["id"]
        if "body" in response:
            assert fold(first) == {**response["body"], "model": request.model}, recording["id"]
        else:
            wanted = [chunk for chunk in chunks_of(response) if chunk.get("type")]
            wanted[0]["message"]["model"] = request.model
            assert first == wanted, recording["id"]
    assert seen >= 40


def test_every_recorded_failure_of_anthropic_keeps_its_words(shared_data: Path) -> None:
    told: list[UpstreamError] = []
    for recording, request in requests_of(shared_data):
        response = recording["response"]
        if response["status"] != 200:
            told.append(
                PASS.decode_error(request, response["status"], response["headers"], body_of(response))
            )
            assert told[-1].message == response["body"]["error"]["message"]
            assert told[-1].status == response["status"]
    assert len(told) >= 3
