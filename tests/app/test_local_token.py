"""Which token is used, in which order, and when one is refused."""

from pathlib import Path

import pytest

from app.environment import Environment
from app.local_token import LocalToken, TokenProblem, find_token, new_token, require_strong
from app.secrets import SecretStore
from tests.app.test_secrets import Entries

LONG = "a-token-of-more-than-20-characters"


def _find(
    tmp_path: Path,
    *,
    given: Path | None = None,
    variables: dict[str, str] | None = None,
    keyring: Entries | None = None,
) -> LocalToken:
    environment = Environment(process=variables if variables is not None else {})
    store = SecretStore(environment, backend=lambda: keyring)
    return find_token(environment, store, tmp_path / "home" / "token", given=given)


def _file(tmp_path: Path, text: str = LONG + "\n", mode: int = 0o600) -> Path:
    path = tmp_path / "given"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_file_wins_over_the_variable_and_that_over_the_keyring(tmp_path: Path) -> None:
    keyring = Entries({"local-token": "k" * 43})
    variables = {"SIGNALBOX_TOKEN": "v" * 43}

    assert (
        _find(
            tmp_path, given=_file(tmp_path), variables=dict(variables), keyring=keyring
        ).value.get_secret_value()
        == LONG
    )
    assert _find(tmp_path, variables=dict(variables), keyring=keyring).value.get_secret_value() == "v" * 43
    assert _find(tmp_path, keyring=keyring).value.get_secret_value() == "k" * 43


def test_the_variable_is_removed_from_the_environment(tmp_path: Path) -> None:
    variables = {"SIGNALBOX_TOKEN": "v" * 43, "PATH": "/bin"}

    _find(tmp_path, variables=variables)

    assert variables == {"PATH": "/bin"}


def test_a_token_is_made_once_and_kept_in_the_keyring(tmp_path: Path) -> None:
    keyring = Entries()

    first, second = _find(tmp_path, keyring=keyring), _find(tmp_path, keyring=keyring)

    assert first.value == second.value
    assert len(first.value.get_secret_value()) == 43
    assert keyring.entries["local-token"] == first.value.get_secret_value()
    assert not (tmp_path / "home").exists()


def test_without_a_keyring_a_file_of_ours_keeps_it(tmp_path: Path) -> None:
    first, second = _find(tmp_path), _find(tmp_path)

    assert first.value == second.value
    assert first.file is not None
    assert first.file == tmp_path / "home" / "token"
    assert first.file.read_text() == first.value.get_secret_value() + "\n"
    assert first.file.stat().st_mode & 0o777 == 0o600
    assert first.file.parent.stat().st_mode & 0o777 == 0o700
    assert first.warning is not None
    assert "no keyring is available" in first.warning


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("short\n", 0o600, "fewer than 20 characters"),
        (LONG, 0o640, "mode 0640"),
        (LONG, 0o604, "mode 0604"),
        (LONG + "\n" + LONG, 0o600, "more than one line"),
        ("ümläut-" * 5, 0o600, "plain ASCII"),
        ("", 0o600, "is empty"),
    ],
)
def test_a_file_that_is_no_safe_token_is_refused_without_being_quoted(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(TokenProblem) as caught:
        _find(tmp_path, given=_file(tmp_path, text, mode))

    assert words in str(caught.value)
    assert LONG not in str(caught.value)


@pytest.mark.parametrize("text", [LONG, LONG + "\n", LONG + "\r\n"])
def test_the_newline_of_the_file_is_stripped(tmp_path: Path, text: str) -> None:
    assert _find(tmp_path, given=_file(tmp_path, text, 0o400)).value.get_secret_value() == LONG


def test_a_link_to_a_token_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(_file(tmp_path))

    with pytest.raises(TokenProblem, match="is a link"):
        _find(tmp_path, given=link)


def test_a_short_variable_is_used_with_a_warning_on_this_machine_and_refused_beyond(tmp_path: Path) -> None:
    token = _find(tmp_path, variables={"SIGNALBOX_TOKEN": "short-token"})

    assert token.warning == "SIGNALBOX_TOKEN has fewer than 20 characters and may be guessed"
    require_strong(token, "127.0.0.1")
    with pytest.raises(TokenProblem, match="can be reached by other machines"):
        require_strong(token, "0.0.0.0")


def test_a_made_token_is_strong_enough_for_any_address(tmp_path: Path) -> None:
    require_strong(_find(tmp_path), "0.0.0.0")
    assert new_token() != new_token()


def test_a_planted_token_file_of_wide_mode_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "home" / "token"
    path.parent.mkdir()
    path.write_text(LONG)
    path.chmod(0o644)

    with pytest.raises(TokenProblem, match="--token-file"):
        _find(tmp_path)
