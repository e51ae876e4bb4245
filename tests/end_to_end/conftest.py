"""The ways a request of the real Claude Code may go, each with the scripted server at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.end_to_end.programs import MODEL, Server, chat_upstream, messages_api, signalbox

STRAIGHT = "straight"
"""The client asks the scripted Messages API itself: what every other way is held against."""
CHAT = "openai-chat"
MESSAGES = "anthropic-messages"
UPSTREAM = "upstream"
"""The scripted server behind openai-chat, which no client asks itself."""
BEHIND = MappingProxyType({CHAT: UPSTREAM, MESSAGES: STRAIGHT})
"""Each way through Signalbox, by dialect, and the server at its end."""
CHAT_MODEL = "anthropic/claude-sonnet-4"


@pytest.fixture(scope="session")
def checks(shared_data: Path) -> Path:
    """The scripted servers and the checks of the real clients."""
    return shared_data / "clients"


@pytest.fixture(scope="session")
def ways(checks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Server]]:
    """The scripted servers, and Signalbox over each of them."""
    folder = tmp_path_factory.mktemp("ways")
    with ExitStack() as started:
        chat = started.enter_context(chat_upstream(checks, folder))
        api = started.enter_context(messages_api(checks, folder))
        over = {
            CHAT: (chat.url + "/api/v1", CHAT_MODEL),
            MESSAGES: (api.url, MODEL),
        }
        through = {
            dialect: started.enter_context(signalbox(folder / dialect, dialect, base_url, model))
            for dialect, (base_url, model) in over.items()
        }
        yield MappingProxyType({STRAIGHT: api, UPSTREAM: chat, **through})
