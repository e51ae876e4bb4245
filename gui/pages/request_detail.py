"""The detail of one request: what happened, and each of the four texts that went over the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QTabWidget, QVBoxLayout, QWidget

from gui import wording
from gui.models.requests import RequestRow
from gui.pages.earlier_facts import earlier_ways
from gui.pages.request_tools import RequestTools
from gui.permission_desk import DecisionView
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import CopyButton, button
from gui.widgets.cards import row
from gui.widgets.code_view import CodeView, pretty
from gui.widgets.facts import Fact, Facts
from gui.widgets.text import label, selectable
from proxy.events import Exchange, RequestFinished, RequestRouted

_TEXTS = ("Client request", "Upstream request", "Upstream reply", "Client reply")
_TOOLS_TAB = 1
_NOT_KEPT = (
    "Not kept: this request is still on its way, was refused at the door, or is too old; or the settings "
    "keep nothing of requests like this one."
)


class RequestDetail(QFrame):
    """Tabs over one request.

    Both sides of it are asked for, and laid out, when one of their tabs is looked at: they may be megabytes,
    and taking the secrets out of them is work for the thread that the proxy runs in.
    """

    closed = Signal()
    lines_asked = Signal(str)

    def __init__(
        self,
        theme: Theme,
        exchange_of: Callable[[str], Exchange | None],
        decisions_of: Callable[[str], tuple[DecisionView, ...]],
    ) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setAccessibleName("Request details")
        self._exchange_of, self._decisions_of = exchange_of, decisions_of
        self._request_id = ""
        self._is_truncated: bool | None = None
        self._texts: dict[str, str] = dict.fromkeys(_TEXTS, "")
        self.facts: list[Fact] = []
        self._title = selectable(label(kind="mono"))
        self.to_lines = button(theme, "Log lines", icon="logs", kind="flat", on_click=self._ask_lines)
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
        self.tools = RequestTools(theme)
        self.tabs.addTab(self.tools, "Tools")
        self.views = {title: CodeView(title) for title in _TEXTS}
        for title, view in self.views.items():
            holder = QWidget()
            holder.setAccessibleName(f"{title}, page")
            layout = QVBoxLayout(holder)
            layout.setContentsMargins(0, SPACE.s, 0, 0)
            layout.addWidget(view)
            self.tabs.addTab(holder, title)
        self.tabs.currentChanged.connect(self._show_tab)
        self._truncated = label("Parts of this exchange were too long to keep whole.", kind="caption")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE.l, SPACE.s, SPACE.m, SPACE.m)
        layout.setSpacing(SPACE.xs)
        layout.addLayout(row(self._title, None, self.to_lines, self.copy, self._close, spacing=SPACE.xs))
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self._truncated)
        self._truncated.hide()

    @property
    def request_id(self) -> str:
        """The request that is shown."""
        return self._request_id

    def show_request(self, request: RequestRow) -> None:
        """Shows a request as it is now."""
        self._request_id = request.request_id
        self._title.setText(request.request_id)
        self.facts = facts(request)
        self.summary.show_facts(self.facts)
        self._is_truncated = None
        self.show_tools()
        self._show_tab()

    def show_tools(self) -> None:
        """Shows what was decided about the request's calls so far."""
        decisions = self._decisions_of(self._request_id)
        self.tools.show_decisions(decisions)
        self.tabs.setTabText(_TOOLS_TAB, f"Tools ({len(decisions)})" if decisions else "Tools")

    def _show_tab(self) -> None:
        title = self.tabs.tabText(self.tabs.currentIndex())
        view = self.views.get(title)
        if view is not None:
            if self._is_truncated is None:
                exchange = self._exchange_of(self._request_id)
                self._is_truncated = exchange is not None and exchange.truncated
                self._texts = _texts(exchange)
            view.show_text(self._texts[title] or _NOT_KEPT)
        self._truncated.setVisible(view is not None and self._is_truncated is True)

    def _shown_text(self) -> str:
        title = self.tabs.tabText(self.tabs.currentIndex())
        if title in self.views:
            return self._texts[title]
        if self.tabs.currentWidget() is self.tools:
            return self.tools.text()
        return "\n".join(f"{name}: {text}" for name, text, _tone in self.facts)

    def _ask_lines(self) -> None:
        self.lines_asked.emit(self._request_id)


def _texts(exchange: Exchange | None) -> dict[str, str]:
    if exchange is None:
        return dict.fromkeys(_TEXTS, "")
    bodies = (
        _with_headers(exchange.client_headers, exchange.client_request),
        _with_headers(exchange.upstream_headers, exchange.upstream_request),
        exchange.upstream_reply,
        exchange.client_reply,
    )
    return dict(zip(_TEXTS, bodies, strict=True))


def _with_headers(headers: Mapping[str, str], body: str) -> str:
    if not headers:
        return pretty(body)
    head = "\n".join(f"{name}: {value}" for name, value in headers.items())
    return f"{head}\n\n{pretty(body)}"


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
