"""Reads the text of a path: which texts are refused unseen, and when two names mean the same file."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from proxy.permissions.values import Platform

LONGEST_PATH = 4_096
LONGEST_NAME = 255

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,}://|(?:file|data|javascript|https?|ftp):", re.IGNORECASE)
_DRIVE = re.compile(r"([A-Za-z]):(?=[\\/]|$)")
_DRIVE_FOLDER = re.compile(r"/[A-Za-z](?=/|$)")
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])[ .]*(?:[.:].*)?",
    re.IGNORECASE,
)
_FORBIDDEN_ON_WINDOWS = frozenset('<>"|?*')
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Unicode's Default_Ignorable_Code_Point, which unicodedata does not tell.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def lexical_refusal(text: str, platform: Platform) -> str | None:
    """Says why a path is refused before the machine is asked about it; None: it may be looked at."""
    if not text.strip():
        return "the path is blank"
    if (problem := _bad_characters(text)) is not None:
        return problem
    if text.startswith("~"):
        return "`~` is not expanded: give the path itself"
    if _URL.match(text):
        return "this is an address, not a path"
    if platform == "windows" and (problem := _windows_refusal(text)) is not None:
        return problem
    if platform == "macos" and (problem := _macos_refusal(text)) is not None:
        return problem
    return _too_long(text, platform)


def ends_in_dots_or_blanks(text: str) -> bool:
    """Says whether Windows would cut dots or blanks from a name of the path."""
    return any(name != trimmed_name(name) for name in re.split(r"[\\/]", text))


def trimmed_names(text: str) -> str:
    """Returns a path as Windows opens it: no name has dots and blanks at its end."""
    return re.sub(r"[^\\/]+", lambda name: trimmed_name(name[0]), text)


def trimmed_name(name: str) -> str:
    """Returns a name as Windows opens it: without dots and blanks at its end."""
    return name if name in {".", ".."} else name.rstrip(" .")


def has_bidi_controls(text: str) -> bool:
    """Says whether the text holds characters that change the direction it is shown in."""
    return not _BIDI.isdisjoint(text)


def without_ignorables(text: str) -> str:
    """Takes out the characters that are not seen."""
    return _IGNORABLE.sub("", text)


def absolute_text(text: str, cwd: str, platform: Platform) -> str:
    """Joins a path with the folder it begins in; `..` stays, because a link may come before it.

    Windows paths come out as `/c/Users/a`; what is already of that form stays.
    """
    if platform != "windows":
        return text if text.startswith("/") else f"{cwd.rstrip('/')}/{text}"
    folder = _windows_as_posix(cwd)
    path = _windows_as_posix(text)
    if _DRIVE.match(text) or _DRIVE_FOLDER.match(text):
        return path
    if path.startswith("/"):
        return folder[:2] + path
    return f"{folder.rstrip('/')}/{path}"


def clean(path: str) -> str:
    """Takes `.`, `..` and doubled slashes out of an absolute path, as text."""
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            del names[-1:]
        elif name not in {"", "."}:
            names.append(name)
    return "/" + "/".join(names)


@lru_cache(maxsize=8192)
def parts_of(path: str, *, folds_case: bool, drops_ignorables: bool) -> tuple[str, ...]:
    """Returns the names of an absolute path or pattern in the form in which they are compared."""
    text = unicodedata.normalize("NFC", path)
    if drops_ignorables:
        text = without_ignorables(text)
    if folds_case:
        text = unicodedata.normalize("NFC", text.casefold())
    return tuple(name for name in text.split("/") if name not in {"", "."})


def _bad_characters(text: str) -> str | None:
    if "\0" in text:
        return "the path holds a NUL character"
    for character in text:
        if character < " " or "\x7f" <= character <= "\x9f" or character in "\u2028\u2029":
            return f"the path holds the control character U+{ord(character):04X}"
        if "\ud800" <= character <= "\udfff":
            return "the path holds bytes that are not UTF-8"
    return None


def _too_long(text: str, platform: Platform) -> str | None:
    if len(text.encode()) >= LONGEST_PATH:
        return f"the path is longer than {LONGEST_PATH} bytes"
    if any(_length(name, platform) > LONGEST_NAME for name in re.split(_separators(platform), text)):
        return f"a name in the path is longer than {LONGEST_NAME}"
    return None


def _length(name: str, platform: Platform) -> int:
    return len(name.encode("utf-16-le")) // 2 if platform == "windows" else len(name.encode())


def _separators(platform: Platform) -> str:
    return r"[\\/]" if platform == "windows" else "/"


def _windows_refusal(text: str) -> str | None:
    path = text.replace("\\", "/")
    if path.startswith(("//", "/??/")):
        return "network and device paths are refused"
    drive = _DRIVE.match(text)
    rest = path[drive.end() :] if drive else path
    if not drive and re.match(r"[A-Za-z]:", text):
        return "a path relative to a drive's folder is refused"
    if ":" in rest:
        return "a stream of a file is refused"
    for name in rest.split("/"):
        if _RESERVED.fullmatch(name):
            return f"`{name}` is the name of a device"
        if not _FORBIDDEN_ON_WINDOWS.isdisjoint(name):
            return f"`{name}` holds a character that no name on Windows has"
    return None


def _macos_refusal(text: str) -> str | None:
    names = without_ignorables(text).casefold().split("/")
    if "..namedfork" in names:
        return "a fork of a file is refused"
    if names[:2] == ["", ".vol"]:
        return "a path by volume and number is refused"
    return None


def _windows_as_posix(text: str) -> str:
    path = text.replace("\\", "/")
    drive = _DRIVE.match(path)
    return f"/{drive[1].lower()}{path[2:]}" if drive else path
