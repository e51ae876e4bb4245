"""`signalbox approvals`: list the calls that wait for the user, and answer them, without a window."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal, cast

from app.exit_codes import FAILED, OK
from app.instance import Reply
from app.paths import Folders
from app.running_program import asked
from app.terminal import tell

MAX_REASON_CHARS = 1000


def list_approvals(folders: Folders, now: float) -> int:
    """Prints the calls that wait, each whole; returns the exit status.

    Args:
        folders: Where the running program is found.
        now: Seconds since the epoch.
    """
    reply = asked(folders, "approvals.list", {})
    if reply is None:
        return FAILED
    waiting = _approvals(reply)
    for each in waiting:
        sys.stdout.write(_block(each, now) + "\n")
    if not waiting:
        tell("No call waits for an answer.")
    return OK


def answer_approval(
    folders: Folders,
    decision: Literal["allow", "deny"],
    approval_id: str,
    *,
    scope: Literal["once", "conversation", "always", "10 minutes"] = "once",
    message: str = "",
) -> int:
    """Answers one call; returns the exit status.

    The id stands for one exact call and never for another, so what is allowed is what `list` showed.
    """
    if len(message) > MAX_REASON_CHARS:
        tell(f"the reason may have {MAX_REASON_CHARS} characters")
        return FAILED
    listed = asked(folders, "approvals.list", {})
    if listed is None:
        return FAILED
    found = next((each for each in _approvals(listed) if each.get("approval_id") == approval_id), None)
    if found is None:
        tell(f"no call '{approval_id}' waits; see: signalbox approvals list")
        return FAILED
    if found.get("shown") is None and decision == "allow":
        tell("this call is too long to be shown here, so it can only be allowed in the window")
        return FAILED
    digest = str(found.get("digest", ""))
    words = {"id": approval_id, "digest": digest, "scope": scope, "message": message}
    reply = asked(folders, "approvals.allow" if decision == "allow" else "approvals.deny", words)
    if reply is None:
        return FAILED
    tell(reply.text)
    return OK if reply.is_ok else FAILED


def _approvals(reply: Reply) -> list[Mapping[str, Any]]:
    return cast("list[Mapping[str, Any]]", reply.facts.get("approvals", []))


def _block(approval: Mapping[str, Any], now: float) -> str:
    left = max(0, round(float(approval["expires_at"]) - now))
    where = f", workspace {approval['workspace']}" if approval["workspace"] else ""
    head = f"{approval['approval_id']}  {approval['tool']}  {left} s left"
    lines = [f"{head}  (asked by {approval['client']}{where})"]
    shown = approval["shown"]
    lines += (
        [f"    {line}" for line in str(shown).split("\n")]
        if shown is not None
        else ["    (too long to be shown here: answer it in the window)"]
    )
    lines += [f"  why: {approval['reason']}"] if approval["reason"] else []
    lines += [f"  note: {each}" for each in approval["hints"]]
    lines += [f"  --always would store: {approval['suggestion']}"] if approval["suggestion"] else []
    return "\n".join(lines)
