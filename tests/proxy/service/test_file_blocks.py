"""Files in the blocks of a request."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from proxy.messages.errors import ClientError
from proxy.service.file_blocks import named_files, with_content
from proxy.store.values import StoredFile


def source(file_id: str) -> dict[str, Any]:
    return {"type": "file", "file_id": file_id}


def stored(file_id: str, mime_type: str) -> StoredFile:
    return StoredFile(file_id, "name", mime_type, 1, 1)


REQUEST: dict[str, Any] = {
    "model": "big",
    "messages": [
        {"role": "user", "content": "text"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image", "source": source("file_1"), "cache_control": {"type": "ephemeral"}},
                {"type": "document", "source": source("file_2"), "title": "T"},
                {"type": "image", "source": {"type": "url", "url": "https://example.invalid/x.png"}},
                {"type": "container_upload", "file_id": "file_9"},
                {
                    "type": "tool_result",
                    "tool_use_id": "t",
                    "content": [
                        {"type": "document", "source": source("file_3")},
                        {"type": "image", "source": source("file_1")},
                    ],
                },
            ],
        },
    ],
}


def test_files_are_found_in_messages_and_tool_results_each_once() -> None:
    assert named_files(REQUEST) == ["file_1", "file_2", "file_3"]


@pytest.mark.parametrize(
    "body", [{}, {"messages": 1}, {"messages": [1, {"content": 2}, {"content": [3, {"type": "image"}]}]}]
)
def test_a_body_of_any_shape_is_looked_through_without_harm(body: dict[str, Any]) -> None:
    assert named_files(body) == []
    assert with_content(body, {}) == body


def test_each_kind_of_file_becomes_the_source_its_block_needs() -> None:
    files = {
        "file_1": (stored("file_1", "image/png"), b"\x89PNG"),
        "file_2": (stored("file_2", "application/pdf"), b"%PDF"),
        "file_3": (stored("file_3", "text/markdown"), "\ufeffwörd".encode()),
    }
    content = with_content(REQUEST, files)["messages"][1]["content"]
    png = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"\x89PNG").decode()}
    assert content[1] == {"type": "image", "source": png, "cache_control": {"type": "ephemeral"}}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF").decode()}
    assert content[2] == {"type": "document", "source": pdf, "title": "T"}
    assert content[3:5] == REQUEST["messages"][1]["content"][3:5]
    text = {"type": "text", "media_type": "text/plain", "data": "wörd"}
    assert content[5]["content"] == [{"type": "document", "source": text}, {"type": "image", "source": png}]
    assert REQUEST["messages"][1]["content"][1]["source"] == source("file_1")


@pytest.mark.parametrize(
    ("kind", "mime_type", "data"),
    [
        ("image", "application/pdf", b""),
        ("document", "image/png", b""),
        ("document", "application/zip", b""),
        ("document", "text/plain", b"\xff"),
    ],
)
def test_a_file_that_does_not_fit_its_block_is_refused(kind: str, mime_type: str, data: bytes) -> None:
    request = {"messages": [{"role": "user", "content": [{"type": kind, "source": source("file_1")}]}]}
    with pytest.raises(ClientError, match="file_1"):
        with_content(request, {"file_1": (stored("file_1", mime_type), data)})
