"""Finds where a bash word ends: quotes, escapes, expansions and the command lists nested in them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from proxy.permissions.shell_values import Problem, ProblemKind
from proxy.permissions.shell_words import starts_expansion

MAX_DEPTH = 30
"""Substitutions nested deeper than this are not read one by one."""
_PLAIN = re.compile(r"""[^ \t\n;&|<>()'"\\$`]+""")
_IN_DOUBLE = re.compile(r'[^"\\$`]+')
_ANSI_BODY = re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL)
_BACKTICKS = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL)
_NAME = re.compile("[A-Za-z_][A-Za-z_0-9]*|.", re.DOTALL)
_PARENTHESIS = re.compile("[()]")
_MAX_ARITHMETIC = 2_000
"""Characters within which an arithmetic expression's end is looked for."""
_ARRAY = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(?:\[[^\]]*\])?\+?=\Z")


class ScanLimit(Exception):
    """The text is nested or branched too much to be read one by one."""


class Scanner(ABC):
    """Walks over a text; what lies within `$(…)`, backticks and `<(…)` is handed to `read_nested`."""

    def __init__(self, text: str, *, depth: int = 0) -> None:
        """Starts at the beginning of `text`; `depth` counts the substitutions around it."""
        self.text = text
        self.position = 0
        self.depth = depth
        self.problems: list[Problem] = []
        self.expansions: list[tuple[int, int]] = []
        """Of the word read last: where bash expands something."""
        self.continuations: list[int] = []
        """Where a backslash joins two lines."""
        self.has_substitution: bool = False
        self.is_unclosed = False
        """The text ended within a quotation or an expansion."""

    @abstractmethod
    def read_nested(self, closer: str) -> None:
        """Reads commands from `position` to just behind `closer`."""

    @abstractmethod
    def read_inner(self, text: str) -> None:
        """Reads the commands of a text of its own, as backticks hold one."""

    def problem(self, kind: ProblemKind, sentence: str) -> None:
        """Notes what cannot be understood."""
        if len(self.problems) < 50:
            self.problems.append(Problem(kind, sentence))

    def check_depth(self) -> None:
        """Goes no deeper than `MAX_DEPTH`.

        Raises:
            ScanLimit: that depth is reached.
        """
        if self.depth >= MAX_DEPTH:
            raise ScanLimit

    def at(self, text: str) -> bool:
        """Tells whether `text` comes next."""
        return self.text.startswith(text, self.position)

    def skip_blanks(self) -> None:
        """Moves over blanks, tabs and joined lines."""
        while self.position < len(self.text):
            if self.text[self.position] in " \t":
                self.position += 1
            elif self.at("\\\n"):
                self.continuations.append(self.position)
                self.position += 2
            else:
                return

    def scan_word(self) -> tuple[int, int]:
        """Moves behind the word that begins here and returns where it begins and ends."""
        start = self.position
        self.expansions = []
        found: list[tuple[int, int]] = []
        while self.position < len(self.text):
            match = _PLAIN.match(self.text, self.position)
            if match:
                self.position = match.end()
            elif not self._scan_special(start, found):
                break
        self.expansions = found
        return start, self.position

    def _scan_special(self, start: int, found: list[tuple[int, int]]) -> bool:
        """Reads one quoted or expanded piece; False where the word ends."""
        character = self.text[self.position]
        if character == "'":
            self._scan_single()
        elif character == '"':
            self._scan_double(found)
        elif character == "\\":
            self._scan_escape()
        elif character in "$`":
            self._scan_dollar(found, quoted=False)
        elif character in "<>" and self.text.startswith("(", self.position + 1):
            self._scan_nested(found, 2)
        elif character == "(" and _ARRAY.match(self.text[start : self.position]):
            self._scan_array(found)
        else:
            return False
        return True

    def _scan_single(self) -> None:
        end = self.text.find("'", self.position + 1)
        if end < 0:
            self._unclosed("a single quotation mark")
        else:
            self.position = end + 1

    def _scan_escape(self) -> None:
        if self.at("\\\n"):
            self.continuations.append(self.position)
        elif self.position + 1 == len(self.text):
            self.problem("syntax", "the line ends with a backslash")
        self.position = min(self.position + 2, len(self.text))

    def _scan_double(self, found: list[tuple[int, int]]) -> None:
        self.position += 1
        while self.position < len(self.text):
            character = self.text[self.position]
            if character == '"':
                self.position += 1
                return
            if character == "\\":
                self._scan_escape()
            elif character in "$`":
                self._scan_dollar(found, quoted=True)
            else:
                match = _IN_DOUBLE.match(self.text, self.position)
                self.position = match.end() if match else self.position + 1
        self._unclosed("a double quotation mark")

    def _unclosed(self, what: str) -> None:
        self.problem("syntax", f"{what} is not closed")
        self.position = len(self.text)
        self.is_unclosed = True

    def _scan_dollar(self, found: list[tuple[int, int]], *, quoted: bool) -> None:
        self.check_depth()
        self.depth += 1
        self._scan_expansion(found, quoted=quoted)
        self.depth -= 1

    def _scan_expansion(self, found: list[tuple[int, int]], *, quoted: bool) -> None:
        start = self.position
        following = self.text[start + 1 : start + 2]
        if self.text[start] == "`":
            self._scan_backticks(quoted=quoted)
        elif following == "(":
            self._scan_parenthesis()
        elif following == "{":
            self.position += 2
            self._scan_braced(quoted=quoted)
        elif following == "[":
            self.position += 2
            self._scan_to("]")
        elif following == "'" and not quoted:
            self._scan_ansi()
            return
        elif starts_expansion(self.text, start):
            self._scan_name()
        else:
            self.position += 1
            return
        found.append((start, self.position))

    def _scan_name(self) -> None:
        match = _NAME.match(self.text, self.position + 1)
        self.position = match.end() if match else self.position + 2

    def _scan_ansi(self) -> None:
        match = _ANSI_BODY.match(self.text, self.position + 2)
        if match is None:
            self._unclosed("a quotation that begins with $'")
        else:
            self.position = match.end()

    def _scan_nested(self, found: list[tuple[int, int]], length: int) -> None:
        start = self.position
        self.check_depth()
        self.depth += 1
        self._enter(length)
        self.depth -= 1
        found.append((start, self.position))

    def _enter(self, length: int) -> None:
        """Reads a command list that closes with a parenthesis."""
        self.has_substitution = True
        self.position += length
        self.read_nested(")")

    def _scan_parenthesis(self) -> None:
        """Reads `$(…)`, or `$((…))` where the parentheses close together."""
        if self.text.startswith("$((", self.position):
            end = arithmetic_end(self.text, self.position + 3)
            if end is not None:
                self.position += 3
                self.scan_until(end - 2)
                self.position = end
                return
        self._enter(2)

    def _scan_backticks(self, *, quoted: bool) -> None:
        match = _BACKTICKS.match(self.text, self.position)
        self.has_substitution = True
        if match is None:
            self.read_inner(self.text[self.position + 1 :])
            self._unclosed("a backtick")
            return
        self.position = match.end()
        self.read_inner(re.sub(r'\\([`\\$"])' if quoted else r"\\([`\\$])", r"\1", match[1]))

    def _scan_braced(self, *, quoted: bool) -> None:
        """Reads `${…}` from behind its brace."""
        while self.position < len(self.text):
            character = self.text[self.position]
            if character == "}":
                self.position += 1
                return
            self._scan_any(character, single=not quoted)
        self._unclosed("a parameter's brace")

    def _scan_to(self, closer: str) -> None:
        while self.position < len(self.text) and not self.at(closer):
            self._scan_any(self.text[self.position], single=True)
        self.position = min(self.position + len(closer), len(self.text))

    def scan_until(self, end: int) -> None:
        """Moves to `end` through text in which only expansions count, as in arithmetic."""
        while self.position < end:
            self._scan_any(self.text[self.position], single=False)

    def _scan_any(self, character: str, *, single: bool) -> None:
        """Moves over one piece of text in which quotes and substitutions count."""
        if character in "$`":
            self._scan_dollar([], quoted=not single)
        elif character == '"':
            self._scan_double([])
        elif character == "'" and single:
            self._scan_single()
        elif character == "\\":
            self._scan_escape()
        elif character in "<>" and self.text.startswith("(", self.position + 1) and single:
            self._scan_nested([], 2)
        else:
            self.position += 1

    def _scan_array(self, found: list[tuple[int, int]]) -> None:
        start = self.position
        self.position += 1
        self._scan_to(")")
        found.append((start, self.position))


def arithmetic_end(text: str, position: int) -> int | None:
    """Returns where the `))` that closes an arithmetic expression ends; None: it is no arithmetic."""
    depth = 0
    for match in _PARENTHESIS.finditer(text, position, position + _MAX_ARITHMETIC):
        if match[0] == "(":
            depth += 1
        elif depth:
            depth -= 1
        else:
            return match.end() + 1 if text.startswith("))", match.start()) else None
    return None
