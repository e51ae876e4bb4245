"""Names what a request says in places that chat completions have no ear for, so that no loss is silent."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from proxy.dialects.losses import Losses
from proxy.messages.request import ImageParam, MessagesRequest, ToolResultParam

_LEFT_OUT = "left out: the upstream has no such field"


def note_unheard(request: MessagesRequest, losses: Losses) -> None:
    """Notes the fields inside of others that nobody reads; those of blocks and tools have their own places."""
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
    yield from (
        f"metadata.{name}" for name, value in (request.metadata or {}).items() if value and name != "user_id"
    )
    for index, message in enumerate(request.messages):
        yield from (f"messages.{index}.{name}" for name in _extra(message) if name != "output_config")
        for place, block in enumerate(message.blocks()):
            at = f"messages.{index}.content.{place}"
            if isinstance(block, ImageParam):
                yield from (f"{at}.{name}" for name in _extra(block))
            elif isinstance(block, ToolResultParam) and isinstance(block.content, list):
                for inside, each in enumerate(block.content):
                    if isinstance(each, ImageParam):
                        yield from (f"{at}.content.{inside}.{name}" for name in _extra(each))


def _extra(section: BaseModel) -> list[str]:
    return [name for name, value in (section.model_extra or {}).items() if value]
