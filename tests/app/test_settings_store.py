"""The settings file on disk: whole after every crash, kept when broken, layered as documented."""

import os
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

from app.environment import Environment
from app.settings_edit import Put
from app.settings_store import LoadedSettings, Overrides, SettingsStore, load_settings
from app.yaml_document import SettingsError

DARK = [Put(("window", "theme"), "dark")]
FILE = """version: 1
server: {port: 4100}
providers:
  openrouter: {base_url: "https://openrouter.ai/api/v1", key: {keyring: openrouter}}
aliases:
  big:
    match: [b]
    candidates: [{provider: openrouter, model: file/big}, {provider: openrouter, model: file/second}]
  small: {match: [s], candidates: [{provider: openrouter, model: file/small}]}
logs: {level: warning}
"""


class _Crash(BaseException):
    """The process dies here."""


class _FailAt:
    def __init__(self, step: str, failure: BaseException) -> None:
        self._step, self._failure = step, failure
        self.seen: list[str] = []

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if name == self._step:
            raise self._failure


def _load(
    path: Path, variables: dict[str, str] | None = None, overrides: Overrides | None = None
) -> LoadedSettings:
    environment = Environment(process=dict(variables or {}))
    has_key = bool((variables or {}).get("OPENROUTER_API_KEY"))
    return load_settings(
        SettingsStore(path), environment, overrides or Overrides(), has_openrouter_key=has_key
    )


STEPS = [
    *(f"backup {each}" for each in ("create", "write", "sync", "replace", "sync folder")),
    *("create", "write", "sync", "replace", "sync folder"),
]


def test_the_steps_of_a_write_are_the_ones_that_are_broken_below(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)
    steps = _FailAt("", _Crash())

    SettingsStore(path, step=steps).apply(DARK)

    assert steps.seen == STEPS


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("failure", [_Crash(), OSError(28, "No space left on device")])
def test_after_a_failure_at_any_step_the_old_or_the_new_file_is_there_whole(
    tmp_path: Path, step: str, failure: BaseException
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)

    with pytest.raises(type(failure)):
        SettingsStore(path, step=_FailAt(step, failure)).apply(DARK)

    is_new = step == "sync folder"
    assert path.read_text() == (FILE + "window: {theme: dark}\n" if is_new else FILE)
    assert SettingsStore(path).apply(DARK).settings.window.theme == "dark"
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        ".settings.yaml.lock",
        "settings.yaml",
        "settings.yaml.bak",
    ]


def test_a_read_only_folder_leaves_the_file_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)

    with pytest.raises(OSError, match="Read-only"):
        SettingsStore(path, step=_FailAt("create", OSError(30, "Read-only file system"))).apply(DARK)

    assert path.read_text() == FILE


def test_a_killed_writer_leaves_a_whole_file_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)
    child = os.fork()
    if child == 0:  # pragma: no cover - the child dies by SIGKILL
        SettingsStore(path, step=lambda name: os.kill(os.getpid(), 9) if name == "replace" else None).apply(
            DARK
        )
        os._exit(1)
    _pid, status = os.waitpid(child, 0)

    assert os.WIFSIGNALED(status)
    assert path.read_text() == FILE
    assert SettingsStore(path).apply(DARK).settings.window.theme == "dark"
    assert not list(tmp_path.glob(".settings.yaml.*.tmp"))


def test_the_last_good_content_is_kept_and_the_file_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)

    store = SettingsStore(path)
    store.apply(DARK)

    assert store.backup.read_text() == FILE
    assert (path.stat().st_mode & 0o777, store.backup.stat().st_mode & 0o777) == (0o600, 0o600)


def test_the_first_change_makes_the_file_from_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.yaml"

    document = SettingsStore(path).apply(DARK)

    assert document.settings.window.theme == "dark"
    assert "claude-*opus*" in document.settings.aliases["big"].match
    assert "# Keys never stand in this file" in path.read_text()


def test_concurrent_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)
    stores = [SettingsStore(path) for _ in range(8)]
    threads = [
        threading.Thread(target=each.apply, args=([Put(("window", f"key_{number}"), number)],))
        for number, each in enumerate(stores)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    window = SettingsStore(path).load().raw["window"]
    assert window == {f"key_{number}": number for number in range(8)}


def test_what_another_program_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)
    store = SettingsStore(path)
    store.load()
    path.write_text(FILE + "later: 7\n")

    store.apply(DARK)

    assert store.load().raw["later"] == 7


