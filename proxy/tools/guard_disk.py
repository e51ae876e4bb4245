"""The few things the guard asks of the system: each with an open folder and one name in it, no link followed.

On POSIX systems an open folder is a descriptor. Windows has no such calls; there `guard_windows` pins folders
by open handles, so that what their paths lead to cannot change meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import Protocol

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_PASSING = getattr(os, "O_PATH", os.O_RDONLY) | _DIRECTORY | _CLOEXEC
_LISTING = os.O_RDONLY | _DIRECTORY | _CLOEXEC | _NOFOLLOW
_READING = os.O_RDONLY | _CLOEXEC | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_MAKING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOEXEC | _NOFOLLOW | getattr(os, "O_BINARY", 0)


class Disk(Protocol):
    """What the guard asks of the system; every method may raise OSError, as for a link where a folder was."""

    def open_top(self, path: str) -> int:
        """Opens a folder by its path, links followed; for folders that the settings name."""
        ...

    def open_folder(self, name: str, folder: int) -> int:
        """Opens a folder in a folder, to pass through it."""
        ...

    def open_to_list(self, name: str, folder: int) -> int:
        """Opens a folder in a folder, to read what it holds."""
        ...

    def duplicate(self, folder: int) -> int:
        """Opens an open folder once more."""
        ...

    def close_folder(self, folder: int) -> None:
        """Gives an open folder back."""
        ...

    def folder_status(self, folder: int) -> os.stat_result:
        """Returns what an open folder is."""
        ...

    def status(self, name: str, folder: int) -> os.stat_result:
        """Returns what a name in a folder is."""
        ...

    def is_link(self, status: os.stat_result) -> bool:
        """Says whether something with this status leads elsewhere."""
        ...

    def true_name(self, name: str, folder: int) -> str:
        """Returns the name as the folder holds it, where a name can be written in several ways."""
        ...

    def read_link(self, name: str, folder: int) -> str:
        """Returns where a link leads, with `/` between names; absolute or relative to its folder."""
        ...

    def scan(self, folder: int) -> list[os.DirEntry[str]]:
        """Returns what a folder opened to be listed holds."""
        ...

    def open_file(self, name: str, folder: int) -> int:
        """Opens a file to read; never waits for the other end of a pipe."""
        ...

    def create(self, name: str, folder: int, mode: int) -> int:
        """Makes a file that must not exist, and opens it to write."""
        ...

    def make_folder(self, name: str, folder: int) -> None:
        """Makes a folder."""
        ...

    def is_writable(self, name: str, folder: int) -> bool:
        """Says whether a file may be written."""
        ...

    def replace(self, old: str, new: str, folder: int) -> None:
        """Gives a file another name, in place of what has that name."""
        ...

    def name_new(self, old: str, new: str, folder: int) -> None:
        """Gives a file a name that nothing has.

        Raises:
            FileExistsError: Something has it.
        """
        ...

    def remove(self, name: str, folder: int) -> None:
        """Removes a file."""
        ...

    def sync(self, folder: int) -> None:
        """Sees to it that the names in a folder survive a power cut."""
        ...


class PosixDisk:
    """The calls that take a descriptor."""

    def open_top(self, path: str) -> int:
        """Opens a folder by its path."""
        return os.open(path, _PASSING)

    def open_folder(self, name: str, folder: int) -> int:
        """Opens a folder in a folder."""
        return os.open(name, _PASSING | _NOFOLLOW, dir_fd=folder)

    def open_to_list(self, name: str, folder: int) -> int:
        """Opens a folder in a folder, to read what it holds."""
        return os.open(name, _LISTING, dir_fd=folder)

    def duplicate(self, folder: int) -> int:
        """Opens an open folder once more."""
        return os.dup(folder)

    def close_folder(self, folder: int) -> None:
        """Gives an open folder back."""
        os.close(folder)

    def folder_status(self, folder: int) -> os.stat_result:
        """Returns what an open folder is."""
        return os.fstat(folder)

    def status(self, name: str, folder: int) -> os.stat_result:
        """Returns what a name in a folder is."""
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def is_link(self, status: os.stat_result) -> bool:
        """Says whether something with this status leads elsewhere."""
        return stat.S_ISLNK(status.st_mode)

    def true_name(self, name: str, folder: int) -> str:  # noqa: ARG002 - the shape of a Disk
        """Returns the name as it is: rules fold what the volume folds."""
        return name

    def read_link(self, name: str, folder: int) -> str:
        """Returns where a link leads."""
        return os.readlink(name, dir_fd=folder)

    def scan(self, folder: int) -> list[os.DirEntry[str]]:
        """Returns what a folder holds."""
        with os.scandir(folder) as listing:
            return list(listing)

    def open_file(self, name: str, folder: int) -> int:
        """Opens a file to read."""
        return os.open(name, _READING, dir_fd=folder)

    def create(self, name: str, folder: int, mode: int) -> int:
        """Makes a file and opens it to write."""
        return os.open(name, _MAKING, mode, dir_fd=folder)

    def make_folder(self, name: str, folder: int) -> None:
        """Makes a folder."""
        os.mkdir(name, dir_fd=folder)

    def is_writable(self, name: str, folder: int) -> bool:
        """Says whether a file may be written."""
        return os.access(name, os.W_OK, dir_fd=folder)

    def replace(self, old: str, new: str, folder: int) -> None:
        """Gives a file another name."""
        os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)

    def name_new(self, old: str, new: str, folder: int) -> None:
        """Gives a file a name that nothing has: by a hard link, which never replaces."""
        try:
            os.link(old, new, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:  # volumes without hard links
            self._name_free(old, new, folder)
            return
        os.unlink(old, dir_fd=folder)

    def _name_free(self, old: str, new: str, folder: int) -> None:
        """Looks and renames, where the system has nothing better."""
        try:
            self.status(new, folder)
        except FileNotFoundError:
            self.replace(old, new, folder)
        else:
            raise FileExistsError(new)

    def remove(self, name: str, folder: int) -> None:
        """Removes a file."""
        os.unlink(name, dir_fd=folder)

    def sync(self, folder: int) -> None:
        """Sees to it that the names in a folder survive a power cut, where the volume can."""
        try:
            os.fsync(folder)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # network volumes know no such thing
                raise


def disk_of_this_machine() -> Disk:
    """Returns the calls that this system has."""
    if sys.platform == "win32":
        from proxy.tools.guard_windows import WindowsDisk  # noqa: PLC0415 - loads what only Windows has

        return WindowsDisk()
    return PosixDisk()
