"""Declared tools and the choice among them, as functions of chat completions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from proxy.dialects.loose_json import as_object, as_text
from proxy.dialects.openai_chat_content import Encoding, cache_hint
from proxy.dialects.tool_schema import clean_schema, client_tool
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.message import JsonObject
from proxy.messages.request import (
    MessagesRequest,
    OtherBlock,
    ToolChoiceParam,
    ToolParam,
    ToolResultParam,
    ToolUseParam,
)
from proxy.messages.wire import write_json

WEB_SEARCH = "web_search_"
"""Beginning of the type of every version of the web search server tool."""

_TOOL_SEARCH = "tool_search_tool_"


def asks_web_search(request: MessagesRequest) -> bool:
    """The request declares Anthropic's web search server tool."""
    return any((tool.type or "").startswith(WEB_SEARCH) for tool in request.tools or [])


def declared_names(request: MessagesRequest) -> list[str]:
    """Returns the names of the client's tools, in order; the same list on the way there and back."""
    return [tool.name for tool in request.tools or [] if tool.name and not _is_server_tool(tool)]


def encode_tools(request: MessagesRequest, work: Encoding) -> JsonObject:
    """Returns the payload fields for tools: tools, tool_choice, parallel_tool_calls, plugins.

    Raises:
        ClientError: Two tools have one name, or the choice names none.
    """
    names = declared_names(request)
    if len(set(names)) != len(names):
        raise ClientError(ErrorType.INVALID_REQUEST, "tools: Tool names must be unique.")
    payload: JsonObject = {}
    functions: list[JsonObject] = []
    for path, tool in _active_tools(request, work):
        if not _is_runnable(tool, work):
            _note_unsupported(tool, path, work)
        elif (tool.type or "").startswith(WEB_SEARCH):
            payload["plugins"] = [_web_plugin(tool, path, work)]
        elif not (tool.type or "").startswith(_TOOL_SEARCH):
            functions.append(_function(tool, path, work))
    if functions and not work.profile.tools:
        work.losses.add("tools", "left out: the upstream knows no tools")
        functions = []
    functions = _choose(request, functions, payload, work)
    if functions:
        payload["tools"] = functions
    return payload


def is_forced(request: MessagesRequest) -> bool:
    """The model has to call a tool."""
    return request.tool_choice is not None and request.tool_choice.type in ("any", "tool")


def _active_tools(request: MessagesRequest, work: Encoding) -> list[tuple[str, ToolParam]]:
    """The tools the model may see: those not deferred, then the deferred ones as they were found."""
    if not request.tools:
        return []
    placed = [(f"tools.{i}", tool) for i, tool in enumerate(request.tools)]
    removed = _named_in_system(request, "tool_removal")
    ready = [item for item in placed if not item[1].defer_loading and item[1].name not in removed]
    deferred = [item for item in placed if item[1].defer_loading and item[1].name not in removed]
    if any((tool.type or "").startswith(_TOOL_SEARCH) for _, tool in placed):
        work.losses.add("tools", "all deferred tools are offered at once: the upstream cannot search tools")
        return ready + deferred
    order = list(dict.fromkeys(_found_tools(request)))
    found = [item for item in deferred if item[1].name in order]
    for path, tool in deferred:
        if tool.name not in order:
            work.losses.add(path, "not offered: the tool is deferred and was not searched for yet")
    return ready + sorted(found, key=lambda item: order.index(item[1].name))


def _found_tools(request: MessagesRequest) -> Iterable[str | None]:
    """Names of deferred tools the conversation has brought up, oldest first."""
    for message in request.messages:
        for block in message.blocks():
            if isinstance(block, ToolUseParam):
                yield block.name
            elif isinstance(block, ToolResultParam) and isinstance(block.content, list):
                for inner in block.content:
                    if isinstance(inner, OtherBlock) and inner.type == "tool_reference":
                        yield (inner.model_extra or {}).get("tool_name")
            elif isinstance(block, OtherBlock) and block.type == "tool_addition":
                yield _referenced(block)
    if request.tool_choice is not None:
        yield request.tool_choice.name


def _named_in_system(request: MessagesRequest, kind: str) -> set[str | None]:
    """Names that the last word about them, in a system turn, was of this kind."""
    last: dict[str | None, str] = {}
    for message in request.messages:
        for block in message.blocks():
            if isinstance(block, OtherBlock) and block.type in ("tool_addition", "tool_removal"):
                last[_referenced(block)] = block.type
    return {name for name, said in last.items() if said == kind}


def _referenced(block: OtherBlock) -> str | None:
    tool = as_object((block.model_extra or {}).get("tool"))
    return as_text(tool.get("name")) or as_text(tool.get("tool_name")) or None


_SERVER_TOOLS = ("web_search_", "web_fetch_", "code_execution_", _TOOL_SEARCH, "advisor_", "mcp_toolset")


def _is_server_tool(tool: ToolParam) -> bool:
    return not tool.is_custom and (tool.type or "").startswith(_SERVER_TOOLS)


