"""Who and what one request is: its ids, its client and its conversation, as a frozen value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LOCAL_TOKEN = "local"  # noqa: S105 - a name
"""What the first token is called, the one that is made at the first start."""

NewId = Callable[[str], str]
"""Makes a fresh id with the prefix it is given; handed in, so that pure code and tests can fix it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose batches and files: a token's, or those of the workspace that it shares with other tokens."""

    token: str = LOCAL_TOKEN
    """The name of the token that asks, or that made something."""
    workspace: str | None = None
    """The workspace it was bound to then; what is made in one belongs to it, whichever token made it."""

    def has(self, maker: Owner) -> bool:
        """Says whether what `maker` made is there for this one; for all others it does not exist."""
        if maker.workspace is None:
            return maker.token == self.token
        return maker.workspace == self.workspace


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
