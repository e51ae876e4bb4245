"""A tree with everything a path guard must not fall for, and the tools' calls as accesses to it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proxy.permissions.accesses import Operation
from proxy.permissions.rules import read_permissions
from proxy.permissions.values import Place, Policy, Workspace
from proxy.tools.guard import WorkspaceGuard

OPERATIONS: Mapping[str, Operation] = {
    "Read": "read",
    "NotebookRead": "read",
    "Write": "write",
    "Edit": "write",
    "MultiEdit": "write",
    "NotebookEdit": "write",
    "Glob": "search",
    "Grep": "search",
    "LS": "list",
}
RULES = {
    "allow": ["Read(./**)", "Edit(./**)"],
    "deny": ["Read(**/.env)", "Read(**/.env.*)", "Read(secrets/**)", "Read(**/*.pem)", "Read(**/id_rsa*)"],
    "denyExcept": ["Read(**/.env.example)"],
}
SECRET = "SECRET_VALUE"
OUTSIDE = "OUTSIDE_VALUE"

_FILES = {
    "area/outside/file.txt": OUTSIDE,
    "area/outside/dir/file.txt": OUTSIDE,
    "area/project2/file.txt": OUTSIDE,
    "area/shared-docs/guide.md": "guide",
    "home/.config/signalbox/config.yaml": OUTSIDE,
    "home/.local/share/signalbox/signalbox.db": OUTSIDE,
    "area/project/README.md": "readme",
    "area/project/src/app.py": "x = 1",
    "area/project/docs/a b.txt": "text",
    "area/project/docs/env": "text",
    "area/project/docs/übersicht.md": "Text",
    "area/project/nb/a.ipynb": "{}",
    "area/project/secrets/key.txt": SECRET,
    "area/project/.env": SECRET,
    "area/project/.env.local": SECRET,
    "area/project/.env.example": "EXAMPLE",
    "area/project/pkg/.env": SECRET,
    "area/project/certs/server.pem": SECRET,
    "area/project/certs/server.pem.txt": "text",
    "area/project/.git/config": "config",
    "area/project/sub/.git/config": "config",
    "area/project/race/file.txt": "race",
    "area/project/race/dir/file.txt": "race",
}
_LINKS = {
    "area/project_link": "project",
    "area/shared-docs/link_to_project_env": "../project/.env",
    "area/project/link_inside": "src/app.py",
    "area/project/dir_link_inside": "src",
    "area/project/link_out_file": "../outside/file.txt",
    "area/project/link_abs": "/etc/passwd",
    "area/project/dir_link_out": "../outside",
    "area/project/link_dangling_out": "../outside/not_there.txt",
    "area/project/chain1": "chain2",
    "area/project/chain2": "chain3",
    "area/project/chain3": "../outside/file.txt",
    "area/project/loop_a": "loop_b",
    "area/project/loop_b": "loop_a",
    "area/project/root_link": "/",
    "area/project/link_to_env": ".env",
    "area/project/secrets_link": "secrets",
    "area/project/git_hook_link": ".git/hooks/pre-commit",
    "area/project/link_to_shared": "../shared-docs/guide.md",
    "area/project/proc_link": "/proc/self",
    "area/project/dev_zero_link": "/dev/zero",
}


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree: where it is, and how paths into it are written."""

    base: str
    root: str
    shared: str
    home: str

    @classmethod
    def at(cls, base: Path) -> Tree:
        """Returns the tree that stands in a folder."""
        real = os.path.realpath(base)
        return cls(real, f"{real}/area/project", f"{real}/area/shared-docs", f"{real}/home")

    @classmethod
    def build(cls, base: Path) -> Tree:
        """Builds it."""
        for path, text in _FILES.items():
            (base / path).parent.mkdir(parents=True, exist_ok=True)
            (base / path).write_text(text + "\n", encoding="utf-8")
        for path, target in _LINKS.items():
            (base / path).symlink_to(target)
        tree = cls.at(base)
        (base / "area/project/src/parent_link").symlink_to(f"{tree.base}/area/outside/dir")
        (base / "area/project/.git/hooks").mkdir()
        (base / "area/project/hardlink_out").hardlink_to(base / "area/outside/file.txt")
        os.mkfifo(base / "area/project/fifo")
        with socket.socket(socket.AF_UNIX) as plug:
            plug.bind(os.path.relpath(base / "area/project/sock"))
        return tree

    def written(self, text: str) -> str:
        """Fills a line's placeholders in."""
        for name, value in (
            ("{ROOT_LINK}", f"{self.base}/area/project_link"),
            ("{ROOT}", self.root),
            ("{SHARED}", self.shared),
            ("{HOME}", self.home),
            ("{BASE}", self.base),
        ):
            text = text.replace(name, value)
        return text

    def workspace(self) -> Workspace:
        """Returns the project as a workspace, with the shared folder to be read."""
        return Workspace("project", self.root, (self.shared,))

    def place(self, guard: WorkspaceGuard) -> Place:
        """Returns the place calls are judged at."""
        own = (f"{self.home}/.config/signalbox", f"{self.home}/.local/share/signalbox")
        return Place(self.workspace(), self.root, self.home, guard.facts, own)


def policy(name: str = "strict", rules: Mapping[str, object] = RULES) -> Policy:
    """Returns the corpus's rules under a policy."""
    return Policy("strict" if name == "strict" else "claude-code", read_permissions(rules).rules)
