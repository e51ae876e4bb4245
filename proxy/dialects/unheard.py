"""Names what a request says in places that chat completions have no ear for, so that no loss is silent."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from proxy.dialects.losses import Losses
from proxy.messages.request import ImageParam, MessageParam, MessagesRequest, TextParam, ToolResultParam

_READ_OF_TOOLS = frozenset({"input_examples", "allowed_callers", "eager_input_streaming"})
_LEFT_OUT = "left out: the upstream has no such field"


def note_unheard(request: MessagesRequest, losses: Losses) -> None:
    """Notes the fields inside of others that nobody reads; `openai_chat_tools` notes what it knows."""
    for path in _unheard(request):
        losses.add(path, _LEFT_OUT)


def _unheard(request: MessagesRequest) -> Iterator[str]:
    for name, section in (
        ("output_config", request.output_config),
        ("thinking", request.thinking),
        ("tool_choice", request.tool_choice),
    ):
        if section is not None:
            yield from (f"{name}.{field}" for field in _extra(section))
    metadata = request.metadata or {}
    yield from (f"metadata.{name}" for name, value in metadata.items() if value and name != "user_id")
    for index, tool in enumerate(request.tools or []):
        if tool.is_custom:
            yield from (f"tools.{index}.{name}" for name in _extra(tool) if name not in _READ_OF_TOOLS)
    for index, message in enumerate(request.messages):
        yield from _in_message(message, f"messages.{index}")


def _in_message(message: MessageParam, path: str) -> Iterator[str]:
    yield from (f"{path}.{name}" for name in _extra(message) if name != "output_config")
    if isinstance(message.content, str):
        return
    for place, block in enumerate(message.content):
        at = f"{path}.content.{place}"
        if isinstance(block, ImageParam) or (isinstance(block, TextParam) and message.role == "user"):
            yield from (f"{at}.{name}" for name in _extra(block))
        elif isinstance(block, ToolResultParam) and isinstance(block.content, list):
            for inside, each in enumerate(block.content):
                if isinstance(each, ImageParam):
                    yield from (f"{at}.content.{inside}.{name}" for name in _extra(each))


def _extra(section: BaseModel) -> list[str]:
    return [name for name, value in (section.model_extra or {}).items() if value]
