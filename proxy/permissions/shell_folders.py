"""Follows `cd` through a line: in which folders each command may run.

Each shell (the line, a subshell, a pipeline's member, a substitution) has folders of its own, which begin as
those of the shell around it. Where a `cd` may or may not have run, both folders are possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.permissions.path_names import absolute_text, clean
from proxy.permissions.shell_options import option_table, read_arguments
from proxy.permissions.shell_values import Context, Word
from proxy.permissions.values import Place

_OPTIONS = option_table({"flag": "LPe@"}, {})
_MAX_FOLDERS = 8


@dataclass(slots=True)
class _Shell:
    """Where one shell may be."""

    folders: tuple[str | None, ...]
    """None: it cannot be known."""
    before: tuple[str | None, ...] = ()
    """Where it was before a `cd` that may not have run."""
    chain: int = -1
    """The chain within which that `cd` has run for certain."""
    left: tuple[str | None, ...] = ()
    """Where it was before its last `cd`: it still is if that failed, as behind `||`."""
    left_in: int = -1
    """The chain of that `cd`."""

    def settle(self) -> None:
        """Takes both folders as possible."""
        self.folders = tuple(dict.fromkeys((*self.folders, *self.before)))
        self.before, self.chain = (), -1


class Folders:
    """The folders of all shells of a line."""

    def __init__(self, place: Place) -> None:
        """Begins where commands begin at that place."""
        self._place = place
        self._shells: dict[tuple[int, ...], _Shell] = {(): _Shell((place.cwd,))}

    def at(self, context: Context) -> tuple[str | None, ...]:
        """Returns the folders in which a command may run; commands must be asked about in their order."""
        return self._shell(context).folders

    def _shell(self, context: Context) -> _Shell:
        shell = self._shells.get(context.scope)
        if shell is None:
            outer = next(
                self._shells[context.scope[:length]]
                for length in range(len(context.scope) - 1, -1, -1)
                if context.scope[:length] in self._shells
            )
            shell = self._shells[context.scope] = _Shell(outer.folders, outer.before, outer.chain)
        if context.after == "||" and shell.left_in == context.chain:
            shell.before = tuple(dict.fromkeys((*shell.before, *shell.left)))
        if shell.before and (shell.chain != context.chain or context.after == "||"):
            shell.settle()
        return shell

    def change(self, context: Context, words: Sequence[Word]) -> tuple[str, ...] | None:
        """Notes a `cd`; returns the folders it may lead to, or None where that cannot be known.

        Args:
            context: where in the line it stands.
            words: its arguments.
        """
        shell = self._shell(context)
        targets = self._targets(shell, words)
        if targets is None or context.in_loop or len(targets) > _MAX_FOLDERS:
            shell.folders = (None,)
            return None
        before = shell.left = shell.folders
        shell.left_in = context.chain
        shell.folders = targets
        is_there = all(self._place.look(target).kind == "folder" for target in targets)
        if not is_there:
            shell.before = before
            shell.settle()
        elif context.after or context.in_branch:
            shell.before = tuple(dict.fromkeys((*before, *shell.before)))
            shell.chain = context.chain
        return targets

    def _targets(self, shell: _Shell, words: Sequence[Word]) -> tuple[str, ...] | None:
        arguments = read_arguments(words, _OPTIONS, permutes=False)
        if arguments.danger is not None or len(arguments.operands) > 1:
            return None
        word = (
            arguments.operands[0]
            if arguments.operands
            else Word(raw="~", text="~", shown="~", has_tilde=True)
        )
        text = home_text(word, self._place)
        if text is None or word.pattern is not None or text == "-":
            return None
        found: list[str] = []
        for folder in shell.folders:
            if folder is None:
                return None
            path = absolute_text(text, folder, self._place.platform)
            physical = any(option.name == "-P" for option in arguments.options)
            found.append(self._place.look(path).real if physical else clean(path))
        return tuple(dict.fromkeys(found))


def home_text(word: Word, place: Place) -> str | None:
    """Returns a word's text with its `~` replaced; None where that, or the text, is not known."""
    if word.text is None or not word.has_tilde:
        return word.text
    name, slash, rest = word.text.partition("/")
    return f"{place.home}{slash}{rest}" if name == "~" else None
