"""The embedded upstream: a scripted model inside the process, offline and deterministic.

It serves the first run and `signalbox demo`, and says plainly what it is. It speaks chat completions as a
server does, in bytes, so that everything between it and the client is the code that serves real models.

The script: with a fresh question it thinks, says what it is and calls a tool where it may; with a tool's
result it thinks and tells the result; an answer that shall match a schema is the least that does. It calls
only a tool that the question names, that `tool_choice` forces, or that is the only one and needs no input: a
client's tools touch real files, and a demo must not.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from proxy.messages.message import JsonObject

PACE_S = 0.02
"""Pause after each word, so that streaming can be seen; about as fast as a quick model."""

_HEADERS: Mapping[str, str] = MappingProxyType({"content-type": "text/event-stream"})
_PIECE = re.compile(r"\S+\s*")


@dataclass(frozen=True, slots=True)
class DemoUpstream:
    """The scripted model as an upstream."""

    pace_s: float = PACE_S
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def open(self, path: str, payload: JsonObject, headers: Mapping[str, str]) -> DemoAnswer:
        """Answers every request with status 200; `path` and `headers` mean nothing here."""
        del path, headers
        return DemoAnswer(tuple(_lines(payload)), self.pace_s, self.sleep)

    async def aclose(self) -> None:
        """Does nothing: there is no connection."""


@dataclass(slots=True)
class DemoAnswer:
    """One scripted answer, paced."""

    lines: tuple[bytes, ...]
    pace_s: float
    sleep: Callable[[float], Awaitable[object]]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: _HEADERS)
    is_closed: bool = False
    told: int = 0
    """How many lines are out."""

    async def read(self) -> bytes:
        """Returns one event at a time until all are out or the reader left."""
        if self.told:
            await self.sleep(self.pace_s)
        if self.is_closed or self.told == len(self.lines):
            return b""
        self.told += 1
        return self.lines[self.told - 1]

    async def aclose(self) -> None:
        """Ends the answer."""
        self.is_closed = True


@dataclass(frozen=True, slots=True)
class _Script:
    thinking: str
    text: str
    call: JsonObject | None = None


def _lines(payload: JsonObject) -> Iterator[bytes]:
    script = _script(payload)
    pieces = [("reasoning", piece) for piece in _PIECE.findall(script.thinking)]
    pieces += [("content", piece) for piece in _PIECE.findall(script.text)]
    limit = payload.get("max_tokens") or payload.get("max_completion_tokens") or len(pieces)
    is_cut = len(pieces) > limit
    for key, piece in pieces[:limit]:
        yield _chunk(payload, {"role": "assistant", key: piece})
    if script.call is not None and not is_cut:
        yield from (_chunk(payload, {"tool_calls": [part]}) for part in _call_parts(script.call))
    finish = "length" if is_cut else "tool_calls" if script.call else "stop"
    yield _chunk(payload, {}, finish)
    yield _chunk(payload, None, usage=_usage(payload, min(len(pieces), limit)))
    yield b"data: [DONE]\n\n"


def _call_parts(call: JsonObject) -> Iterator[JsonObject]:
    """The call as servers stream it: the name first, then the arguments in pieces."""
    yield {
        "index": 0,
        "id": call["id"],
        "type": "function",
        "function": {"name": call["name"], "arguments": ""},
    }
    arguments: str = call["arguments"]
    half = len(arguments) // 2
    for piece in (arguments[:half], arguments[half:]):
        yield {"index": 0, "function": {"arguments": piece}}


def _chunk(
    payload: JsonObject, delta: JsonObject | None, finish: str | None = None, usage: JsonObject | None = None
) -> bytes:
    chunk: JsonObject = {
        "id": "chatcmpl-demo",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": payload.get("model"),
        "choices": [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    if usage is not None:
        chunk["usage"] = usage
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _usage(payload: JsonObject, output: int) -> JsonObject:
    prompt = len(json.dumps(payload.get("messages", []), ensure_ascii=False)) // 4
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output, "cost": 0}


def _script(payload: JsonObject) -> _Script:
    messages: list[JsonObject] = payload.get("messages") or []
    results = _results_at_end(messages)
    if results:
        return _Script(
            "The tool has answered, so I can use its result.",
            "The tool answered: " + "; ".join(results) + "\n\n"
            "That is the whole loop: your question, my tool call, your client's result, this answer.",
        )
    schema = _answer_schema(payload)
    if schema is not None:
        return _Script(
            "I am a script, so I answer the least that the schema takes.", json.dumps(_value(schema))
        )
    question = _last_text(messages)
    tool = _tool_to_call(payload, question)
    about = (
        "This is Signalbox's built-in demo, not a real model. Your request arrived, was translated, answered "
        "and translated back. Add a provider and its key to talk to a real model."
    )
    if tool is None:
        return _Script("I am a script, so I say what I am.", about)
    call = {
        "id": f"call_demo_{len(messages)}",
        "name": tool["name"],
        "arguments": json.dumps(_example(_schema(tool))),
    }
    return _Script(
        f"I am a script. I can show a tool call with {tool['name']}.", about + " Now I call your tool.", call
    )


def _results_at_end(messages: list[JsonObject]) -> list[str]:
    results: list[str] = []
    for message in reversed(messages):
        if message.get("role") != "tool":
            break
        results.append(_text(message))
    return results[::-1]


def _last_text(messages: list[JsonObject]) -> str:
    return next((_text(message) for message in reversed(messages) if message.get("role") == "user"), "")


def _text(message: JsonObject) -> str:
    content: str | list[JsonObject] = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content if part.get("type") == "text")


def _tool_to_call(payload: JsonObject, question: str) -> JsonObject | None:
    declared: list[JsonObject] = payload.get("tools") or []
    tools: list[JsonObject] = [tool["function"] for tool in declared if "function" in tool]
    choice: str | JsonObject | None = payload.get("tool_choice")
    if not tools or choice == "none":
        return None
    if isinstance(choice, dict):
        return next((tool for tool in tools if tool["name"] == choice["function"]["name"]), None)
    named = next((tool for tool in tools if re.search(rf"\b{re.escape(tool['name'])}\b", question)), None)
    if named is not None or choice == "required":
        return named or tools[0]
    return tools[0] if len(tools) == 1 and not _schema(tools[0]).get("required") else None


_EXAMPLES: Mapping[str, Any] = MappingProxyType(
    {"string": "demo", "integer": 1, "number": 1, "boolean": False, "array": []}
)


def _answer_schema(payload: JsonObject) -> JsonObject | None:
    """The schema that the answer shall match."""
    wanted: JsonObject = payload.get("response_format") or {}
    named: JsonObject = wanted.get("json_schema") or {}
    return named.get("schema")


def _example(schema: JsonObject) -> JsonObject:
    """The least object that a schema takes: required fields only, enums by their first value."""
    fields: dict[str, JsonObject] = schema.get("properties") or {}
    required: list[str] = schema.get("required") or []
    return {name: _value(fields.get(name) or {}) for name in required}


def _schema(tool: JsonObject) -> JsonObject:
    return tool.get("parameters") or {}


def _value(field: JsonObject) -> Any:
    if "default" in field:
        return field["default"]
    if field.get("enum"):
        return field["enum"][0]
    if field.get("type") == "object":
        return _example(field)
    return _EXAMPLES.get(str(field.get("type")), "demo")
