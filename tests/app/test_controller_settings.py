"""The settings while the program runs: broken, set aside, newer, read again, stored."""

from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from app.logs import LogPipeline
from gui.desk import (
    ActionDone,
    ActionFailed,
    SettingsChanged,
)
from tests.app.controller_bench import KEY, OPENROUTER, Make


async def test_broken_settings_are_set_aside_and_every_request_is_refused_with_the_reason(make: Make) -> None:
    bench = make(settings="providers:\n  a: {base_url: ftp}\n")
    await bench.controller.start()

    config = bench.servers[0].config
    (refusing,) = config.providers.values()
    assert refusing.key_missing is not None
    assert "line 2, column 17" in refusing.key_missing
    assert config.unknown_models == refusing.name
    assert config.is_stand_in
    state = bench.desk.state()
    assert not state.is_demo
    assert "set aside untouched" in state.problems[0].text
    (aside,) = bench.folders.config.glob("settings.broken-*.yaml")
    assert aside.read_text() == "providers:\n  a: {base_url: ftp}\n"
    assert bench.desk.providers() == ()
    assert not bench.desk.resolve("big").is_served


async def test_settings_set_aside_are_remembered_at_the_next_start_until_new_ones_are_saved(
    make: Make, tmp_path: Path
) -> None:
    make(settings="providers:\n  a: {base_url: ftp}\n")

    again = make()
    assert again.configuration.loaded.error is not None
    await again.controller.start()
    again.desk.store_key("openrouter", SecretStr(KEY))
    await again.until(ActionDone)

    assert again.desk.state().problems == ()
    assert list(again.servers[0].applied[-1].providers) == ["openrouter"]
    assert make().configuration.loaded.error is None


async def test_unusable_settings_are_not_replaced_by_ones_without_a_provider(make: Make) -> None:
    bench = make(settings="providers:\n  a: {base_url: ftp}\n")
    await bench.controller.start()

    bench.desk.set_theme("dark")
    failed = await bench.until(ActionFailed)

    assert "add a provider" in failed.text
    assert not bench.folders.settings_file.exists()
    assert not bench.desk.state().is_demo


async def test_settings_set_aside_stay_unusable_when_the_proxy_is_started_or_told_to_reload(
    make: Make,
) -> None:
    bench = make(settings="providers:\n  a: {base_url: ftp}\n")
    await bench.controller.start()

    assert await bench.controller.reload_settings() is not None
    assert not bench.desk.state().is_demo
    (aside,) = bench.folders.config.glob("settings.broken-*.yaml")
    aside.unlink()
    bench.folders.settings_file.write_text(OPENROUTER)
    assert await bench.controller.reload_settings() is None
    assert [each.name for each in bench.desk.providers()] == ["openrouter"]


async def test_settings_of_a_newer_version_stay_where_they_are_and_are_not_changed(make: Make) -> None:
    bench = make(settings="version: 7\n")
    await bench.controller.start()

    assert "a newer Signalbox" in bench.desk.state().problems[0].text
    bench.desk.set_theme("dark")
    failed = await bench.until(ActionFailed)
    assert "newer" in failed.text
    assert bench.folders.settings_file.read_text() == "version: 7\n"


async def test_a_changed_log_level_counts_when_the_settings_are_read_again(make: Make) -> None:
    logs = LogPipeline(max_tail=9)
    logs.install()
    try:
        bench = make(settings="logs: {level: error}\n", logs=logs)
        await bench.controller.start()
        bench.folders.settings_file.write_text("logs: {level: debug}\n")
        assert await bench.controller.reload_settings() is None
        structlog.get_logger("x").debug("now_shown")
        logs.flush()
        assert "now_shown" in [line.event for line in logs.tail()]
    finally:
        logs.close()


async def test_the_theme_is_stored(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    await bench.controller.start()

    bench.desk.set_theme("dark")
    await bench.until(SettingsChanged)
    bench.desk.set_theme("pink")
    failed = await bench.until(ActionFailed)

    assert bench.desk.theme() == "dark"
    assert "theme" in failed.text


@pytest.mark.expects_log("change_failed")
@pytest.mark.parametrize("content", [None, ""])
async def test_an_emptied_or_deleted_file_stays_in_force_and_is_not_replaced_by_the_next_edit(
    make: Make, content: str | None
) -> None:
    bench = make(settings=OPENROUTER)
    await bench.controller.start()
    file = bench.folders.settings_file
    if content is None:
        file.unlink()
    else:
        file.write_text(content)

    bench.desk.set_theme("dark")
    failed = await bench.until(ActionFailed)
    assert "still in force" in failed.text
    assert "still in force" in (await bench.controller.reload_settings() or "")

    assert (file.read_text() if file.exists() else None) == content
    assert not bench.store.backup.exists()
    assert [each.name for each in bench.desk.providers()] == ["openrouter"]


@pytest.mark.expects_log("change_failed")
async def test_another_port_does_not_replace_settings_that_were_set_aside(make: Make) -> None:
    bench = make(settings="providers:\n  a: {base_url: ftp}\n")
    await bench.controller.start()

    bench.desk.use_another_port()
    failed = await bench.until(ActionFailed)

    assert "correct the settings file" in failed.text
    assert not bench.folders.settings_file.exists()
