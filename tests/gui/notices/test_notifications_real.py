"""Notifications over a real bus and the approval window on a real display, with a service of our own."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("notifications over a bus are Linux's", allow_module_level=True)
if shutil.which("Xvfb") is None or shutil.which("dbus-daemon") is None:
    pytest.skip("needs Xvfb and dbus-daemon (apt: xvfb dbus)", allow_module_level=True)

from tests.gui.notification_service import NotificationService
from tests.gui.real_desktop import Program, next_line, private_display, program_of, running

pytestmark = pytest.mark.plain_asyncio


@pytest.fixture
async def service(bus: str) -> AsyncIterator[NotificationService]:
    """A notification service with buttons."""
    made = NotificationService(bus)
    await made.appear()
    yield made
    await made.vanish()


@pytest.fixture
async def program(bus: str, tmp_path: Path) -> AsyncIterator[Program]:
    """The program on a display of its own."""
    settings = str(tmp_path / "w.ini")
    async with (
        private_display(bus) as env,
        program_of("tests.gui.approval_program", settings, env=env) as made,
    ):
        await made.next("ready")
        yield made
        made.do("quit")
        await asyncio.wait_for(made.process.wait(), 20)


@pytest.mark.parametrize(("action", "decision"), [("allow", "allow"), ("deny", "deny")])
async def test_a_notifications_button_answers_the_approval(
    service: NotificationService, program: Program, action: str, decision: str
):
    program.do("ask push")
    shown = await service.next_shown()
    assert shown.title == "Bash wants to run a command"
    assert shown.body == "git push origin main && npm publish\nworkspace website"
    assert shown.actions == ("default", "Open", "allow", "Allow once", "deny", "Deny")
    assert (shown.timeout, shown.hints["urgency"]) == (0, 2)
    service.press(shown.number, action)
    said = await program.next("answered")
    assert (said["id"], said["decision"], said["by"], said["refusal"]) == (
        "apr_1",
        decision,
        "notification",
        None,
    )
    await program.until(popup=False)


async def test_a_call_that_does_not_fit_can_only_be_reviewed(service: NotificationService, program: Program):
    program.do("ask write")
    shown = await service.next_shown()
    assert shown.actions == ("default", "Open", "review", "Review…")
    service.press(shown.number, "review")
    await program.until(window=True, page="approvals")


async def test_three_calls_share_one_notification_which_is_replaced_as_their_number_grows(
    service: NotificationService, program: Program
):
    program.do("ask push")
    first = await service.next_shown()
    program.do("ask write")
    second = await service.next_shown()
    program.do("ask fetch")
    group = await service.next_shown()
    assert group.title == "3 tools waiting for approval"
    assert "Allow once" not in group.actions
    assert {await service.next_closed(), await service.next_closed()} == {first.number, second.number}
    program.do("end push")
    assert await service.next_closed() == group.number
    left = {(await service.next_shown()).title, (await service.next_shown()).title}
    assert left == {"Write wants to write a file", "WebFetch wants to fetch a page"}


async def test_a_call_answered_elsewhere_takes_its_notification_back(
    service: NotificationService, program: Program
):
    program.do("ask push")
    shown = await service.next_shown()
    program.do("end push")
    assert await service.next_closed() == shown.number


async def test_a_call_that_expired_is_told(service: NotificationService, program: Program):
    program.do("ask push")
    shown = await service.next_shown()
    program.do("expire push")
    assert await service.next_closed() == shown.number
    told = await service.next_shown()
    assert told.title == "Bash was denied"
    assert told.timeout == -1


async def test_a_button_pressed_by_anybody_but_the_service_is_not_heard(
    bus: str, service: NotificationService, program: Program
):
    program.do("ask push")
    shown = await service.next_shown()
    impostor = NotificationService(bus)
    await impostor.appear(as_service=False)
    impostor.press(shown.number, "allow")
    service.press(shown.number, "deny")
    assert (await program.next("answered"))["decision"] == "deny"
    await impostor.vanish()


async def test_markup_is_escaped_for_a_service_that_reads_it(bus: str, program: Program):
    service = NotificationService(bus, ("body", "body-markup"))
    await service.appear()
    program.do("ask push")
    shown = await service.next_shown()
    assert shown.body.startswith("git push origin main &amp;&amp; npm publish")
    assert shown.actions == ()
    await service.vanish()


async def test_the_approval_window_comes_up_on_deny_without_taking_the_keyboard_and_goes_when_answered(
    service: NotificationService, program: Program, tmp_path: Path
):
    program.do("show home")
    await program.until(window=True)
    program.do("ask push")
    said = await program.until(popup=True, guard=False)
    assert said["focus"] == "Deny"
    assert said["width"] >= 560
    program.do(f"grab {tmp_path / 'popup.png'}")
    await program.next("grabbed")
    assert (tmp_path / "popup.png").stat().st_size > 5_000
    program.do("end push")
    await program.until(popup=False)


async def test_a_program_that_ends_takes_its_notifications_back(
    service: NotificationService, program: Program
):
    program.do("ask push")
    shown = await service.next_shown()
    program.do("quit")
    assert await service.next_closed() == shown.number


@pytest.mark.skipif(  # who has the keyboard is for a window manager to say
    shutil.which("openbox") is None or shutil.which("xdotool") is None, reason="needs openbox and xdotool"
)
async def test_typing_goes_on_where_it_was_until_the_approval_window_is_chosen(
    service: NotificationService, program: Program
):
    async with running("openbox", "--startup", "echo ready", env=program.env) as manager:
        while await next_line(manager) != "ready":
            pass  # it talks of its menu first
        program.do("show home")
        await program.until(window=True, active="Signalbox")
        program.do("ask push")
        await program.until(popup=True, guard=False)
        await _xdotool(program, "type", "aaaa")
        popup = "A tool waits for your approval"
        await program.until(popup=True, active="Signalbox")
        await _xdotool(program, "search", "--name", "A tool waits", "windowactivate", "--sync")
        await program.until(active=popup, guard=False)
        await _xdotool(program, "key", "a")
        said = await program.next("answered")
        assert (said["decision"], said["by"]) == ("allow", "window")


async def _xdotool(program: Program, *arguments: str) -> None:
    async with running("xdotool", *arguments, env=program.env) as process:
        assert await asyncio.wait_for(process.wait(), 20) == 0
