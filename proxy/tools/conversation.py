"""What lives as long as a conversation: what was read, its to-do list, its running commands, its consents."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxy.tools.guard import Stamp

_MAX_CONVERSATIONS = 200
_IDLE_S = 24 * 3600.0


@dataclass(slots=True)
class Conversation:
    """One conversation's state; tools change it, on the loop's thread only."""

    key: tuple[str, str]
    """The client token's name and the conversation's id."""
    cwd: str | None = None
    """Where the next command begins; None: the workspace's root."""
    stamps: dict[str, Stamp] = field(default_factory=dict[str, "Stamp"])
    """Of each file that was read whole or in part, by real path: Edit and Write need it."""
    todos: tuple[Mapping[str, Any], ...] = ()
    allowed_digests: set[str] = field(default_factory=set[str])
    """Exact calls the user allowed for this conversation."""
    owed_results: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Results of ours that the client's next turn must carry, by call id: `tool_result` blocks."""
    resources: dict[str, Any] = field(default_factory=dict[str, Any])
    """Objects of single tools, such as background commands, by tool name."""
    used_at: float = 0.0


class Conversations:
    """The conversations that are remembered; the least recently used ones are forgotten."""

    def __init__(self, clock: Callable[[], float], close: Callable[[Conversation], object]) -> None:
        """Makes an empty memory.

        Args:
            clock: Seconds, for idleness.
            close: Ends what a forgotten conversation still holds, such as its background commands.
        """
        self._clock = clock
        self._close = close
        self._kept: OrderedDict[tuple[str, str], Conversation] = OrderedDict()

    def get(self, token_name: str, conversation_id: str | None, request_id: str) -> Conversation:
        """Returns the conversation; one without an id lasts for its request only."""
        if conversation_id is None:
            return Conversation((token_name, request_id), used_at=self._clock())
        key = (token_name, conversation_id)
        found = self._kept.pop(key, None) or Conversation(key)
        found.used_at = self._clock()
        self._kept[key] = found
        self._forget()
        return found

    def find(self, token_name: str, conversation_id: str) -> Conversation | None:
        """Returns a conversation that is remembered, and does not count that as a use."""
        return self._kept.get((token_name, conversation_id))

    def end(self, conversation: Conversation) -> None:
        """Forgets a conversation that is over, and ends what it still holds."""
        self._kept.pop(conversation.key, None)
        self._close(conversation)

    def _forget(self) -> None:
        now = self._clock()
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if len(self._kept) <= _MAX_CONVERSATIONS and now - oldest.used_at < _IDLE_S:
                return
            self._close(self._kept.pop(oldest.key))

    def close(self) -> None:
        """Ends everything that is still held."""
        while self._kept:
            self._close(self._kept.popitem()[1])
