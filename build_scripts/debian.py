"""What Debian and Ubuntu must provide before Signalbox can be set up, run and tested."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence

Run = Callable[[Sequence[str]], int]
"""Runs a program and returns its exit code."""

QT_LIBRARIES = (
    "libegl1",
    "libgl1",
    "libxkbcommon0",
    "libxkbcommon-x11-0",
    "libdbus-1-3",
    "libfontconfig1",
    "libglib2.0-0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "fonts-dejavu-core",
)
"""What PySide6's wheels load from the system, and one font to write with."""

TEST_PROGRAMS = (
    "xvfb",
    "xauth",
    "openbox",
    "xdotool",
    "x11-utils",
    "imagemagick",
    "dbus",
    "dbus-x11",
    "gnome-keyring",
    "trayer",
    "xfce4-panel",
)
"""A display, a window manager, two trays and a Secret Service for the tests that use real ones."""

LIST_INSTALLED = ("dpkg-query", "-W", "-f", "${db:Status-Abbrev}\\t${Package}\\t${Provides}\\n")
"""The command whose output `installed_packages` reads."""


class SystemPackagesError(Exception):
    """Packages are missing that only the user can install; the message is the command to type."""


def is_debian(os_release: str) -> bool:
    """Tells Debian, Ubuntu and their descendants by the text of /etc/os-release."""
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    names = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").split()
    return bool({"debian", "ubuntu"} & set(names))


def needed_packages(*, python: str | None, window: bool, tests: bool) -> list[str]:
    """Returns the packages that a command needs.

    Args:
        python: The name of this Python's package, such as `python3.11`, if it cannot make virtual
            environments yet.
        window: Whether Qt will be loaded.
        tests: Whether the whole test suite will run.
    """
    packages = [f"{python}-venv"] if python else []
    if window or tests:
        packages += QT_LIBRARIES
    if tests:
        packages += TEST_PROGRAMS
    return packages


def installed_packages(listing: str) -> frozenset[str]:
    """Returns the names that are installed or provided, by the output of `LIST_INSTALLED`.

    A newer release may rename a library and provide the old name, such as `libglib2.0-0t64`.
    """
    names: set[str] = set()
    for line in listing.splitlines():
        status, _, rest = line.partition("\t")
        if status.startswith("ii"):
            package, _, provides = rest.partition("\t")
            names.add(package)
            names.update(entry.split()[0] for entry in provides.split(",") if entry.strip())
    return frozenset(names)


def install_commands(packages: Iterable[str]) -> list[list[str]]:
    """Returns the apt-get calls that install `packages`."""
    return [
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", *packages],
    ]


def typed_command(packages: Iterable[str]) -> str:
    """Returns the one line that a user without root's rights types to install `packages`."""
    return " && ".join(f"sudo {shlex.join(command)}" for command in install_commands(packages))


def provide(needed: Iterable[str], listing: str, *, is_root: bool, run: Run) -> None:
    """Installs what is missing of `needed`, or says how to.

    Raises:
        SystemPackagesError: Only the user can install them, or apt-get could not.
    """
    installed = installed_packages(listing)
    missing = [package for package in needed if package not in installed]
    if not missing:
        return
    if not is_root:
        how = typed_command(missing)
        msg = f"These packages of the system are missing. Type this, then start again:\n\n  {how}\n"
        raise SystemPackagesError(msg)
    print(f"Installing system packages: {' '.join(missing)}", flush=True)
    for command in install_commands(missing):
        if run(command) != 0:
            msg = f"`{shlex.join(command)}` failed; its own message is above. Mend that, then start again."
            raise SystemPackagesError(msg)
