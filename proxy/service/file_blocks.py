"""Puts the content of uploaded files into the blocks that name them, since no other upstream has our files.

Pure: which files a request names, and the request with their content in place. Reading them is `files`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, cast

from proxy.messages.errors import invalid_request
from proxy.messages.message import JsonObject
from proxy.store.values import StoredFile

Content = tuple[StoredFile, bytes]
"""A file and its bytes."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})


def named_files(request: JsonObject) -> list[str]:
    """Returns the ids of the files that image and document blocks name, each once, in order."""
    found: dict[str, None] = {}

    def note(block: JsonObject, file_id: str) -> JsonObject:
        found[file_id] = None
        return block

    _replaced(request, note)
    return list(found)


def with_content(request: JsonObject, files: Mapping[str, Content]) -> JsonObject:
    """Returns the request with the content of each file in place of its id; the rest stays as it is.

    Args:
        request: The body of a Messages request.
        files: The files by id; all that `named_files` gave.

    Raises:
        ClientError: A file's type does not fit the kind of block it stands in.
    """

    def fill(block: JsonObject, file_id: str) -> JsonObject:
        file, data = files[file_id]
        return {**block, "source": _source(str(block["type"]), file, data)}

    return _replaced(request, fill)


def _replaced(request: JsonObject, change: Callable[[JsonObject, str], JsonObject]) -> JsonObject:
    messages = request.get("messages")
    if not isinstance(messages, list):
        return request
    turns = cast("list[Any]", messages)
    return {**request, "messages": [_turn(turn, change) for turn in turns]}


def _turn(turn: Any, change: Callable[[JsonObject, str], JsonObject]) -> Any:
    if not isinstance(turn, dict):
        return turn
    holder = cast("JsonObject", turn)
    content = holder.get("content")
    if not isinstance(content, list):
        return holder
    blocks = cast("list[Any]", content)
    return {**holder, "content": [_block(block, change) for block in blocks]}


def _block(block: Any, change: Callable[[JsonObject, str], JsonObject]) -> Any:
    if not isinstance(block, dict):
        return block
    held = cast("JsonObject", block)
    if held.get("type") == "tool_result":
        return _turn(held, change)
    if held.get("type") not in ("image", "document"):
        return held
    source: Any = held.get("source")
    if not isinstance(source, dict):
        return held
    file_id: Any = cast("JsonObject", source).get("file_id")
    if cast("JsonObject", source).get("type") != "file" or not isinstance(file_id, str):
        return held
    return change(held, file_id)


def _source(kind: str, file: StoredFile, data: bytes) -> JsonObject:
    """Returns the source of a block that holds the file itself (Files API: file types and content blocks)."""
    fits = file.mime_type in IMAGE_TYPES if kind == "image" else file.mime_type == "application/pdf"
    if fits:
        return {"type": "base64", "media_type": file.mime_type, "data": base64.b64encode(data).decode()}
    if kind == "document" and file.mime_type.startswith("text/"):
        try:
            return {
                "type": "text",
                "media_type": "text/plain",
                "data": data.removeprefix(_BYTE_ORDER_MARK).decode(),
            }
        except UnicodeDecodeError:
            raise invalid_request(f"The file {file.id} is not valid UTF-8 text.") from None
    raise invalid_request(
        f"The file {file.id} is of type {file.mime_type}, which a block of type {kind} cannot hold."
    )
