"""The protocol's own rules, from the official SDK: what a request must be like, and how an answer is shaped.

Loading the SDK takes a second and tens of megabytes, so only who answers an MCP request loads this module,
and not on the loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
    validate_mcp_param_headers,
)
from mcp_types import methods
from mcp_types.jsonrpc import HEADER_MISMATCH
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_HANDSHAKE_VERSION
from pydantic import ValidationError

from proxy.mcp.gateway_values import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MODERN,
    RpcError,
)

_log = structlog.get_logger("proxy.mcp")

ASSUMED = "2025-03-26"
"""The revision of a request without session and without a word of its version."""
_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_SERVER_KEY = "io.modelcontextprotocol/serverInfo"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a request of the era without a handshake says of itself."""

    version: str
    client_info: Any


def is_modern(body: Mapping[str, Any], version_header: str | None) -> bool:
    """Tells whether a request is of the era without a handshake."""
    if version_header is not None:
        return version_header not in HANDSHAKE_PROTOCOL_VERSIONS
    meta = _object(_object(body.get("params")).get("_meta"))
    return body.get("method") != "initialize" and _VERSION_KEY in meta


def agreed_version(wanted: Any) -> str:
    """Returns the revision that a handshake ends with."""
    return wanted if wanted in HANDSHAKE_PROTOCOL_VERSIONS else LATEST_HANDSHAKE_VERSION


def envelope_of(body: Mapping[str, Any], headers: Iterable[tuple[str, str]]) -> Envelope:
    """Returns what a request of the era without a handshake says of itself, after all checks.

    Raises:
        RpcError: Its envelope is not whole, or contradicts its headers.
    """
    lines = [(name.lower(), value) for name, value in headers]
    twice = find_duplicated_routing_header(lines)
    if twice is not None:
        raise RpcError(HEADER_MISMATCH, f"{twice} header appears more than once")
    verdict = classify_inbound_request(body, headers=dict(lines))
    if isinstance(verdict, InboundLadderRejection):
        raise RpcError(verdict.code, verdict.message, verdict.data)
    return Envelope(verdict.protocol_version, verdict.client_info)


def check_parameter_headers(
    schema: Mapping[str, Any], arguments: Mapping[str, Any], headers: Iterable[tuple[str, str]]
) -> None:
    """Compares what a tool's schema wants as headers with the call's arguments.

    Raises:
        RpcError: They are not alike.
    """
    rejection = validate_mcp_param_headers(schema, arguments, dict(headers))
    if rejection is not None:
        raise RpcError(rejection.code, rejection.message, rejection.data)


def check_request(method: str, version: str, params: Mapping[str, Any] | None) -> None:
    """Checks a request's parameters against the revision's schema.

    Raises:
        RpcError: The revision has no such method, or the parameters are not right.
    """
    try:
        methods.validate_client_request(method, version, params)
    except KeyError:
        raise RpcError(METHOD_NOT_FOUND, "Method not found", method) from None
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) for each in error.errors(include_input=False)})
        raise RpcError(INVALID_PARAMS, f"Invalid request parameters: {', '.join(places)[:500]}") from None


def shaped(method: str, version: str, result: Mapping[str, Any], server_info: Mapping[str, Any]) -> Any:
    """Returns a result as the revision spells it.

    Raises:
        RpcError: It cannot be spelt; the log says why.
    """
    try:
        return _spelt(method, version, result, server_info)
    except ValidationError as error:
        _log.error("mcp_answer_not_lawful", method=method, reason=str(error.errors(include_input=False)))
        raise RpcError(INTERNAL_ERROR, "A result could not be told in this protocol") from None


def can_be_told(method: str, version: str, result: Mapping[str, Any]) -> bool:
    """Tells whether the revision has words for a result."""
    try:
        _spelt(method, version, result, {"name": "", "version": ""})
    except ValidationError:
        return False
    return True


def http_status(error: RpcError, version: str) -> int:
    """Returns the status that an error is answered with."""
    return ERROR_CODE_HTTP_STATUS.get(error.code, 200) if version >= MODERN else 200


def _spelt(method: str, version: str, result: Mapping[str, Any], server_info: Mapping[str, Any]) -> Any:
    made = dict(result)
    if version >= MODERN:
        made["resultType"] = "complete"
        made["_meta"] = {**_object(made.get("_meta")), _SERVER_KEY: dict(server_info)}
        if method in methods.CACHEABLE_METHODS:
            made.update(ttlMs=0, cacheScope="private")
    return methods.serialize_server_result(method, version, made)


def _object(value: Any) -> dict[str, Any]:
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}
