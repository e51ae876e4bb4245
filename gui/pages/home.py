"""Home: is it running, how does a client connect, who answers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui import wording
from gui.clock import now
from gui.desk import ProviderView, ProxyPhase, ProxyState
from gui.models.providers import key_cell
from gui.pages.connect_card import ConnectCard
from gui.pages.page import Page, Room
from gui.pages.today import TodayCard
from gui.tokens import SPACE
from gui.widgets.buttons import button
from gui.widgets.cards import Banner, Card, Chip, row
from gui.widgets.shape import Shape
from gui.widgets.text import label

_MINUTE_S = 60


class HomePage(Page):
    """Four cards: the proxy, the client, today, the providers; and plain words while the demo answers."""

    def __init__(self, room: Room, clock: Callable[[], float] = now) -> None:
        super().__init__(room, "Home", "Your clients talk to Signalbox; Signalbox talks to the models.")
        self._clock = clock
        self.demo = Banner(room.theme, "Demo notice")
        self.body.addWidget(self.demo)
        inner = QWidget()
        inner.setAccessibleName("Home cards")
        cards = QVBoxLayout(inner)
        cards.setContentsMargins(0, 0, 0, 0)
        cards.setSpacing(SPACE.l)
        self.connect_card = ConnectCard(room)
        self.copy_lines, self.lines = self.connect_card.copy_lines, self.connect_card.lines
        self.today = TodayCard(room)
        cards.addWidget(self._state_card())
        cards.addWidget(self.connect_card)
        cards.addWidget(self.today)
        cards.addWidget(self._providers_card())
        cards.addStretch(1)
        self.body.addWidget(inner, 1)
        self._minute = QTimer(self)
        self._minute.setSingleShot(True)
        self._minute.timeout.connect(self._show_state)
        room.bridge.state_changed.connect(self._on_state)
        room.bridge.providers_changed.connect(self._show_providers)
        self._state = room.desk.state()
        self._show_state()
        self._show_providers()

    def _state_card(self) -> Card:
        theme = self.room.theme
        self.chip = Chip(theme, "Proxy state")
        self.sentence = label(wraps=True)
        self.facts = label(kind="muted", wraps=True)
        self.start = button(
            theme, "Start proxy", icon="start", kind="primary", on_click=self.room.desk.start_proxy
        )
        self.other_port = button(theme, "Use another port", on_click=self.room.desk.use_another_port)
        self.other_port.setToolTip("Takes a free one, stores it and starts; clients need the new address")
        card = Card("Proxy", self.chip)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.sentence)
        words.addWidget(self.facts)
        line = QHBoxLayout()
        line.addLayout(words, 1)
        line.addWidget(self.other_port)
        line.addWidget(self.start)
        card.body.addLayout(line)
        return card

    def _providers_card(self) -> Card:
        theme = self.room.theme
        self.manage = button(theme, "Manage providers", kind="link", on_click=self._to_providers)
        card = Card("Providers", self.manage)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE.l)
        self._grid.setVerticalSpacing(SPACE.s + 2)
        self._grid.setColumnStretch(3, 1)
        self._cells: list[QWidget] = []
        card.body.addLayout(self._grid)
        self.no_provider = QWidget()
        self.no_provider.setAccessibleName("No provider")
        self.add = button(theme, "Add a provider", icon="add", on_click=self._to_providers)
        empty = row(label("No provider yet: add one to talk to real models.", kind="muted"), None, self.add)
        self.no_provider.setLayout(empty)
        card.body.addWidget(self.no_provider)
        return card

    def _on_state(self, state: ProxyState) -> None:
        self._state = state
        self._show_state()

    def _show_state(self) -> None:
        state = self._state
        phrase = wording.phase_phrase(state)
        self.chip.show_phrase(phrase.text, phrase.tone, phrase.icon)
        self.sentence.setText(wording.phase_sentence(state))
        self.facts.setText(self._facts())
        self.facts.setVisible(bool(self.facts.text()))
        self.start.setVisible(state.phase is ProxyPhase.STOPPED)
        self.other_port.setVisible(state.phase is ProxyPhase.FAILED and state.is_port_in_use)
        if state.is_demo and state.phase is ProxyPhase.RUNNING:
            self.demo.say(
                "info",
                "The built-in demo answers for now",
                "It follows a script, works offline and knows no real model. "
                "Add a provider and it steps aside for good.",
                actions=(("Add a provider", self._to_providers),),
                can_close=False,
            )
        else:
            self.demo.hide()

    def _facts(self) -> str:
        state = self._state
        if state.phase is not ProxyPhase.RUNNING:
            return ""
        parts: list[str] = []
        if state.started_at is not None:
            up = self._clock() - state.started_at
            parts.append(f"Up for {wording.uptime(up)}")
            self._minute.start(round((_MINUTE_S - up % _MINUTE_S) * 1000) + 1)
        parts.append(f"{wording.count(state.active_requests, 'request')} active")
        return "  ·  ".join(parts)

    def _show_providers(self) -> None:
        for old in self._cells:
            old.hide()
            self._grid.removeWidget(old)
            old.deleteLater()
        self._cells.clear()
        providers = self.room.desk.providers()
        self.no_provider.setVisible(not providers)
        self.manage.setVisible(bool(providers))
        for line, provider in enumerate(providers):
            self._show_provider(line, provider)

    def _show_provider(self, line: int, provider: ProviderView) -> None:
        cell = key_cell(provider)
        tone = cell.tone or "ok"
        shape = Shape(self.room.theme, cell.icon or "ok", role=tone, size=16)
        shape.setAccessibleName("Problem" if cell.icon else "Ready")
        key: QLabel = label(f"Key: {cell.text}", wraps=True)
        if cell.tone:
            key.setProperty("tone", cell.tone)
        parts = (
            shape,
            label(provider.name, kind="strong"),
            label(wording.dialect_name(provider.dialect), kind="muted"),
            key,
        )
        for column, part in enumerate(parts):
            self._grid.addWidget(part, line, column)
            self._cells.append(part)

    def _to_providers(self) -> None:
        self.page_asked.emit("providers")
