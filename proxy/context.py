"""Who and what one request is: its ids, its client and its conversation, as a frozen value."""

from __future__ import annotations

import os
import string
from collections.abc import Callable
from dataclasses import dataclass

from proxy.config import LOCAL_TOKEN

_BASE62 = string.ascii_letters + string.digits
_TO_BASE62 = bytes(ord(_BASE62[byte % 62]) for byte in range(256))
_UNEVEN = bytes(range(248, 256))
"""Bytes that would make the first letters likelier than the others."""
_ID_CHARACTERS = 24

NewId = Callable[[str], str]
"""Makes a fresh id with the prefix it is given; handed in, so that pure code and tests can fix it."""


def new_id(prefix: str) -> str:
    """Returns `prefix` and 24 random base-62 characters, as Anthropic's ids look (`msg_…`, `req_…`)."""
    made = b""
    while len(made) < _ID_CHARACTERS:
        made += os.urandom(40).translate(_TO_BASE62, _UNEVEN)  # one call of the system, not one a character
    return prefix + made[:_ID_CHARACTERS].decode("ascii")


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
    token_name: str = LOCAL_TOKEN
    """The name of the token it came with."""
