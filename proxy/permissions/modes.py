"""What a mode says where no rule spoke, and what it limits although one did."""

from __future__ import annotations

from dataclasses import replace

from proxy.permissions.tool_names import EDIT_TOOLS, HARMLESS_TOOLS, canonical, is_mcp
from proxy.permissions.values import Decision, PartVerdict, Place, Policy, ToolCall, Verdict

BYPASSED = "the mode bypassPermissions allows what no rule forbids"
NO_WORKSPACE = "the request has no workspace, so no file or command is allowed"


def limit(call: ToolCall, policy: Policy) -> Verdict | None:
    """Returns what the mode, or the tool itself, says against a call that a rule may allow."""
    if call.tool in policy.interactive_tools:
        return Verdict("ask", f"{call.tool} says of itself that every call must be confirmed")
    if policy.mode == "plan" and canonical(call.tool) in EDIT_TOOLS:
        return Verdict("deny", "in the mode plan nothing is written")
    if policy.mode == "plan" and is_mcp(call.tool):
        return Verdict("deny", f"in the mode plan {call.tool} is not called: what it changes is not known")
    return None


def by_name(call: ToolCall, policy: Policy) -> Verdict:
    """Returns the verdict on a call that touches nothing known and that no rule is about."""
    tool = canonical(call.tool)
    if tool in HARMLESS_TOOLS:
        return Verdict("allow", f"{call.tool} needs no rule: it touches nothing outside its conversation")
    if tool == "Agent":
        return Verdict("allow", "a sub-conversation needs no rule: each of its own calls is judged")
    if policy.mode == "bypassPermissions":
        return Verdict("allow", BYPASSED)
    return Verdict("ask", f"no rule is about {call.tool}")


def finished(verdict: Verdict, policy: Policy) -> Verdict:
    """Returns the verdict after the mode's last word: in `dontAsk` nobody is asked."""
    if verdict.decision != "ask" or policy.mode != "dontAsk":
        return verdict
    reason = f"{verdict.reason}; in the mode dontAsk, what would ask is denied"
    return replace(verdict, decision="deny", reason=reason)


def within_workspace(part: PartVerdict, policy: Policy, place: Place) -> PartVerdict:
    """Raises the verdict on a file or command where the request has no workspace."""
    least: Decision = "deny" if policy.name == "strict" else "ask"
    if place.workspace is not None or part.decision == "deny":
        return part
    return PartVerdict(part.what, least, NO_WORKSPACE)
