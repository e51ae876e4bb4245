"""Collects what a request loses on its way into a dialect."""

from __future__ import annotations

from proxy.dialects.base import Loss


class Losses:
    """A list of losses that names each only once."""

    def __init__(self) -> None:
        self._seen: dict[Loss, None] = {}

    def add(self, path: str, reason: str, *, is_vital: bool = False) -> None:
        """Notes that what stands at `path` is lost, and what became of it."""
        self._seen[Loss(path, reason, is_vital)] = None

    def all(self) -> tuple[Loss, ...]:
        """Returns the losses in the order they were found."""
        return tuple(self._seen)
