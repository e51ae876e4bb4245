"""Providers and aliases: what differs is told, and the words say where a key comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt

from gui.desk import ProviderTested, ProviderView
from gui.models.aliases import AliasesModel
from gui.models.providers import ProvidersModel, key_cell
from gui.roles import look_of
from tests.gui.acting import heard
from tests.gui.scenes import ALIASES, PROVIDERS


def test_the_models_keep_qts_rules(qtmodeltester: Any):
    providers = ProvidersModel()
    qtmodeltester.check(providers)
    providers.show(PROVIDERS)
    providers.show(PROVIDERS[:1])
    aliases = AliasesModel()
    qtmodeltester.check(aliases)
    aliases.show(ALIASES)


def test_a_change_that_keeps_the_names_is_no_reset():
    model = ProvidersModel()
    model.show(PROVIDERS)
    resets, changes = heard(model.modelReset), heard(model.dataChanged)
    model.show([PROVIDERS[0], replace(PROVIDERS[1], key_hint="••••abcd"), PROVIDERS[2]])
    model.show([PROVIDERS[0], replace(PROVIDERS[1], key_hint="••••abcd"), PROVIDERS[2]])
    assert [(first.row(), last.row()) for first, last, *_roles in changes] == [(1, 1)]
    assert resets == []


def test_a_test_is_shown_with_its_provider_until_it_is_forgotten():
    model = ProvidersModel()
    model.show(PROVIDERS)
    column = [model.headerData(c, Qt.Orientation.Horizontal) for c in range(model.columnCount())].index(
        "State"
    )
    assert model.index(0, column).data() == "not tested"
    model.note_test(ProviderTested("openrouter", is_ok=False, text="401"))
    assert model.index(0, column).data() == "failed"
    assert look_of(model.index(0, column)).icon == "error"
    model.forget_test("openrouter")
    assert model.index(0, column).data() == "not tested"


@pytest.mark.parametrize(
    ("provider", "words", "tone"),
    [
        (PROVIDERS[0], "••••9f3c  in the keyring (openrouter)", None),
        (PROVIDERS[1], "missing", "danger"),
        (PROVIDERS[2], "none needed", None),
        (replace(PROVIDERS[0], problem="two keys"), "••••9f3c  in the keyring (openrouter)", "warn"),
        (
            replace(PROVIDERS[0], has_key=False, key_hint="", key_source="not looked up yet"),
            "not looked up yet",
            "muted",
        ),
    ],
)
def test_a_key_is_told_in_words(provider: ProviderView, words: str, tone: str | None):
    cell = key_cell(provider)
    assert (cell.text, cell.tone) == (words, tone)


def test_an_alias_lists_patterns_and_candidates_in_order():
    model = AliasesModel()
    model.show(ALIASES)
    assert model.index(0, 2).data() == (
        "openrouter / anthropic/claude-sonnet-4,  then local / qwen3-coder:30b"
    )
    assert model.index(2, 1).data() == "its own name only"
