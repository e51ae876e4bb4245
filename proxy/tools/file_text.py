"""A file as text and back: encoding, byte order mark and line ends stay what they were, byte by byte."""

from __future__ import annotations

import codecs
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from proxy.tools.errors import ToolError

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""The longer ones first: UTF-32's begins like UTF-16's."""
_LOOKED_AT = 8192


ALREADY_THERE = "Cannot create new file - file already exists."


class NotText(Exception):
    """The bytes are no text in any encoding known here."""


class Edit(NamedTuple):
    """One replacement."""

    old: str
    new: str
    replace_all: bool = False


@dataclass(frozen=True, slots=True)
class FileText:
    """A file's text with what it takes to write the same bytes again."""

    raw: str
    """With the line ends the file has. What is no UTF-8 stays as lone surrogates (`surrogateescape`)."""
    encoding: str = "utf-8"
    mark: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes) -> FileText:
        """Reads a file's bytes.

        Raises:
            NotText: They hold NUL, or are not what their byte order mark says.
        """
        for mark, encoding in _MARKS:
            if data.startswith(mark) and encoding != "utf-8":
                try:
                    return cls(data[len(mark) :].decode(encoding), encoding, mark)
                except UnicodeDecodeError as exc:
                    raise NotText(encoding) from exc
        if b"\0" in data[:_LOOKED_AT]:
            raise NotText("it holds NUL")
        mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        return cls(data[len(mark) :].decode("utf-8", "surrogateescape"), "utf-8", mark)

    def to_bytes(self) -> bytes:
        """Returns the file's bytes.

        Raises:
            ToolError: The text holds half a character.
        """
        errors = "surrogateescape" if self.encoding == "utf-8" else "strict"
        try:
            return self.mark + self.raw.encode(self.encoding, errors)
        except UnicodeEncodeError as exc:
            raise ToolError(_HALF_CHARACTER) from exc

    @property
    def text(self) -> str:
        """The text with LF at each line's end."""
        return self.raw.replace("\r\n", "\n")

    @property
    def shown(self) -> str:
        """The text for a model: what is no text is a replacement character."""
        text = self.text
        return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    @property
    def line_end(self) -> str:
        """What most lines end with."""
        windows = self.raw.count("\r\n")
        return "\r\n" if 2 * windows > self.raw.count("\n") else "\n"

    def with_text(self, text: str) -> FileText:
        """Returns a file with other text in this one's encoding and with its line ends."""
        require_whole(text)
        plain = text.replace("\r\n", "\n")
        has_one_end = "\n" not in self.raw.replace("\r\n", "")
        is_windows = has_one_end and "\r\n" in self.raw
        return replace(self, raw=plain.replace("\n", "\r\n") if is_windows else text)

    def edited(self, edit: Edit) -> FileText:
        """Returns the file after one replacement; outside what it replaces every byte stays.

        Raises:
            ToolError: `old` is not there, or there more than once without `replace_all`, or empty.
        """
        if not edit.old:
            raise ToolError(ALREADY_THERE)
        require_whole(edit.new)
        old = edit.old.replace("\r\n", "\n")
        text = self.text
        count = text.count(old)
        if count == 0:
            raise ToolError(f"String to replace not found in file.\nString: {edit.old}")
        if count > 1 and not edit.replace_all:
            raise ToolError(
                f"Found {count} matches of the string to replace, but replace_all is false. To replace all "
                "occurrences, set replace_all to true. To replace only one occurrence, please provide more "
                f"context to uniquely identify the instance.\nString: {edit.old}"
            )
        new = edit.new.replace("\r\n", "\n")
        if len(text) == len(self.raw):
            return replace(self, raw=text.replace(old, new))
        return replace(self, raw="".join(self._replaced(text, old, new)))

    def _replaced(self, text: str, old: str, new: str) -> Iterator[str]:
        """Yields the pieces of the raw text after the replacement, where some lines end with CR LF."""
        windows = _windows_ends(self.raw)
        line_end = self.line_end
        done = at = 0
        while (at := text.find(old, at)) >= 0:
            start, end = at + bisect_left(windows, at), at + len(old)
            end += bisect_left(windows, end)
            yield self.raw[done:start]
            replaced = self.raw[start:end]
            own = "\r\n" if "\r\n" in replaced else "\n" if "\n" in replaced else line_end
            yield new.replace("\n", own)
            done, at = end, at + len(old)
        yield self.raw[done:]


_HALF_CHARACTER = (
    "The text holds half a character (a lone surrogate), which cannot be written. Send it whole."
)


def require_whole(text: str) -> None:
    """Raises ToolError where text of a model holds half a character, which no file can hold."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as exc:
            raise ToolError(_HALF_CHARACTER) from exc


def _windows_ends(raw: str) -> list[int]:
    """Returns where, in the text with plain line ends, the raw text has CR LF."""
    found: list[int] = []
    at = -2
    while (at := raw.find("\r\n", at + 2)) >= 0:
        found.append(at - len(found))
    return found
