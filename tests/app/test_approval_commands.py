"""`signalbox approvals`, asked of a running program over its control channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from app.approval_commands import answer_approval, list_approvals
from app.control_answers import answers
from app.exit_codes import FAILED, OK
from app.instance import ControlChannel
from proxy.permissions.approval import ApprovalRequest, RepeatedRequest, digest_of
from proxy.permissions.values import ToolCall, Verdict
from tests.app.controller_bench import Bench, Make

CALL = ToolCall("Bash", {"command": "git push\necho done"})


def _waiting(call: ToolCall = CALL, approval_id: str = "apr_1", rule: str | None = "Bash(git push)"):
    verdict = Verdict("ask", "no rule allows it")
    return ApprovalRequest(
        approval_id, call, digest_of(call), verdict, rule, "req_1", "claude-cli/2", "c1", "site", 1.0, 121.0
    )


@pytest.fixture
async def bench(make: Make) -> AsyncIterator[Bench]:
    """A program that runs without a window and has one call waiting."""
    bench = make(settings="version: 1\n")
    await bench.controller.start()
    bench.servers[0].waiting.append(_waiting())
    channel = ControlChannel(bench.folders.runtime, answers(bench.controller, has_window=False))
    assert await channel.claim()
    yield bench
    await channel.close()


async def _list(bench: Bench) -> int:
    return await asyncio.to_thread(list_approvals, bench.folders, 61.0)


async def test_a_call_is_listed_whole_with_why_and_how_long(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await _list(bench) == OK
    assert capsys.readouterr().out == (
        "apr_1  Bash  60 s left  (asked by claude-cli/2, workspace site)\n"
        "    git push\n    echo done\n"
        "  why: no rule allows it\n  note: uses the network\n  --always would store: Bash(git push)\n"
    )


async def test_allow_lets_the_very_call_run(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(answer_approval, bench.folders, "allow", "apr_1") == OK

    (answer,) = bench.servers[0].answers
    assert (answer.decision, answer.by, answer.scope) == ("allow", "command line", "once")
    assert capsys.readouterr().err == "signalbox: allowed\n"


async def test_deny_hands_the_reason_on(bench: Bench) -> None:
    status = await asyncio.to_thread(
        answer_approval, bench.folders, "deny", "apr_1", message="use a branch \u202e"
    )
    (answer,) = bench.servers[0].answers
    assert (status, answer.decision, answer.message) == (OK, "deny", "use a branch \u202e")


async def test_always_stores_the_rule_that_was_listed(bench: Bench) -> None:
    status = await asyncio.to_thread(answer_approval, bench.folders, "allow", "apr_1", scope="always")
    await bench.until(object, lambda _: bench.configuration.settings.permissions.allow != ())
    assert (status, bench.configuration.settings.permissions.allow) == (OK, ("Bash(git push)",))


async def test_without_a_rule_that_is_safe_to_keep_always_is_refused(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.servers[0].waiting[:] = [_waiting(rule=None)]
    assert await asyncio.to_thread(answer_approval, bench.folders, "allow", "apr_1", scope="always") == FAILED
    assert "safe to keep" in capsys.readouterr().err
    assert bench.servers[0].answers == []


async def test_an_unknown_id_is_said(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(answer_approval, bench.folders, "allow", "apr_2") == FAILED
    assert "no call 'apr_2' waits" in capsys.readouterr().err


async def test_a_call_too_long_for_the_channel_can_be_denied_there_and_not_allowed(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    long = ToolCall("Write", {"file_path": "/x", "content": "y" * 70_000})
    bench.servers[0].waiting[:] = [_waiting(long, "apr_9"), _waiting()]

    assert await _list(bench) == OK
    assert "answer it in the window" in capsys.readouterr().out
    assert await asyncio.to_thread(answer_approval, bench.folders, "allow", "apr_9") == FAILED
    assert bench.servers[0].answers == []
    assert await asyncio.to_thread(answer_approval, bench.folders, "deny", "apr_9") == OK


async def test_nothing_waiting_and_nothing_running_are_told_apart(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.servers[0].waiting.clear()
    assert await _list(bench) == OK
    assert "No call waits" in capsys.readouterr().err


def test_without_a_running_program_it_says_so(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_approvals(make().folders, 0.0) == FAILED
    assert "does not run" in capsys.readouterr().err


REPEATED = RepeatedRequest("ci", "big", "claude-opus-5-5", 6, 60.0, 1_860_000, "0" * 64)


def _repeated() -> ApprovalRequest:
    verdict = Verdict("ask", "too often")
    return ApprovalRequest(
        "apr_1", REPEATED, digest_of(REPEATED), verdict, None, "req_1", "sdk/1", None, None, 1.0, 121.0
    )


async def test_a_repeated_request_is_listed_and_allowed_for_ten_minutes(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.servers[0].waiting[:] = [_repeated()]
    assert await _list(bench) == OK
    assert capsys.readouterr().out == (
        "apr_1  Repeated request  60 s left  (asked by sdk/1)\n"
        "    6 times within 60 seconds\n    token: ci\n    alias: big (asked for claude-opus-5-5)\n"
        "    cost so far: $1.86\n  why: too often\n"
    )
    status = await asyncio.to_thread(answer_approval, bench.folders, "allow", "apr_1", scope="10 minutes")
    assert (status, bench.servers[0].answers[0].scope) == (OK, "10 minutes")


@pytest.mark.parametrize(
    ("waiting", "scope", "told"),
    [
        (_repeated(), "conversation", "once or for 10 minutes"),
        (_repeated(), "always", "once or for 10 minutes"),
        (_waiting(), "10 minutes", "once, for its conversation or always"),
    ],
)
async def test_an_answer_that_does_not_fit_the_question_is_refused_and_it_waits_on(
    bench: Bench,
    capsys: pytest.CaptureFixture[str],
    waiting: ApprovalRequest,
    scope: Literal["conversation", "always", "10 minutes"],
    told: str,
) -> None:
    bench.servers[0].waiting[:] = [waiting]
    assert await asyncio.to_thread(answer_approval, bench.folders, "allow", "apr_1", scope=scope) == FAILED
    assert capsys.readouterr().err == f"signalbox: this can be allowed {told}\n"
    assert bench.servers[0].answers == []
