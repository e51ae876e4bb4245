"""Evaluates a bash word: quote removal, `$'…'`, braces within a budget, globs and tildes recognised."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.permissions.shell_braces import MAX_BRACE_WORDS, Atom, TooManyWords, expand_braces
from proxy.permissions.shell_values import Word

__all__ = ["MAX_BRACE_WORDS", "TooManyWords", "read_word"]

_NAME_START = re.compile(r"[A-Za-z_0-9{(\[@*#?$!-]")
_ORDINARY = re.compile(r"[A-Za-z0-9_./:=,+%@^-]+")
_PLAIN_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "?": "?",
}
_ANSI = re.compile(
    r"\\(?:(?P<oct>[0-7]{1,3})|x\{(?P<brace>[0-9A-Fa-f]*)\}?|x(?P<hex>[0-9A-Fa-f]{1,2})|u(?P<u>[0-9A-Fa-f]{1,4})"
    r"|U(?P<U>[0-9A-Fa-f]{1,8})|c(?P<ctrl>\\\\|.)|(?P<plain>.))|(?P<text>[^\\]+)",
    re.DOTALL,
)


def starts_expansion(text: str, position: int) -> bool:
    """Tells whether the `$` at `position` is one that bash expands."""
    return _NAME_START.match(text, position + 1) is not None


@dataclass(slots=True)
class _Reading:
    """What a word is made of, while it is read."""

    atoms: list[Atom]
    is_quoted: bool = False
    is_encoded: bool = False


def read_word(
    raw: str, expansions: Sequence[tuple[int, int]] = (), *, braces: bool = True
) -> tuple[Word, ...]:
    """Returns the words that bash makes of one raw word.

    Args:
        raw: as written; quotes are closed, continuations already joined.
        expansions: where in it bash expands something, as the scanner found.
        braces: whether brace expansion applies; not in assignments and redirect targets.

    Raises:
        TooManyWords: the braces give more than `MAX_BRACE_WORDS` words.
    """
    if _ORDINARY.fullmatch(raw):
        return (Word(raw=raw, text=raw, shown=raw),)
    reading = _Reading([])
    ends = dict(expansions)
    position = 0
    while position < len(raw):
        if position in ends:
            reading.atoms.append(Atom(raw[position : ends[position]], "expansion"))
            position = ends[position]
        else:
            position = _read_piece(raw, position, reading, ends)
    variants = expand_braces(reading.atoms) if braces else (tuple(reading.atoms),)
    many = variants != (tuple(reading.atoms),)
    return tuple(_word(raw, atoms, reading, from_braces=many) for atoms in variants)


def _read_piece(raw: str, position: int, reading: _Reading, ends: dict[int, int]) -> int:
    character = raw[position]
    if character == "'":
        return _quoted(reading, raw[position + 1 : raw.find("'", position + 1)], position)
    if character == '"':
        return _read_double(raw, position + 1, reading, ends)
    if character == "$" and raw[position + 1 : position + 2] == "'":
        return _read_ansi(raw, position, reading)
    if character == "$" and raw[position + 1 : position + 2] == '"':
        reading.is_encoded = True
        return _read_double(raw, position + 2, reading, ends)
    if character == "\\":
        reading.is_quoted = True
        reading.atoms.append(Atom(raw[position + 1 : position + 2] or "\\", "quoted"))
        return position + 2
    reading.atoms.append(Atom(character, "plain"))
    return position + 1


def _quoted(reading: _Reading, text: str, position: int) -> int:
    reading.is_quoted = True
    reading.atoms.extend(Atom(character, "quoted") for character in text)
    return position + len(text) + 2


def _read_double(raw: str, position: int, reading: _Reading, ends: dict[int, int]) -> int:
    reading.is_quoted = True
    while raw[position] != '"':
        if position in ends:
            reading.atoms.append(Atom(raw[position : ends[position]], "expansion"))
            position = ends[position]
            continue
        if raw[position] == "\\" and raw[position + 1] in '$`"\\':
            position += 1
        reading.atoms.append(Atom(raw[position], "quoted"))
        position += 1
    return position + 1


def _read_ansi(raw: str, position: int, reading: _Reading) -> int:
    reading.is_encoded = reading.is_quoted = True
    end = position + 2
    while raw[end] != "'":
        end += 2 if raw[end] == "\\" else 1
    text = ansi_text(raw[position + 2 : end])
    if text is None:
        reading.atoms.append(Atom(raw[position : end + 1], "expansion"))
    else:
        reading.atoms.extend(Atom(character, "quoted") for character in text)
    return end + 1


def ansi_text(body: str) -> str | None:
    r"""Returns what `$'body'` stands for; None where it is no UTF-8. Everything after a `\0` is dropped."""
    raw = b"".join(_ansi_bytes(body))
    try:
        return raw.split(b"\0", 1)[0].decode()
    except UnicodeDecodeError:
        return None


def _ansi_bytes(body: str) -> Iterator[bytes]:
    for match in _ANSI.finditer(body):
        kind, text = match.lastgroup, match[match.lastgroup or 0]
        if kind == "text":
            yield text.encode("utf-8", "surrogatepass")
        elif kind == "plain":
            yield _PLAIN_ESCAPES.get(text, "\\" + text).encode("utf-8", "surrogatepass")
        elif kind == "ctrl":
            yield bytes([ord(text[-1]) & 0x1F])
        elif kind in {"u", "U"}:
            yield _code_point(int(text, 16))
        else:
            yield bytes([int(text or "0", 8 if kind == "oct" else 16) & 0xFF])


def _code_point(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else b"\xff"


def _word(raw: str, atoms: Sequence[Atom], reading: _Reading, *, from_braces: bool) -> Word:
    literal = not any(atom.kind == "expansion" for atom in atoms)
    shown = "".join(atom.text for atom in atoms)
    return Word(
        raw=raw,
        text=shown if literal else None,
        shown=shown,
        pattern=_pattern(atoms),
        is_quoted=reading.is_quoted,
        has_tilde=_has_tilde(atoms),
        from_braces=from_braces,
        is_encoded=reading.is_encoded,
    )


def _has_tilde(atoms: Sequence[Atom]) -> bool:
    if not atoms or atoms[0] != Atom("~", "plain"):
        return False
    name = [atom for atom in atoms[1:] if atom.kind != "plain" or atom.text == "/"]
    return not name or name[0] == Atom("/", "plain")


def _pattern(atoms: Sequence[Atom]) -> str | None:
    texts = [atom.text if atom.kind == "plain" else None for atom in atoms]
    if not any(text in {"*", "?"} for text in texts) and not _has_bracket(texts):
        return None
    return "".join(_pattern_piece(atom) for atom in atoms)


def _has_bracket(texts: Sequence[str | None]) -> bool:
    return "[" in texts and "]" in texts[texts.index("[") + 2 :]


def _pattern_piece(atom: Atom) -> str:
    if atom.kind == "expansion":
        return "*"
    if atom.kind == "quoted" and atom.text in "*?[]\\!-^":
        return "\\" + atom.text
    return atom.text
