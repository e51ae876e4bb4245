from __future__ import annotations

import pytest

from proxy.tools.child_environment import ForbiddenVariable, clean_environment

_HARMLESS = {"PATH": "/bin", "HOME": "/home/u", "LANG": "C", "LC_TIME": "C", "TZ": "UTC", "TMPDIR": "/t"}


def test_only_names_of_the_allow_list_are_handed_on() -> None:
    names = """OPENROUTER_API_KEY ANTHROPIC_AUTH_TOKEN SIGNALBOX_TOKEN LD_PRELOAD LD_LIBRARY_PATH _MEIPASS2
    DYLD_INSERT_LIBRARIES _PYI_ARCHIVE_FILE PYTHONPATH PYTHONHOME NODE_OPTIONS BASH_ENV SSH_AUTH_SOCK
    DBUS_SESSION_BUS_ADDRESS"""
    ours = dict.fromkeys(names.split(), "x")

    assert clean_environment(_HARMLESS | ours, platform="linux") == _HARMLESS


def test_an_allowed_variable_that_the_packaged_program_changed_is_the_users_own_again() -> None:
    base = {"PATH": "/app/bin:/bin", "PATH_ORIG": "/bin", "LD_LIBRARY_PATH_ORIG": "/usr/local/lib"}

    assert clean_environment(base, platform="linux") == {"PATH": "/bin"}


def test_without_a_path_there_is_the_systems() -> None:
    assert clean_environment({}, platform="linux") == {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def test_windows_programs_get_what_they_cannot_start_without() -> None:
    base = {
        "SystemRoot": r"C:\Windows",
        "Path": r"C:\bin",
        "USERPROFILE": r"C:\Users\u",
        "OPENAI_API_KEY": "k",
    }

    assert clean_environment(base, platform="win32") == {
        "SystemRoot": r"C:\Windows",
        "Path": r"C:\bin",
        "USERPROFILE": r"C:\Users\u",
    }
    assert "SystemRoot" not in clean_environment(base, platform="linux")


def test_declared_variables_are_added_and_win() -> None:
    assert clean_environment(
        {"PATH": "/bin", "TZ": "UTC"}, {"TZ": "CET", "TOKEN": "t"}, platform="linux"
    ) == {
        "PATH": "/bin",
        "TZ": "CET",
        "TOKEN": "t",
    }


_LOADERS = """LD_PRELOAD ld_preload DYLD_LIBRARY_PATH PYTHONPATH NODE_OPTIONS BASH_ENV ENV _MEIPASS2
BASH_FUNC_ls%% SHELLOPTS PS4 A=B A\0B"""


@pytest.mark.parametrize("name", ["", *_LOADERS.split()])
def test_a_declared_variable_that_loads_or_runs_something_is_refused(name: str) -> None:
    with pytest.raises(ForbiddenVariable, match="may not be set for a child process"):
        clean_environment({}, {name: "x"}, platform="linux")


def test_a_declared_value_may_not_hold_nul() -> None:
    with pytest.raises(ForbiddenVariable):
        clean_environment({}, {"NAME": "a\0b"}, platform="linux")