def test_a_file_named_on_the_command_line_is_never_rewritten_or_moved(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("broken: [")
    store = SettingsStore(path, may_move=False)

    with pytest.raises(SettingsError, match="never rewritten"):
        store.apply(DARK)
    assert store.set_aside(datetime.now(timezone.utc)) is None

    assert [each.name for each in tmp_path.iterdir()] == ["mine.yaml"]
    assert path.read_text() == "broken: ["


def test_a_named_file_that_is_missing_is_an_error_and_no_default(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        SettingsStore(tmp_path / "none.yaml", may_move=False).load()


def test_a_broken_file_is_set_aside_byte_for_byte_and_never_over_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    store = SettingsStore(path)
    now = datetime(2026, 11, 22, 12, 30, 1, tzinfo=timezone.utc)
    path.write_bytes(b"server: [\xff\r\n")
    first = store.set_aside(now)
    path.write_bytes(b"other: [")
    second = store.set_aside(now)

    assert first is not None
    assert second is not None
    assert first.name == "settings.broken-20261122-123001.yaml"
    assert first.read_bytes() == b"server: [\xff\r\n"
    assert second.read_bytes() == b"other: ["
    assert store.latest_set_aside() in {first, second}


def test_the_layers_win_in_the_documented_order(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    assert _load(path).settings.server.port == 4000
    path.write_text(FILE)
    assert _load(path).settings.server.port == 4100
    assert _load(path, overrides=Overrides(port=4200, host="::1")).settings.server.port == 4200
    assert _load(path).settings.logs.level == "warning"
    assert _load(path, {"LOG_LEVEL": "ERROR"}).settings.logs.level == "error"
    assert _load(path, {"LOG_LEVEL": "error", "DEBUG_ENABLED": "true"}).settings.logs.level == "debug"
    assert _load(path, {"ENVIRONMENT": "development"}).settings.environment == "development"


def test_big_and_small_model_change_the_first_candidate_only(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)

    variables = {"BIG_MODEL": "openrouter/vendor/huge", "SMALL_MODEL": "openrouter/auto"}
    aliases = _load(path, variables).settings.aliases

    assert [each.model for each in aliases["big"].candidates] == ["vendor/huge", "file/second"]
    assert [each.model for each in aliases["small"].candidates] == ["openrouter/auto"]
    assert "BIG_MODEL is set: the alias big asks vendor/huge first" in _load(path, variables).notices
    assert path.read_text() == FILE


def test_a_variable_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("aliases: {only: {candidates: [{provider: p, model: m}]}}\n")

    loaded = _load(path, {"BIG_MODEL": "x", "LOG_LEVEL": "loud", "ENVIRONMENT": "prod"})

    assert len(loaded.notices) == 3
    assert any("BIG_MODEL" in each and "alias 'big'" in each for each in loaded.notices)


def test_the_openrouter_variable_configures_openrouter_only_where_no_provider_is(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    variables = {"OPENROUTER_API_KEY": "k"}

    assert list(_load(path, variables).settings.providers) == ["openrouter"]
    assert list(_load(path).settings.providers) == []
    path.write_text("providers: {local: {base_url: 'http://127.0.0.1:1/v1'}}\n")
    assert list(_load(path, variables).settings.providers) == ["local"]


def test_a_file_without_aliases_uses_the_shipped_ones_and_without_unknown_models_none(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("providers: {local: {base_url: 'http://127.0.0.1:1/v1'}}\n")

    settings = _load(path).settings

    assert set(settings.aliases) == {"big", "small"}
    assert settings.unknown_models is None


def test_an_unusable_file_is_reported_beside_the_shipped_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("server: {port: none}\n")

    loaded = _load(path)

    assert loaded.error is not None
    assert str(loaded.error.place) == "line 1, column 16"
    assert loaded.settings.server.port == 4000


def test_a_file_set_aside_counts_as_unusable_until_it_is_back_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("server: {port: none}\n")
    aside = SettingsStore(path).set_aside(datetime(2026, 11, 22, tzinfo=timezone.utc))
    assert aside is not None

    loaded = _load(path)
    assert str(loaded.error).startswith("line 1, column 16")
    assert loaded.set_aside == aside

    aside.write_text("server: {port: 5000}\n")
    assert "rename it back to settings.yaml" in str(_load(path).error)
    aside.rename(path)
    assert _load(path).error is None


@pytest.mark.parametrize("blank", [b"", b" \n", b"\xef\xbb\xbf"])
def test_an_emptied_file_is_not_edited_and_the_last_good_content_is_kept(
    tmp_path: Path, blank: bytes
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(FILE)
    store = SettingsStore(path)
    store.apply(DARK)
    path.write_bytes(blank)

    for each in (store, SettingsStore(path, is_in_force=True)):
        with pytest.raises(SettingsError, match=r"empty.*copy settings\.yaml\.bak to settings\.yaml"):
            each.apply(DARK)

    assert path.read_bytes() == blank
    assert store.backup.read_text() == FILE


@pytest.mark.parametrize("blank", [b"", b" \n", b"\xef\xbb\xbf"])
def test_an_empty_file_that_never_held_anything_counts_as_none(tmp_path: Path, blank: bytes) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(blank)
    store = SettingsStore(path)

    document = store.apply(DARK)

    assert document.settings.window.theme == "dark"
    assert [*document.raw["aliases"]] == ["big", "small"], "as in the file that is shipped"
    assert path.read_text().startswith("# Signalbox's settings.")
    assert not store.backup.exists(), "there was nothing to keep"


def test_a_file_that_is_gone_while_it_is_in_force_is_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"

    with pytest.raises(SettingsError, match=r"gone, while .* put it back, or restart Signalbox"):
        SettingsStore(path, is_in_force=True).apply(DARK)

    assert not path.exists()


def test_a_workspace_in_the_home_of_a_user_there_is_not_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("workspaces: {site: {root: ~nosuch/x}}\n")

    assert "workspaces.site.root: '~nosuch/x' begins in a home folder" in str(_load(path).error)
