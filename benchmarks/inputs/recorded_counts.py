"""Turns recorded exchanges into requests with the input tokens their upstream counted.

A recording is left out, with a reason, where the number or the request is not what the model was given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from proxy.messages.request import MessagesRequest


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request and what its upstream counted."""

    name: str
    model: str
    request: MessagesRequest
    actual: int
    characters: int
    """Of the body as sent, for the plain characters / 4."""

    @property
    def is_judged(self) -> bool:
        """The half that constants are judged on, by a hash of the name; the other half is for fitting."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1

    @property
    def is_only_witness(self) -> bool:
        """It uses what no recording of the fitted half does: web search, tool search or citations.

        Those constants of the families can only come from the judged half, so it does not judge them.
        """
        kinds = [str(tool.type) for tool in self.request.tools or ()]
        blocks = [block for message in self.request.messages for block in message.blocks()]
        return any(kind.startswith(("web_search", "tool_search")) for kind in kinds) or any(
            (block.model_extra or {}).get("citations") for block in blocks
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A recording that cannot be judged, and why."""

    name: str
    reason: str


def read_recordings(folder: Path) -> list[Recorded | LeftOut]:
    """Returns every recording under `folder`, sorted by name."""
    return [_read(json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))]


def _read(recording: dict[str, Any]) -> Recorded | LeftOut:
    name, body = recording["id"], _object(recording["request"].get("body"))
    actual = _counted(recording)
    reason = _unusable(recording, body, actual)
    if reason is not None or actual is None:
        return LeftOut(name, reason or "no input tokens")
    is_chat = recording["protocol"] == "openai-chat"
    made = from_chat(body) if is_chat else {**body, "max_tokens": body.get("max_tokens", 1)}
    model = _answered_by(recording) or body["model"]
    return Recorded(name, model, MessagesRequest.model_validate(made), actual, len(_sent(body)))


def _object(value: Any) -> dict[str, Any]:
    """Returns the value if it is an object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _sent(body: dict[str, Any]) -> str:
    seen = ("system", "messages", "tools", "functions", "output_config", "response_format")
    return json.dumps({key: body[key] for key in seen if key in body}, ensure_ascii=False)


def _unusable(recording: dict[str, Any], body: dict[str, Any], actual: int | None) -> str | None:
    text = json.dumps(body)
    notes = " ".join(recording["source"].get("modified") or ())
    events = list(_events(recording["response"]))
    ran = any('"server_tool_use"' in json.dumps(event.get("content", "")) for event in events)
    looped = recording["protocol"] == "openai-chat" and "openrouter:" in text
    checks = (
        (not body.get("messages"), "no request body with messages"),
        ("request" in notes, "request shortened by the recorder"),
        (actual is None, "no input tokens recorded (errors, lists)"),
        (actual == 0, "recorded input tokens are 0"),
        (ran or looped, "number includes what server tools brought in later passes"),
        ('"mcp_servers"' in text, "tools of the MCP server are not in the request"),
        ('"file_id"' in text, "the file is not in the request"),
        (
            '"url": "http' in text or '"file_data": "http' in text,
            "the picture or file behind a URL is not in the request",
        ),
    )
    return next((reason for applies, reason in checks if applies), None)


def _events(response: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if body := _object(response.get("body")):
        yield body
    for line in (response.get("sse") or "").splitlines():
        if line.startswith("data:"):
            try:
                event = json.loads(line[5:])
            except ValueError:
                continue
            yield _object(event)


def _counted(recording: dict[str, Any]) -> int | None:
    """Returns the first count of a Messages API answer (later ones add passes), the last of a chat."""
    counts: list[int] = []
    for event in _events(recording["response"]):
        holders = (_object(event.get("message")), event, _object(event.get("x_groq")))
        usage = next((found for each in holders if (found := _object(each.get("usage")))), event)
        if "prompt_tokens" in usage:
            counts.append(int(usage["prompt_tokens"]))
        elif "input_tokens" in usage:
            parts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
            return sum(int(usage.get(part) or 0) for part in parts)
    return counts[-1] if counts else None


def _answered_by(recording: dict[str, Any]) -> str | None:
    """The model that answered where the upstream chose another than asked for (OpenRouter's `models`)."""
    if not recording["request"]["body"].get("models"):
        return None
    return next((event["model"] for event in _events(recording["response"]) if event.get("model")), None)


def from_chat(body: dict[str, Any]) -> dict[str, Any]:
    """Returns a chat-completions body as the Messages request that would be sent as it."""
    made: dict[str, Any] = {"model": body["model"], "max_tokens": 1, "messages": []}
    for message in body["messages"]:
        if message["role"] in ("system", "developer"):
            texts = [block["text"] for block in _content(message.get("content")) if block["type"] == "text"]
            made["system"] = "\n\n".join([*([made["system"]] if "system" in made else []), *texts])
        else:
            made["messages"].append(_message(message))
    tools = [tool["function"] for tool in body.get("tools") or () if "function" in tool]
    if tools or body.get("functions"):
        made["tools"] = [_tool(tool) for tool in tools or body["functions"]]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        made["tool_choice"] = {"type": "tool", "name": choice["function"]["name"]}
    elif choice is not None:
        made["tool_choice"] = {"type": {"required": "any"}.get(choice, choice)}
    schema = _object(_object(body.get("response_format")).get("json_schema")).get("schema")
    if schema:
        made["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    if body.get("reasoning_effort"):
        made["thinking"] = {"type": "adaptive"}
    elif body.get("reasoning") or body.get("thinking") or body["model"].endswith(":thinking"):
        made["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    return made


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    kept = {key: function[key] for key in ("name", "description") if function.get(key)}
    return {**kept, "input_schema": function.get("parameters") or {"type": "object", "properties": {}}}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        block = {"type": "tool_result", "tool_use_id": message["tool_call_id"]}
        return {"role": "user", "content": [{**block, "content": _content(message["content"])}]}
    blocks = list(_content(message.get("content")))
    details = "".join(each.get("text") or "" for each in message.get("reasoning_details") or ())
    thought = message.get("reasoning_content") or message.get("reasoning") or details
    if thought:
        blocks.insert(0, {"type": "thinking", "thinking": thought})
    for call in message.get("tool_calls") or ():
        function = call["function"]
        arguments = json.loads(function.get("arguments") or "{}")
        blocks.append({"type": "tool_use", "id": call["id"], "name": function["name"], "input": arguments})
    return {"role": message["role"], "content": blocks}


def _content(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return _text_blocks(content)
    return [block for part in content or () for block in _part(part)]


def _part(part: dict[str, Any]) -> list[dict[str, Any]]:
    if part["type"] == "text":
        return _text_blocks(part["text"])
    if part["type"] == "thinking":
        return [{"type": "thinking", "thinking": "".join(each["text"] for each in part["thinking"])}]
    image = part.get("image_url", "")
    url = str(_object(image).get("url") or image)
    return [{"type": "image", "source": {"type": "base64", "data": url.partition("base64,")[2]}}]


def _text_blocks(text: str) -> list[dict[str, Any]]:
    """A client keeps reasoning that came as tagged text apart from the answer."""
    thought, closed, answer = text.partition("</think>")
    if not closed:
        return [{"type": "text", "text": text}] if text else []
    tagged = {"type": "thinking", "thinking": thought.replace("<think>", "").strip()}
    return [tagged, {"type": "text", "text": answer.strip()}]
