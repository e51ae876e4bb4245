"""Which servers may start: approvals bound to exactly what would be started, and the versions they named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

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
        self.are_lost = False
        """A damaged file of earlier answers is kept: a server without one may have been rejected there."""

    @classmethod
    def read(cls, value: object) -> Approvals:
        """Takes what `stored` gave.

        Raises:
            ValueError: It is something else.
        """
        try:
            document = cast("Mapping[str, Any]", value)
            answers = {str(name): _read(each) for name, each in document["answers"].items()}
            return cls(answers, {str(name): str(each) for name, each in document["ready"].items()})
        except (KeyError, TypeError, AttributeError) as exc:
            raise ValueError("it holds something else than approvals") from exc

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

    def is_unknown(self, server: str) -> bool:
        """Tells whether an answer about a server may have been lost."""
        return self.are_lost and server not in self._answers

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


def _read(value: Mapping[str, Any]) -> Approval:
    texts = (value["digest"], value["entry"], value.get("version") or "")
    if value["answer"] not in get_args(Answer) or not all(isinstance(each, str) for each in texts):
        raise TypeError("no approval")
    return Approval(**value)
