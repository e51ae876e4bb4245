from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from proxy.mcp.gateway_content import call_result, listed
from proxy.mcp.results import CallResult
from proxy.mcp.tools import tool_of
from proxy.tools.base import ToolOutput
from tests.proxy.tooling import FakeTool


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({"type": "text", "text": "a"}, {"type": "text", "text": "a"}),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            {"type": "image", "data": "aGk=", "mimeType": "image/png"},
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "page"}},
            {"type": "text", "text": "page"},
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://e.org"}},
            {"type": "text", "text": '{"type": "image", "source": {"type": "url", "url": "https://e.org"}}'},
        ),
        (
            {"type": "image", "source": {"type": "file", "data": "x"}},
            {"type": "text", "text": '{"type": "image", "source": {"type": "file", "data": "x"}}'},
        ),
    ],
)
def test_a_block_is_told_in_the_words_of_mcp(block: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    assert call_result(ToolOutput((block,), is_error=True)) == {"content": [told], "isError": True}


def test_a_document_is_an_embedded_resource() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
    (told,) = call_result(ToolOutput(({"type": "document", "source": source},)))["content"]
    assert told["resource"] == {
        "uri": "signalbox://signalbox/document",
        "mimeType": "application/pdf",
        "blob": "aGk=",
    }


def test_a_servers_tool_keeps_its_title_and_annotations_and_a_built_in_one_says_that_it_only_reads() -> None:
    async def call(server: str, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        raise AssertionError

    raw = {"name": "a", "title": "A", "annotations": MappingProxyType({"destructiveHint": True})}
    told = listed(tool_of("box", "mcp__box__a", raw, call))
    assert (told["title"], told["annotations"]) == ("A", {"destructiveHint": True})
    assert told["inputSchema"] == {"type": "object"}
    assert listed(FakeTool())["annotations"] == {"readOnlyHint": True}
    assert "annotations" not in listed(FakeTool(may_run_beside_others=False))
