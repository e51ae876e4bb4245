"""What a notification is, and what whoever shows it must be able to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

OPEN = "default"
"""The action of a click on the notification itself."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification; plain text."""

    title: str
    body: str
    actions: tuple[tuple[str, str], ...] = ()
    """Buttons: what is reported, and their words. Not every desktop has them."""
    is_sticky: bool = False
    """Stays until it is answered."""


Pressed = Callable[[str, str], None]
"""Told the notification's key and the action."""


class Notifier(Protocol):
    """Shows notifications, each under a key of the caller's."""

    def show(self, key: str, notice: Notice) -> None:
        """Shows a notification, in place of the one under the same key."""
        ...

    def withdraw(self, key: str) -> None:
        """Takes a notification back; one that is gone already is no mistake."""
        ...
