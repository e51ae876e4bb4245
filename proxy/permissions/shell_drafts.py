"""What a shell line's reader fills in: commands whose surroundings are not complete before the line is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from proxy.permissions.shell_values import Assignment, Command, Context, Redirect, Word

NodeKind = Literal[
    "line", "chain", "member", "subshell", "substitution", "group", "branch", "loop", "function", "coproc"
]


@dataclass(slots=True, eq=False)
class Node:
    """Something around a command; `is_shell` says that it runs in a shell of its own."""

    kind: NodeKind
    parent: Node | None
    number: int
    is_shell: bool = False
    name: str = ""
    in_pipeline: bool = False
    is_background: bool = False


@dataclass(slots=True, eq=False)
class RedirectDraft:
    """A redirection whose here-document may still be to come."""

    operator: str
    fd: str | None
    target: Word
    body: str | None = None


@dataclass(slots=True, eq=False)
class Draft:
    """A simple command being read."""

    node: Node
    chain: int
    after: Literal["", "&&", "||"]
    start: int = -1
    end: int = -1
    words: list[Word] = field(default_factory=list[Word])
    assignments: list[Assignment] = field(default_factory=list[Assignment])
    redirects: list[RedirectDraft] = field(default_factory=list[RedirectDraft])

    @property
    def is_empty(self) -> bool:
        """Nothing of it was read yet."""
        return not (self.words or self.assignments or self.redirects)

    def cover(self, start: int, end: int) -> None:
        """Makes the command reach over this part of the text."""
        self.start = start if self.start < 0 else self.start
        self.end = end

    def freeze(self, text: str) -> Command:
        """Returns the finished command."""
        return Command(
            words=tuple(self.words),
            assignments=tuple(self.assignments),
            redirects=tuple(Redirect(one.operator, one.fd, one.target, one.body) for one in self.redirects),
            context=_context(self),
            raw=text[self.start : self.end],
        )


def _context(draft: Draft) -> Context:
    around: list[Node] = []
    node: Node | None = draft.node
    while node is not None:
        around.append(node)
        node = node.parent
    kinds = {one.kind for one in around}
    return Context(
        scope=tuple(one.number for one in reversed(around) if one.is_shell),
        chain=draft.chain,
        after=draft.after,
        in_pipeline=any(one.in_pipeline for one in around),
        in_subshell="subshell" in kinds,
        in_group="group" in kinds,
        in_branch="branch" in kinds,
        in_loop="loop" in kinds,
        in_substitution="substitution" in kinds,
        function=next((one.name for one in around if one.kind == "function"), None),
        is_background=any(one.is_background for one in around),
    )
