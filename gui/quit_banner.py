"""Quitting: at once where nothing is under way, else after a question that blocks nothing."""

from __future__ import annotations

from collections.abc import Callable

from gui import wording
from gui.desk import QUIT_DRAIN_S
from gui.pages.page import Room
from gui.widgets.cards import Banner


class QuitBanner(Banner):
    """Asks whether requests under way shall be finished, and says so while they are."""

    def __init__(self, room: Room, show_up: Callable[[], None]) -> None:
        """Stays hidden until Quit is chosen.

        Args:
            room: Whom to ask, and what to look like.
            show_up: Brings the window to the front: Quit is in the tray's menu, too.
        """
        super().__init__(room.theme, "Quitting", place="top")
        self._desk, self._show_up = room.desk, show_up
        self._is_finishing = False
        self._told: int | None = None
        room.bridge.state_changed.connect(self._refresh)
        room.bridge.requests_advanced.connect(self._refresh)

    def ask(self) -> None:
        """Quits, after a question where requests are under way; again while they end, it waits no more."""
        if self._is_finishing or not self._desk.state().active_requests:
            self._desk.quit()
            return
        self._told = None
        self._show_up()
        self.show()
        self._refresh()
        self._focus(0)

    def _refresh(self) -> None:
        number = self._desk.state().active_requests
        if self.isHidden() or number == self._told:
            return
        self._told = number
        focus = self.window().focusWidget()
        focused = [each is focus for each in self.action_buttons()]
        if self._is_finishing:
            self._say_finishing(number)
        else:
            self._say_question(number)
        buttons = len(self.action_buttons())
        if any(focused) and (len(focused) == buttons or not self._is_finishing):
            position = focused.index(True)
            is_last = position == len(focused) - 1  # Cancel, however many answers stand before it
            self._focus(buttons - 1 if is_last else min(position, buttons - 2))

    def _focus(self, position: int) -> None:
        button = self.action_buttons()[position]
        button.show()  # now, not with the next event: what is hidden takes no focus
        button.setFocus()

    def _say_question(self, number: int) -> None:
        if not number:
            self.say(
                "info",
                "Nothing is under way any more",
                "All requests have ended.",
                actions=(("Quit", self._desk.quit), ("Cancel", self.hide)),
                can_close=False,
            )
            return
        requests = wording.count(number, "request")
        are = "is" if number == 1 else "are"
        self.say(
            "warn",
            f"{requests} {are} under way",
            f"No new one is taken while {'it ends' if number == 1 else 'they end'}; what is not done after "
            f"{QUIT_DRAIN_S:.0f} seconds is cut off.",
            actions=(
                (f"Finish {requests}, then quit", self._finish),
                ("Quit now", lambda: self._desk.quit(now=True)),
                ("Cancel", self.hide),
            ),
            can_close=False,
        )

    def _say_finishing(self, number: int) -> None:
        title, text = "Signalbox quits", "All requests have ended."
        if number:
            have = "has" if number == 1 else "have"
            title = f"Signalbox quits when {wording.count(number, 'request')} {have} ended"
            text = f"After {QUIT_DRAIN_S:.0f} seconds it quits without waiting on."
        self.say(
            "info",
            title,
            text,
            actions=(("Quit now", lambda: self._desk.quit(now=True)),),
            can_close=False,
        )

    def _finish(self) -> None:
        self._is_finishing, self._told = True, None
        self._desk.quit()
        self._refresh()
