"""The turns of a conversation as chat messages.

Rules: neighbouring turns of one role are one; every tool call is answered by a tool message of its own
directly after it, in the order of the calls; what tool messages cannot hold follows in a user message.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.dialects.openai_chat_content import (
    BILLING_LINE,
    Encoding,
    cache_hint,
    content_parts,
    is_text,
    render,
    text_part,
    user_parts,
)
from proxy.dialects.openai_chat_turns import assistant_draft
from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.message import JsonObject
from proxy.messages.pairing import check_pairing
from proxy.messages.request import (
    ContentBlockParam,
    MessagesRequest,
    OtherBlock,
    TextParam,
    ToolResultParam,
    ToolUseParam,
)

Placed = tuple[str, ContentBlockParam]
"""A block and where it stands in the request."""

_CONTINUE = "Continue your last message from exactly where it stops. Do not repeat any of it."
_UNANSWERED = (
    "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each "
    "`tool_use` block must have a corresponding `tool_result` block in the next message."
)
_NO_PREFILL = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)


@dataclass(slots=True)
class Draft:
    """A chat message in the making; its parts become content at the end."""

    role: str
    parts: list[JsonObject] = field(default_factory=list)
    extra: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class _Turn:
    role: str
    blocks: list[Placed]
    index: int
    """Of its first message in the request."""


def encode_messages(request: MessagesRequest, work: Encoding) -> list[JsonObject]:
    """Returns the chat messages of a request, the system prompt first.

    Raises:
        ClientError: Tool calls and results do not pair, or the answer was begun for a model that refuses it.
    """
    check_pairing(request.messages)
    drafts = _Drafts(work)
    system = _system_prompt(request, work)
    if system:
        drafts.add(Draft("system", system))
    turns = _turns(request)
    calls: list[str] = []
    held: list[_Turn] = []
    for turn in turns:
        if turn.role == "system" and calls:
            held.append(turn)
        elif turn.role == "system":
            _system_turn(turn, drafts)
        elif turn.role == "assistant":
            calls = [block.id for _, block in turn.blocks if isinstance(block, ToolUseParam)]
            drafts.add_assistant(turn.blocks)
        else:
            _user_turn(turn, calls, drafts)
            for system_turn in held:
                _system_turn(system_turn, drafts)
            calls, held = [], []
    if calls:
        raise ClientError(ErrorType.INVALID_REQUEST, _UNANSWERED.format(turns[-1].index, ", ".join(calls)))
    messages = [_message(draft, work) for draft in drafts.all]
    if turns[-1].role == "assistant" and messages[-1]["role"] == "assistant":
        _prefill(messages, work)
    return messages


class _Drafts:
    def __init__(self, work: Encoding) -> None:
        self.work = work
        self.all: list[Draft] = []

    def add(self, draft: Draft) -> None:
        last = self.all[-1].role if self.all else ""
        if draft.role == "user" and last == "user":
            self.all[-1].parts += draft.parts
            return
        if draft.role == "user" and last == "tool" and not self.work.profile.user_after_tool:
            self.work.losses.add(
                "messages", "an assistant's word was put between tool results and the user's turn"
            )
            self.all.append(Draft("assistant", [text_part("Understood.")]))
        self.all.append(draft)

    def add_assistant(self, blocks: list[Placed]) -> None:
        parts, extra = assistant_draft(blocks, self.work)
        if parts or extra.get("tool_calls"):
            self.add(Draft("assistant", parts, extra))


def _turns(request: MessagesRequest) -> list[_Turn]:
    turns: list[_Turn] = []
    for i, message in enumerate(request.messages):
        placed: list[Placed] = [
            (f"messages.{i}.content.{j}", block) for j, block in enumerate(message.blocks())
        ]
        if turns and turns[-1].role == message.role != "system":
            turns[-1].blocks += placed
        else:
            turns.append(_Turn(message.role, placed, i))
    return turns


def _system_prompt(request: MessagesRequest, work: Encoding) -> list[JsonObject]:
    parts: list[JsonObject] = []
    for i, block in enumerate(request.system_blocks()):
        if block.text.startswith(BILLING_LINE):
            work.losses.add(
                f"system.{i}", "left out: it changes with every conversation and would break prefix caches"
            )
        else:
            parts.append(text_part(block.text, cache_hint(block.cache_control, f"system.{i}", work)))
    return parts


def _user_turn(turn: _Turn, calls: list[str], drafts: _Drafts) -> None:
    work = drafts.work
    results = {
        block.tool_use_id: (path, block) for path, block in turn.blocks if isinstance(block, ToolResultParam)
    }
    beside: list[JsonObject] = []
    for call in calls:
        path, result = results[call]
        parts, rest = _result_parts(result, path, work)
        beside += rest
        drafts.add(Draft("tool", parts, {"tool_call_id": work.ids.take(call)}))
    for path, block in turn.blocks:
        if not isinstance(block, ToolResultParam):
            beside += user_parts(block, path, work)
    if beside:
        drafts.add(Draft("user", beside))


def _result_parts(
    result: ToolResultParam, path: str, work: Encoding
) -> tuple[list[JsonObject], list[JsonObject]]:
    """What a tool gave back: the parts its tool message holds, and those that follow in a user message."""
    parts = content_parts(result.content, f"{path}.content", work)
    stays = ("text", "image_url") if work.profile.tool_result_images == "parts" else ("text",)
    kept = [part for part in parts if part["type"] in stays]
    moved = [part for part in parts if part["type"] not in stays]
    if moved:
        kept.append(
            text_part(f"[{len(moved)} attachment(s) of this result follow in the next user message.]")
        )
        moved.insert(0, text_part(f"Attachments of the tool result {work.ids.take(result.tool_use_id)}:"))
        work.losses.add(path, "pictures and files of the result were moved to the user message after it")
    if result.is_error:
        _mark_error(kept)
        work.losses.add(f"{path}.is_error", "told as text: chat completions have no such mark")
    hint = cache_hint(result.cache_control, path, work)
    if hint is not None and work.profile.cache_control == "anthropic" and kept:
        kept[-1] = {**kept[-1], "cache_control": hint}
    return kept, moved


def _mark_error(parts: list[JsonObject]) -> None:
    first = next((i for i, part in enumerate(parts) if is_text(part)), None)
    if first is None:
        parts.insert(0, text_part("Error"))
    else:
        parts[first] = {**parts[first], "text": f"Error: {parts[first]['text']}"}


def _system_turn(turn: _Turn, drafts: _Drafts) -> None:
    work = drafts.work
    parts: list[JsonObject] = []
    for path, block in turn.blocks:
        if isinstance(block, OtherBlock) and block.type in ("tool_addition", "tool_removal"):
            continue
        if isinstance(block, TextParam):
            parts += user_parts(block, path, work)
        else:
            work.losses.add(path, f"left out: a system message holds no {block.type} block")
    if not parts:
        return
    if work.profile.mid_system:
        drafts.add(Draft("system", parts))
        return
    work.losses.add(
        f"messages.{turn.index}", "told inside the user's turn: the model takes no system message here"
    )
    text = "\n".join(part["text"] for part in parts)
    hint = next((part["cache_control"] for part in reversed(parts) if "cache_control" in part), None)
    _append_text(drafts, f"<system>\n{text}\n</system>", hint)


def _append_text(drafts: _Drafts, text: str, hint: JsonObject | None) -> None:
    """Adds to the text of the user's turn before; a cache hint that comes and goes changes nothing."""
    last = drafts.all[-1] if drafts.all else Draft("")
    if last.role != "user" or not is_text(last.parts[-1]):
        drafts.add(Draft("user", [text_part(text, hint)]))
        return
    before = last.parts[-1]
    last.parts[-1] = text_part(f"{before['text']}\n\n{text}", hint or before.get("cache_control"))


def _message(draft: Draft, work: Encoding) -> JsonObject:
    if draft.role == "assistant":
        return {"role": "assistant", "content": _assistant_content(draft, work), **draft.extra}
    between = "\n" if draft.role == "tool" else "\n\n"
    return {"role": draft.role, **draft.extra, "content": render(draft.parts, work.profile, between)}


def _assistant_content(draft: Draft, work: Encoding) -> str | list[JsonObject] | None:
    if not draft.parts:
        return None if work.profile.null_content else ""
    return render(draft.parts, work.profile, "")


def _prefill(messages: list[JsonObject], work: Encoding) -> None:
    match work.profile.prefill:
        case "native":
            pass
        case "prefix":
            messages[-1]["prefix"] = True
        case "instruction":
            messages.append({"role": "user", "content": _CONTINUE})
            work.losses.add(
                "messages", "the begun answer is continued by a wish: the upstream cannot do it itself"
            )
        case _:
            raise ClientError(ErrorType.INVALID_REQUEST, _NO_PREFILL)
