"""The editor of a provider: a preset, an address, and where the key comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import SecretStr
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gui.desk import Desk, ProviderDraft, ProviderView
from gui.dialogs.editor import EditorDialog
from gui.theme import Theme
from gui.widgets.fields import ChoiceBox


@dataclass(frozen=True, slots=True)
class Preset:
    """What is filled in for a kind of provider."""

    title: str
    name: str
    dialect: str
    base_url: str


PRESETS = (
    Preset("OpenRouter", "openrouter", "openai-chat", "https://openrouter.ai/api/v1"),
    Preset("OpenAI-compatible", "", "openai-chat", ""),
    Preset("Anthropic-compatible", "", "anthropic-messages", ""),
)
_KEY_SOURCES = ("In this computer’s keyring", "In an environment variable", "None needed")
_KEYRING, _ENVIRONMENT, _NONE = range(3)
_VARIABLE = re.compile(r"environment variable (?P<name>\w+)")


class ProviderDialog(EditorDialog):
    """Adds a provider, or changes the one it is given."""

    saved = Signal(str)
    """The name of the provider that the desk took."""

    def __init__(
        self, theme: Theme, desk: Desk, parent: QWidget, provider: ProviderView | None = None
    ) -> None:
        super().__init__(theme, "Edit provider" if provider else "Add a provider", parent)
        self._desk = desk
        self._replaces = provider.name if provider else None
        self.kind = ChoiceBox(theme, "Type")
        for preset in PRESETS if provider is None else PRESETS[1:]:
            self.kind.addItem(preset.title, preset)
        self.add_row("Type", self.kind)
        self.name = self.line(
            "Name", placeholder="for example openrouter", hint="Short, for this list and for aliases."
        )
        self.url = self.line("Base URL", placeholder="https://…/v1")
        self.source = ChoiceBox(theme, "Key")
        self.source.addItems(list(_KEY_SOURCES))
        self.add_row("Key is kept", self.source)
        self.variable = self.line("Variable", placeholder="for example OPENROUTER_API_KEY")
        self.key = self.line(
            "Key",
            placeholder="Paste or type the key",
            hint="Goes straight to the keyring and is not shown again.",
        )
        self.key.setEchoMode(self.key.EchoMode.Password)
        self._source_before = _KEYRING
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.source.currentIndexChanged.connect(self._show_source)
        if provider is not None:
            self._fill(provider)
        else:
            self._on_kind()
        self._show_source()
        (self.key if provider is None else self.name).setFocus()

    def save(self) -> bool:
        """Hands the draft to the desk, and the key to the keyring."""
        name, url = self.name.text().strip(), self.url.text().strip()
        variable = self.variable.text().strip()
        if not name:
            self.complain(
                "A name is missing", "Give the provider a short name, such as openrouter.", self.name
            )
            return False
        if not url:
            self.complain("The address is missing", "Enter the base URL the provider documents.", self.url)
            return False
        where = self.source.currentIndex()
        if where == _ENVIRONMENT and not variable:
            self.complain("The variable is missing", "Name the variable that holds the key.", self.variable)
            return False
        draft = ProviderDraft(
            name=name,
            dialect=self._preset().dialect,
            base_url=url,
            key_env=variable if where == _ENVIRONMENT else None,
            needs_key=where != _NONE,
            keep_key=self._replaces is not None and where == self._source_before and where != _ENVIRONMENT,
        )
        refusal = self._desk.save_provider(draft, replaces=self._replaces)
        if refusal is not None:
            self.complain("Not saved", refusal)
            return False
        key = self.key.text().strip()
        self.key.clear()
        if key and where == _KEYRING:
            self._desk.store_key(name, SecretStr(key))
        self.saved.emit(name)
        return True

    def _preset(self) -> Preset:
        chosen: object = self.kind.currentData()
        return chosen if isinstance(chosen, Preset) else PRESETS[0]

    def _on_kind(self) -> None:
        preset = self._preset()
        if self._replaces is not None:
            return
        self.name.setText(preset.name)
        self.url.setText(preset.base_url)

    def _fill(self, provider: ProviderView) -> None:
        for index in range(self.kind.count()):
            preset: object = self.kind.itemData(index)
            if isinstance(preset, Preset) and preset.dialect == provider.dialect:
                self.kind.setCurrentIndex(index)
                break
        self.name.setText(provider.name)
        self.url.setText(provider.base_url)
        named = _VARIABLE.match(provider.key_source)
        if provider.key_source == "none needed":
            self._source_before = _NONE
        elif not provider.can_store_key and named is not None:
            self._source_before = _ENVIRONMENT
            self.variable.setText(named["name"])
        elif not provider.can_store_key:
            self._source_before = self.source.count()
            self.source.addItem(f"As it is: {provider.key_source}")
        self.source.setCurrentIndex(self._source_before)

    def _show_source(self) -> None:
        where = self.source.currentIndex()
        self.show_row(self.variable, is_shown=where == _ENVIRONMENT)
        self.show_row(self.key, is_shown=where == _KEYRING and self._replaces is None)
