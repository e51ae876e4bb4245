"""The guard's calls on Windows: folders are pinned by handles, and names are joined to the pinned paths.

A handle opened without `FILE_SHARE_DELETE` keeps a folder from being renamed or removed, and one opened with
`FILE_FLAG_OPEN_REPARSE_POINT` is the link itself, so a folder that was pinned and is no link stays what its
path says until the handle is closed. A walk pins every folder on its way, each by the path of the one above.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import PureWindowsPath

_LINK = 0x400  # FILE_ATTRIBUTE_REPARSE_POINT
_LINK_TAGS = frozenset(
    {0xA000000C, 0xA0000003, 0xA000001D}
)  # symbolic link, mount point (junction), WSL's link


def pin_by_handle(path: str) -> Callable[[], None]:
    """Keeps a folder from being moved; returns what lets it go."""
    import ctypes  # noqa: PLC0415 - only Windows has what is called

    kernel = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 - unknown elsewhere
    kernel.CreateFileW.restype = ctypes.c_void_p
    kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    attributes, shared = 0x80, 0x1 | 0x2  # FILE_READ_ATTRIBUTES; shared to read and write, not to delete
    existing, flags = 3, 0x02000000 | 0x00200000  # OPEN_EXISTING; backup semantics, open reparse point
    handle = kernel.CreateFileW(path, attributes, shared, None, existing, flags, None)
    if handle in {None, ctypes.c_void_p(-1).value}:
        raise getattr(ctypes, "WinError")(getattr(ctypes, "get_last_error")())  # noqa: B009 - not there elsewhere
    return lambda: kernel.CloseHandle(handle)


def long_name_by_system(path: str) -> str:
    """Returns a path with its last name as the folder holds it: long instead of `SHORT~1`."""
    import ctypes  # noqa: PLC0415 - only Windows has what is called

    kernel = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 - unknown elsewhere
    room = ctypes.create_unicode_buffer(32_768)
    return room.value if kernel.GetLongPathNameW(path, room, len(room)) else path


class WindowsDisk:
    """Calls by the path of a pinned folder and one name."""

    def __init__(
        self,
        pin: Callable[[str], Callable[[], None]] = pin_by_handle,
        long_name: Callable[[str], str] = long_name_by_system,
        native: Callable[[str], str] | None = None,
    ) -> None:
        r"""Pins nothing yet.

        Args:
            pin: Pins a folder by its path and returns what lets it go.
            long_name: Returns a path with its last name as the folder holds it.
            native: Turns `/c/work` into `C:\\work`; None: does so.
        """
        self._pin = pin
        self._long_name = long_name
        self._native = native or native_path
        self._pinned: dict[int, tuple[str, Callable[[], None]]] = {}
        self._next = 1

    def open_top(self, path: str) -> int:
        """Opens a folder by its path."""
        return self._opened(self._native(path))

    def open_folder(self, name: str, folder: int) -> int:
        """Opens a folder in a folder."""
        opened = self._opened(self._at(name, folder))
        status = self.folder_status(opened)
        if self.is_link(status) or not stat.S_ISDIR(status.st_mode):
            self.close_folder(opened)
            raise OSError(errno.ELOOP, "no folder")
        return opened

    def open_to_list(self, name: str, folder: int) -> int:
        """Opens a folder in a folder, to read what it holds."""
        return self.duplicate(folder) if name == "." else self.open_folder(name, folder)

    def duplicate(self, folder: int) -> int:
        """Opens an open folder once more."""
        return self._opened(self._pinned[folder][0])

    def close_folder(self, folder: int) -> None:
        """Gives an open folder back."""
        self._pinned.pop(folder)[1]()

    def folder_status(self, folder: int) -> os.stat_result:
        """Returns what an open folder is."""
        return os.lstat(self._pinned[folder][0])

    def status(self, name: str, folder: int) -> os.stat_result:
        """Returns what a name in a folder is."""
        return os.lstat(self._at(name, folder))

    def is_link(self, status: os.stat_result) -> bool:
        """Says whether something with this status leads elsewhere: a symbolic link or a junction."""
        is_reparse_point = bool(getattr(status, "st_file_attributes", 0) & _LINK)
        has_tag = getattr(status, "st_reparse_tag", 0) in _LINK_TAGS
        return stat.S_ISLNK(status.st_mode) or (is_reparse_point and has_tag)

    def true_name(self, name: str, folder: int) -> str:
        """Returns the name as the folder holds it."""
        return PureWindowsPath(self._long_name(self._at(name, folder))).name or name

    def read_link(self, name: str, folder: int) -> str:
        """Returns where a link leads."""
        return posix_path(os.readlink(self._at(name, folder)))  # noqa: PTH115 - beside calls that have no other form

    def scan(self, folder: int) -> list[os.DirEntry[str]]:
        """Returns what a folder holds."""
        with os.scandir(self._pinned[folder][0]) as listing:
            return list(listing)

    def open_file(self, name: str, folder: int) -> int:
        """Opens a file to read."""
        return os.open(self._at(name, folder), os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def create(self, name: str, folder: int, mode: int) -> int:
        """Makes a file and opens it to write."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.open(self._at(name, folder), flags, mode)

    def make_folder(self, name: str, folder: int) -> None:
        """Makes a folder."""
        os.mkdir(self._at(name, folder))  # noqa: PTH102 - beside calls that have no other form

    def is_writable(self, name: str, folder: int) -> bool:
        """Says whether a file may be written."""
        return os.access(self._at(name, folder), os.W_OK)

    def replace(self, old: str, new: str, folder: int) -> None:
        """Gives a file another name."""
        os.replace(self._at(old, folder), self._at(new, folder))  # noqa: PTH105 - beside calls that have no other form

    def name_new(self, old: str, new: str, folder: int) -> None:
        """Gives a file a name that nothing has; Windows never replaces by this call."""
        if os.path.lexists(self._at(new, folder)):
            raise FileExistsError(new)
        os.rename(self._at(old, folder), self._at(new, folder))  # noqa: PTH104 - beside calls that have no other form

    def remove(self, name: str, folder: int) -> None:
        """Removes a file."""
        os.unlink(self._at(name, folder))  # noqa: PTH108 - beside calls that have no other form

    def sync(self, folder: int) -> None:
        """Does nothing: Windows writes names through."""

    def _opened(self, path: str) -> int:
        release = self._pin(path)
        number = self._next
        self._next += 1
        self._pinned[number] = (path, release)
        return number

    def _at(self, name: str, folder: int) -> str:
        path = self._pinned[folder][0]
        return path if name == "." else os.path.join(path, name)  # noqa: PTH118 - beside calls that have no other form


def native_path(path: str) -> str:
    r"""Turns `/c/work/a` into `C:\\work\\a`."""
    drive, _, rest = path.strip("/").partition("/")
    return f"{drive.upper()}:\\" + rest.replace("/", "\\")


def posix_path(target: str) -> str:
    """Turns where a link leads into the form of our paths.

    Raises:
        OSError: It leads to a network or a volume without a letter.
    """
    is_whole = target.startswith(("\\\\?\\", "\\??\\"))
    text = (target[4:] if is_whole else target).replace("\\", "/")
    if text[1:2] == ":":
        return f"/{text[0].lower()}{text[2:]}"
    if is_whole or text.startswith("//"):
        raise OSError(errno.ELOOP, "a link to a network or a volume")
    return text
