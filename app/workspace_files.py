"""What workspaces are on the disk: whether their folders are there, and the rules they bring along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from proxy.config import RuleSource
from proxy.permissions.claude_files import FileScope, read_file
from proxy.permissions.rules import Origin

MAX_FILE_BYTES = 1024 * 1024
_FILES: tuple[tuple[str, FileScope], ...] = (("settings.json", "project"), ("settings.local.json", "local"))
_EVERYTHING = "*"


def project_rules(workspace: str, root: Path, home: Path) -> tuple[RuleSource, ...]:
    """Returns the ask and deny rules of a workspace's own files; looks at the disk.

    That such a file forbids the mode bypassPermissions counts too, what it allows never. One that cannot be
    read was to forbid nobody knows what: then everything asks there.

    Args:
        workspace: Its name.
        root: Its folder.
        home: The user's home folder.
    """
    found = (_source(workspace, root, home, name, scope) for name, scope in _FILES)
    return tuple(each for each in found if each is not None)


def _source(workspace: str, root: Path, home: Path, name: str, scope: FileScope) -> RuleSource | None:
    file = root / ".claude" / name
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_FILE_BYTES + 1).decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError):
        return RuleSource(str(file), ask=(_EVERYTHING,), workspace=workspace)
    read = read_file(text, scope, str(file), Origin(folder=str(root), home=str(home)), is_trusted=False)
    if read.rules.broken is not None or len(text) > MAX_FILE_BYTES:
        return RuleSource(str(file), ask=(_EVERYTHING,), workspace=workspace)
    anchor = next((each.anchor for each in read.rules.rules), "")
    return RuleSource(
        str(file),
        anchor,
        ask=tuple(each.text for each in read.rules.rules if each.effect == "ask"),
        deny=tuple(each.text for each in read.rules.rules if each.effect == "deny"),
        workspace=workspace,
        forbids_bypass=read.rules.forbids_bypass,
    )


def folder_problems(roots: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Returns why workspaces cannot be used, by name; looks at the disk.

    Args:
        roots: Of each workspace its folders, the root first.
    """
    found: dict[str, str] = {}
    for name, folders in roots.items():
        for folder in folders:
            path = Path(folder).expanduser()
            if not path.is_dir():
                found.setdefault(name, f"{folder} is {'no folder' if path.exists() else 'not there'}")
    return found
