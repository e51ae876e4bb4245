"""What a request's tools come to, and what is left when it is over."""

from __future__ import annotations

from typing import Any, cast

import pytest

from proxy.context import RequestContext
from proxy.messages.request import parse_request
from proxy.service.own_tools import ToolPlan
from proxy.service.server_tools import KnownText
from proxy.service.tool_door import Prepared, ToolDoor
from proxy.tools.conversation import Conversation, Conversations
from proxy.tools.run_values import RunScope
from tests.proxy.scripted import BODY


@pytest.mark.parametrize(("conversation_id", "is_ended"), [(None, True), ("session", False)])
def test_what_belongs_to_no_conversation_ends_with_its_request(
    conversation_id: str | None, *, is_ended: bool
) -> None:
    closed: list[Conversation] = []
    conversations = Conversations(float, closed.append)
    nothing = cast("Any", None)
    door = ToolDoor(nothing, nothing, nothing, conversations)
    context = RequestContext("req_1", conversation_id)
    conversation = conversations.get("local", conversation_id, "req_1")
    request = parse_request(BODY)
    scope = RunScope(context, conversation)
    door.release(Prepared(request, ToolPlan(), scope, None, conversation, KnownText(request)))
    assert (closed == [conversation]) is is_ended
