"""Where keys are found, and what is said when the keyring cannot be asked; the keyring is handed in."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.environment import Environment
from app.keyring_access import (
    AnsweringThread,
    KeyringBackend,
    KeyringFailure,
    KeyringUnavailable,
    accepted_backend,
)
from app.secrets import SecretStore, hint, known_values
from app.settings import ProviderSettings

OPENROUTER = ProviderSettings.model_validate(
    {"base_url": "https://openrouter.ai/api/v1", "key": {"keyring": "openrouter"}}
)


class Entries:
    """A keyring in memory that can be told to fail."""

    def __init__(self, entries: dict[str, str] | None = None, failure: BaseException | None = None) -> None:
        self.entries = entries or {}
        self.failure = failure

    def get_password(self, service: str, username: str, /) -> str | None:
        self._check(service)
        return self.entries.get(username)

    def set_password(self, service: str, username: str, password: str, /) -> None:
        self._check(service)
        self.entries[username] = password

    def delete_password(self, service: str, username: str, /) -> None:
        self._check(service)
        del self.entries[username]

    def _check(self, service: str) -> None:
        assert service == "signalbox"
        if self.failure is not None:
            raise self.failure


def _store(
    backend: KeyringBackend | None, variables: dict[str, str] | None = None, names: Path | None = None
) -> SecretStore:
    return SecretStore(Environment(process=dict(variables or {})), names_file=names, backend=lambda: backend)


def test_the_keyring_s_key_is_used_and_named() -> None:
    found = _store(Entries({"openrouter": "from-keyring"})).find_key(OPENROUTER)

    assert found.key == SecretStr("from-keyring")
    assert (found.source, found.problem) == ("in the keyring (openrouter)", None)


def test_the_variable_never_replaces_the_keyring_s_key_silently() -> None:
    found = _store(Entries({"openrouter": "from-keyring"}), {"OPENROUTER_API_KEY": "from-env"}).find_key(
        OPENROUTER
    )

    assert found.key == SecretStr("from-keyring")
    assert found.problem == "OPENROUTER_API_KEY is set too, and not used: the keyring's key is"


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (Entries(), "the keyring has no entry 'openrouter'"),
        (None, "no keyring is available here"),
        (Entries(failure=OSError("gone")), "the connection to the keyring broke"),
    ],
)
def test_the_variable_stands_in_where_the_keyring_has_no_key_and_the_reason_is_told(
    backend: Entries | None, why: str
) -> None:
    found = _store(backend, {"OPENROUTER_API_KEY": "from-env"}).find_key(OPENROUTER)

    assert found.key == SecretStr("from-env")
    assert found.source == "environment variable OPENROUTER_API_KEY"
    assert found.problem is not None
    assert why in found.problem


def test_the_openrouter_variable_goes_to_no_other_provider() -> None:
    other = ProviderSettings.model_validate(
        {"base_url": "https://evil.example/v1", "key": {"keyring": "other"}}
    )

    found = _store(Entries(), {"OPENROUTER_API_KEY": "from-env"}).find_key(other)

    assert found.key is None
    assert found.source == "missing"
    assert found.problem == (
        "the keyring has no entry 'other'; store the key in the window or with: signalbox keys set other"
    )


def test_a_variable_is_removed_from_the_environment_when_it_is_read() -> None:
    process = {"MY_KEY": "value"}
    store = SecretStore(Environment(process=process), backend=lambda: None)
    provider = ProviderSettings.model_validate({"base_url": "https://a.example", "key": {"env": "MY_KEY"}})

    first, second = store.find_key(provider), store.find_key(provider)

    assert process == {}
    assert first == second
    assert first.key == SecretStr("value")


def test_a_missing_variable_is_named() -> None:
    provider = ProviderSettings.model_validate({"base_url": "https://a.example", "key": {"env": "MY_KEY"}})

    assert _store(None).find_key(provider).problem == "the environment variable MY_KEY is not set"


def test_a_mounted_file_gives_the_key_when_only_we_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("the-key\n")
    path.chmod(0o400)
    provider = ProviderSettings.model_validate({"base_url": "https://a.example", "key": {"file": str(path)}})

    found = _store(None).find_key(provider)

    assert found.key == SecretStr("the-key")
    assert found.source == f"file {path}"


def _open_to_others(path: Path) -> None:
    path.write_text("k\n")
    path.chmod(0o644)


def _with_two_lines(path: Path) -> None:
    path.write_text("a\nb\n")
    path.chmod(0o600)


def _empty(path: Path) -> None:
    path.write_text("\n")
    path.chmod(0o600)


def _linked(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _missing(_path: Path) -> None:
    return


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (_open_to_others, "chmod 600"),
        (_with_two_lines, "more than one line"),
        (_empty, "is empty"),
        (_linked, "is a link"),
        (Path.mkdir, "no regular file"),
        (_missing, "cannot be opened"),
    ],
)
def test_a_file_others_could_read_or_plant_is_refused(
    tmp_path: Path, prepare: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "key"
    prepare(path)
    provider = ProviderSettings.model_validate({"base_url": "https://a.example", "key": {"file": str(path)}})

    found = _store(None).find_key(provider)

    assert found.key is None
    assert found.problem is not None
    assert words in found.problem


def test_a_file_in_the_home_of_nobody_is_a_key_that_is_missing() -> None:
    provider = ProviderSettings.model_validate(
        {"base_url": "https://a.example", "key": {"file": "~no-such-user/key"}}
    )
    found = _store(None).find_key(provider)
    assert found.key is None
    assert (found.problem or "").startswith(
        "the key file '~no-such-user/key' begins in a home folder that is"
    )


def _named(name: str, base: type[Exception] = Exception) -> Exception:
    return type(name, (base,), {})("a text that quotes sk-or-secret")


@pytest.mark.parametrize(
    ("failure", "words", "is_elsewhere"),
    [
        (_named("KeyringLocked"), "locked; unlock it", True),
        (_named("PromptDismissedException"), "denied; allow it", True),
        (_named("NoKeyringError", RuntimeError), "no keyring is available", True),
        (_named("InitError"), "could not be opened", True),
        (_named("DBusErrorResponse"), "D-Bus", True),
        (ConnectionResetError(), "D-Bus", True),
        (_named("PasswordSetError"), "1,280 characters", False),
        (_named("Strange"), "failed (Strange)", False),
    ],
)
def test_every_way_a_keyring_fails_has_a_message_that_quotes_nothing(
    failure: Exception, words: str, is_elsewhere: bool
) -> None:
    with pytest.raises(KeyringFailure) as caught:
        _store(Entries(failure=failure)).get("openrouter")

    assert words in str(caught.value)
    assert "sk-or-secret" not in str(caught.value)
    assert isinstance(caught.value, KeyringUnavailable) is is_elsewhere


class Hanging(Entries):
    """A keyring that answers only when it is let go."""

    def __init__(self) -> None:
        super().__init__({"openrouter": "late"})
        self.release = threading.Event()
        self.asked = 0

    def get_password(self, service: str, username: str, /) -> str | None:
        self.asked += 1
        self.release.wait(30)
        return super().get_password(service, username)


def test_a_keyring_that_hangs_is_given_up_and_asked_again_once_it_answered() -> None:
    backend, late = Hanging(), threading.Event()
    thread = AnsweringThread(timeout_s=0.05)
    store = SecretStore(Environment(process={}), backend=lambda: backend, thread=thread)
    store.when_late(late.set)

    with pytest.raises(KeyringUnavailable, match=r"did not answer within 0\.05 s; it may be waiting"):
        store.get("openrouter")
    with pytest.raises(KeyringUnavailable, match="did not answer"):
        store.get("openrouter")
    assert backend.asked == 1, "the second question must fail at once and start no second thread"

    backend.release.set()
    assert late.wait(10), "the late answer must be announced"
    assert store.get("openrouter") == SecretStr("late")


def test_what_is_stored_is_read_back_listed_and_deleted(tmp_path: Path) -> None:
    names = tmp_path / "names.json"
    backend = Entries()
    store = _store(backend, names=names)

    store.put("mine", SecretStr("value-1"))

    assert backend.entries == {"mine": "value-1"}
    assert store.names() == ("mine",)
    assert "value-1" not in names.read_text()
    assert store.delete("mine") is True
    assert store.delete("mine") is False
    assert store.names() == ()


def test_a_keyring_that_forgets_what_it_was_given_is_noticed() -> None:
    class Forgetful(Entries):
        def set_password(self, service: str, username: str, password: str, /) -> None:
            return

    with pytest.raises(KeyringFailure, match="did not give back"):
        _store(Forgetful()).put("mine", SecretStr("value"))


@pytest.mark.parametrize(
    ("entry", "value"), [("a", ""), ("a", "two\nlines"), ("a", "x" * 20_000), ("", "x"), ("b\n", "x")]
)
def test_what_is_no_key_or_no_name_is_refused_before_the_keyring_is_asked(entry: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"key|name") as caught:
        _store(Entries(failure=AssertionError("asked"))).put(entry, SecretStr(value))

    assert not value or value not in str(caught.value)


def test_a_hint_shows_four_characters_of_a_long_key_and_none_of_a_short_one() -> None:
    assert hint(SecretStr("sk-0123456789abcdef")) == "••••cdef"
    assert hint(SecretStr("short")) == "••••"
    assert hint(None) == ""


def test_the_keys_that_were_found_are_the_ones_to_redact() -> None:
    store = _store(Entries({"openrouter": "from-keyring"}))

    assert known_values({"a": store.find_key(OPENROUTER)}) == ("from-keyring",)


def _with_keys(**named: object) -> ProviderSettings:
    return ProviderSettings.model_validate({"base_url": "https://box.example", **named})


def test_further_keys_come_in_their_order_and_are_redacted_too() -> None:
    store = _store(Entries({"one": "from-keyring"}), {"TWO": "from-variable", "THREE": "third"})
    found = store.find_key(
        _with_keys(key={"keyring": "one"}, keys=[{"env": "TWO"}, {"env": "THREE"}, {"keyring": "one"}])
    )

    assert (found.key, found.problem) == (SecretStr("from-keyring"), None)
    assert [each.key for each in found.further] == [SecretStr("from-variable"), SecretStr("third")]
    assert known_values({"a": found}) == ("from-keyring", "from-variable", "third")


def test_a_missing_key_gives_way_to_a_further_one_and_is_named() -> None:
    store = _store(Entries(), {"TWO": "from-variable"})
    found = store.find_key(_with_keys(key={"env": "ONE"}, keys=[{"env": "TWO"}]))

    assert (found.key, found.source) == (SecretStr("from-variable"), "environment variable TWO")
    assert found.problem == "another of its keys is missing: the environment variable ONE is not set"
    assert store.find_key(_with_keys(keys=[{"env": "ONE"}])).source == "missing"


def test_a_foreign_back_end_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")

    assert accepted_backend() is None
