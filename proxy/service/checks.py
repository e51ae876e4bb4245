"""What is checked of a request before an upstream is asked: the API's rules, and what we do not keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from proxy.config import ProxyConfig
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.pairing import check_pairing
from proxy.messages.request import MessagesRequest
from proxy.messages.rules import Terms, check_rules
from proxy.routing.aliases import Route

DEFAULT_VERSION = "2023-06-01"
"""The API version of a request that names none."""


def check_request(
    request: MessagesRequest,
    route: Route,
    config: ProxyConfig,
    headers: Mapping[str, str],
    *,
    is_count: bool = False,
) -> None:
    """Checks what needs no upstream.

    Raises:
        ClientError: The request breaks a rule of the API, or asks for a thread.
    """
    _check_threads(request)
    check_pairing(request.messages)
    providers = [config.providers.get(candidate.provider) for candidate in route.candidates]
    if any(each is None or each.dialect != "anthropic-messages" for each in providers):
        check_rules(request, terms_of(headers, is_count=is_count))


def terms_of(headers: Mapping[str, str], *, is_count: bool = False) -> Terms:
    """Returns the terms that a request's headers name."""
    betas = headers.get("anthropic-beta", "").split(",")
    return Terms(
        headers.get("anthropic-version", DEFAULT_VERSION),
        frozenset(beta.strip() for beta in betas if beta.strip()),
        is_count,
    )


def _check_threads(request: MessagesRequest) -> None:
    """Message threads keep a conversation on the server, which we do not; the SDKs then send it whole."""
    thread: Any = (request.model_extra or {}).get("thread")
    if thread is None:
        return
    kind: Any = cast("dict[str, Any]", thread).get("type") if isinstance(thread, dict) else None
    if kind == "continue":
        raise ClientError(
            ErrorType.NOT_FOUND,
            "No usable Thread state was found for `previous_message_id`.",
            details={"error_code": "thread_not_found"},
        )
    raise ClientError(
        ErrorType.INVALID_REQUEST,
        "thread: message threads are not supported here; send the whole conversation.",
        details={"error_code": "thread_unsupported_request"},
    )
