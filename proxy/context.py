"""Who and what one request is: its ids, its client and its conversation, as a frozen value."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass

_BASE62 = string.ascii_letters + string.digits

NewId = Callable[[str], str]
"""Makes a fresh id with the prefix it is given; handed in, so that pure code and tests can fix it."""


def new_id(prefix: str) -> str:
    """Returns `prefix` and 24 random base-62 characters, as Anthropic's ids look (`msg_…`, `req_…`)."""
    return prefix + "".join(secrets.choice(_BASE62) for _ in range(24))


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What is known of a request before its body is read."""

    request_id: str
    """`req_…`; goes out in the `request-id` header and into every log line of the request."""
    conversation_id: str | None = None
    """Claude Code's session id, or what else the client names its conversation with."""
    client: str = "unknown"
    """The first token of the User-Agent, such as `claude-cli/2.1.330`."""
    path: str = "/v1/messages"
    request_class: str | None = None
    """Claude Code's hint: main, subagent, auxiliary or compaction."""
    agent_type: str | None = None
    """Its hint which kind of agent asks, such as Explore."""
    agent_id: str | None = None
    prompt_id: str | None = None
    """Its hint which of the user's prompts the request serves."""
    compaction: str | None = None
    """Its hint why it compacts, such as manual."""
