"""Shows one problem whole, the worst first; closing it shows the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gui.desk import Problem, ProxyPhase, ProxyState
from gui.theme import Theme
from gui.widgets.cards import Banner

_Actions = tuple[tuple[str, Callable[[], None]], ...]


class ProblemBanner(Banner):
    """What was closed stays closed until it was gone and came back, or somebody asks for it."""

    def __init__(
        self,
        theme: Theme,
        titles: Mapping[str, str],
        open_page: Callable[[str], None],
        start: Callable[[], None],
    ) -> None:
        """Shows nothing yet.

        Args:
            theme: Its colours.
            titles: What pages are called, by id.
            open_page: Opens one of them.
            start: Starts the proxy.
        """
        super().__init__(theme, "Problem", place="top")
        self._titles, self._open_page, self._start = titles, open_page, start
        self._state = ProxyState(ProxyPhase.STOPPED)
        self._closed: frozenset[Problem] = frozenset()
        self._asked: Problem | None = None
        self._shown: tuple[Problem, ProxyPhase] | None = None

    def show_state(self, state: ProxyState) -> None:
        """Shows the first problem that was not closed, or hides."""
        self._state = state
        self._closed &= frozenset(state.problems)
        if self._asked not in state.problems:
            self._asked = None
        self._show()

    def show_problem(self, problem: Problem) -> None:
        """Shows this one before the others, also where it was closed."""
        self._closed -= {problem}
        self._asked = problem
        self._show()

    def dismiss(self) -> None:
        """Closes the problem that is shown; the next one takes its place, with the keyboard where it is."""
        if self._shown is not None:
            self._closed |= {self._shown[0]}
            self._asked = None
            self._show()

    def _show(self) -> None:
        left = (each for each in self._state.problems if each not in self._closed)
        problem = self._asked or next(left, None)
        shown = None if problem is None else (problem, self._state.phase)
        if shown == self._shown:
            return
        self._shown = shown
        if problem is None:
            self.hide()
            return
        tone = "danger" if self._state.phase is ProxyPhase.FAILED else "warn"
        self.say(tone, problem.title, problem.text, actions=self._actions_for(problem.page))

    def _actions_for(self, page: str | None) -> _Actions:
        if page is not None and page in self._titles and page != "home":
            return ((f"Open {self._titles[page]}", lambda: self._open_page(page)),)
        if self._state.phase is ProxyPhase.FAILED:
            return (("Try again", self._start),)
        return ()
