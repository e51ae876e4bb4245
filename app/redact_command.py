r"""`signalbox redact`: passes standard input to standard output through the log's redactor, line by line.

A line ends at `\n` and nowhere else; a PEM block is one piece however many lines it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from app.exit_codes import FAILED, OK
from app.redaction import Redactor
from app.terminal import tell

MAX_BLOCK_BYTES = 256 * 1024
"""A PEM block that has not ended by then is redacted as it stands."""
_BEGINS = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,60}-----")
_ENDS = re.compile(rb"-----END [A-Z0-9 ]{0,60}-----")


def redact(known: Path | None, source: IO[bytes], target: IO[bytes]) -> int:
    """Redacts a stream; returns the exit status.

    Args:
        known: A file with one secret a line, of whatever shape.
        source: What to redact.
        target: Where it goes.
    """
    redactor = Redactor()
    if known is not None:
        try:
            lines = known.read_bytes().split(b"\n")
        except OSError as exc:
            tell(f"{known}: {exc.strerror}")
            return FAILED
        redactor.know([_text(each.rstrip(b"\r")) for each in lines if each.strip()])
    for piece in _pieces(source):
        ending = b"\n" if piece.endswith(b"\n") else b""
        body = piece[: len(piece) - len(ending)]
        target.write(redactor.text(_text(body)).encode("utf-8", "surrogateescape") + ending)
        target.flush()
    return OK


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yields lines, and each PEM block as one piece."""
    block = b""
    for line in lines:
        block += line
        begins = [each.end() for each in _BEGINS.finditer(block)]
        is_open = bool(begins) and _ENDS.search(block, begins[-1]) is None
        if not is_open or len(block) > MAX_BLOCK_BYTES:
            yield block
            block = b""
    if block:
        yield block
