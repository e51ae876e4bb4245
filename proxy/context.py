"""Who and what one request is: its ids, its client and its conversation, as a frozen value."""

from __future__ import annotations

import os
import string
from collections.abc import Callable
from dataclasses import dataclass

LOCAL_TOKEN = "local"  # noqa: S105 - a name
"""What the first token is called, the one that is made at the first start."""

_BASE62 = string.ascii_letters + string.digits
_TO_BASE62 = bytes(ord(_BASE62[byte % 62]) for byte in range(256))
_UNEVEN = bytes(range(248, 256))
"""Bytes that would make the first letters likelier than the others."""
_ID_CHARACTERS = 24
_made: list[str] = []

NewId = Callable[[str], str]
"""Makes a fresh id with the prefix it is given; handed in, so that pure code and tests can fix it."""


def new_id(prefix: str) -> str:
    """Returns `prefix` and 24 random base-62 characters, as Anthropic's ids look (`msg_…`, `req_…`)."""
    while True:
        try:
            return prefix + _made.pop()  # one step, so that no two threads get the same
        except IndexError:
            _make_ids()


def _make_ids() -> None:
    """Makes a hundred ids at once: asking the system for each costs more than the rest of an id."""
    letters = os.urandom(2600).translate(_TO_BASE62, _UNEVEN).decode("ascii")
    last = len(letters) - _ID_CHARACTERS
    _made.extend(letters[at : at + _ID_CHARACTERS] for at in range(0, last + 1, _ID_CHARACTERS))


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
    workspace: str | None = None
    """The workspace its header names; which one it gets is the tools' affair."""
