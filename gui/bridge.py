"""The bridge: turns the desk's events into a few batched signals, so that no burst can stall the window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from PySide6.QtCore import QObject, QTimer, Signal

from gui.desk import (
    ActionDone,
    ActionFailed,
    AliasesChanged,
    Desk,
    DeskEvent,
    LogLine,
    LogsAppended,
    ProvidersChanged,
    ProviderTested,
    ProxyState,
    ProxyStateChanged,
    SettingsChanged,
    ShowWindow,
    TokenCreated,
    TokensChanged,
)
from gui.mcp_desk import McpChanged, McpTried
from gui.permission_desk import (
    ApprovalsChanged,
    CallTried,
    HistoryRead,
    PermissionsChanged,
    WorkspacesChanged,
)
from gui.request_desk import AttemptsRead, EarlierRequestsRead, ExchangeRead
from gui.spending import PricesChanged
from proxy.events import (
    ApprovalAsked,
    ApprovalEnded,
    BreakerChanged,
    Exchange,
    FirstToken,
    RequestEvent,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    RequestStarted,
    ToolDecided,
)

INTERVAL_MS = 50
BUSY_MS = 200
"""How often lists are told while they are long: drawing costs as much for one new row as for twenty."""
BUSY_ITEMS = 20
MAX_LINES = 10_000
MAX_REQUEST_EVENTS = 20_000
MAX_NOTICES = 200
MAX_DECISIONS = 2_000
_LISTED = (
    Exchange,
    FirstToken,
    LogsAppended,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    RequestStarted,
    ToolDecided,
)

_LastAnswer: TypeAlias = HistoryRead | CallTried | EarlierRequestsRead | AttemptsRead | ExchangeRead
"""Only the answer to the last question counts."""


class Bridge(QObject):
    """Listens to the desk and tells the window, at most once every `INTERVAL_MS`; long lists every `BUSY_MS`.

    What states something current (proxy state, providers) keeps only the last word. What is a list (log
    lines, request events) is queued up to a bound; what falls off the front is counted, never waited for.
    """

    state_changed = Signal(ProxyState)
    providers_changed = Signal()
    aliases_changed = Signal()
    prices_changed = Signal()
    tokens_changed = Signal()
    settings_changed = Signal()
    permissions_changed = Signal()
    workspaces_changed = Signal()
    approvals_changed = Signal()
    """A call waits, or waits no more; ask the desk which."""
    approval_ended = Signal(ApprovalEnded)
    history_read = Signal(tuple)
    """Past decisions, newest first: the answer to the last question."""
    call_tried = Signal(CallTried)
    """What would become of the call that was tried last."""
    mcp_changed = Signal()
    """MCP servers, their states or their tools are others now; ask the desk."""
    mcp_tried = Signal(McpTried)
    tools_decided = Signal(tuple)
    """A tuple of `ToolDecided`, oldest first."""
    earlier_requests_read = Signal(EarlierRequestsRead)
    attempts_read = Signal(AttemptsRead)
    exchange_read = Signal(ExchangeRead)
    """Both sides of a request: the answer to the last question."""
    breaker_changed = Signal(BreakerChanged)
    action_done = Signal(str)
    action_failed = Signal(str, str)
    provider_tested = Signal(ProviderTested)
    token_created = Signal(TokenCreated)
    requests_advanced = Signal(tuple)
    """A tuple of `proxy.events`, oldest first, without exchanges."""
    exchange_kept = Signal(str)
    """Both sides of this request can be asked for."""
    logs_appended = Signal(tuple, int)
    """Log lines, oldest first, and how many were dropped before them."""
    show_requested = Signal()

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: deque[LogLine] = deque()
        self._lines_dropped = 0
        self._request_events: deque[RequestEvent] = deque()
        self.request_events_dropped = 0
        self._notices: deque[DeskEvent] = deque(maxlen=MAX_NOTICES)
        self._decisions: deque[ToolDecided] = deque(maxlen=MAX_DECISIONS)
        self._answers: dict[type[DeskEvent], _LastAnswer] = {}
        self._breakers: dict[tuple[str, str], BreakerChanged] = {}
        self._exchanges: dict[str, None] = {}
        self._state: ProxyState | None = None
        self._changed: dict[type[DeskEvent], None] = {}
        self._news, self._flow = QTimer(self), QTimer(self)
        for timer, tell in ((self._news, self._tell_news), (self._flow, self._tell_lists)):
            timer.setSingleShot(True)
            timer.timeout.connect(tell)
        self._unsubscribe: Callable[[], None] | None = desk.subscribe(self.take)

    def close(self) -> None:
        """Stops listening."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._news.stop()
        self._flow.stop()

    def take(self, event: DeskEvent) -> None:
        """Notes an event; the window hears of it when the timer fires."""
        match event:
            case LogsAppended():
                self._take_lines(event)
            case RequestStarted() | RequestRouted() | FirstToken() | RequestFinished() | RequestRefused():
                self._take_request_event(event)
            case Exchange():
                self._exchanges[event.request_id] = None
                while len(self._exchanges) > MAX_NOTICES:
                    del self._exchanges[next(iter(self._exchanges))]
            case ProxyStateChanged():
                self._state = event.state
            case ActionDone() | ActionFailed() | ProviderTested() | TokenCreated() | McpTried():
                self._notices.append(event)
            case ToolDecided() | ApprovalAsked() | ApprovalEnded() | BreakerChanged():
                self._take_tool_event(event)
            case HistoryRead() | CallTried() | EarlierRequestsRead() | AttemptsRead() | ExchangeRead():
                self._answers[type(event)] = event
            case _:
                self._changed[type(event)] = None
        timer = self._flow if isinstance(event, _LISTED) else self._news
        if not timer.isActive():
            timer.start(INTERVAL_MS)

    def _take_tool_event(self, event: ToolDecided | ApprovalAsked | ApprovalEnded | BreakerChanged) -> None:
        match event:
            case ToolDecided():
                self._decisions.append(event)
            case ApprovalAsked():
                self._changed[ApprovalsChanged] = None
            case ApprovalEnded():
                self._changed[ApprovalsChanged] = None
                self._notices.append(event)
            case BreakerChanged():
                self._breakers[event.provider, event.model] = event

    def _take_request_event(self, event: RequestEvent) -> None:
        self._request_events.append(event)
        while len(self._request_events) > MAX_REQUEST_EVENTS:
            self._request_events.popleft()
            self.request_events_dropped += 1

    def _tell_news(self) -> None:
        state, self._state = self._state, None
        if state is not None:
            self.state_changed.emit(state)
        changed, self._changed = self._changed, {}
        for kind, signal in (
            (ProvidersChanged, self.providers_changed),
            (AliasesChanged, self.aliases_changed),
            (PricesChanged, self.prices_changed),
            (TokensChanged, self.tokens_changed),
            (SettingsChanged, self.settings_changed),
            (PermissionsChanged, self.permissions_changed),
            (WorkspacesChanged, self.workspaces_changed),
            (ApprovalsChanged, self.approvals_changed),
            (McpChanged, self.mcp_changed),
            (ShowWindow, self.show_requested),
        ):
            if kind in changed:
                signal.emit()
        self._tell_answers()
        self._tell_notices()

    def _take_lines(self, event: LogsAppended) -> None:
        self._lines_dropped += event.dropped
        self._lines.extend(event.lines)
        while len(self._lines) > MAX_LINES:
            self._lines.popleft()
            self._lines_dropped += 1

    def _tell_notices(self) -> None:
        notices = tuple(self._notices)
        self._notices.clear()
        for notice in notices:
            match notice:
                case ActionDone():
                    self.action_done.emit(notice.text)
                case ActionFailed():
                    self.action_failed.emit(notice.title, notice.text)
                case ProviderTested():
                    self.provider_tested.emit(notice)
                case TokenCreated():
                    self.token_created.emit(notice)
                case ApprovalEnded():
                    self.approval_ended.emit(notice)
                case McpTried():
                    self.mcp_tried.emit(notice)
                case _:
                    pass

    def _tell_answers(self) -> None:
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            match answer:
                case HistoryRead():
                    self.history_read.emit(answer.rows)
                case CallTried():
                    self.call_tried.emit(answer)
                case EarlierRequestsRead():
                    self.earlier_requests_read.emit(answer)
                case AttemptsRead():
                    self.attempts_read.emit(answer)
                case ExchangeRead():
                    self.exchange_read.emit(answer)
        breakers, self._breakers = self._breakers, {}
        for breaker in breakers.values():
            self.breaker_changed.emit(breaker)

    def _tell_lists(self) -> None:
        if len(self._request_events) + len(self._lines) >= BUSY_ITEMS:
            self._flow.start(BUSY_MS)  # what comes meanwhile is told when it fires
        if self._request_events:
            events = tuple(self._request_events)
            self._request_events.clear()
            self.requests_advanced.emit(events)
        if self._decisions:  # after the requests they belong to
            decisions = tuple(self._decisions)
            self._decisions.clear()
            self.tools_decided.emit(decisions)
        exchanges, self._exchanges = self._exchanges, {}
        for request_id in exchanges:
            self.exchange_kept.emit(request_id)
        if self._lines or self._lines_dropped:
            lines, dropped = tuple(self._lines), self._lines_dropped
            self._lines.clear()
            self._lines_dropped = 0
            self.logs_appended.emit(lines, dropped)
