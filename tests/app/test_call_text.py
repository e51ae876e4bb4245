"""A call as people read it: whole, what it is about first, and nothing in it invisible."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.approval_views import approval_view, hints
from app.call_text import call_text, fits_notification, repeat_text, spelt_out
from proxy.config import WorkspaceConfig
from proxy.permissions.approval import ApprovalRequest, RepeatedRequest, digest_of
from proxy.permissions.values import ToolCall, Verdict

SITE = WorkspaceConfig("site", "/home/me/site")


@pytest.mark.parametrize(
    ("tool", "arguments", "shown"),
    [
        ("Bash", {"command": "ls -l\npwd"}, "ls -l\npwd"),
        (
            "Bash",
            {"command": "x", "timeout": 5, "description": "Look"},
            "x\ntimeout: 5\ndescription (says the model): Look",
        ),
        (
            "Edit",
            {"file_path": "/a", "old_string": "1\n2", "new_string": "3", "replace_all": True},
            "/a\n\n- 1\n- 2\n+ 3\nreplace_all: true",
        ),
        ("Write", {"file_path": "/a", "content": "1\n2"}, "/a\n\n+ 1\n+ 2"),
        (
            "MultiEdit",
            {"file_path": "/a", "edits": [{"old_string": "", "new_string": "b", "x": 1}]},
            "/a\n\n+ b\nx: 1",
        ),
        ("MultiEdit", {"file_path": "/a", "edits": [1]}, "/a\nedits:\n[\n  1\n]"),
        ("Task", {"prompt": "Go", "subagent_type": "Explore"}, "Go\nsubagent_type: Explore"),
        ("mcp__a__b", {"q": {"r": "é"}}, 'q:\n{\n  "r": "é"\n}'),
        ("Bash", {"command": 1}, "command: 1"),
    ],
)
def test_what_it_is_about_comes_first_and_nothing_is_left_out(
    tool: str, arguments: dict[str, object], shown: str
) -> None:
    before = copy.deepcopy(arguments)
    assert call_text(ToolCall(tool, arguments)) == shown
    assert arguments == before


def test_the_folder_a_call_names_for_itself_is_shown() -> None:
    assert call_text(ToolCall("Bash", {"command": "ls"}, cwd="/etc")) == "ls\nin the folder: /etc"


@pytest.mark.parametrize(("folder", "fits"), [("/home/me/site", True), ("/home/me/site/src", False)])
def test_a_notification_holds_a_short_call_where_it_runs_in_the_folder_of_its_workspace(
    folder: str, *, fits: bool
) -> None:
    call = ToolCall("Bash", {"command": "git push"}, cwd=folder)
    request = ApprovalRequest(
        "apr_1", call, digest_of(call), Verdict("ask", "why"), None, "req_1", "c", None, "site", 1.0, 121.0
    )
    view = approval_view(request, SITE, str)
    assert (view.fits_notification, folder in view.shown) == (fits, not fits)


def test_the_folder_is_left_out_where_nothing_depends_on_it() -> None:
    assert call_text(ToolCall("WebFetch", {"url": "https://a.example/"}, cwd="/etc")) == "https://a.example/"


@pytest.mark.parametrize(
    ("hidden", "spelt"),
    [
        ("\u202e", r"\u{202e}"),
        ("\u200b", r"\u{200b}"),
        ("\t", r"\u{9}"),
        ("\r", r"\u{d}"),
        ("\x1b", r"\u{1b}"),
        ("\u00a0", r"\u{a0}"),
        ("\u3164", r"\u{3164}"),
        ("\ufe0f", r"\u{fe0f}"),
        ("\U000e0141", r"\u{e0141}"),
        ("\ud800", r"\u{d800}"),
        ("\u2028", r"\u{2028}"),
    ],
)
def test_a_character_nobody_can_see_is_spelt_out(hidden: str, spelt: str) -> None:
    assert spelt_out(f"rm{hidden} x\nnext") == f"rm{spelt} x\nnext"


@given(st.text())
def test_what_is_shown_is_printable_and_visible_text_stays(text: str) -> None:
    shown = spelt_out(text)
    assert shown.replace("\n", "").isprintable()
    if text.isascii() and text.replace("\n", "").isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "fits"),
    [("ls -l", True), ("x" * 201, False), ("a\nb", False), (r"a\u{200b}", False), ("a   b", False)],
)
def test_a_notification_is_for_what_it_would_show_whole(text: str, fits: bool) -> None:
    assert fits_notification(text) is fits


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("Bash", {"command": "curl x | bash; sudo ls"}, ["network", "code", "rights"]),
        ("Bash", {"command": "git -C . push; rm -r x"}, ["network", "deletes"]),
        ("Bash", {"command": "ls", "run_in_background": True}, ["background"]),
        ("Bash", {"command": "git log"}, []),
        ("WebFetch", {"url": "https://x.example"}, ["network"]),
        ("Write", {"file_path": "/etc/x", "content": ""}, ["writes outside"]),
        ("Read", {"file_path": "/home/me/site/../x"}, ["reads outside"]),
        ("Read", {"file_path": "/home/me/site/x\u200b"}, ["cannot be seen"]),
        ("Read", {"file_path": "x"}, []),
        ("Read", {}, []),
    ],
)
def test_risks_are_named(tool: str, arguments: dict[str, object], said: list[str]) -> None:
    call = ToolCall(tool, arguments)
    found = list(hints(call, SITE, call_text(call)))
    assert len(found) == len(said)
    assert all(part in each for part, each in zip(said, found, strict=True))


REPEATED = RepeatedRequest("ci", "big", "claude-opus-5-5", 6, 60.0, 1_860_000, "0" * 64)


def test_a_repeated_request_is_told_with_token_alias_and_cost_and_fits_a_notification() -> None:
    request = ApprovalRequest(
        "apr_1",
        REPEATED,
        digest_of(REPEATED),
        Verdict("ask", "why"),
        None,
        "req_1",
        "c",
        None,
        None,
        1.0,
        121.0,
    )
    view = approval_view(request, None, str)
    assert view.shown == (
        "6 times within 60 seconds\ntoken: ci\nalias: big (asked for claude-opus-5-5)\ncost so far: $1.86"
    )
    assert (view.tool, view.is_request, view.fits_notification) == ("Repeated request", True, True)
    assert view.hints == ()


def test_without_an_alias_a_repeated_request_names_the_model_and_hides_nothing() -> None:
    assert "alias: big\ncost" in repeat_text(replace(REPEATED, model="big"))
    shown = repeat_text(replace(REPEATED, alias=None, model="gpt-\u202e5", cost_micro_usd=12))
    assert shown.splitlines()[2:] == ["model: gpt-\\u{202e}5", "cost so far: $0.0000"]


def test_an_approval_is_bound_to_every_fact_of_a_repeated_request() -> None:
    others = [replace(REPEATED, times=7), replace(REPEATED, body_sha256="1" * 64)]
    assert len({digest_of(each) for each in (REPEATED, *others)}) == 3
