"""Inflates what a server packed, never by more than is allowed."""

from __future__ import annotations

import zlib
from typing import Protocol

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB_HEADER = 0x08


class _Inflater(Protocol):
    """What `zlib.decompressobj` returns; its type has no public name."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes, /, max_length: int = 0) -> bytes: ...


class TooLong(Exception):
    """More came than is allowed."""


class Broken(Exception):
    """It is not packed as the server said, or ends too early."""


class Unpacker:
    """Collects a body, packed with gzip, deflate or not at all."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        """Makes an empty one.

        Args:
            encoding: The `Content-Encoding`: empty, `identity`, `gzip`, `x-gzip` or `deflate`.
            max_bytes: The most that may come, packed as well as unpacked.
        """
        self._encoding = encoding.strip().lower().removeprefix("x-")
        self._max_bytes = max_bytes
        self._packed = 0
        self._body = bytearray()
        self._inflater: _Inflater | None = None

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece.

        Raises:
            TooLong: It is more than allowed.
            Broken: It cannot be unpacked.
        """
        self._packed += len(chunk)
        if self._packed > self._max_bytes:
            raise TooLong
        if self._encoding not in {"gzip", "deflate"}:
            self._body += chunk
            return
        try:
            self._inflate(chunk)
        except zlib.error as error:
            raise Broken from error

    def finish(self) -> bytes:
        """Returns the whole.

        Raises:
            Broken: The end is missing.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise Broken
        return bytes(self._body)

    def _inflate(self, chunk: bytes) -> None:
        while chunk:
            if self._inflater is None or self._inflater.eof:  # gzip may go on with another member
                self._inflater = zlib.decompressobj(self._window(chunk))
            self._body += self._inflater.decompress(chunk, self._max_bytes - len(self._body) + 1)
            if len(self._body) > self._max_bytes:
                raise TooLong
            chunk = self._inflater.unconsumed_tail or self._inflater.unused_data

    def _window(self, chunk: bytes) -> int:
        """Some servers send deflate bare, without zlib's two bytes in front (RFC 9110, 8.4.1.2)."""
        if self._encoding == "gzip":
            return _GZIP
        return zlib.MAX_WBITS if chunk[0] & 0x0F == _ZLIB_HEADER else -zlib.MAX_WBITS
