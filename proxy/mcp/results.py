"""What a server answered: the answer whole, and as content blocks for a model, never more than a limit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from proxy.tools.base import ToolOutput

MAX_RESULT_BYTES = 2**20
_FOR_NOTES = 64 * 1024
_BLOCK = 64
"""What a block costs besides its text."""
_CUT: Mapping[str, Any] = {"type": "text", "text": "[The result was cut: it is larger than 1 MiB.]"}
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to one call, as it stood on the wire."""

    content: tuple[Mapping[str, Any], ...]
    """MCP content blocks: text, image, audio, resource, resource_link."""
    structured: Any = None
    """`structuredContent`; None where there is none."""
    is_error: bool = False
    """The tool itself says it failed."""

    def bounded(self) -> CallResult:
        """Returns it with at most 1 MiB; what is cut is said."""
        whole = sum(map(_size, self.content)) + (0 if self.structured is None else _size(self.structured))
        if whole <= MAX_RESULT_BYTES:
            return self
        room = _Room()
        kept = tuple(room.fit(each) for each in self.content)
        structured = self.structured
        if structured is not None and not room.take(_size(structured)):
            structured = None
        return CallResult((*kept, _CUT), structured, self.is_error)


class _Room:
    """How much may still be kept."""

    def __init__(self) -> None:
        self._left = MAX_RESULT_BYTES - _FOR_NOTES

    def take(self, size: int) -> bool:
        """Tells whether there is room for so much, and takes it."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def fit(self, block: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns a block, or what of it there is room for."""
        if self.take(_size(block)):
            return block
        text = block.get("text")
        if block.get("type") != "text" or not isinstance(text, str):
            return _text(f"[{str(block.get('type'))[:40]} left out]")
        kept = text.encode("utf-8", "replace")[: max(self._left - _BLOCK, 0)].decode("utf-8", "ignore")
        self._left = 0
        return _text(kept)


def _size(value: object) -> int:
    if isinstance(value, Mapping):
        block = cast("Mapping[str, Any]", value)
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            return len(block["text"].encode("utf-8", "replace")) + _BLOCK
    return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))


def output_of(result: CallResult) -> ToolOutput:
    """Returns an answer as a tool's output, bounded."""
    bounded = result.bounded()
    blocks = tuple(_block(each) for each in bounded.content)
    if not bounded.content and bounded.structured is not None:
        blocks = (_text(json.dumps(bounded.structured, ensure_ascii=False)),)
    return ToolOutput(blocks or (_text("(no content)"),), bounded.is_error)


def plain(value: object) -> Any:
    """Returns a value of dictionaries and lists that nobody else holds."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in cast("Iterable[object]", value)]
    return value


def _text(text: str) -> Mapping[str, Any]:
    return {"type": "text", "text": text}


def _block(block: Mapping[str, Any]) -> Mapping[str, Any]:
    makers: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
        "text": lambda each: _text(str(each.get("text", ""))),
        "image": _image,
        "audio": lambda each: _text(f"[audio of the type {each.get('mimeType')}, which models cannot hear]"),
        "resource": _resource,
        "resource_link": lambda each: _text(f"[resource {each.get('uri')}: {each.get('name', '')}]"),
    }
    make = makers.get(str(block.get("type")))
    return make(block) if make else _text(json.dumps(plain(block), ensure_ascii=False))


def _image(block: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = str(block.get("mimeType"))
    if kind not in _PICTURES:
        return _text(f"[image of the type {kind}, which models cannot see]")
    source = {"type": "base64", "media_type": kind, "data": str(block.get("data", ""))}
    return {"type": "image", "source": source}


def _resource(block: Mapping[str, Any]) -> Mapping[str, Any]:
    resource = cast("Mapping[str, Any]", block.get("resource") or {})
    if isinstance(resource.get("text"), str):
        return _text(f"[resource {resource.get('uri')}]\n{resource['text']}")
    if resource.get("mimeType") in _PICTURES:
        return _image({"mimeType": resource["mimeType"], "data": resource.get("blob", "")})
    return _text(f"[resource {resource.get('uri')} of the type {resource.get('mimeType')}]")
