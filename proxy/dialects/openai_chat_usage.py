"""Token counts of chat completions as those of Messages: input less what was cached, output with thinking."""

from __future__ import annotations

from proxy.dialects.loose_json import as_object
from proxy.messages.message import JsonObject, Usage
from proxy.messages.usage_told import cost_told, tokens_told

CHARS_PER_TOKEN = 4
"""For an answer whose upstream tells no usage."""


class UsageTotal:
    """The newest word of an upstream on what an answer used; counts are totals, never to be added up."""

    def __init__(self) -> None:
        self._said: JsonObject = {}

    @property
    def is_silent(self) -> bool:
        """The upstream said nothing of usage."""
        return not self._said

    @property
    def cost_usd(self) -> float | None:
        """What the answer cost, if the upstream says so."""
        return cost_told(self._said)

    def take(self, usage: JsonObject) -> None:
        """Takes a usage object; null means not known yet."""
        self._said.update({key: value for key, value in usage.items() if value is not None})

    def usage(self, output_chars: int = 0) -> Usage:
        """Returns the usage of the Messages API.

        Args:
            output_chars: Length of what was sent, to estimate from where the upstream told nothing.
        """
        said = self._said
        if not said:
            return {
                "input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": -(-output_chars // CHARS_PER_TOKEN),
            }
        prompt, inside = _count(said, "prompt_tokens"), as_object(said.get("prompt_tokens_details"))
        read = (
            _count(inside, "cached_tokens")
            or _count(said, "prompt_cache_hit_tokens")
            or _count(said, "cached_tokens")
        )
        written = _count(inside, "cache_write_tokens")
        thought = _count(as_object(said.get("completion_tokens_details")), "reasoning_tokens")
        usage: Usage = {
            "input_tokens": max(0, prompt - read - written),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "output_tokens": self._output(prompt, thought),
        }
        if thought:
            usage["output_tokens_details"] = {"thinking_tokens": thought}
        searches = self._searches()
        if searches:
            usage["server_tool_use"] = {"web_search_requests": searches}
        return usage

    def _output(self, prompt: int, thought: int) -> int:
        """Some servers (xAI) count reasoning beside the completion: their total tells."""
        completion = _count(self._said, "completion_tokens")
        apart = thought and _count(self._said, "total_tokens") == prompt + completion + thought
        return completion + thought if apart else completion

    def _searches(self) -> int:
        for key in ("server_tool_use", "server_tool_use_details"):
            count = _count(as_object(self._said.get(key)), "web_search_requests")
            if count:
                return count
        return 0


def _count(fields: JsonObject, key: str) -> int:
    return tokens_told(fields.get(key)) or 0
