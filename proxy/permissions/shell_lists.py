"""Reads bash's command lists: operators, pipelines, subshells, substitutions, and the compounds open in them.

A `Level` is one list (the line, or what stands in a substitution); a `Frame` is an open compound in it. At
each simple command's end its draft is kept; where it stands is read from the chain of nodes above it. What
does not fit the grammar is a problem, and reading goes on: nothing that a deny rule should see is skipped.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Literal

from proxy.permissions.shell_drafts import Draft, Node, NodeKind
from proxy.permissions.shell_scanner import ScanLimit, Scanner, arithmetic_end
from proxy.permissions.shell_values import Word

MAX_COMMANDS = 500
"""More simple commands than this are not told apart."""
_MAX_FRAMES = 100
_MAX_NODES = 2_500
"""Lists, pipelines, compounds and substitutions, all together."""
_OPERATOR = re.compile(r"&&|&>>|&>|&|\|\||\|&|\||;;&|;;|;&|;|<<<|<<-|<<|<>|<&|<|>>|>\||>&|>|\(|\)|\n")
EMPTY_PARENTHESES = re.compile(r"\([ \t]*\)")

FrameKind = Literal["(", "{", "if", "loop", "case"]


@dataclass(slots=True, eq=False)
class Frame:
    """An open compound, with what its end goes back to."""

    kind: FrameKind
    base: Node
    chain: Node
    draft: Draft
    expects_pattern: bool = False
    """Of a `case`: a pattern comes next, no command."""


@dataclass(slots=True, eq=False)
class Level:
    """One command list being read."""

    closer: str
    base: Node
    chain: Node
    draft: Draft
    frames: list[Frame] = field(default_factory=list[Frame])
    after_compound: bool = False
    """A compound has just closed: only operators, redirections and reserved words may follow."""
    function: str | None = None
    """The function whose body comes next."""
    is_done: bool = False


class ListReader(Scanner):
    """Reads a text's commands into drafts; `spans` are the words' places in it."""

    def __init__(self, text: str, *, depth: int = 0, base: Node | None = None, first_number: int = 1) -> None:
        """Prepares to read `text`, which stands at `base` in an outer text where there is one."""
        super().__init__(text, depth=depth)
        self.number: int = first_number
        self.drafts: list[tuple[Draft, str]] = []
        """Each with the text it was read from."""
        self.functions: list[str] = []
        self._level = self._new_level("", base or Node("line", None, 0, is_shell=True))

    def read(self) -> None:
        """Reads the whole text.

        Raises:
            ScanLimit: there is too much of it to be told apart.
        """
        self._read_level()

    @abstractmethod
    def _read_command_word(self) -> None:
        """Reads a word or a reserved word; moves at least one character."""

    @abstractmethod
    def _read_redirect(self, operator: str, fd: str | None, start: int) -> None:
        """Reads what follows a redirection's operator."""

    @abstractmethod
    def _read_documents(self) -> None:
        """Reads the here-documents that begin behind a line's end."""

    @abstractmethod
    def _read_pattern(self, frame: Frame) -> None:
        """Reads `a|b)` of a case, or its end."""

    # Levels -----------------------------------------------------------------------------------

    def read_nested(self, closer: str) -> None:
        """Reads the commands of a substitution."""
        outer = self._level
        node = self._node("substitution", outer.draft.node, is_shell=True)
        self._level = self._new_level(closer, node)
        self._read_level()
        if not self._level.is_done:
            self.problem("syntax", "a substitution is not closed")
            self.is_unclosed = True
        self._level = outer

    def _node(self, kind: NodeKind, parent: Node | None, *, is_shell: bool = False) -> Node:
        self.number += 1
        if self.number > _MAX_NODES:
            raise ScanLimit
        return Node(kind, parent, self.number, is_shell=is_shell)

    def _new_level(self, closer: str, base: Node) -> Level:
        chain = self._node("chain", base)
        return Level(closer, base, chain, self._draft(chain, ""))

    def _draft(self, chain: Node, after: Literal["", "&&", "||"]) -> Draft:
        return Draft(self._node("member", chain), chain.number, after)

    def _start_chain(self) -> None:
        level = self._level
        level.chain = self._node("chain", level.base)
        level.draft = self._draft(level.chain, "")

    def _finish(self) -> None:
        """Keeps the draft where there is something in it; the next one stands at the same place."""
        level = self._level
        draft = level.draft
        level.after_compound = False
        if not draft.is_empty:
            if len(self.drafts) >= MAX_COMMANDS:
                raise ScanLimit
            self.drafts.append((draft, self.text))
            level.draft = Draft(draft.node, draft.chain, draft.after)

    def _read_level(self) -> None:
        level = self._level
        while self.position < len(self.text) and not level.is_done:
            self.skip_blanks()
            if level.frames and level.frames[-1].expects_pattern:
                self._read_pattern(level.frames[-1])
            elif self.at("#"):
                self._skip_comment()
            elif not self._read_operator():
                self._read_command_word()
        self._end_frames(level)
        self._finish()

    def _skip_comment(self) -> None:
        end = self.text.find("\n", self.position)
        self.position = end if end >= 0 else len(self.text)

    def _end_frames(self, level: Level) -> None:
        if level.frames:
            self.problem("syntax", "a compound command is not closed")
        while level.frames:
            self._finish()
            self._pop(level.frames[-1].kind)

    # Operators --------------------------------------------------------------------------------

    def _read_operator(self) -> bool:
        """Reads an operator; False where none comes next."""
        if self.at("<(") or self.at(">("):
            return False
        match = _OPERATOR.match(self.text, self.position)
        if match is None:
            return self.position >= len(self.text)
        operator = match[0]
        if operator in "()":
            self._read_parenthesis(operator)
            return True
        self.position = match.end()
        if operator[0] in "<>" or operator in {"&>", "&>>"}:
            self._read_redirect(operator, None, match.start())
        else:
            self._apply(operator)
        return True

    def _apply(self, operator: str) -> None:
        """Ends the command before a control operator and prepares the next one."""
        level = self._level
        self._finish()
        if operator == "\n":
            self._read_documents()
        if operator in {"&&", "||"}:
            level.draft = self._draft(level.chain, "&&" if operator == "&&" else "||")
        elif operator in {"|", "|&"}:
            following = self._draft(level.chain, level.draft.after)
            for node in (level.draft.node, following.node):
                node.is_shell = node.in_pipeline = True
            level.draft = following
        else:
            if operator == "&":
                level.chain.is_shell = level.chain.is_background = True
            elif operator.startswith(";;") or operator == ";&":
                self._end_case_item()
            self._start_chain()

    def _end_case_item(self) -> None:
        frames = self._level.frames
        if frames and frames[-1].kind == "case":
            frames[-1].expects_pattern = True
        else:
            self.problem("syntax", "the end of a case stands outside a case")

    def _read_parenthesis(self, operator: str) -> None:
        level = self._level
        if operator == "(":
            self._open_parenthesis(level)
            return
        if level.frames and level.frames[-1].kind == "(":
            self.position += 1
            self._finish()
            self._pop("(")
        elif level.closer == ")":
            self.position += 1
            level.is_done = True
        else:
            self.problem("syntax", "a parenthesis closes that none opened")
            self.position += 1

    def _open_parenthesis(self, level: Level) -> None:
        if is_keyword(level.draft):
            self._end_keyword()
        if level.draft.is_empty and not level.after_compound:
            if not self._read_arithmetic():
                self.position += 1
                self._push("(", "subshell")
            return
        empty = EMPTY_PARENTHESES.match(self.text, self.position)
        words = level.draft.words
        if empty and len(words) == 1 and not level.draft.redirects:
            self.position = empty.end()
            self._define(words[0].shown)
            level.draft = Draft(level.draft.node, level.draft.chain, level.draft.after)
            return
        self.problem("syntax", "a parenthesis opens where none may stand")
        self._finish()
        self.position += 1
        self._push("(", "subshell")

    def _read_arithmetic(self) -> bool:
        """Reads `(( … ))` where it stands for a command."""
        start = self.position
        end = arithmetic_end(self.text, start + 2) if self.at("((") else None
        if end is None:
            return False
        self.position += 2
        self.scan_until(end - 2)
        self.position = end
        raw = self.text[start + 2 : end - 2]
        draft = self._level.draft
        draft.words = [Word(raw="((", text="((", shown="(("), Word(raw=raw, text=None, shown=raw)]
        draft.cover(start, end)
        self._finish()
        self._level.after_compound = True
        return True

    def _push(self, kind: FrameKind, node_kind: NodeKind) -> None:
        level = self._level
        if len(level.frames) >= _MAX_FRAMES:
            raise ScanLimit
        level.frames.append(Frame(kind, level.base, level.chain, level.draft))
        parent = level.draft.node
        if level.function is not None:
            parent = self._node("function", parent)
            parent.name, level.function = level.function, None
        level.base = self._node(node_kind, parent, is_shell=node_kind == "subshell")
        self._start_chain()

    def _pop(self, kind: FrameKind) -> None:
        level = self._level
        if not level.frames or level.frames[-1].kind != kind:
            self.problem("syntax", "a compound command ends that did not begin")
            return
        frame = level.frames.pop()
        level.base, level.chain = frame.base, frame.chain
        level.draft = Draft(frame.draft.node, frame.draft.chain, frame.draft.after)
        level.after_compound = True

    def _end_keyword(self) -> None:
        """Ends `coproc NAME`, which is a command's part, or `time`, which is none, before a compound."""
        if self._level.draft.words[0].raw == "time":
            self._level.draft.words.clear()
        else:
            self._finish()

    def _define(self, name: str) -> None:
        self.functions.append(name)
        self.problem("function", f"the line defines a function, {name}")
        self._level.function = name


def is_keyword(draft: Draft) -> bool:
    """Tells whether the draft is `time`, `time -p` or `coproc NAME`, behind which a compound may stand."""
    words = draft.words
    if not words or len(words) > 3 or draft.redirects or draft.assignments:
        return False
    raws = [word.raw for word in words]
    return (raws[0] == "time" and set(raws[1:]) <= {"-p", "--"}) or (raws[0] == "coproc" and len(raws) <= 2)
