"""The detail of one request: what happened, each attempt with both sides, its tools, the client's side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QTabWidget, QVBoxLayout

from gui import wording
from gui.desk import Desk
from gui.models.exchanges import steps_of
from gui.models.requests import RequestRow
from gui.pages.earlier_facts import earlier_ways
from gui.pages.exchange_sides import CUT, READING, lines_of, why_not_kept
from gui.pages.request_exchanges import RequestExchanges
from gui.pages.request_tools import RequestTools
from gui.permission_desk import DecisionView
from gui.request_desk import ExchangeRead
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.body_view import BodyView
from gui.widgets.buttons import CopyButton, button
from gui.widgets.cards import row
from gui.widgets.facts import Fact, Facts
from gui.widgets.text import label, selectable
from proxy.events import RequestFinished, RequestRouted

_CLIENT = ("Client request", "Client reply")
_EXCHANGES_TAB, _TOOLS_TAB = 1, 2


class RequestDetail(QFrame):
    """Tabs over one request.

    Both sides of it are asked for when one of their tabs is looked at: they may be megabytes. The answer
    comes with `take`.
    """

    closed = Signal()
    lines_asked = Signal(str)

    def __init__(self, theme: Theme, desk: Desk) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setAccessibleName("Request details")
        self._desk = desk
        self._request: RequestRow | None = None
        self._decisions: tuple[DecisionView, ...] = ()
        self._read: ExchangeRead | None = None
        """The attempts' side, once it was read."""
        self._client: ExchangeRead | None = None
        """The client's."""
        self.facts: list[Fact] = []
        self._title = selectable(label(kind="mono"))
        self.to_lines = button(theme, "Log lines", icon="logs", kind="flat", on_click=self._ask_lines)
        self.save = button(theme, "Save as…", icon="export", kind="flat", on_click=self._save)
        self.copy = CopyButton(theme, self._shown_text, text="Copy", name="Copy what is shown", kind="flat")
        self._close = button(
            theme, "", icon="close", kind="flat", name="Close details", on_click=self.closed.emit
        )
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Parts of the request")
        self.tabs.tabBar().setAccessibleName("Parts of the request, tabs")
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.summary = Facts("Summary")
        self.tabs.addTab(self.summary, "Summary")
        self.exchanges = RequestExchanges(theme)
        self.tabs.addTab(self.exchanges, "Exchanges")
        self.tools = RequestTools(theme)
        self.tabs.addTab(self.tools, "Tools")
        self.views = {title: BodyView(theme, title) for title in _CLIENT}
        for title, view in self.views.items():
            self.tabs.addTab(view, title)
        self.tabs.currentChanged.connect(self._show_tab)
        self.exchanges.asked.connect(self._ask_attempt)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.l, SPACE.s, SPACE.m, SPACE.m)
        layout.setSpacing(SPACE.xs)
        layout.addLayout(
            row(self._title, None, self.to_lines, self.save, self.copy, self._close, spacing=SPACE.xs)
        )
        layout.addWidget(self.tabs, 1)

    @property
    def request_id(self) -> str:
        """The request that is shown."""
        return "" if self._request is None else self._request.request_id

    def show_request(self, request: RequestRow) -> None:
        """Shows a request as it is now."""
        if request.request_id != self.request_id:
            self.exchanges.begin()
            self._read = self._client = None
        else:  # what was not there may have come
            self._read = self._read if _is_kept(self._read) else None
            self._client = self._client if _is_kept(self._client) else None
        self._request = request
        self._title.setText(request.request_id)
        self.facts = facts(request)
        self.summary.show_facts(self.facts)
        self.show_tools()
        self._show_tab()

    def show_tools(self) -> None:
        """Shows what was decided about the request's calls so far."""
        self._decisions = self._desk.decisions_of(self.request_id)
        self.tools.show_decisions(self._decisions)
        number = len(self._decisions)
        self.tabs.setTabText(_TOOLS_TAB, f"Tools ({number})" if number else "Tools")
        self._show_steps()

    def take(self, read: ExchangeRead) -> None:
        """Shows what was asked for, if it is of this request still."""
        if read.request_id != self.request_id:
            return
        if self.tabs.currentWidget() is self.exchanges:
            self._read = read
            self._show_steps()
        else:
            self._client = read
            self._show_client()

    def _show_tab(self) -> None:
        request, tab = self._request, self.tabs.currentWidget()
        has_body = tab is self.exchanges or tab in self.views.values()
        self.save.setVisible(has_body)
        if request is None or not has_body:
            return
        if request.is_live or request.refused is not None:
            self.take(ExchangeRead(request.request_id))  # nothing can be there
        elif tab is self.exchanges and self._read is None:
            self._desk.read_exchange(request.request_id, None)
        elif tab is not self.exchanges and self._client is None:
            self._desk.read_exchange(request.request_id, 0)
        self._show_client()

    def _ask_attempt(self, number: int) -> None:
        self._desk.read_exchange(self.request_id, number)

    def _show_steps(self) -> None:
        request = self._request
        if request is None:
            return
        exchange = None if self._read is None else self._read.exchange
        steps = steps_of(request, exchange, self._decisions)
        number = sum(step.attempt is not None for step in steps)
        self.tabs.setTabText(_EXCHANGES_TAB, f"Exchanges ({number})" if number else "Exchanges")
        kept = self._desk.bodies_kept()
        can_keep = kept != "all" and request.refused is None
        self.exchanges.show_steps(steps, self._read, why_not_kept(request, kept), can_keep=can_keep)

    def _show_client(self) -> None:
        if self._request is None:
            return
        asked, told = self.views.values()
        read = self._client
        if read is None or read.exchange is None:
            why = READING if read is None else why_not_kept(self._request, self._desk.bodies_kept())
            for view in (asked, told):
                view.show_body("", head=why)
            return
        exchange = read.exchange
        note = CUT if exchange.is_cut else ""
        name = self.request_id
        head = lines_of(exchange.client_headers)
        asked.show_body(exchange.client_request, head=head, note=note, file_name=f"{name}-request.json")
        told.show_body(exchange.client_reply, note=note, file_name=f"{name}-reply.txt")

    def _shown_text(self) -> str:
        tab = self.tabs.currentWidget()
        if isinstance(tab, BodyView):
            return tab.text
        if tab is self.exchanges:
            return self.exchanges.text()
        if tab is self.tools:
            return self.tools.text()
        return "\n".join(f"{name}: {text}" for name, text, _tone in self.facts)

    def _save(self) -> None:
        tab = self.tabs.currentWidget()
        (tab if isinstance(tab, BodyView) else self.exchanges.body).save()

    def _ask_lines(self) -> None:
        self.lines_asked.emit(self.request_id)


