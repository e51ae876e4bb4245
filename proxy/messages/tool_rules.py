"""The rules for declared tools: names, schemas, and which may be deferred."""

from __future__ import annotations

import re
from typing import Any, cast

from proxy.messages.errors import invalid_request
from proxy.messages.request import MessagesRequest, ToolParam

MAX_DEPTH = 100
"""A schema is looked at this deep; the JSON reader lets none be much deeper."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def check_tools(request: MessagesRequest) -> None:
    """Checks the declared tools.

    Raises:
        ClientError: A name or a schema is not lawful, a name stands twice, or all tools are deferred.
    """
    tools = request.tools or []
    for index, tool in enumerate(tools):
        if tool.is_custom:
            _check_custom(tool, f"tools.{index}.custom")
        if tool.defer_loading and tool.cache_control:
            raise invalid_request("Tools with defer_loading cannot use prompt caching")
    names = [tool.name for tool in tools if tool.name]
    if len(set(names)) < len(names):
        raise invalid_request("tools: Tool names must be unique.")
    if tools and all(tool.defer_loading for tool in tools):
        raise invalid_request("All tools have defer_loading set. At least one tool must be non-deferred.")


def check_closed(schema: Any, at: str, depth: int = 0) -> None:
    """Checks that every object of a schema that is enforced is closed.

    Raises:
        ClientError: One is not.
    """
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return
    fields = cast("dict[str, Any]", schema)
    if fields.get("type") == "object" and fields.get("additionalProperties") is not False:
        raise invalid_request(
            f"{at}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )
    for key, value in fields.items():
        if key in ("properties", "$defs", "definitions") and isinstance(value, dict):
            for name, each in cast("dict[str, Any]", value).items():
                check_closed(each, f"{at}.{key}.{name}", depth + 1)
        elif key in ("items", "anyOf", "allOf", "oneOf"):
            for each in cast("list[Any]", value if isinstance(value, list) else [value]):
                check_closed(each, f"{at}.{key}", depth + 1)


def _check_custom(tool: ToolParam, at: str) -> None:
    if tool.name is None:
        raise invalid_request(f"{at}.name: Field required")
    if not _NAME.fullmatch(tool.name):
        raise invalid_request(f"{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if tool.input_schema is None:
        raise invalid_request(f"{at}.input_schema: Field required")
    if "type" not in tool.input_schema:
        raise invalid_request(f"{at}.input_schema.type: Field required")
    if tool.input_schema["type"] != "object":
        raise invalid_request(f"{at}.input_schema.type: Input should be 'object'")
    if tool.strict:
        check_closed(tool.input_schema, at)
