"""Turns content that arrives in any order into blocks that are open one at a time, with nothing lost.

The first block of the queue is the open one: what arrives for it goes out at once. What arrives for another
block waits in it. The open block closes when another one waits behind it and nothing more can come for it:
text and thinking end when something else begins, a tool's input ends when its JSON is whole. At the end of
the answer all close in their order.
"""

from __future__ import annotations

from collections import deque

from proxy.dialects.blocks import Block
from proxy.messages import events
from proxy.messages.events import StreamEvent


class BlockQueue:
    """The blocks of one answer from the open one on; `out` collects the events."""

    def __init__(self) -> None:
        self.out: list[StreamEvent] = []
        self._blocks: deque[Block] = deque()
        self._index = -1
        self._is_open = False

    @property
    def last(self) -> Block | None:
        """The block at the end of the queue."""
        return self._blocks[-1] if self._blocks else None

    @property
    def is_direct(self) -> bool:
        """The open block is the only one: what arrives for it can go out at once."""
        return self._is_open and len(self._blocks) == 1

    @property
    def index(self) -> int:
        """Index of the block opened last."""
        return self._index

    def add(self, block: Block) -> None:
        """Puts a new block at the end."""
        self._blocks.append(block)

    def move(self) -> None:
        """Sends out what can go out by now; some block is there."""
        head = self._blocks[0]
        while self._opened(head):
            self.out += head.deltas(self._index)
            if len(self._blocks) == 1 or not head.is_whole():
                return
            self._close(head)
            head = self._blocks[0]

    def finish(self) -> None:
        """The answer is over: sends out and closes all blocks that can still open."""
        while self._blocks:
            head = self._blocks[0]
            if self._opened(head):
                self.out += head.deltas(self._index)
                self._close(head)
            else:
                self._blocks.popleft()

    def _opened(self, head: Block) -> bool:
        if self._is_open:
            return True
        start = head.start()
        if start is None:
            return False
        self._index += 1
        self._is_open = True
        self.out.append(events.content_block_start(self._index, start))
        if self._index == 0:
            self.out.append(events.ping())
        return True

    def _close(self, head: Block) -> None:
        self.out += head.ending(self._index)
        self.out.append(events.content_block_stop(self._index))
        self._blocks.popleft()
        self._is_open = False
