"""A Messages request as a chat completions request, with every loss named."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from proxy.dialects.base import Encoded, Target
from proxy.dialects.loose_json import as_object, as_objects, as_text
from proxy.dialects.openai_chat_content import Encoding, is_text
from proxy.dialects.openai_chat_messages import encode_messages
from proxy.dialects.openai_chat_reasoning import encode_reasoning, thinks
from proxy.dialects.openai_chat_tools import declared_names, encode_tools
from proxy.dialects.tool_ids import ToolNames, UpstreamIds
from proxy.dialects.tool_schema import is_strict
from proxy.dialects.unheard import note_unheard
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.message import JsonObject
from proxy.messages.request import MessagesRequest
from proxy.messages.wire import write_json

_MAX_SESSION_ID = 256

_IGNORED: Mapping[str, str] = MappingProxyType({
    "context_management": "left out: the upstream does not edit the context",
    "safeguards": "left out: the upstream checks no actions; use another permission mode",
    "diagnostics": "left out: the upstream does not tell why a cache was missed",
    "inference_geo": "left out: the upstream chooses where it runs",
    "billing_policy": "left out: the upstream has its own billing",
    "fallback_credit_token": "left out: the upstream has its own billing",
    "fallbacks": "left out: candidates are chosen by the alias",
    "betas": "left out: the upstream has no betas",
})  # fmt: skip

_VITAL: Mapping[str, str] = MappingProxyType({
    "mcp_servers": "connect the MCP server to the client itself, name one of Signalbox (url signalbox:NAME), "
    "or let the user allow its host (mcp_allowed_hosts)",
    "container": "run the code in a tool of the client",
    "compaction": "let the client summarise the conversation with an ordinary request",
})  # fmt: skip
"""Fields whose absence would change what the answer is, and what to do instead."""


def encode_request(request: MessagesRequest, target: Target) -> Encoded:
    """Returns the chat completions payload, always streamed.

    Raises:
        ClientError: The request breaks a rule of the API, or goes on with a conversation kept elsewhere.
    """
    extra = dict(request.model_extra or {})
    _refuse_threads(extra)
    work = Encoding(target, ToolNames(declared_names(request)), UpstreamIds(target.profile.tool_id_rule))
    _note_vital(extra, work)
    for name, sent in work.names.changed.items():
        work.losses.add("tools", f"{name} is called {sent} at the upstream and translated back")
    max_tokens = _max_tokens(request, work)
    payload: JsonObject = {
        "model": target.model,
        "messages": encode_messages(request, work),
        target.profile.max_tokens_field: max_tokens,
        "stream": True,
    }
    if target.profile.stream_options:
        payload["stream_options"] = {"include_usage": True}
    payload.update(encode_tools(request, work))
    payload.update(encode_reasoning(request, max_tokens, work))
    _sampling(request, payload, work)
    _stops(request, payload, work)
    _format(request, extra, payload, work)
    _who(request, payload, work)
    _service(request, extra, payload, work)
    for name in extra:
        work.losses.add(name, _IGNORED.get(name, "left out: the upstream has no such field"))
    note_unheard(request, work.losses)
    if target.profile.cache_control == "gemini":
        _spare_last_hint(payload, work)
    return Encoded(payload, work.losses.all())


def _refuse_threads(extra: JsonObject) -> None:
    thread = extra.get("thread")
    if thread:
        goes_on = as_object(thread).get("type") == "continue"
        code = "thread_not_found" if goes_on else "thread_unsupported_request"
        raise ClientError(
            ErrorType.NOT_FOUND if goes_on else ErrorType.INVALID_REQUEST,
            "thread: conversations are not kept here. Send the whole conversation in messages.",
            details={"error_code": code},
        )


def _note_vital(extra: JsonObject, work: Encoding) -> None:
    for name, instead in _VITAL.items():
        if extra.pop(name, None):
            reason = (
                f"this model's upstream has no counterpart. Remove it and {instead}, or send the request to "
                "a provider of dialect anthropic-messages."
            )
            work.losses.add(name, reason, is_vital=True)


def _max_tokens(request: MessagesRequest, work: Encoding) -> int:
    limit, least = work.profile.max_output_tokens, max(1, work.profile.min_output_tokens)
    wanted = request.max_tokens
    if limit is not None and wanted > limit:
        work.losses.add("max_tokens", f"{limit} instead of {wanted}: the model gives no more")
        return limit
    if wanted < least:
        work.losses.add("max_tokens", f"{least} instead of {wanted}: the upstream refuses less")
        return least
    return wanted


def _sampling(request: MessagesRequest, payload: JsonObject, work: Encoding) -> None:
    profile = work.profile
    at_rest = profile.sampling_with_reasoning or not thinks(payload)
    for name, takes in (
        ("temperature", profile.temperature),
        ("top_p", profile.top_p),
        ("top_k", profile.top_k),
    ):
        value: Any = getattr(request, name)
        if value is None:
            continue
        if takes and at_rest:
            payload[name] = value
        else:
            when = "" if at_rest else " while it thinks"
            work.losses.add(name, f"left out: the model refuses it{when}")


def _stops(request: MessagesRequest, payload: JsonObject, work: Encoding) -> None:
    stops = request.stop_sequences or []
    sent = stops[: work.profile.stop_max]
    if sent:
        payload["stop"] = sent
    if len(sent) < len(stops):
        work.losses.add(
            "stop_sequences",
            f"{len(stops) - len(sent)} of them are watched for here: the upstream takes {len(sent)}",
        )


def _format(request: MessagesRequest, extra: JsonObject, payload: JsonObject, work: Encoding) -> None:
    old = extra.pop("output_format", None)
    wanted: Any = (request.output_config.format if request.output_config else None) or old
    if not wanted:
        return
    schema = as_object(wanted).get("schema")
    if as_object(wanted).get("type") != "json_schema" or not isinstance(schema, dict):
        raise ClientError(
            ErrorType.INVALID_REQUEST, "output_config.format: a json_schema with a schema is expected"
        )
    kind = work.profile.response_format
    if kind in ("strict", "plain"):
        named: JsonObject = {"name": "answer", "schema": schema}
        if kind == "strict":
            named["strict"] = is_strict(schema)
        payload["response_format"] = {"type": "json_schema", "json_schema": named}
        return
    if kind == "json_object":
        payload["response_format"] = {"type": "json_object"}
    work.losses.add(
        "output_config.format", "only wished for and checked here: the upstream cannot enforce a schema"
    )
    wish = "Answer only with JSON that is valid against this JSON Schema, without any text around it:\n"
    _add_to_system(payload, wish + write_json(schema).decode())


def _add_to_system(payload: JsonObject, text: str) -> None:
    messages = payload["messages"]
    if messages[0]["role"] != "system":
        messages.insert(0, {"role": "system", "content": text})
    elif isinstance(messages[0]["content"], str):
        messages[0]["content"] += f"\n\n{text}"
    else:
        messages[0]["content"].append({"type": "text", "text": text})


def _who(request: MessagesRequest, payload: JsonObject, work: Encoding) -> None:
    """Says who asks, hashed: Claude Code's user id holds device and account."""
    user_id = (request.metadata or {}).get("user_id")
    if not isinstance(user_id, str) or not user_id:
        return
    if work.profile.user_field:
        payload["user"] = hashlib.sha256(user_id.encode("utf-8", "replace")).hexdigest()[:32]
    else:
        work.losses.add("metadata.user_id", "left out: the upstream has no such field")
    session = _session_of(user_id)
    if session and work.profile.session_id:
        payload["session_id"] = session[:_MAX_SESSION_ID]


def _session_of(user_id: str) -> str:
    try:
        parsed = orjson.loads(user_id)
    except ValueError:
        return ""
    return as_text(as_object(parsed).get("session_id"))


def _service(request: MessagesRequest, extra: JsonObject, payload: JsonObject, work: Encoding) -> None:
    speed, hint = extra.pop("speed", None), extra.pop("cache_control", None)
    if hint and work.profile.cache_control == "anthropic":
        payload["cache_control"] = hint
    elif hint:
        work.losses.add("cache_control", "left out: the upstream takes no cache hints")
    if request.service_tier == "standard_only" and work.profile.service_tier:
        payload["service_tier"] = "default"
    if speed == "fast":
        if work.profile.service_tier:
            payload["service_tier"] = "priority"
        else:
            work.losses.add("speed", "left out: the upstream has no fast lane")


def _spare_last_hint(payload: JsonObject, work: Encoding) -> None:
    """Takes the hint off the last part: on Gemini's routes a hint there is paid for twice."""
    last = as_objects(payload["messages"][-1]["content"])[-1:]
    if last and is_text(last[0]) and "cache_control" in last[0]:
        del last[0]["cache_control"]
        work.losses.add("messages", "the last cache hint was left out: Gemini bills the prompt twice for it")
