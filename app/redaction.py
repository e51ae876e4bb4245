"""Takes secrets out of text and of log fields, by name, by shape and by known value.

Three ways to know one: a sensitive name before it (`redaction_names`), the shape of a well-known kind of key
(`redaction_shapes`), or its being a key we hold, also in base64, hex, percent or backslash-u form. Text is
judged as it stands and once more with escapes and invisible characters undone; what is found there is cut
out of the original. Redacting twice gives the same text. Text that is reversed or encrypted is not seen.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

from app.redaction_names import is_sensitive_name, is_value_kept, named_values
from app.redaction_shapes import SHAPES, Span

REDACTED = "[redacted]"
_MIN_KNOWN = 8
"""Shorter known values would tear ordinary words apart."""
_MAX_REMEMBERED = 64
"""Characters of the longest text that is remembered to hold no secret."""
_MAX_CLEAN = 4096
"""So many are remembered; then all are forgotten."""
_WINDOW, _OVERLAP, _AROUND = 256 * 1024, 32 * 1024, 4 * 1024
"""Longer texts are judged in windows of so many characters."""

_ESCAPE = re.compile(
    r"\\{1,8}u00(?P<u>[0-9A-Fa-f]{2})|\\{1,8}x(?P<x>[0-9A-Fa-f]{2})|%(?P<p>[0-9A-Fa-f]{2})"
    r"|(?P<ansi>\x1b\[[0-9;]*[A-Za-z])|(?P<gone>[\u00ad\u200b-\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff])"
)
_MAY_ESCAPE = re.compile(
    r"\\[ux]|%[0-9A-Fa-f]|[\x1b\u00ad\u200b-\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff]"
)


@dataclass(frozen=True, slots=True)
class _Known:
    """The keys that are in use, and short texts already seen to hold neither them nor any other secret.

    Log lines say the same few words again and again: judging those once takes nine tenths off a line.
    """

    values: frozenset[str] = frozenset()
    forms: tuple[str, ...] = ()
    clean: set[str] = field(default_factory=set[str])


class Redactor:
    """Removes secrets; knows the keys that are in use."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Redacts the `known` values besides what has a shape or a name."""
        self._known = _Known()
        self.know(known)

    def know(self, values: Iterable[str]) -> None:
        """Adds keys that must never be shown, in every form they are likely to be met in."""
        added = frozenset(each for each in values if len(each) >= _MIN_KNOWN)
        if added <= self._known.values:
            return
        all_values = self._known.values | added
        # One assignment: what another thread judges by the keys before is remembered with those.
        self._known = _Known(all_values, tuple({form for value in all_values for form in _forms(value)}))

    @property
    def mark(self) -> object:
        """Another object after each key that was added: what was judged before has to be judged again."""
        return self._known

    def text(self, text: str) -> str:
        """Returns the text with every secret replaced by `[redacted]`."""
        known = self._known
        if text in known.clean:
            return text
        spans = [*_found(text, known.forms)] if len(text) <= _WINDOW else [*_found_apart(text, known.forms)]
        if spans:
            return _cut_out(text, spans)
        if len(text) <= _MAX_REMEMBERED:
            if len(known.clean) >= _MAX_CLEAN:
                known.clean.clear()
            known.clean.add(text)
        return text

    def field(self, name: str, value: str) -> str:
        """Returns a log field's value, redacted as a whole where the name says it is a secret."""
        if value and _is_sensitive(name) and not is_value_kept(value):
            return REDACTED
        return self.text(value)

    def mapping(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Returns the fields with `field` applied to each."""
        return {name: self.field(name, value) for name, value in fields.items()}


def _is_sensitive(name: str) -> bool:
    return _is_short_sensitive(name) if len(name) <= _MAX_REMEMBERED else is_sensitive_name(name)


_is_short_sensitive = lru_cache(maxsize=512)(is_sensitive_name)


def _found_apart(text: str, forms: tuple[str, ...]) -> Iterator[Span]:
    """Yields what is found in a long text, window by window: other threads have their turn between two.

    A secret belongs to the window that sees `_AROUND` before its start, and the most after it; so each is
    judged as in the whole text, up to some 28,000 characters of it.
    """
    step = _WINDOW - _OVERLAP
    for offset in range(0, len(text), step):
        is_last = offset + _WINDOW >= len(text)
        first = _AROUND if offset else 0
        for start, end in _found(text[offset : offset + _WINDOW], forms):
            if start >= first and (is_last or start < step + _AROUND):
                yield start + offset, end + offset
        if is_last:
            return


def _found(text: str, forms: tuple[str, ...]) -> Iterator[Span]:
    yield from _spans(text, forms)
    if _MAY_ESCAPE.search(text):
        plain, starts = _undone(text)
        for start, end in _spans(plain, forms):
            yield starts[start], starts[end]


def _spans(text: str, forms: Iterable[str]) -> list[Span]:
    spans = [span for form in forms if form in text for span in _occurrences(text, form)]
    for shape in SHAPES:
        if shape.literal in text:
            spans += shape.spans(text)
    spans += named_values(text)
    return spans


def _occurrences(text: str, part: str) -> Iterator[Span]:
    position = text.find(part)
    while position >= 0:
        yield position, position + len(part)
        position = text.find(part, position + len(part))


def _forms(value: str) -> Iterable[str]:
    raw = value.encode("utf-8", errors="surrogatepass")
    yield value
    yield quote(value, safe="")
    yield raw.hex()
    yield raw.hex().upper()
    for shift in range(3):
        # Base64 of a longer text that holds the value: its characters depend on where the value begins.
        encoded = base64.b64encode(b"\0" * shift + raw).decode("ascii").rstrip("=")
        core = encoded[(0, 2, 3)[shift] : len(encoded) - (1 if (shift + len(raw)) % 3 else 0)]
        if len(core) >= _MIN_KNOWN:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _undone(text: str) -> tuple[str, list[int]]:
    """Returns the text with escapes resolved and invisible characters left out, and where each one stood.

    `starts[i]` is the position in `text` of character `i`; one more entry gives the end.
    """
    pieces: list[str] = []
    starts: list[int] = []
    position = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[position : match.start()])
        starts.extend(range(position, match.start()))
        code = match["u"] or match["x"] or match["p"]
        if code is not None:
            pieces.append(chr(int(code, 16)))
            starts.append(match.start())
        elif match["ansi"] is not None:
            pieces.append(" ")
            starts.append(match.start())
        position = match.end()
    pieces.append(text[position:])
    starts.extend(range(position, len(text) + 1))
    return "".join(pieces), starts


def _cut_out(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end in _merged(spans):
        if text[start:end] == REDACTED:
            continue
        pieces += [text[position:start], REDACTED]
        position = end
    return "".join([*pieces, text[position:]])


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged
