"""Judges answers by the JSON Schema that `output_config.format` asks for, and asks again for a valid one.

Pure. The schema is the client's own, so nothing it names is fetched, and its patterns may not run for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.message import JsonObject, Message
from proxy.messages.request import MessageParam, MessagesRequest, TextParam
from proxy.messages.wire import InvalidJson, read_json

_BACKTRACK_LIMIT = 100_000
_MAX_PROBLEMS = 5
_MAX_PROBLEM_CHARS = 200
_MAX_QUOTED_CHARS = 32_000
"""Of an invalid answer this much goes back to the model."""
_FENCED = re.compile(r"```[A-Za-z]*\s*\n(.*?)```", re.DOTALL)
_OPENING = re.compile(r"[\[{]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is worth."""

    problem: str | None = None
    """Why it is not valid, for people and for the model; None: it is."""
    text: str | None = None
    """The valid JSON; None: the answer is not one to be judged."""


class AnswerSchema:
    """One schema, ready to judge answers."""

    def __init__(self, schema: JsonObject) -> None:
        """Makes the schema ready.

        Raises:
            ClientError: It is no JSON Schema, or refers to something outside itself.
        """
        import jsonschema_rs  # noqa: PLC0415 - 3 MB, which only who asks for a schema pays

        patterns = jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_LIMIT)
        try:
            self._validator = jsonschema_rs.validator_for(
                _readable(schema), offline=True, validate_formats=True, pattern_options=patterns
            )
        except (ValueError, jsonschema_rs.ReferencingError) as exc:
            said = getattr(exc, "message", str(exc))
            raise ClientError(
                ErrorType.INVALID_REQUEST, f"output_config.format.schema: {_short(said)}"
            ) from None

    def judge(self, message: Message) -> Verdict:
        """Returns whether an answer holds valid JSON, perhaps with other text around it.

        Only an answer that the model ended itself is judged: one that was cut off, refused, or goes on with a
        tool says so in its stop reason (Structured outputs page: such answers may not match the schema).
        """
        if message["stop_reason"] != "end_turn":
            return Verdict()
        text = text_of(message)
        problems: list[str] = []
        for candidate in _candidates(text):
            found = self._problems(candidate)
            if not found:
                return Verdict(text=candidate)
            problems.append(found)
        return Verdict(problem=problems[0])

    def _problems(self, text: str) -> str:
        try:
            value = read_json(text.encode("utf-8", "replace"))
        except InvalidJson as exc:
            return f"it {exc}" if text else "it has no text"
        found: list[str] = []
        for error in self._validator.iter_errors(value):
            found.append(f"{_place(error.instance_path)}: {_short(error.message)}")
            if len(found) == _MAX_PROBLEMS:
                break
        return "; ".join(found)


def wanted_schema(request: MessagesRequest) -> JsonObject | None:
    """Returns the schema an answer shall have: `output_config.format`, or the deprecated `output_format`."""
    formats: Any = request.output_config.format if request.output_config else None
    formats = formats or (request.model_extra or {}).get("output_format")
    schema: Any = cast("JsonObject", formats).get("schema") if isinstance(formats, dict) else None
    return cast("JsonObject", schema) if isinstance(schema, dict) else None


def text_of(message: Message) -> str:
    """Returns all text of an answer."""
    return "".join(str(block.get("text", "")) for block in message["content"] if block.get("type") == "text")


def is_only_text(message: Message, text: str) -> bool:
    """Whether an answer's text is one block that holds `text` and nothing else, as clients parse it."""
    texts = [block.get("text") for block in message["content"] if block.get("type") == "text"]
    return len(texts) == 1 and str(texts[0]).strip() == text


def with_text(message: Message, text: str) -> Message:
    """Returns an answer with `text` as its only text, where its last text stood."""
    content = message["content"]
    last = max(index for index, block in enumerate(content) if block.get("type") == "text")
    kept = [block for index, block in enumerate(content) if index > last or block.get("type") != "text"]
    place = sum(block.get("type") != "text" for block in content[:last])
    kept.insert(place, {"type": "text", "text": text})
    return {**message, "content": kept}


def asked_again(request: MessagesRequest, message: Message, problem: str) -> MessagesRequest:
    """Returns the request with the invalid answer and a word about what is wrong with it behind."""
    said = text_of(message)[:_MAX_QUOTED_CHARS]
    demand = (
        f"Your answer does not match the required JSON Schema: {problem}. "
        "Answer again, only with the complete corrected JSON, without any text around it."
    )
    turns = [MessageParam(role="user", content=[TextParam(type="text", text=demand)])]
    if said.strip():
        turns.insert(0, MessageParam(role="assistant", content=[TextParam(type="text", text=said)]))
    return request.model_copy(update={"messages": [*request.messages, *turns]})


def added_usage(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> JsonObject:
    """Returns the sum of two usages: numbers are added, all else is the later one's."""
    total: JsonObject = {**earlier, **{key: value for key, value in later.items() if value is not None}}
    for key, before in earlier.items():
        now: Any = later.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            total[key] = added_usage(cast("JsonObject", before), cast("JsonObject", now))
        elif isinstance(before, int) and isinstance(now, int):
            total[key] = before + now
    return total


def _candidates(text: str) -> Iterator[str]:
    """What may be the JSON in an answer: all of it, what a fence holds, what stands between brackets."""
    yield text.strip()
    for match in _FENCED.finditer(text):
        yield match.group(1).strip()
    opening = _OPENING.search(text)
    end = max(text.rfind("}"), text.rfind("]"))
    if opening is not None and end > opening.start():
        yield text[opening.start() : end + 1]


def _readable(schema: JsonObject) -> JsonObject:
    """The schema; a `$schema` that names no known draft is left out, as other validators do."""
    named = schema.get("$schema")
    if isinstance(named, str) and "json-schema.org/" in named:
        return schema
    return {key: value for key, value in schema.items() if key != "$schema"}


def _place(path: Sequence[str | int]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_PROBLEM_CHARS else text[:_MAX_PROBLEM_CHARS] + "…"