def _is_kept(read: ExchangeRead | None) -> bool:
    return read is not None and read.exchange is not None


def _ways(routes: Sequence[RequestRouted]) -> Iterator[Fact]:
    """Who was asked; a further round only where it went another way, and each loss once."""
    told: set[str] = set()
    before: RequestRouted | None = None
    for route in routes:
        is_same = before is not None and replace(route, round=0, losses=()) == replace(
            before, round=0, losses=()
        )
        if before is None or not is_same or route.round == before.round:
            alias = f"{route.alias} → " if route.alias else ""
            yield _way(before, route), f"{alias}{route.provider} / {route.model}\n{route.reason}", ""
        fresh = [loss for loss in route.losses if loss not in told]
        yield from (("Left out", loss, "warn") for loss in fresh)
        told.update(fresh)
        before = route
    if before is not None and before.round > 1:
        yield "Rounds", f"{before.round}: the model was asked again after tools ran", ""


def _way(before: RequestRouted | None, route: RequestRouted) -> str:
    if before is None:
        return "Routed"
    return "Next attempt" if route.round == before.round else f"Round {route.round}"


def facts(request: RequestRow) -> list[Fact]:
    """Returns what is known of a request as (title, text, tone), in reading order."""
    lines = [("Status", _status_text(request), _status_tone(request))]
    if request.refused is not None:
        lines.append(("Refused", request.refused.reason, "danger"))
    lines.append(("Started", wording.full_time(request.at), ""))
    if request.client:
        lines.append(("Client", request.client, ""))
    if request.earlier is not None:
        lines.append(("Token", request.earlier.token, ""))
    if request.path:
        how = "" if request.earlier else ", streamed" if request.stream else ", answered in one piece"
        lines.append(("Asked for", f"{request.model_asked}  ({request.path}{how})", ""))
    kept = request.earlier
    lines.extend(_ways(request.routes) if kept is None else earlier_ways(request, kept))
    lines.extend(_figures(request))
    if request.conversation_id:
        lines.append(("Conversation", request.conversation_id, ""))
    if kept is not None:
        lines.append(("Kept in", "the ledger, before this start", ""))
    return lines


def _figures(request: RequestRow) -> list[Fact]:
    done = request.finished
    if done is None:
        return []
    lines: list[Fact] = []
    first = f", first token after {wording.seconds(request.first_token_s)}" if request.first_token_s else ""
    lines.append(("Took", f"{wording.seconds(done.duration_s)}{first}", ""))
    lines.append(
        (
            "Tokens",
            _token_words(done),
            "",
        )
    )
    lines.append(("Cost", _cost_words(request, done), ""))
    if done.tool_names:
        lines.append(("Tools called", ", ".join(done.tool_names), ""))
    if done.stop_reason:
        lines.append(("Stopped by", done.stop_reason, ""))
    return lines


def _cost_words(request: RequestRow, done: RequestFinished) -> str:
    kept = request.earlier
    if kept is None:
        return wording.cost(done.cost_usd) or "not stated by the provider"
    return wording.cost_words(kept, wording.cost(kept.cost_micro_usd / 1e6))


def _token_words(done: RequestFinished) -> str:
    words = f"{done.input_tokens:,} in, {done.output_tokens:,} out"
    cached = f"{done.cache_read_tokens:,} read from cache, {done.cache_write_tokens:,} written to cache"
    return f"{words}, {cached}"


def _status_text(request: RequestRow) -> str:
    done = request.finished
    if done is not None and done.error_message:
        return f"{request.status_text}: {done.error_message}"
    return request.status_text


def _status_tone(request: RequestRow) -> str:
    return {"ok": "ok", "error": "danger"}.get(request.outcome or "", "")
