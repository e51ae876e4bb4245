"""Which tool call a streamed delta belongs to; upstreams number, name and identify calls as they like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.dialects.block_queue import BlockQueue
from proxy.dialects.blocks import ThinkingBlock, ToolBlock
from proxy.dialects.loose_json import as_object, as_text
from proxy.dialects.tool_ids import ClientIds, ToolNames
from proxy.messages.message import JsonObject
from proxy.messages.wire import write_json


class _Call:
    __slots__ = ("block", "id", "index")

    def __init__(self, index: Any, upstream_id: str, block: ToolBlock) -> None:
        self.index = index
        self.id = upstream_id
        self.block = block


class CallTable:
    """The tool calls of one answer.

    A delta belongs to the call of its index; but another id and a name under the same index begin another
    call (Ollama numbers all calls 0). Without an index the id tells, without both a name begins a call.
    """

    def __init__(
        self,
        queue: BlockQueue,
        ids: ClientIds,
        names: ToolNames,
        think: Callable[[], ThinkingBlock],
        *,
        only_one: bool,
    ) -> None:
        self._queue = queue
        self._ids = ids
        self._names = names
        self._think = think
        self._only_one = only_one
        self._calls: list[_Call] = []

    @property
    def blocks(self) -> list[ToolBlock]:
        """All calls of the answer so far, in the order they began."""
        return [call.block for call in self._calls]

    def take(self, delta: JsonObject) -> None:
        """Takes one delta of a call; one of a call beyond the only one allowed is left out."""
        function = as_object(delta.get("function"))
        name, upstream_id = as_text(function.get("name")), as_text(delta.get("id"))
        call = self._find(delta.get("index"), upstream_id, name)
        if call is None:
            if self._only_one and self._calls:
                return
            call = self._begin(delta, upstream_id)
        else:
            self._keep_extra(call, delta)
            if upstream_id and not call.id:
                call.id = upstream_id
                if not call.block.name:
                    call.block.client_id = self._ids.take(upstream_id)
        if name and not call.block.name:
            call.block.name = self._names.back(name)
        text = _input_text(function.get("arguments"))
        if text:
            call.block.add_input(text)

    def _find(self, index: Any, upstream_id: str, name: str) -> _Call | None:
        if index is None:
            return self._find_without_index(upstream_id, name)
        same = next((call for call in reversed(self._calls) if call.index == index), None)
        if same is None or not upstream_id or not same.id or same.id == upstream_id:
            return same
        known = next((call for call in self._calls if call.index == index and call.id == upstream_id), None)
        return known if known or name or same.block.is_whole() else same

    def _find_without_index(self, upstream_id: str, name: str) -> _Call | None:
        if upstream_id:
            return next((call for call in self._calls if call.id == upstream_id), None)
        return None if name or not self._calls else self._calls[-1]

    def _begin(self, delta: JsonObject, upstream_id: str) -> _Call:
        call = _Call(delta.get("index"), upstream_id, ToolBlock(self._ids.take(upstream_id)))
        self._keep_extra(call, delta)
        self._calls.append(call)
        self._queue.add(call.block)
        return call

    def _keep_extra(self, call: _Call, delta: JsonObject) -> None:
        """Gemini wants its thought signature back with the call: it travels in a thinking block."""
        extra = delta.get("extra_content")
        if extra:
            block = self._think()
            block.calls.append({"id": call.block.client_id, "extra_content": extra})
            self._queue.add(block)


def _input_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return write_json(arguments).decode() if isinstance(arguments, dict) else ""
