"""Estimates how many input tokens a request has in a given model: everything the model sees, frames included.

The text goes through a vocabulary of the model's family (`vocabulary`), tool declarations as that family
spells them (`tool_spelling`), pictures and PDFs by their rules (`media_tokens`), and the family's constants
are added (`token_families`). Pure: the same request and model always give the same number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from typing_extensions import assert_never

from proxy.messages import tool_spelling
from proxy.messages.media_tokens import image_tokens, pdf_tokens
from proxy.messages.request import (
    Content,
    ContentBlockParam,
    DocumentParam,
    ImageParam,
    MessageParam,
    MessagesRequest,
    OtherBlock,
    RedactedThinkingParam,
    TextParam,
    ThinkingParam,
    ToolParam,
    ToolResultParam,
    ToolUseParam,
)
from proxy.messages.token_families import TextRates, TokenFamily, family_of
from proxy.messages.vocabulary import count_text
from proxy.messages.wire import write_json

_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OPAQUE = ("cache_control", "signature", "encrypted_content", "encrypted_index", "encrypted_stdout", "type")
"""Fields of echoed server-tool blocks that the model does not read as text."""
_PLAIN = TextRates()
_UNKNOWN_SERVER_TOOL = 300


def estimate_tokens(request: MessagesRequest, model: str | None = None) -> int:
    """Returns an estimate of the request's input tokens, at least 1.

    Args:
        request: What the client sent.
        model: The upstream's name of the model that would answer; the request's own name by default.
    """
    return _Count(family_of(model or request.model)).request(request)


class _Count:
    """Counts one request in one family."""

    def __init__(self, family: TokenFamily) -> None:
        self._family = family

    def request(self, request: MessagesRequest) -> int:
        family = self._family
        total = family.start + self._system(request) + self._tools(request)
        total += self._conversation(request.messages)
        if request.thinking is not None:
            total += self._thinking_frame(request.thinking.type)
        if request.output_config is not None and request.output_config.format:
            schema = write_json(request.output_config.format.get("schema")).decode()
            total += family.schema + family.schema_rate * self._text(schema)
        return max(1, round(total))

    def _system(self, request: MessagesRequest) -> float:
        blocks = request.system_blocks()
        return self._family.system + sum(self._text(block.text) for block in blocks) if blocks else 0

    def _thinking_frame(self, kind: str) -> int:
        if kind == "enabled":
            return self._family.thinking
        return self._family.thinking_adaptive if kind == "adaptive" else 0

    # Tools

    def _tools(self, request: MessagesRequest) -> float:
        revealed = set(_revealed(request.messages))
        tools = [tool for tool in request.tools or () if not tool.defer_loading or tool.name in revealed]
        if not tools:
            return 0
        family, choice = self._family, request.tool_choice
        forced = choice is not None and choice.type in ("any", "tool")
        start = family.tools if family.tools_forced is None or not forced else family.tools_forced
        return start + sum(self._tool(tool) for tool in tools)

    def _tool(self, tool: ToolParam) -> float:
        family = self._family
        if not tool.is_custom:
            known = (cost for name, cost in family.server_tools if str(tool.type).startswith(name))
            return next(known, _UNKNOWN_SERVER_TOOL)
        match family.tool_text:
            case "messages":
                text = tool_spelling.as_messages(tool)
            case "chat":
                text = tool_spelling.as_chat(tool)
            case "typescript":
                text = tool_spelling.as_typescript(tool)
            case _:
                assert_never(family.tool_text)
        return family.tool + family.tool_rate * self._text(text)

    # Messages

    def _conversation(self, messages: Sequence[MessageParam]) -> float:
        shows_open_turn = self._family.keeps_thinking != "never"
        open_turn = _start_of_open_turn(messages) if shows_open_turn else len(messages)
        cites = any(_cites(block) for message in messages for block in message.blocks())
        total: float = self._family.citations if cites else 0
        for index, message in enumerate(messages):
            keeps = self._family.keeps_thinking == "always" or index > open_turn
            total += self._family.message + sum(self._block(block, keeps) for block in message.blocks())
        is_prefilled = bool(messages) and messages[-1].role == "assistant"
        return total - self._family.message if is_prefilled else total

    def _block(self, block: ContentBlockParam, keeps_thinking: bool = True) -> float:
        match block:
            case TextParam():
                return self._text(block.text)
            case ImageParam():
                return image_tokens(block.source, self._family.image)
            case DocumentParam():
                return self._document(block)
            case ThinkingParam():
                return self._text(block.thinking) if keeps_thinking else 0
            case RedactedThinkingParam():
                return 0
            case ToolUseParam():
                return self._family.call + self._text(block.name) + self._json(block.input)
            case ToolResultParam():
                return self._family.result + self._content(block.content)
            case OtherBlock():
                return self._other(block)
            case _:
                assert_never(block)

    def _content(self, content: Content | None) -> float:
        if content is None:
            return 0
        return self._text(content) if isinstance(content, str) else sum(map(self._block, content))

    def _document(self, block: DocumentParam) -> float:
        total = self._text(block.title or "") + self._text(block.context or "")
        data: Any = block.source.get("data")
        if isinstance(data, str):
            is_text = block.source.get("type") == "text"
            return total + (self._text(data) if is_text else pdf_tokens(data, self._family.image))
        content: Any = block.source.get("content")
        if isinstance(content, str):
            return total + self._text(content)
        return total + (self._json(content) if content else image_tokens(None, self._family.image))

    def _other(self, block: OtherBlock) -> float:
        fields = {name: value for name, value in (block.model_extra or {}).items() if name not in _OPAQUE}
        return self._family.call + self._json(_without_opaque(fields))

    # Text

    def _json(self, value: Any) -> float:
        return self._text(write_json(value).decode())

    def _text(self, text: str) -> float:
        rates = self._family.text
        total = rates.token * count_text(self._family.vocabulary, text)
        if rates == _PLAIN:
            return total
        total += rates.newline * text.count("\n") + rates.underscore * text.count("_")
        total += rates.character * len(text) + rates.space * text.count(" ")
        total += rates.capital * sum(map(text.count, _CAPITALS))
        if not text.isascii():
            total += rates.wide_byte * (len(text.encode("utf-8", "replace")) - len(text))
        return total


def _start_of_open_turn(messages: Sequence[MessageParam]) -> int:
    """Returns where the last user text stands: thinking after it belongs to the turn still open."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role == "user" and not all(isinstance(each, ToolResultParam) for each in message.blocks()):
            return index
    return -1


def _revealed(messages: Sequence[MessageParam]) -> Iterator[str]:
    """Yields the names of deferred tools that the conversation has brought in (Tool search page)."""
    for message in messages:
        for block in message.blocks():
            inner = block.content if isinstance(block, ToolResultParam) else None
            for each in inner if isinstance(inner, list) else [block]:
                if isinstance(each, OtherBlock):
                    yield from _references(each.model_extra)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _references(each)
    elif isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        named: Any = fields.get("tool_name") or fields.get("name")
        if isinstance(named, str):
            yield named
        for each in fields.values():
            yield from _references(each)


def _cites(block: ContentBlockParam) -> bool:
    citations: Any = (block.model_extra or {}).get("citations")
    return isinstance(citations, dict) and bool(cast("dict[str, Any]", citations).get("enabled"))


def _without_opaque(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: _without_opaque(each) for name, each in fields.items() if name not in _OPAQUE}
    if isinstance(value, list):
        return [_without_opaque(each) for each in cast("list[Any]", value)]
    return value