def _function(tool: ToolParam, path: str, work: Encoding) -> JsonObject:
    profile = work.profile
    settings = tool.model_extra or {}
    if tool.is_custom:
        function: JsonObject = {"parameters": clean_schema(tool.input_schema, profile.schema_rules)}
        description = _described(tool, settings.get("input_examples"))
    else:
        known = client_tool(tool.type or "", settings) or {}
        function = {"parameters": clean_schema(known["parameters"], profile.schema_rules)}
        description = known["description"]
        work.losses.add(path, f"declared as a plain function: the upstream knows no {tool.type}")
    if not tool.name:
        raise ClientError(ErrorType.INVALID_REQUEST, f"{path}.{tool.type or 'custom'}.name: Field required")
    function["name"] = work.names.sent(tool.name)
    if description:
        function["description"] = description
    if tool.strict:
        if profile.strict_tools:
            function["strict"] = True
        else:
            work.losses.add(f"{path}.strict", "left out: the upstream does not enforce schemas of tools")
    _note_settings(settings, path, work)
    made: JsonObject = {"type": "function", "function": function}
    hint = cache_hint(tool.cache_control, path, work) if profile.cache_control != "gemini" else None
    if hint is not None:
        made["cache_control"] = hint
    return made


def _described(tool: ToolParam, examples: Any) -> str:
    description = tool.description or ""
    if not isinstance(examples, list) or not examples:
        return description
    lines = "\n".join(write_json(example).decode() for example in cast("list[Any]", examples))
    return f"{description}\n\nExamples of its input:\n{lines}".strip()


def _note_settings(settings: JsonObject, path: str, work: Encoding) -> None:
    callers = settings.get("allowed_callers")
    if isinstance(callers, list) and "direct" not in callers:
        work.losses.add(
            f"{path}.allowed_callers", "the model may call the tool directly: no code runs at the upstream"
        )
    for name in ("eager_input_streaming", "max_characters", "display_number", "enable_zoom"):
        if settings.get(name):
            work.losses.add(f"{path}.{name}", "left out: the upstream has no such setting")


def _is_runnable(tool: ToolParam, work: Encoding) -> bool:
    kind = tool.type or ""
    if tool.is_custom or kind.startswith(_TOOL_SEARCH):
        return True
    if kind.startswith(WEB_SEARCH):
        return work.profile.web_search != "none"
    return client_tool(kind, tool.model_extra or {}) is not None


def _note_unsupported(tool: ToolParam, path: str, work: Encoding) -> None:
    reason = (
        f"the tool type {tool.type!r} runs only on Anthropic's servers and this model's upstream has no "
        "counterpart. Remove the tool, or send the request to a provider of dialect anthropic-messages."
    )
    work.losses.add(path, reason, is_vital=True)


def _web_plugin(tool: ToolParam, path: str, work: Encoding) -> JsonObject:
    for name in ("allowed_domains", "blocked_domains", "user_location"):
        if (tool.model_extra or {}).get(name):
            work.losses.add(f"{path}.{name}", "left out: the upstream's search takes no such limit")
    return {"id": "web"}


def _choose(
    request: MessagesRequest, functions: list[JsonObject], payload: JsonObject, work: Encoding
) -> list[JsonObject]:
    """Sets tool_choice and parallel_tool_calls; returns the functions the choice leaves."""
    choice = request.tool_choice
    if choice is None:
        return functions
    if not functions:
        _check_choice(choice, request, payload)
        return functions
    if choice.disable_parallel_tool_use:
        if work.profile.parallel_tool_calls:
            payload["parallel_tool_calls"] = False
        else:
            work.losses.add(
                "tool_choice.disable_parallel_tool_use", "kept here: only the first call is passed on"
            )
    if choice.type == "tool":
        return _named(request, functions, payload, work)
    if choice.type == "none" and not work.profile.tool_choice_none:
        return []
    payload["tool_choice"] = _required(work) if choice.type == "any" else choice.type
    return functions


def _check_choice(choice: ToolChoiceParam, request: MessagesRequest, payload: JsonObject) -> None:
    """A choice among no functions: fine unless it demands one."""
    if choice.type == "any" and "plugins" not in payload and not request.tools:
        raise ClientError(
            ErrorType.INVALID_REQUEST, "tool_choice.any may only be specified while providing tools"
        )
    if choice.type == "tool" and choice.name not in {tool.name for tool in request.tools or []}:
        raise _not_declared(choice.name)


def _required(work: Encoding) -> str:
    if work.profile.tool_choice_required:
        return "required"
    work.losses.add("tool_choice", "only wished for: the upstream cannot be made to call a tool")
    return "auto"


def _named(
    request: MessagesRequest, functions: list[JsonObject], payload: JsonObject, work: Encoding
) -> list[JsonObject]:
    name = (request.tool_choice.name if request.tool_choice else None) or ""
    sent = work.names.sent(name)
    only = [function for function in functions if function["function"]["name"] == sent]
    if not only and name in {tool.name for tool in request.tools or []}:
        return functions  # the tool itself is a loss already
    if not only:
        raise _not_declared(name)
    if work.profile.tool_choice_named:
        payload["tool_choice"] = {"type": "function", "function": {"name": sent}}
        return functions
    payload["tool_choice"] = _required(work)
    work.losses.add("tools", f"only {name} is offered: the upstream cannot be told to choose it")
    return only


def _not_declared(name: str | None) -> ClientError:
    return ClientError(ErrorType.INVALID_REQUEST, f"Tool '{name}' not found in provided tools")
