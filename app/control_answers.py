"""What the running program answers on the control channel, with and without a window."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import Any, Literal

from app.controller import Controller
from app.instance import MAX_BYTES, Answer, Reply, Verb, Words
from app.mcp_answers import mcp_answer
from app.settings_in_use import IN_FORCE_FACT, SERVERS_PROBLEM_FACT, STATUS_FACT
from gui.permission_desk import ApprovalAnswerDraft, ApprovalView

_MAX_LIST_BYTES = MAX_BYTES - 4096
"""What a list of approvals may take of a reply."""
_MAX_BREAKERS = 100
"""In a list: a name of a model may have 256 characters."""
_SCOPES = ("once", "conversation", "always", "10 minutes")


def answers(controller: Controller, *, has_window: bool) -> Answer:
    """Returns what the control channel answers to other starts of the program."""

    def answer(verb: Verb, words: Words) -> Reply | Awaitable[Reply]:
        if verb == "reload":
            return _reload(controller)
        if verb == "quit":
            controller.quit()
            return Reply(is_ok=True, text="quitting")
        if verb == "show":
            return _show(controller, has_window=has_window)
        if verb == "status":
            return _status(controller, has_window=has_window)
        if verb.startswith("mcp."):
            return mcp_answer(controller, verb, words)
        if verb.startswith("breakers."):
            return _breakers(controller, verb, words)
        if verb == "approvals.list":
            return Reply(is_ok=True, facts={"approvals": _listed(controller.approvals())})
        return _decide(controller, "allow" if verb == "approvals.allow" else "deny", words)

    return answer


def _show(controller: Controller, *, has_window: bool) -> Reply:
    if not has_window:
        return Reply(is_ok=False, text=f"Signalbox runs without a window, at {controller.state().url}")
    controller.show_window()
    return Reply(is_ok=True, text="shown")


def _status(controller: Controller, *, has_window: bool) -> Reply:
    state = controller.state()
    facts = {
        "kind": "desktop" if has_window else "headless",
        "url": state.url,
        "phase": state.phase.value,
        "active": state.active_requests,
        STATUS_FACT: str(controller.settings_path.absolute()),
        IN_FORCE_FACT: controller.is_settings_file_in_force,
    }
    return Reply(is_ok=True, text="running", facts=facts)


def _breakers(controller: Controller, verb: Verb, words: Words) -> Reply:
    if verb == "breakers.reset":
        problem = controller.reset_breakers(words.get("provider", ""), words.get("model"))
        return Reply(is_ok=problem is None, text=problem or "tried again with the next request")
    return Reply(
        is_ok=True, facts={"breakers": [asdict(each) for each in controller.breakers()[:_MAX_BREAKERS]]}
    )


async def _reload(controller: Controller) -> Reply:
    problem = await controller.reload_settings()
    facts = {SERVERS_PROBLEM_FACT: await controller.take_mcp_edit()}
    return Reply(is_ok=problem is None, text=problem or "reloaded", facts=facts)


def _listed(approvals: tuple[ApprovalView, ...]) -> list[Mapping[str, Any]]:
    """Each call whole; one that does not fit comes without its text, and cannot be allowed from here."""
    left = _MAX_LIST_BYTES
    found: list[Mapping[str, Any]] = []
    for each in approvals:
        facts = asdict(each)
        size = len(json.dumps(facts))
        if size > left:
            facts |= {"shown": None, "suggestion": None, "reason": "", "hints": [], "digest": ""}
            size = len(json.dumps(facts))
        if size <= left:
            found.append(facts)
            left -= size
    return found


def _decide(controller: Controller, decision: Literal["allow", "deny"], words: Words) -> Reply:
    scope = words.get("scope", "once")
    if scope not in _SCOPES:
        return Reply(is_ok=False, text=f"no scope '{scope}'; there are: {', '.join(_SCOPES)}")
    waiting = {each.approval_id: each for each in controller.approvals()}
    asked = waiting.get(words.get("id", ""))
    if asked is None:
        return Reply(is_ok=False, text="no such call waits; see: signalbox approvals list")
    if decision == "allow" and scope != "once" and (scope == "10 minutes") is not asked.is_request:
        choice = "once or for 10 minutes" if asked.is_request else "once, for its conversation or always"
        return Reply(is_ok=False, text=f"this can be allowed {choice}")
    if scope == "always" and asked.suggestion is None:
        return Reply(is_ok=False, text="no rule that is safe to keep would allow this; allow it once")
    draft = ApprovalAnswerDraft(
        asked.approval_id,
        asked.digest if decision == "deny" else words.get("digest", ""),  # a refusal harms no other call
        decision,
        scope,
        asked.suggestion if scope == "always" else None,
        words.get("message", ""),
        by="command line",
    )
    problem = controller.answer_approval(draft)
    return Reply(is_ok=problem is None, text=problem or ("allowed" if decision == "allow" else "denied"))
