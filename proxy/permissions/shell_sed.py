"""Reads sed programs: whether they run, write or read anything besides their input."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HARMLESS = frozenset("=dDgGhHlnNpPxzFqQ")
_FLAGS = re.compile(r"[gpiImM0-9]*")
_NUMBER = re.compile(r"[0-9]*")
_BLANK = re.compile("[ \t]*")
_BETWEEN = re.compile(r"[ \t\n;]*")
_LABEL = re.compile(r"[ \t]*[A-Za-z0-9_.-]*[ \t]*(?=[;}\n]|\Z)")
_TEXT = re.compile(r"(?:[^\\\n]|\\.)*", re.DOTALL)
_LINE = re.compile(r"[0-9]+(?:~[0-9]+)?|\$")
_CLASS = re.compile(r"\[\^?\]?(?:\[[:.=][^\]]*[:.=]\]|[^\]\n])*\]")
_UNREADABLE = "the sed program cannot be read"


@dataclass(frozen=True, slots=True)
class SedReading:
    """What a sed program does besides editing its input."""

    danger: str | None
    """Why it must be asked about."""
    file: str | None = None
    """A file that it names."""


class _Stop(Exception):
    """The program does something, or cannot be read."""

    def __init__(self, reason: str, file: str | None = None) -> None:
        super().__init__(reason)
        self.reading = SedReading(reason, file)


def read_sed(program: str) -> SedReading:
    """Returns what a sed program does besides editing; anything not understood is a danger.

    Seds differ in whether brackets hide a delimiter: a program must be harmless in both readings, where one
    that no sed of that kind could read does no harm.
    """
    reading = _Sed(program, has_classes=True).read()
    if reading.danger is None and "[" in program:
        other = _Sed(program, has_classes=False).read()
        return reading if other.danger == _UNREADABLE else other
    return reading


class _Sed:
    """Walks over a program."""

    def __init__(self, program: str, *, has_classes: bool) -> None:
        self.program = program
        self.position = 0
        self.has_classes = has_classes

    def read(self) -> SedReading:
        try:
            while self._skip(_BETWEEN):
                self._command()
        except _Stop as stop:
            return stop.reading
        return SedReading(None)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Moves over what the pattern takes; False at the program's end."""
        match = pattern.match(self.program, self.position)
        self.position = match.end() if match else self.position
        return self.position < len(self.program)

    def _next(self) -> str:
        character = self.program[self.position : self.position + 1]
        self.position += 1
        return character

    def _command(self) -> None:
        self._addresses()
        letter = self._next()
        if letter in {"{", "}"}:
            return
        if letter == "#":
            self._to_line_end()
        elif letter == "s":
            self._substitute()
        elif letter == "y":
            delimiter = self._next()
            self._plain_to(delimiter)
            self._plain_to(delimiter)
            self._end()
        else:
            self._simple(letter)

    def _simple(self, letter: str) -> None:
        if letter == "e":
            raise _Stop("sed's e command runs a program")
        if letter and letter in "wWrR":
            verb = "writes" if letter in "wW" else "reads"
            raise _Stop(f"sed's {letter} command {verb} a file", self._to_line_end())
        if letter in _HARMLESS:
            self._skip(_BLANK)
            self._skip(_NUMBER)
            self._end()
        elif letter and letter in "aic":
            self._text()
        elif not (letter and letter in "btT:" and self._label()):
            raise _Stop(_UNREADABLE)

    def _text(self) -> None:
        """Moves behind the text of `a`, `i` and `c`: a backslash at a line's end takes in the next line."""
        match = _TEXT.match(self.program, self.position)
        self.position = match.end() if match else len(self.program)

    def _label(self) -> bool:
        match = _LABEL.match(self.program, self.position)
        self.position = match.end() if match else self.position
        return match is not None

    def _addresses(self) -> None:
        self._address()
        self._skip(_BLANK)
        if self.program.startswith(",", self.position):
            self.position += 1
            self._skip(re.compile("[ \t]*[+~]?"))
            self._address()
        self._skip(re.compile("[ \t!]*"))

    def _address(self) -> None:
        if _LINE.match(self.program, self.position):
            self._skip(_LINE)
        elif self.program.startswith(("\\", "/"), self.position):
            self.position += self.program[self.position] == "\\"
            self._regex_to(self._next())
            self._skip(re.compile("[IM]*"))

    def _regex_to(self, delimiter: str) -> None:
        """Moves behind a regular expression and its delimiter."""
        if delimiter in {"", "\n", "\\"}:
            raise _Stop(_UNREADABLE)
        while self.position < len(self.program):
            character = self.program[self.position]
            match = _CLASS.match(self.program, self.position) if self.has_classes else None
            if character == "\\":
                self.position += 2
            elif character == delimiter:
                self.position += 1
                return
            else:
                self.position = match.end() if match else self.position + 1
        raise _Stop(_UNREADABLE)

    def _plain_to(self, delimiter: str) -> None:
        """Moves behind a replacement and its delimiter."""
        while self.position < len(self.program):
            character = self._next()
            if character == "\\":
                self.position += 1
            elif character == delimiter:
                return
        raise _Stop(_UNREADABLE)

    def _substitute(self) -> None:
        delimiter = self._next()
        self._regex_to(delimiter)
        self._plain_to(delimiter)
        self._skip(_FLAGS)
        if self.program.startswith("w", self.position):
            self.position += 1
            raise _Stop("sed's s command writes a file", self._to_line_end())
        if self.program.startswith("e", self.position):
            raise _Stop("sed's s command runs a program")
        self._end()

    def _end(self) -> None:
        """Checks that a command ends here: at a separator, a brace, a comment or the program's end."""
        if self._skip(_BLANK) and self.program[self.position] not in ";\n}#":
            raise _Stop(_UNREADABLE)

    def _to_line_end(self) -> str:
        end = self.program.find("\n", self.position)
        start, self.position = self.position, len(self.program) if end < 0 else end
        return self.program[start : self.position].strip()
