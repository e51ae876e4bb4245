"""Providers: who answers, whose key, and does it work."""

from __future__ import annotations

import math

from pydantic import SecretStr
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QSplitter, QStackedWidget

from gui.desk import ProviderTested, ProviderView
from gui.dialogs.provider_dialog import ProviderDialog
from gui.models.providers import ProvidersModel
from gui.models.value_table import ChosenKey
from gui.pages.page import Page, Room
from gui.pages.provider_detail import ProviderDetail
from gui.widgets.buttons import button
from gui.widgets.cards import EmptyState
from gui.widgets.data_table import DataTable
from gui.widgets.undo_bar import UndoBar


class ProvidersPage(Page):
    """A table of providers and the detail of the chosen one."""

    def __init__(self, room: Room) -> None:
        super().__init__(room, "Providers", "The services that run the models, and the keys they take.")
        theme = room.theme
        self.model = ProvidersModel()
        self.add = button(theme, "Add provider", icon="add", kind="primary", on_click=self.open_add)
        self.top_actions.addWidget(self.add)
        self.undo = UndoBar(theme)
        self.table = DataTable(theme, "Providers", self.model)
        self.table.set_widths((100, 122, 146, 110), flexible=3)
        self.detail = ProviderDetail(theme)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setAccessibleName("Providers and details")
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(12)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.detail)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setSizes([520, 360])
        self.empty_add = button(theme, "Add a provider", icon="add", kind="primary", on_click=self.open_add)
        self.empty = EmptyState(
            theme,
            "providers",
            "No provider yet",
            "",
            self.empty_add,
        )
        self.stack = QStackedWidget()
        self.stack.setAccessibleName("Providers or a hint")
        self.stack.addWidget(self.splitter)
        self.stack.addWidget(self.empty)
        self.body.addWidget(self.undo)
        self.body.addWidget(self.stack, 1)
        self._key = ChosenKey()
        self._testing: set[str] = set()
        self.rested = QTimer(self)
        self.rested.setSingleShot(True)
        self._wire()
        self.refresh()

    def _wire(self) -> None:
        bridge, detail = self.room.bridge, self.detail
        bridge.providers_changed.connect(self.refresh)
        bridge.provider_tested.connect(self._on_tested)
        bridge.breaker_changed.connect(self._show_resting)
        bridge.state_changed.connect(self._show_resting)
        self.rested.timeout.connect(self._show_resting)
        self.table.chosen.connect(self._show_chosen)
        self.table.opened.connect(self.open_edit)
        self.table.remove_asked.connect(self.remove_chosen)
        detail.edit_asked.connect(self.open_edit)
        detail.remove_asked.connect(self.remove_chosen)
        detail.test_asked.connect(self._test)
        detail.reset_asked.connect(self._reset)
        detail.key_entered.connect(self._store_key)
        detail.key_delete_asked.connect(self._delete_key)

    def remembered(self) -> tuple[QSplitter | DataTable, ...]:
        """Returns what keeps its sizes."""
        return (self.splitter, self.table)

    def chosen(self) -> ProviderView | None:
        """Returns the provider whose detail is shown."""
        value = self.table.current_value()
        return value if isinstance(value, ProviderView) else None

    def refresh(self) -> None:
        """Shows the providers the desk has now."""
        providers = self.room.desk.providers()
        self.model.show(providers)
        self.model.note_resting(self.room.desk.breakers())
        self.stack.setCurrentWidget(self.splitter if providers else self.empty)
        self.add.setVisible(bool(providers))
        until = "the built-in demo answers" if self.room.desk.state().is_demo else "every request is refused"
        self.empty.say("No provider yet", f"Add OpenRouter or any other service; until then {until}.")
        if providers:
            self.table.choose_row(self._key.row_in(self.model))
        self._show_chosen()

    def choose(self, name: str) -> None:
        """Shows a provider's detail."""
        row = self.model.row_of(name)
        if row is not None:
            self.table.choose_row(row)

    def open_add(self) -> None:
        """Opens the editor for a new provider."""
        dialog = ProviderDialog(self.room.theme, self.room.desk, self)
        dialog.saved.connect(self._on_saved)
        dialog.open()

    def open_edit(self) -> None:
        """Opens the editor for the chosen provider."""
        provider = self.chosen()
        if provider is not None:
            dialog = ProviderDialog(self.room.theme, self.room.desk, self, provider)
            dialog.saved.connect(self._on_saved)
            dialog.open()

    def remove_chosen(self) -> None:
        """Removes the chosen provider and offers it back."""
        provider = self.chosen()
        if provider is None:
            return
        name = provider.name
        kept = " Its key stays in the keyring." if provider.can_store_key and provider.has_key else ""
        refusal = self.room.desk.remove_provider(name)
        self.undo.tell_removal(name, refusal, f"Removed {name}.{kept}", lambda: self._restore(name))

    def _restore(self, name: str) -> str | None:
        self._key.expected = name
        return self.room.desk.restore_provider(name)

    def _on_saved(self, name: str) -> None:
        self.model.forget_test(name)
        self._key.expected = name
        self.refresh()

    def _show_chosen(self) -> None:
        provider = self.chosen()
        if provider is None:
            return
        if provider.name != self._key.shown:
            self.detail.forget_typed()
        self._key.shown = provider.name
        self.detail.show_provider(
            provider, self.model.last_test(provider.name), is_testing=provider.name in self._testing
        )
        self._show_resting()

    def _test(self) -> None:
        provider = self.chosen()
        if provider is not None:
            self._testing.add(provider.name)
            self.detail.show_test(None, is_testing=True)
            self.room.desk.test_provider(provider.name)

    def _reset(self) -> None:
        provider = self.chosen()
        if provider is not None:
            refusal = self.room.desk.reset_breakers(provider.name)
            if refusal is not None:
                self.detail.resting.say("warn", "Not tried again", refusal, can_close=True)

    def _on_tested(self, result: ProviderTested) -> None:
        self._testing.discard(result.provider)
        self.model.note_test(result)
        if result.provider == self._key.shown:
            self.detail.show_test(result)

    def _show_resting(self) -> None:
        """Asks the desk: a proxy that was stopped leaves nothing alone, a rest ends, and neither is told."""
        resting = self.room.desk.breakers()
        self.model.note_resting(resting)
        self.rested.stop()
        ends = [each.rest_s for each in resting if each.rest_s > 0]
        if ends:
            self.rested.start(math.ceil(min(ends) * 1000))
        provider = self.chosen()
        if provider is not None:
            self.detail.show_resting(self.model.resting(provider.name))

    def _store_key(self, key: SecretStr) -> None:
        provider = self.chosen()
        if provider is not None:
            self.model.forget_test(provider.name)
            self.room.desk.store_key(provider.name, key)

    def _delete_key(self) -> None:
        provider = self.chosen()
        if provider is not None:
            self.model.forget_test(provider.name)
            self.room.desk.delete_key(provider.name)
