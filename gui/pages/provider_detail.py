"""The detail of one provider: its address, its key in words, a field for a new key, and a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from gui import wording
from gui.clock import now
from gui.desk import ProviderTested, ProviderView
from gui.models.providers import key_cell
from gui.theme import Theme
from gui.tokens import SPACE
from gui.widgets.buttons import CopyButton, button
from gui.widgets.cards import Banner, row, rule, scrolling
from gui.widgets.fields import KeyField
from gui.widgets.text import label, selectable, set_tone
from proxy.events import BreakerChanged


class ProviderDetail(QFrame):
    """Shows a ProviderView; says what the user wants done with it."""

    edit_asked = Signal()
    remove_asked = Signal()
    test_asked = Signal()
    reset_asked = Signal()
    """Models that are left alone shall be tried again."""
    key_entered = Signal(object)
    """A SecretStr for the keyring."""
    key_delete_asked = Signal()

    def __init__(self, theme: Theme, clock: Callable[[], float] = now) -> None:
        super().__init__()
        self._clock = clock
        self.setProperty("kind", "card")
        self.setAccessibleName("Provider details")
        self.setMinimumWidth(theme.px(300))
        self._name = label(kind="heading", wraps=True)
        self.edit = button(theme, "Edit", icon="edit", kind="flat", on_click=self.edit_asked.emit)
        self.remove = button(theme, "Remove", icon="remove", kind="flat", on_click=self.remove_asked.emit)
        self._kind = label()
        self._url = selectable(label(kind="mono", wraps=True))
        self._copy_url = CopyButton(theme, self._url.text, text="", name="Copy base URL", kind="flat")
        self.key_words = label(wraps=True)
        self.problem = Banner(theme, "Key problem")
        self.key_field = KeyField(theme)
        self.key_field.entered.connect(self.key_entered.emit)
        self.key_hint = label(
            "The key goes straight into this computer’s keyring; it is never shown again or logged.",
            kind="caption",
            wraps=True,
        )
        self.delete_key = button(
            theme, "Remove the key from the keyring", kind="link", on_click=self.key_delete_asked.emit
        )
        self.resting = Banner(theme, "Models that are left alone")
        self.reset = button(theme, "Try them again now", icon="test", on_click=self.reset_asked.emit)
        self.reset.hide()
        self.test = button(theme, "Test", icon="test", on_click=self.test_asked.emit)
        self.test_words = label("Not tested yet.", kind="muted", wraps=True)
        self._fill_in()

    def _fill_in(self) -> None:
        facts = QGridLayout()
        facts.setHorizontalSpacing(SPACE.l)
        facts.setVerticalSpacing(SPACE.s)
        facts.setColumnStretch(1, 1)
        facts.addWidget(label("Type", kind="muted"), 0, 0)
        facts.addWidget(self._kind, 0, 1)
        facts.addWidget(label("Base URL", kind="muted"), 1, 0)
        address = row(spacing=SPACE.xs)
        address.addWidget(self._url, 1)
        address.addWidget(self._copy_url)
        facts.addLayout(address, 1, 1)
        facts.addWidget(label("Key", kind="muted"), 2, 0)
        facts.addWidget(self.key_words, 2, 1)
        self._key_part = QWidget()
        self._key_part.setAccessibleName("Store a key")
        key_layout = QVBoxLayout(self._key_part)
        key_layout.setContentsMargins(0, 0, 0, 0)
        key_layout.setSpacing(SPACE.s)
        self.key_title = label("Enter a key", kind="strong")
        key_layout.addWidget(self.key_title)
        key_layout.addWidget(self.key_field)
        key_layout.addWidget(self.key_hint)
        key_layout.addLayout(row(self.delete_key, None))
        inner = QWidget()
        inner.setAccessibleName("Provider details")
        around = QVBoxLayout(self)
        around.setContentsMargins(1, 1, 1, 1)
        around.addWidget(scrolling(inner, "Provider details"))
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.l)
        layout.setSpacing(SPACE.m)
        layout.addLayout(row(self._name, None, self.edit, self.remove, spacing=SPACE.xs))
        layout.addLayout(facts)
        layout.addWidget(self.problem)
        layout.addWidget(self.resting)
        layout.addLayout(row(self.reset, None))
        layout.addWidget(rule())
        layout.addWidget(self._key_part)
        self._key_rule = rule()
        layout.addWidget(self._key_rule)
        layout.addWidget(label("Does it work?", kind="strong"))
        tried = row(self.test, spacing=SPACE.m)
        tried.addWidget(self.test_words, 1)
        layout.addLayout(tried)
        layout.addStretch(1)

    def show_provider(
        self, provider: ProviderView, tested: ProviderTested | None, *, is_testing: bool
    ) -> None:
        """Shows a provider and what its last test found, or that one is under way."""
        self._name.setText(provider.name)
        self._kind.setText(wording.dialect_name(provider.dialect))
        self._url.setText(provider.base_url)
        cell = key_cell(provider)
        self.key_words.setText(cell.text)
        set_tone(self.key_words, cell.tone or "neutral")
        if provider.problem:
            self.problem.say("warn" if provider.has_key else "danger", provider.problem, can_close=False)
        else:
            self.problem.hide()
        self._key_part.setVisible(provider.can_store_key)
        self._key_rule.setVisible(provider.can_store_key)
        self.key_title.setText("Replace the key" if provider.has_key else "Enter a key")
        self.delete_key.setVisible(provider.has_key and "keyring" in provider.key_source)
        self.show_test(tested, is_testing=is_testing)

    def show_resting(self, resting: Sequence[BreakerChanged]) -> None:
        """Says which models are left alone after failures, and why; others of their alias serve meanwhile."""
        self.reset.setVisible(bool(resting))
        if not resting:
            self.resting.hide()
            return
        lines = [breaker_words(each, self._clock()) for each in resting]
        self.resting.say("warn", "Left alone after failures", "\n".join(lines), can_close=False)

    def show_test(self, tested: ProviderTested | None, *, is_testing: bool = False) -> None:
        """Shows what a test found, or that one is under way."""
        self.test.setEnabled(not is_testing)
        if is_testing:
            self.test_words.setText("Asking the provider…")
            set_tone(self.test_words, "neutral")
            return
        if tested is None:
            self.test_words.setText("Not tested yet.")
            set_tone(self.test_words, "neutral")
            return
        self.test_words.setText(tested.text)
        set_tone(self.test_words, "ok" if tested.is_ok else "danger")

    def forget_typed(self) -> None:
        """Drops a key that was typed but not saved."""
        self.key_field.clear()


def breaker_words(change: BreakerChanged, at: float) -> str:
    """Returns what happens to a model that failed too often; `at` is when that was asked."""
    if change.state == "half_open":
        return f"{change.model}: one request tries it now."
    why = f" {change.reason[:1].upper()}{change.reason[1:]}." if change.reason else ""
    if change.rest_s <= 0:
        return f"{change.model}: is tried with the next request.{why}"
    return f"{change.model}: rests until {wording.clock_time(at + change.rest_s)}.{why}"
