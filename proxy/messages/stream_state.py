"""The table of which stream event may follow which; code, tests and production read the same one.

The rules (Streaming page of the Messages API):

1. `message_start` comes first and once.
2. Blocks are opened, fed and closed one at a time; indices count from 0 without a gap.
3. A delta fits the kind of the open block; thinking gets at most one `signature_delta`, as its last delta.
4. `message_delta` (one or more) comes when no block is open; `message_stop` directly after it and last.
5. `ping` may stand anywhere before the end; an event type we do not know is let through anywhere.
6. `error` may replace whatever was due and ends the stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from proxy.messages.events import StreamEvent


class Phase(str, Enum):
    """Where in an answer a stream stands."""

    BEFORE = "before message_start"
    BETWEEN = "between blocks"
    IN_BLOCK = "inside a block"
    ENDING = "after message_delta"
    DONE = "after message_stop"
    FAILED = "after error"


NEXT: Mapping[Phase, Mapping[str, Phase]] = {
    Phase.BEFORE: {"message_start": Phase.BETWEEN, "error": Phase.FAILED},
    Phase.BETWEEN: {
        "content_block_start": Phase.IN_BLOCK,
        "message_delta": Phase.ENDING,
        "error": Phase.FAILED,
    },
    Phase.IN_BLOCK: {
        "content_block_delta": Phase.IN_BLOCK,
        "content_block_stop": Phase.BETWEEN,
        "error": Phase.FAILED,
    },
    Phase.ENDING: {"message_delta": Phase.ENDING, "message_stop": Phase.DONE, "error": Phase.FAILED},
    Phase.DONE: {},
    Phase.FAILED: {},
}
"""The legal moves. A type that is in no row is unknown to us and is let through unjudged."""

DELTAS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text_delta", "citations_delta"}),
    "thinking": frozenset({"thinking_delta", "signature_delta"}),
    "tool_use": frozenset({"input_json_delta"}),
    "server_tool_use": frozenset({"input_json_delta"}),
    "mcp_tool_use": frozenset({"input_json_delta"}),
    "compaction": frozenset({"compaction_delta"}),
}
"""Which delta fits which kind of block; a kind not named here comes whole and takes none."""

_KNOWN_EVENTS = frozenset(kind for row in NEXT.values() for kind in row)
_KNOWN_DELTAS = frozenset(kind for row in DELTAS.values() for kind in row)


class IllegalEvent(Exception):
    """An event that may not stand where it stands; the text names both."""


@dataclass(slots=True)
class StreamState:
    """The judge of one stream: feed it every event in order."""

    phase: Phase = Phase.BEFORE
    open_index: int = -1
    """Index of the last block opened."""
    open_kind: str = ""
    is_signed: bool = False

    def advance(self, event: StreamEvent) -> None:
        """Takes the next event.

        Raises:
            IllegalEvent: The event breaks one of the rules above.
        """
        kind = event.get("type")
        if kind == "ping":
            self._ping()
            return
        if kind not in _KNOWN_EVENTS:
            return
        following = NEXT[self.phase].get(kind)
        if following is None:
            raise IllegalEvent(f"{kind} {self.phase.value}")
        if kind == "content_block_start":
            self._open(event)
        elif kind == "content_block_delta":
            self._feed(event)
        elif kind == "content_block_stop" and event["index"] != self.open_index:
            raise IllegalEvent(
                f"content_block_stop for block {event['index']} while {self.open_index} is open"
            )
        self.phase = following

    def finish(self) -> None:
        """The stream ended.

        Raises:
            IllegalEvent: It ended neither with message_stop nor with error.
        """
        if self.phase not in (Phase.DONE, Phase.FAILED):
            raise IllegalEvent(f"the stream ended {self.phase.value}")

    def _ping(self) -> None:
        if self.phase in (Phase.DONE, Phase.FAILED):
            raise IllegalEvent(f"ping {self.phase.value}")

    def _open(self, event: StreamEvent) -> None:
        if event["index"] != self.open_index + 1:
            raise IllegalEvent(f"block {event['index']} opened after block {self.open_index}")
        self.open_index += 1
        self.open_kind = event["content_block"]["type"]
        self.is_signed = False

    def _feed(self, event: StreamEvent) -> None:
        if event["index"] != self.open_index:
            raise IllegalEvent(f"delta for block {event['index']} while {self.open_index} is open")
        kind = event["delta"]["type"]
        if kind not in _KNOWN_DELTAS:
            return
        if kind not in DELTAS.get(self.open_kind, frozenset()):
            raise IllegalEvent(f"{kind} in a {self.open_kind} block")
        if self.is_signed:
            raise IllegalEvent(f"{kind} after the signature")
        self.is_signed = kind == "signature_delta"
