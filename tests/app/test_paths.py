"""Where our files are, and that nobody else can look into them."""

import os
from pathlib import Path

import pytest

from app.paths import UnknownHome, UnsafeFolder, expanded, folders, make_private

NOBODY = "~no-such-user/x"


def test_signalbox_home_holds_everything(tmp_path: Path) -> None:
    places = folders({"SIGNALBOX_HOME": str(tmp_path / "all"), "XDG_RUNTIME_DIR": "/elsewhere"})
    places.create()

    for each in (
        places.settings_file,
        places.token_file,
        places.key_names_file,
        places.log_file,
        places.runtime,
    ):
        assert each.is_relative_to(tmp_path / "all")
    assert {each.stat().st_mode & 0o777 for each in (places.config, places.runtime, places.logs)} == {0o700}


def test_without_it_the_platform_s_folders_are_used(home: Path) -> None:
    places = folders({"XDG_RUNTIME_DIR": str(home / "run")})

    assert places.config == home / "config" / "signalbox"
    assert places.state == home / "state" / "signalbox"
    assert places.runtime == home / "run" / "signalbox"


def test_a_runtime_folder_that_others_can_enter_is_not_used(home: Path) -> None:
    (home / "run").chmod(0o755)

    assert folders({"XDG_RUNTIME_DIR": str(home / "run")}).runtime == home / "state" / "signalbox" / "run"


def test_a_folder_that_is_too_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)

    make_private(folder)

    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="needs to give a folder away")
def test_a_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 65534, 65534)

    with pytest.raises(UnsafeFolder, match="belongs to another user"):
        make_private(folder)


@pytest.mark.usefixtures("home")
def test_a_tilde_is_the_users_home_and_one_of_nobody_is_an_error_that_says_what_to_do() -> None:
    assert expanded("~/x") == Path.home() / "x"
    with pytest.raises(UnknownHome, match=f"'{NOBODY}' begins in a home folder that is not known; write out"):
        expanded(NOBODY)


def test_a_signalbox_home_of_nobody_is_refused_by_name() -> None:
    with pytest.raises(UnsafeFolder, match=f"SIGNALBOX_HOME: '{NOBODY}' begins"):
        folders({"SIGNALBOX_HOME": NOBODY})
