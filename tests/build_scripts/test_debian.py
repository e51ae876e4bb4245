"""What is missing on Debian is found, installed by root, and otherwise spelt out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from build_scripts.debian import (
    QT_LIBRARIES,
    TEST_PROGRAMS,
    SystemPackagesError,
    installed_packages,
    is_debian,
    needed_packages,
    provide,
)

LISTING = "ii \tlibegl1\t\nii \tlibglib2.0-0t64\tlibglib2.0-0 (= 2.80.0-6), other\nrc \txvfb\t\n"


class Apt:
    """Stands in for the machine: notes the commands and answers with an exit code."""

    def __init__(self, exit_code: int = 0) -> None:
        self.commands: list[list[str]] = []
        self._exit_code = exit_code

    def __call__(self, command: Sequence[str]) -> int:
        self.commands.append(list(command))
        return self._exit_code


@pytest.mark.parametrize(
    ("os_release", "answer"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n', True),
        ("ID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ('ID=fedora\nVARIANT="for debian users"\n', False),
        ("", False),
    ],
)
def test_debian_and_its_descendants_are_recognised(os_release: str, *, answer: bool) -> None:
    assert is_debian(os_release) is answer


def test_a_package_counts_as_installed_by_its_name_or_by_what_it_provides() -> None:
    assert installed_packages(LISTING) == {"libegl1", "libglib2.0-0t64", "libglib2.0-0", "other"}


def test_a_headless_run_needs_no_qt_libraries() -> None:
    assert needed_packages(python="python3.11", window=False, tests=False) == ["python3.11-venv"]


def test_the_suite_needs_qt_and_real_trays_and_keyrings() -> None:
    assert needed_packages(python=None, window=True, tests=True) == [*QT_LIBRARIES, *TEST_PROGRAMS]


def test_nothing_is_run_when_nothing_is_missing() -> None:
    apt = Apt()
    provide(["libegl1", "libglib2.0-0"], LISTING, is_root=True, run=apt)
    assert apt.commands == []


def test_root_installs_exactly_what_is_missing_after_an_update() -> None:
    apt = Apt()
    provide(["libegl1", "xvfb", "libgl1"], LISTING, is_root=True, run=apt)
    assert apt.commands == [
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", "xvfb", "libgl1"],
    ]


def test_anyone_else_is_told_the_command_to_type_and_nothing_is_run() -> None:
    apt = Apt()
    with pytest.raises(SystemPackagesError) as stopped:
        provide(["libegl1", "xvfb", "libgl1"], LISTING, is_root=False, run=apt)
    assert "sudo apt-get update && sudo apt-get install --yes --no-install-recommends xvfb libgl1\n" in str(
        stopped.value
    )
    assert apt.commands == []


def test_a_failing_apt_get_stops_the_set_up() -> None:
    apt = Apt(exit_code=100)
    with pytest.raises(SystemPackagesError, match="`apt-get update` failed"):
        provide(["xvfb"], LISTING, is_root=True, run=apt)
    assert len(apt.commands) == 1
