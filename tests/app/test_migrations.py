"""Older settings are brought up to date one version at a time."""

from collections.abc import Mapping
from typing import Any

from app.migrations import MIGRATIONS, migrated
from app.settings import CURRENT_VERSION


def test_each_version_is_led_to_the_next_in_turn() -> None:
    def to_2(data: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**data, "path": [*data["path"], "1 to 2"]}

    def to_3(data: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**data, "path": [*data["path"], "2 to 3"]}

    steps = {1: to_2, 2: to_3}

    result = migrated({"version": 1, "path": [], "unknown": "kept"}, 1, migrations=steps, current=3)

    assert result == {"version": 3, "path": ["1 to 2", "2 to 3"], "unknown": "kept"}


def test_the_current_version_is_left_as_it_is() -> None:
    data = {"server": {"port": 1}}

    assert migrated(data, CURRENT_VERSION) is data


def test_there_is_a_migration_from_every_version_that_ever_was() -> None:
    assert sorted(MIGRATIONS) == list(range(1, CURRENT_VERSION))
