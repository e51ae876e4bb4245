"""Which conversation a request belongs to, as its client says."""

from __future__ import annotations

import json
from typing import Any

import structlog

from proxy.context import RequestContext
from proxy.messages.request import MessagesRequest


def bind_conversation(context: RequestContext) -> None:
    """Puts the conversation into every log line of the request."""
    if context.conversation_id is not None:
        structlog.contextvars.bind_contextvars(conversation_id=context.conversation_id)


def conversation_of(request: MessagesRequest) -> str | None:
    """Returns the session id that Claude Code writes into `metadata.user_id` as JSON, if it is there."""
    user: Any = (request.metadata or {}).get("user_id")
    if not isinstance(user, str) or not user.startswith("{"):
        return None
    try:
        session: Any = json.loads(user).get("session_id")
    except ValueError:
        return None
    return session if isinstance(session, str) and session else None
