"""Asking the user is a value: the exact call that waits, and the answer somebody gives."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal, Protocol

from proxy.permissions.values import ToolCall, Verdict

AnswerScope = Literal["once", "conversation", "always"]
AnsweredBy = Literal["window", "notification", "command line", "expiry", "headless", "client left"]


def digest_of(call: ToolCall) -> str:
    """Returns SHA-256, in hexadecimal, of the tool and its exact arguments: what an approval is bound to."""
    exact = json.dumps([call.tool, dict(call.input), call.cwd], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(exact.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One call that waits for the user."""

    approval_id: str
    """`apr_…`."""
    call: ToolCall
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


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """What was decided."""

    decision: Literal["allow", "deny"]
    by: AnsweredBy
    scope: AnswerScope = "once"
    """`conversation`: also identical calls of this conversation; `always`: the `rule` is stored."""
    rule: str | None = None
    """With `always`: the rule as the user let it stand."""
    message: str = ""
    """With `deny`: the user's reason, for the model."""


class Approver(Protocol):
    """Whoever can ask: a list that window and command line answer, or the headless refusal."""

    async def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
        """Returns the answer; always does, by expiry at the latest. Cancelled when the client leaves."""
        ...
