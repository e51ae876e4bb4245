"""A stuck client before `signalbox serve`: refused where nobody answers, asked about where somebody does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import anthropic
import httpx2
import pytest

from tests.end_to_end.conftest import CHAT, CHAT_MODEL
from tests.end_to_end.programs import MODEL, ROOT, TOKEN, Server, chat_upstream, environment, signalbox

_TEXT = "SCENARIO:text loop guard"
_REFUSED = "The same request was answered 5 times within 60 seconds, and "

Start = Callable[[str], tuple[Server, Server]]


@pytest.fixture
def start(checks: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts Signalbox with these settings more, over an upstream that counts what it is asked."""
    with ExitStack() as started:

        def begin(more: str = "") -> tuple[Server, Server]:
            upstream = started.enter_context(chat_upstream(checks, tmp_path))
            url = upstream.url + "/api/v1"
            return started.enter_context(
                signalbox(tmp_path / "box", CHAT, url, CHAT_MODEL, more=more)
            ), upstream

        yield begin


def _ask(url: str) -> str:
    """Sends the one request; returns its answer's text."""
    with anthropic.Anthropic(base_url=url, api_key=TOKEN, max_retries=4) as client:
        message = client.messages.create(
            model=MODEL, max_tokens=200, messages=[{"role": "user", "content": _TEXT}]
        )
    return "".join(block.text for block in message.content if block.type == "text")


def _asked(upstream: Server) -> int:
    """How many requests for an answer reached the upstream."""
    seen = httpx2.get(f"{upstream.url}/_stub/requests").json()
    return sum(each["path"].endswith("/chat/completions") for each in seen)


def _approvals(home: Path, *words: str) -> str:
    """Runs `signalbox approvals` beside the server, and returns what it said."""
    done = subprocess.run(
        (sys.executable, "-m", "app", "approvals", *words),
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_without_anybody_to_answer_the_sixth_is_refused_and_reaches_nobody(start: Start) -> None:
    server, upstream = start("loop_guard: {repeats: 5}\n")
    assert all(_ask(server.url) for _ in range(5))
    with pytest.raises(anthropic.APIStatusError) as told:
        _ask(server.url)
    assert (told.value.status_code, told.value.type) == (402, "billing_error")
    assert f"{_REFUSED}it needs the user's consent and nobody is there to give it." in str(told.value)
    assert _asked(upstream) == 5
    (logged,) = server.logged("repeated_request_refused")
    assert (logged["level"], logged["by"], logged["token_name"]) == ("warning", "headless", "local")


def test_from_the_command_line_it_is_let_go_on_for_ten_minutes(start: Start, tmp_path: Path) -> None:
    server, upstream = start("approvals: wait\n")
    home = tmp_path / "box" / "home"
    assert all(_ask(server.url) for _ in range(5))
    with ThreadPoolExecutor(1) as threads:
        sixth: Future[str] = threads.submit(_ask, server.url)
        while not (listed := _approvals(home, "list")).startswith("apr_"):
            pass
        assert "  Repeated request  " in listed
        assert (
            f"\n    6 times within 60 seconds\n    token: local\n    alias: big (asked for {MODEL})\n"
            in listed
        )
        assert "\n    cost so far: $0.00" in listed
        assert "allowed" in _approvals(home, "allow", listed.split()[0], "--for-10-minutes")
        assert sixth.result(30)
    assert all(_ask(server.url) for _ in range(3))
    assert _asked(upstream) == 9


@pytest.mark.parametrize("settings", ["", "approvals: wait\nloop_guard: {repeats: 0}\n"])
def test_unset_with_nobody_to_ask_or_switched_off_it_stops_nothing(start: Start, settings: str) -> None:
    server, upstream = start(settings)
    assert all(_ask(server.url) for _ in range(8))
    assert _asked(upstream) == 8
