"""Asking the user is a value: the exact call or request that waits, and the answer somebody gives."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

from proxy.permissions.values import ToolCall, Verdict

AnswerScope = Literal["once", "conversation", "always", "10 minutes"]
AnsweredBy = Literal["window", "notification", "command line", "expiry", "headless", "client left"]

REPEATED_REQUEST = "Repeated request"


@dataclass(frozen=True, slots=True)
class RepeatedRequest:
    """A request that its client has sent again and again, without a change."""

    token: str
    """The name of the client's token."""
    alias: str | None
    model: str
    """As the client asked for it."""
    times: int
    """This one included."""
    within_s: float
    cost_micro_usd: int
    """Of those before this one; what no list prices counts as the dearest does."""
    body_sha256: str
    """Of the bytes that are the same."""


def digest_of(asked: ToolCall | RepeatedRequest) -> str:
    """Returns SHA-256, in hexadecimal, of all that is asked about: what an approval is bound to.

    Of a call that is the tool with its exact arguments.
    """
    whole = [asked.tool, dict(asked.input), asked.cwd] if isinstance(asked, ToolCall) else asdict(asked)
    exact = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(exact.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One call, or one request that came too often, that waits for the user."""

    approval_id: str
    """`apr_…`."""
    call: ToolCall | RepeatedRequest
    digest: str
    """`digest_of(call)`; an answer must name it, so that it cannot fall on another call."""
    verdict: Verdict
    """Why it asks."""
    suggestion: str | None
    """The narrowest rule that would allow it from now on; None: there is none that is safe to keep."""
    request_id: str
    client: str
    conversation_id: str | None
    workspace: str | None
    asked_at: float
    """Seconds since the epoch."""
    expires_at: float
    """When it is denied for want of an answer."""

    @property
    def what(self) -> str:
        """What waits, for lists and logs: the tool's name, or `Repeated request`."""
        return self.call.tool if isinstance(self.call, ToolCall) else REPEATED_REQUEST


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """What was decided."""

    decision: Literal["allow", "deny"]
    by: AnsweredBy
    scope: AnswerScope = "once"
    """`conversation`: also identical calls of this conversation; `always`: the `rule` is stored;
    `10 minutes`: a request that came too often may come as often as it likes for so long."""
    rule: str | None = None
    """With `always`: the rule as the user let it stand."""
    message: str = ""
    """With `deny`: the user's reason, for the model."""


class Approver(Protocol):
    """Whoever can ask: a list that window and command line answer, or the headless refusal."""

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Returns the answer; always does, by expiry at the latest. Cancelled when the client leaves."""
        ...
