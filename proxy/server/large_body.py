"""Takes bodies too large for memory: streamed to the disk, counted, at the connection's pace rules."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from proxy.messages.errors import ClientError, ErrorType
from proxy.server.body import invite
from proxy.server.connection import ConnectionState
from proxy.server.door import too_large
from proxy.store.folder import Draft

_FIELD_BYTES = 1024
"""A form's field beside the file is a number."""
_MAX_PARTS = 16
_PIECE_BYTES = 64 * 1024
FORM_OVERHEAD_BYTES = 64 * 1024
"""What boundaries, part headers and small fields may add to a file."""


@dataclass(slots=True)
class Form:
    """What an uploaded form held besides the bytes of its file."""

    has_file: bool = False
    filename: str | None = None
    mime_type: str | None = None
    fields: dict[str, str] = field(default_factory=dict[str, str])


async def receive_body(
    request: web.BaseRequest, connection: ConnectionState, draft: Draft, max_bytes: int
) -> None:
    """Writes a whole body to `draft`.

    Raises:
        ClientError: It is larger than `max_bytes`, comes too slowly (408), or is badly framed.
    """
    with _reading(request, connection):
        body = _CountedBody(request.content, connection, max_bytes)
        await invite(request)
        while not body.at_eof():
            await draft.write(await body.readany())


async def receive_form(
    request: web.BaseRequest, connection: ConnectionState, draft: Draft, max_file_bytes: int
) -> Form:
    """Writes the `file` of an uploaded form to `draft` and returns the rest of the form.

    Raises:
        ClientError: The file is too large, the form comes too slowly (408), or is badly formed.
    """
    form = Form()
    with _reading(request, connection):
        body = _CountedBody(request.content, connection, max_file_bytes + FORM_OVERHEAD_BYTES)
        await invite(request)
        reader = MultipartReader(request.headers, cast("StreamReader", body))
        for _ in range(_MAX_PARTS):
            part = await reader.next()
            if part is None:
                return form
            if not isinstance(part, BodyPartReader) or (form.has_file and part.name == "file"):
                break
            if part.name == "file":
                await _receive_file(part, form, draft, max_file_bytes)
            else:
                form.fields[part.name or ""] = await _small_field(part)
    raise _malformed()


async def _receive_file(part: BodyPartReader, form: Form, draft: Draft, max_bytes: int) -> None:
    form.has_file = True
    form.filename = part.filename
    form.mime_type = part.headers.get("Content-Type")
    while piece := await part.read_chunk(_PIECE_BYTES):
        if draft.size_bytes + len(piece) > max_bytes:
            raise too_large(max_bytes)
        await draft.write(piece)


async def _small_field(part: BodyPartReader) -> str:
    value = b""
    while piece := await part.read_chunk(_FIELD_BYTES):
        value += piece
        if len(value) > _FIELD_BYTES:
            raise _malformed()
    return value.decode("utf-8", "replace")


@contextmanager
def _reading(request: web.BaseRequest, connection: ConnectionState) -> Generator[None]:
    connection.body_begins(request.content, request.content_length, asyncio.get_running_loop().time())
    try:
        yield
    except (RequestPayloadError, HttpProcessingError, ValueError, RuntimeError) as exc:
        raise _malformed() from exc
    finally:
        connection.body_ends()


def _malformed() -> ClientError:
    return ClientError(ErrorType.INVALID_REQUEST, "The request body is badly formed.")


class _CountedBody:
    """A body's stream as `MultipartReader` uses it, counted as it comes."""

    def __init__(self, stream: StreamReader, connection: ConnectionState, max_bytes: int) -> None:
        self._stream = stream
        self._connection = connection
        self._max_bytes = max_bytes

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Returns the next line."""
        return self._counted(await self._stream.readline(max_line_length=max_line_length))

    async def read(self, size: int = -1) -> bytes:
        """Returns at most `size` bytes."""
        return self._counted(await self._stream.read(size))

    async def readany(self) -> bytes:
        """Returns what is there."""
        return self._counted(await self._stream.readany())

    def at_eof(self) -> bool:
        """Whether everything was read."""
        return self._stream.at_eof()

    def unread_data(self, data: bytes) -> None:
        """Gives bytes back."""
        self._stream.unread_data(data)

    def _counted(self, data: bytes) -> bytes:
        self._connection.body_received = self._stream.total_bytes
        if self._stream.total_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        return data
