"""Reads bash's commands: words, assignments, reserved words, redirections and here-documents."""

from __future__ import annotations

import re
from collections.abc import Callable

from proxy.permissions.shell_drafts import Draft, Node, RedirectDraft
from proxy.permissions.shell_lists import EMPTY_PARENTHESES, Frame, FrameKind, ListReader, is_keyword
from proxy.permissions.shell_scanner import ScanLimit, arithmetic_end
from proxy.permissions.shell_values import QUOTES, Assignment, Word
from proxy.permissions.shell_words import TooManyWords, read_word

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z_0-9]*(?:\[[^\]]*\])?)(?P<plus>\+?)=")
_DESCRIPTOR = re.compile(r"[0-9]+|\{[A-Za-z_][A-Za-z_0-9]*\}")
_ESAC = re.compile(r"esac(?![^ \t\n;&|)])")
_IN = re.compile(r"in(?=[ \t\n;])")
_TEST_END = re.compile(r"\]\](?![^ \t\n;&|)])")
_REDIRECT = re.compile(r"<<<|<<-|<<|<>|<&|<|>>|>\||>&|>")
MAX_WORDS = 2_500
"""A line of more words is not read one by one."""
_PLAIN = re.compile(r"[A-Za-z0-9_./:=,+%@^~!*?#\[\]{}-]+")
_TIME = frozenset({"time", "-p", "--"})
"""The words of bash's own `time`, behind which a command begins as if nothing stood before it."""
_CLOSING = frozenset({"then", "elif", "else", "fi", "do", "done", "esac", "}"})


