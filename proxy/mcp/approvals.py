"""Which servers may start: approvals bound to exactly what would be started, and the versions they named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

Answer = Literal["approved", "rejected"]


@dataclass(frozen=True, slots=True)
class Approval:
    """What was answered about one server."""

    answer: Answer
    digest: str
    """Of the `Launch` that was shown."""
    entry: str
    """Of the entry as it stands in the file, so that a resolved version holds for that entry only."""
    version: str | None = None
    """The package's, resolved when it was shown."""


class Approvals:
    """The answers about all servers."""

    def __init__(self, answers: Mapping[str, Approval] | None = None, ready: Mapping[str, str] | None = None):
        """Takes what was stored.

        Args:
            answers: By server.
            ready: The package of each server that was downloaded, so that it starts offline.
        """
        self._answers = dict(answers or {})
        self._ready = dict(ready or {})

    @classmethod
    def read(cls, value: object) -> Approvals:
        """Takes what `stored` gave; anything else means that nothing was approved."""
        try:
            document = cast("Mapping[str, Any]", value)
            answers = {str(name): Approval(**each) for name, each in document["answers"].items()}
            return cls(answers, {str(name): str(each) for name, each in document["ready"].items()})
        except (KeyError, TypeError, AttributeError):
            return cls()

    def stored(self) -> dict[str, Any]:
        """Returns them for the file."""
        return {
            "answers": {name: asdict(each) for name, each in self._answers.items()},
            "ready": dict(self._ready),
        }

    def answer(self, server: str, digest: str) -> Answer | None:
        """Returns what was answered about exactly this; None: it was never asked."""
        known = self._answers.get(server)
        return known.answer if known is not None and known.digest == digest else None

    def version(self, server: str, entry: str) -> str | None:
        """Returns the version that was resolved for this entry of a server."""
        known = self._answers.get(server)
        return known.version if known is not None and known.entry == entry else None

    def note(self, server: str, approval: Approval) -> None:
        """Keeps an answer."""
        self._answers[server] = approval

    def is_ready(self, server: str, package: str) -> bool:
        """Tells whether a package was downloaded for a server."""
        return self._ready.get(server) == package

    def set_ready(self, server: str, package: str | None) -> None:
        """Notes that a package was downloaded; None: it must be again."""
        if package is None:
            self._ready.pop(server, None)
        else:
            self._ready[server] = package
