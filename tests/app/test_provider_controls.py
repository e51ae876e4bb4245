"""Providers as the window edits and tests them: their keys, what is refused, and what the file keeps."""

import pytest
from pydantic import SecretStr

from gui.desk import (
    ActionDone,
    ActionFailed,
    ProviderDraft,
    ProvidersChanged,
    ProviderTested,
)
from tests.app.controller_bench import KEY, OPENROUTER, Make
from tests.app.test_secrets import Entries


async def test_a_key_for_openrouter_is_all_it_takes(make: Make) -> None:
    bench = make()
    await bench.controller.start()

    bench.desk.store_key("openrouter", SecretStr(KEY))
    await bench.until(ProvidersChanged)
    await bench.until(ActionDone)

    assert bench.keyring is not None
    assert bench.keyring.entries["openrouter"] == KEY
    (view,) = bench.desk.providers()
    assert (view.name, view.key_source, view.has_key, view.key_hint) == (
        "openrouter",
        "in the keyring (openrouter)",
        True,
        "••••2c3d",
    )
    config = bench.servers[0].applied[-1]
    assert config.providers["openrouter"].key == SecretStr(KEY)
    assert not bench.desk.state().is_demo
    assert "openrouter: {dialect: openai-chat" in bench.folders.settings_file.read_text()
    assert not [
        each
        for each in bench.folders.config.rglob("*")
        if each.is_file() and KEY.encode() in each.read_bytes()
    ]


async def test_a_lost_key_is_a_problem_and_never_the_demo(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER)
    await bench.controller.start()
    assert bench.desk.state().problems == ()

    bench.desk.delete_key("openrouter")
    await bench.until(ActionDone)

    config = bench.servers[0].applied[-1]
    assert config.providers["openrouter"].key is None
    assert config.providers["openrouter"].key_missing is not None
    assert "no entry 'openrouter'" in config.providers["openrouter"].key_missing
    assert not bench.desk.state().is_demo
    assert bench.desk.state().problems[0].page == "providers"


@pytest.mark.expects_log("change_failed")
async def test_a_keyring_that_cannot_be_used_is_told_and_nothing_is_stored(make: Make) -> None:
    bench = make(Entries(failure=OSError("gone")), settings=OPENROUTER)
    await bench.controller.start()

    bench.desk.store_key("openrouter", SecretStr(KEY))
    failed = await bench.until(ActionFailed)

    assert failed.title == "The key of openrouter was not stored"
    assert "the connection to the keyring broke" in failed.text
    assert KEY not in failed.text


async def test_a_provider_is_added_changed_renamed_and_removed_with_the_rest_of_the_file_kept(
    make: Make,
) -> None:
    text = OPENROUTER + "unknown_models: {provider: openrouter}\nfuture: [1,2]  # theirs\n"
    bench = make(settings=text)
    await bench.controller.start()
    desk = bench.desk

    assert (
        desk.save_provider(
            ProviderDraft("local", "openai-chat", "http://127.0.0.1:1/v1", needs_key=False), replaces=None
        )
        is None
    )
    await bench.until(ActionDone)
    assert [each.name for each in desk.providers()] == ["openrouter", "local"]
    assert desk.providers()[1].key_source == "none needed"

    draft = ProviderDraft("or2", "openai-chat", "https://openrouter.ai/api/v1")
    assert desk.save_provider(draft, replaces="openrouter") is None
    await bench.until(ActionDone, lambda event: "or2" in event.text)
    stored = bench.folders.settings_file.read_text()
    assert "  or2: {base_url:" in stored
    assert "# mine" in stored
    assert "unknown_models: {provider: or2}" in stored
    assert "future: [1,2]  # theirs" in stored
    assert "key: {keyring: openrouter}" in stored, "the key stays where it was"

    before = bench.configuration.loaded.document.raw["providers"]["or2"]
    desk.remove_provider("or2")
    await bench.until(ActionDone)
    assert [each.name for each in desk.providers()] == ["local"]
    assert desk.restore_provider("or2") is None
    await bench.until(ActionDone)
    assert bench.configuration.loaded.document.raw["providers"]["or2"] == before
    assert desk.restore_provider("or2") == "there is a provider 'or2' already"


@pytest.mark.parametrize(
    ("draft", "replaces", "words"),
    [
        (ProviderDraft("openrouter", "openai-chat", "https://a.example"), None, "already"),
        (ProviderDraft("x", "openai-chat", "http://a.example"), None, "use https"),
        (ProviderDraft("x", "openai-chat", "nonsense"), None, "whole address"),
        (ProviderDraft(" ", "openai-chat", "https://a.example"), None, "name"),
        (ProviderDraft("x", "soap", "https://a.example"), None, "openai-chat"),
        (ProviderDraft("x", "openai-chat", "https://a.example", key_env="no good"), None, "pattern"),
        (ProviderDraft("x", "openai-chat", "https://a.example"), "gone", "any more"),
    ],
)
async def test_a_provider_that_cannot_work_is_refused_at_once(
    make: Make, draft: ProviderDraft, replaces: str | None, words: str
) -> None:
    bench = make(settings=OPENROUTER)

    problem = bench.desk.save_provider(draft, replaces=replaces)

    assert problem is not None
    assert words in problem
    assert bench.folders.settings_file.read_text() == OPENROUTER


async def test_a_provider_that_only_the_environment_names_is_not_removed(make: Make) -> None:
    bench = make(variables={"OPENROUTER_API_KEY": KEY})
    await bench.controller.start()

    refusal = bench.desk.remove_provider("openrouter")

    assert refusal == "openrouter is there because OPENROUTER_API_KEY is set; unset it and start again"
    assert [each.name for each in bench.desk.providers()] == ["openrouter"]


async def test_a_test_before_the_keys_are_known_says_so(make: Make) -> None:
    bench = make(settings="providers:\n  a: {base_url: 'https://a.example'}\n")

    bench.desk.test_provider("a")

    assert (await bench.until(ProviderTested)).text == "its key is still being looked up"


@pytest.mark.expects_log("change_failed")
async def test_a_failed_write_is_told_and_the_old_settings_stay(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    await bench.controller.start()
    bench.folders.settings_file.write_text("providers: [")

    bench.desk.set_theme("dark")
    failed = await bench.until(ActionFailed)

    assert "line 1" in failed.text
    assert bench.folders.settings_file.read_text() == "providers: ["
    assert bench.desk.theme() == "system"


async def test_a_test_of_a_provider_tells_what_was_found_without_the_key(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER)
    await bench.controller.start()

    bench.desk.test_provider("openrouter")
    tested = await bench.until(ProviderTested)
    bench.desk.test_provider("nobody")
    missing = await bench.until(ProviderTested)

    assert tested == ProviderTested("openrouter", True, "took the key [redacted]")
    assert bench.probed[0].base_url == "https://openrouter.ai/api/v1"
    assert not missing.is_ok
