"""What all rounds of one answer used together: tokens added up, each round kept as an iteration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from proxy.messages.message import JsonObject
from proxy.service.answer_schema import added_usage

_COUNTED = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class RoundsUsage:
    """Adds up the usage of rounds, and counts what the API's own tools did."""

    def __init__(self) -> None:
        self._rounds: list[JsonObject] = []
        self._counts: dict[str, int] = {}

    def add(self, usage: Mapping[str, Any]) -> None:
        """A round has ended."""
        self._rounds.append(dict(usage))

    def count(self, name: str) -> None:
        """One of the API's own tools was used."""
        self._counts[name] = self._counts.get(name, 0) + 1

    def total(self, last: Mapping[str, Any]) -> JsonObject:
        """Returns the usage that the answer's end tells; one round alone is told as its upstream did.

        Args:
            last: The usage in the last round's own ending.
        """
        total: JsonObject = dict(last)
        if len(self._rounds) > 1:
            total = {}
            for usage in self._rounds:
                total = added_usage(total, usage)
            total["iterations"] = [_iteration(usage) for usage in self._rounds]
        if self._counts:
            before = total.get("server_tool_use")
            kept = cast("JsonObject", before) if isinstance(before, dict) else {}
            total["server_tool_use"] = {**dict.fromkeys(self._counts, 0), **kept}
            for name, count in self._counts.items():
                total["server_tool_use"][name] += count
        return total


def _iteration(usage: Mapping[str, Any]) -> JsonObject:
    counted = {name: usage[name] for name in _COUNTED if isinstance(usage.get(name), int)}
    return {"type": "message", **counted}
