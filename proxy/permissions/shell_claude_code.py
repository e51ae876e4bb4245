"""Judges a shell line as Claude Code does: wrappers off, every part by rules, then the read-only list."""

from __future__ import annotations

from proxy.permissions.shell_values import ShellLine
from proxy.permissions.values import Place, Policy, Verdict


def judge(line: ShellLine, policy: Policy, place: Place) -> Verdict:
    """Returns the verdict on a whole line, with each part's own."""
    return Verdict("ask", f"no rule allows '{line.text}'")