class Reader(ListReader):
    """Reads a text's commands into drafts; `spans` are the words' places in it."""

    def __init__(self, text: str, *, depth: int = 0, base: Node | None = None, first_number: int = 1) -> None:
        """Prepares to read `text`, which stands at `base` in an outer text where there is one."""
        super().__init__(text, depth=depth, base=base, first_number=first_number)
        self.loose_words: list[Word] = []
        self.spans: list[tuple[int, int]] = []
        self.plain: list[tuple[int, int]] = []
        """Arguments in which nothing is quoted and nothing can be an operator."""
        self.descriptors: set[tuple[int, int]] = set()
        """Where redirections name descriptors."""
        self._waiting: list[RedirectDraft] = []
        self._reserved: dict[str, Callable[[], None]] = {
            "!": self._start_negation,
            "{": lambda: self._push("{", "group"),
            "}": lambda: self._close("{"),
            "if": lambda: self._push("if", "branch"),
            "then": lambda: self._continue("if"),
            "elif": lambda: self._continue("if"),
            "else": lambda: self._continue("if"),
            "fi": lambda: self._close("if"),
            "while": lambda: self._push("loop", "loop"),
            "until": lambda: self._push("loop", "loop"),
            "for": self._read_for,
            "select": self._read_for,
            "do": lambda: self._continue("loop"),
            "done": lambda: self._close("loop"),
            "case": self._read_case,
            "esac": lambda: self._close("case"),
            "function": self._read_function,
            "[[": self._read_test,
        }

    def read(self) -> None:
        """Reads the whole text.

        Raises:
            ScanLimit: there is too much of it to be told apart.
        """
        super().read()
        if self._waiting:
            self.problem("syntax", "a here-document never begins")

    def read_inner(self, text: str) -> None:
        """Reads the commands within backticks."""
        self._take_over(self._inner(text, lambda reader: reader.read()))

    def _inner(self, text: str, read: Callable[[Reader], None]) -> Reader:
        """Reads a text that stands within this one; its joined lines first."""
        self.check_depth()
        node = self._node("substitution", self._level.draft.node, is_shell=True)
        return read_joined(
            text,
            lambda joined: Reader(joined, depth=self.depth + 1, base=node, first_number=self.number),
            read,
        )

    def _take_over(self, inner: Reader) -> None:
        self.number = inner.number
        self.drafts.extend(inner.drafts)
        self.problems.extend(inner.problems[:10])
        self.functions.extend(inner.functions)
        self.loose_words.extend(inner.loose_words)
        self.has_substitution |= inner.has_substitution

    # Words ------------------------------------------------------------------------------------

    def _read_command_word(self) -> None:
        level = self._level
        start, end = self.scan_word()
        raw = self.text[start:end]
        if _DESCRIPTOR.fullmatch(raw) and self.text[end : end + 1] in {"<", ">"}:
            self._read_redirect(self._redirect_operator(), raw, start)
            return
        self.spans.append((start, end))
        if len(self.spans) > MAX_WORDS:
            raise ScanLimit
        if is_keyword(level.draft) and raw in self._reserved:
            self._end_keyword()
        if level.after_compound and raw not in _CLOSING:
            self.problem("syntax", "a word follows a compound command")
            self._finish()
        reserved = self._reserved.get(raw) if level.draft.is_empty else None
        if reserved is None:
            self._add_word(level.draft, start, end)
        else:
            reserved()

    def _redirect_operator(self) -> str:
        match = _REDIRECT.match(self.text, self.position)
        operator = match[0] if match else "<"
        self.position += len(operator)
        return operator

    def _add_word(self, draft: Draft, start: int, end: int) -> None:
        draft.cover(start, end)
        is_first = all(word.raw in _TIME for word in draft.words[:3])
        match = _ASSIGNMENT.match(self.text, start, end) if is_first else None
        if match is None:
            if draft.words and _PLAIN.fullmatch(self.text, start, end):
                self.plain.append((start, end))
            draft.words.extend(self._words(start, end))
            return
        (value,) = self._words(match.end(), end, braces=False)
        draft.assignments.append(Assignment(match["name"], value, appends=bool(match["plus"])))

    def _words(self, start: int, end: int, *, braces: bool = True) -> tuple[Word, ...]:
        raw = self.text[start:end]
        if self.is_unclosed:
            return (Word(raw=raw, text=None, shown=raw.translate(QUOTES)),)
        expansions = [(first - start, last - start) for first, last in self.expansions if first >= start]
        try:
            return read_word(raw, expansions, braces=braces)
        except TooManyWords:
            self.problem("too-many", "braces would give too many words")
            return (Word(raw=raw, text=None, shown=raw.translate(QUOTES)),)

    def _start_negation(self) -> None:
        """`!` changes nothing but the exit status."""

    # Redirections -----------------------------------------------------------------------------

    def _read_redirect(self, operator: str, fd: str | None, start: int) -> None:
        draft = self._level.draft
        self.skip_blanks()
        first, last = self.scan_word()
        if first == last:
            self.problem("syntax", "a redirection has no target")
            return
        if fd is not None:
            self.descriptors.add((start, start + len(fd)))
        if self.text[first:last] != "-" or operator not in {">&", "<&"}:
            self.spans.append((first, last))
        draft.cover(start, last)
        (target,) = self._words(first, last, braces=False)
        redirect = RedirectDraft(operator, fd, target)
        draft.redirects.append(redirect)
        if operator in {"<<", "<<-"}:
            self._waiting.append(redirect)

    def _read_documents(self) -> None:
        waiting, self._waiting = self._waiting, []
        for redirect in waiting:
            self._read_document(redirect)

    def _read_document(self, redirect: RedirectDraft) -> None:
        end = self.position
        lines: list[str] = []
        delimiter = redirect.target.shown
        while end < len(self.text):
            newline = self.text.find("\n", end)
            line = self.text[end : newline if newline >= 0 else len(self.text)]
            end = newline + 1 if newline >= 0 else len(self.text)
            line = line.lstrip("\t") if redirect.operator == "<<-" else line
            if line == delimiter:
                break
            lines.append(line + "\n")
        else:
            self.problem("syntax", "a here-document is not closed")
        self.position = end
        redirect.body = "".join(lines)
        if not redirect.target.is_quoted:
            self.problem("here-document", "a here-document without a quoted delimiter may run commands")
            self._take_over(self._inner(redirect.body, Reader.read_expansions))

    def read_expansions(self) -> None:
        """Reads the commands in a text in which only expansions count, as in a here-document."""
        self.scan_until(len(self.text))

    # Compounds ------------------------------------------------------------------------------

    def _continue(self, kind: FrameKind) -> None:
        """Goes on to a compound's next part: `then`, `else`, `do`."""
        frames = self._level.frames
        if not frames or frames[-1].kind != kind:
            self.problem("syntax", "a compound command goes on that did not begin")
        self._finish()
        self._start_chain()

    def _close(self, kind: FrameKind) -> None:
        self._finish()
        self._pop(kind)

    def _read_pattern(self, frame: Frame) -> None:
        """Reads `a|b)` of a case, or its end."""
        self._skip_lines()
        if _ESAC.match(self.text, self.position):
            frame.expects_pattern = False
            return
        if self.at("("):
            self.position += 1
        while True:
            self._skip_lines()
            self._read_loose_word()
            self._skip_lines()
            if not self.at("|"):
                break
            self.position += 1
        frame.expects_pattern = False
        if self.at(")"):
            self.position += 1
        else:
            self.problem("syntax", "a case's pattern is not closed")

    def _skip_lines(self) -> None:
        self.skip_blanks()
        while self.at("\n") or self.at("#"):
            end = self.text.find("\n", self.position)
            self.position = end + 1 if end >= 0 else len(self.text)
            self.skip_blanks()

    def _read_loose_word(self) -> str:
        start, end = self.scan_word()
        if end > start:
            self.loose_words.extend(self._words(start, end))
            self.spans.append((start, end))
        return self.text[start:end]

    def _read_for(self) -> None:
        """Reads what stands between `for` and `do`."""
        self._push("loop", "loop")
        self.skip_blanks()
        if self.at("((") and (end := arithmetic_end(self.text, self.position + 2)) is not None:
            self.problem("unknown", "a loop counts by arithmetic")
            self.scan_until(end)
            self.position = end
            return
        self._read_loose_word()
        self._skip_lines()
        if not _IN.match(self.text, self.position):
            return
        self.spans.append((self.position, self.position + 2))
        self.position += 2
        self.skip_blanks()
        while self._read_loose_word():
            self.skip_blanks()

    def _read_case(self) -> None:
        """Reads `word in` behind `case`."""
        self._push("case", "branch")
        self.skip_blanks()
        self._read_loose_word()
        self._skip_lines()
        if _IN.match(self.text, self.position):
            self.spans.append((self.position, self.position + 2))
            self.position += 2
            self._level.frames[-1].expects_pattern = True
        else:
            self.problem("syntax", "a case without its 'in'")

    def _read_function(self) -> None:
        """Reads the name behind `function`."""
        self.skip_blanks()
        start, end = self.scan_word()
        self.skip_blanks()
        empty = EMPTY_PARENTHESES.match(self.text, self.position)
        if empty:
            self.position = empty.end()
        self._define(self.text[start:end])

    def _read_test(self) -> None:
        """Reads `[[ … ]]` from behind its brackets."""
        draft = self._level.draft
        draft.cover(self.position - 2, self.position)
        draft.words.append(Word(raw="[[", text="[[", shown="[["))
        while self.position < len(self.text):
            self._skip_lines()
            if _TEST_END.match(self.text, self.position):
                self.position += 2
                draft.words.append(Word(raw="]]", text="]]", shown="]]"))
                break
            start, end = self.scan_word()
            if end > start:
                draft.words.extend(self._words(start, end, braces=False))
            else:
                self.position += 1
        else:
            self.problem("syntax", "a test is not closed")
        draft.cover(self.position, self.position)
        self._finish()
        self._level.after_compound = True


def read_joined(text: str, make: Callable[[str], Reader], read: Callable[[Reader], None]) -> Reader:
    """Reads a text with its joined lines taken together first, as bash does.

    Raises:
        ScanLimit: there is too much of it to be told apart.
    """
    for _ in range(2):
        reader = make(text)
        read(reader)
        if not reader.continuations:
            return reader
        for position in sorted(set(reader.continuations), reverse=True):
            text = text[:position] + text[position + 2 :]
    raise ScanLimit
