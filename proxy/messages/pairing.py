"""The rules that bind tool calls to their results, checked before an upstream could answer them unreadably.

Every `tool_use` of an assistant turn is answered in the user turn that follows, by id, once; a result needs
its call. Turns of one role that follow each other count as one, and system turns do not count.
Source: the Tool use pages of the Messages API; the texts are those clients know from the real one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proxy.messages.errors import ClientError, ErrorType
from proxy.messages.request import MessageParam, ToolResultParam, ToolUseParam


def check_pairing(messages: Sequence[MessageParam]) -> None:
    """Checks a conversation.

    Raises:
        ClientError: A call lacks its result, a result lacks its call, or an id is used twice.
    """
    pending: dict[str, int] = {}
    seen: set[str] = set()
    previous = "user"
    for index, message in enumerate(messages):
        if message.role == "system":
            continue
        if message.role != previous and message.role == "assistant":
            pending = {}
        for place, block in _tool_blocks(message):
            if isinstance(block, ToolUseParam):
                _add_call(block, f"messages.{index}.content.{place}", seen)
                pending[block.id] = index
            elif block.tool_use_id not in pending:
                raise _orphan(block, f"messages.{index}.content.{place}")
            else:
                del pending[block.tool_use_id]
        if pending and message.role == "user" and _is_last_of_turn(messages, index):
            raise _unanswered(pending)
        previous = message.role


def _tool_blocks(message: MessageParam) -> Iterator[tuple[int, ToolUseParam | ToolResultParam]]:
    if isinstance(message.content, str):
        return
    wanted = ToolUseParam if message.role == "assistant" else ToolResultParam
    for place, block in enumerate(message.content):
        if isinstance(block, wanted):
            yield place, block


def _is_last_of_turn(messages: Sequence[MessageParam], index: int) -> bool:
    following = next((each for each in messages[index + 1 :] if each.role != "system"), None)
    return following is None or following.role != "user"


def _add_call(block: ToolUseParam, where: str, seen: set[str]) -> None:
    if block.id in seen:
        raise ClientError(ErrorType.INVALID_REQUEST, f"{where}: `tool_use` ids must be unique")
    seen.add(block.id)


def _orphan(block: ToolResultParam, where: str) -> ClientError:
    return ClientError(
        ErrorType.INVALID_REQUEST,
        f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {block.tool_use_id}. Each "
        "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
    )


def _unanswered(pending: dict[str, int]) -> ClientError:
    index = min(pending.values())
    return ClientError(
        ErrorType.INVALID_REQUEST,
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(pending)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
        "next message.",
    )
