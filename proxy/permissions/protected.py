"""Names that are never written without asking, our own files, and folders that are never removed unasked."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

OWN_FOLDER = ".signalbox"
"""Signalbox's own configuration inside a project; never touched by a tool."""

_FOLDERS = frozenset(
    {
        ".git",
        ".vscode",
        ".idea",
        ".husky",
        ".cargo",
        ".devcontainer",
        ".yarn",
        ".mvn",
        ".claude",
    }
)
_FILES = frozenset(
    {
        ".bash_aliases",
        ".bash_login",
        ".bash_logout",
        ".bash_profile",
        ".bashrc",
        ".bazeliskrc",
        ".bazelrc",
        ".bazelversion",
        ".claude.json",
        ".cshrc",
        ".devcontainer.json",
        ".envrc",
        ".gitconfig",
        ".gitmodules",
        ".inputrc",
        ".kshrc",
        ".login",
        ".logout",
        ".mcp.json",
        ".mkshrc",
        ".npmrc",
        ".pnp.cjs",
        ".pnp.js",
        ".pnp.loader.mjs",
        ".pnpmfile.cjs",
        ".pre-commit-config.yaml",
        ".profile",
        ".ripgreprc",
        ".tcshrc",
        ".xprofile",
        ".xsessionrc",
        ".zlogin",
        ".zlogout",
        ".zprofile",
        ".zshenv",
        ".zshrc",
        "bunfig.toml",
        "config.fish",
        "gradle-wrapper.properties",
        "maven-wrapper.properties",
        "pyrightconfig.json",
    }
)
_FILE_FORMS = re.compile(
    r"\.yarnrc(?:\..+)?|\.pnp\..+|\.?lefthook(?:-local)?\.(?:ya?ml|toml|json)|\.?bazelrc\..+|\.bazelrc-.+"
)
PROTECTED_NAMES = (*sorted(_FOLDERS), ".config/git", *sorted(_FILES))
"""For people: what `protected_name` finds by its whole name."""
CRITICAL_REMOVALS = (
    "/ and what is directly in it",
    "the home folder",
    "drives and what is directly in them",
    "the working directory and every folder it is in",
    "everything directly in an additional folder",
)
"""For people: what `is_critical_removal` finds."""
_AFTER_DOTS = re.compile(r"[ .]+$")


def protected_name(names: Sequence[str], *, frees_worktrees: bool = False) -> str | None:
    """Returns the first name that makes a path protected, whether or not it exists.

    Args:
        names: The names below the folder that is worked in, in the form in which they are compared.
        frees_worktrees: What lies in a folder of `.claude/worktrees` is not protected by `.claude`.
    """
    for index, raw in enumerate(names):
        name = _AFTER_DOTS.sub("", raw) or raw
        if name in _FOLDERS:
            if (
                frees_worktrees
                and name == ".claude"
                and index + 2 < len(names)
                and names[index + 1] == "worktrees"
            ):
                continue
            return name
        if name == "git" and index > 0 and names[index - 1] == ".config":
            return ".config/git"
        if name in _FILES or _FILE_FORMS.fullmatch(name):
            return name
    return None


def is_critical_removal(
    path: str, *, cwd: str, home: str, root: str | None, inside: Sequence[str] = ()
) -> bool:
    """Says whether removing this is never approved by a rule.

    Critical are `/` and what is directly in it, the home folder, drives and what is directly in them, the
    working directory and every folder it is in, and everything directly in an additional folder.

    Args:
        path: Absolute and cleaned; `/*` at its end stands for everything in the folder.
        cwd: Where the command runs.
        home: The user's home folder.
        root: The workspace's root; None without a workspace.
        inside: Additional folders.
    """
    target = posixpath.normpath(path)
    folder, last = posixpath.split(target)
    if last in {"*", ".*", "{*,.*}"}:
        return is_critical_removal(folder, cwd=cwd, home=home, root=root, inside=inside) or folder in inside
    if target.count("/") <= 1 or re.fullmatch(r"/[a-zA-Z](?:/[^/]*)?", target):
        return True
    kept = [home, cwd, *inside] if root is None else [home, cwd, root, *inside]
    return any(each == target or each.startswith(f"{target}/") for each in kept)
