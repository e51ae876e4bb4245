"""Finds characters that hide what a command line does: controls, bidi, zero-width, padding."""

from __future__ import annotations

import re

from proxy.permissions.shell_values import Problem

# U+FE0E and U+FE0F only choose how an emoji is drawn, so they are not among the invisible ones.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PADDING = re.compile(r"\t{10}|[ \t]{100}")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def character_problems(text: str) -> list[Problem]:
    """Returns what in the text is there to be overlooked."""
    problems: list[Problem] = []
    if match := _CONTROL.search(text):
        problems.append(
            Problem("control-character", f"the line holds the control character U+{ord(match[0]):04X}")
        )
    if match := _INVISIBLE.search(text):
        problems.append(
            Problem("invisible-character", f"the line holds the invisible character U+{ord(match[0]):04X}")
        )
    if _PADDING.search(text):
        problems.append(Problem("padding", "a run of blanks pushes part of the line out of sight"))
    return problems


def has_odd_space(text: str) -> bool:
    """Tells whether it holds a space that looks like a blank and separates no words for bash."""
    return _SPACES.search(text) is not None
