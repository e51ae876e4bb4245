"""The virtual environment `.venv`: made once, brought up to date when a lock changes."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Run = Callable[[Sequence[str]], int]
"""Runs a program and returns its exit code."""

LEVELS = ("run", "test", "dev")
"""What can be installed, each with everything of those before it."""


class EnvironmentSetupError(Exception):
    """A step of the set-up failed; the message says which."""


@dataclass(frozen=True)
class Layout:
    """Where things are in a checkout."""

    root: Path
    is_windows: bool = os.name == "nt"

    @property
    def venv(self) -> Path:
        """The virtual environment's folder."""
        return self.root / ".venv"

    @property
    def stamp(self) -> Path:
        """Says what was installed last; absent while an installation is under way."""
        return self.venv / "signalbox-stamp.json"

    def program(self, name: str) -> str:
        """Returns the path of a program inside the environment."""
        folder, suffix = ("Scripts", ".exe") if self.is_windows else ("bin", "")
        return str(self.venv / folder / f"{name}{suffix}")

    def lock(self, name: str) -> Path:
        """Returns the hash-locked requirements of a level, or of `uv`."""
        return self.root / "requirements" / f"{name}.txt"


@dataclass(frozen=True)
class Stamp:
    """What is installed: the level, and the digest of the files that it was installed from."""

    level: str
    digest: str


def digest(layout: Layout, level: str) -> str:
    """Returns a hash of everything that decides what `level` installs."""
    summary = hashlib.sha256()
    for path in (layout.root / "pyproject.toml", layout.lock("uv"), layout.lock(level)):
        summary.update(path.read_bytes())
    return summary.hexdigest()


def read_stamp(layout: Layout) -> Stamp | None:
    """Returns what is installed, or None if that is unknown or the environment cannot start."""
    try:
        fields = json.loads(layout.stamp.read_text(encoding="utf-8"))
        stamp = Stamp(level=fields["level"], digest=fields["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stamp if stamp.level in LEVELS and Path(layout.program("python")).exists() else None


def level_to_install(layout: Layout, wanted: str, stamp: Stamp | None) -> str | None:
    """Returns the level to install, or None if everything is there already.

    A level is never taken back: after `check`, `run` keeps the developers' tools.
    """
    if stamp is None:
        return wanted
    level = max(wanted, stamp.level, key=LEVELS.index)
    fresh = level == stamp.level and stamp.digest == digest(layout, level)
    return None if fresh else level


def setup_commands(layout: Layout, level: str, *, base_python: str, has_venv: bool) -> list[list[str]]:
    """Returns the programs to run, in order, to install `level`.

    Everything that is downloaded is checked against a hash in requirements/. The project itself is
    built by uv's own backend, offline.
    """
    python, uv = layout.program("python"), layout.program("uv")
    commands = [] if has_venv else [[base_python, "-m", "venv", "--clear", str(layout.venv)]]
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    uv_pip = ["--quiet", "--python", python]
    return [
        *commands,
        [*pip, "-r", str(layout.lock("uv"))],
        [uv, "pip", "sync", *uv_pip, "--require-hashes", str(layout.lock(level))],
        [uv, "pip", "install", *uv_pip, "--offline", "--no-deps", "--editable", str(layout.root)],
    ]


def provide(layout: Layout, wanted: str, *, base_python: str, run: Run) -> None:
    """Makes `.venv` hold at least `wanted`.

    Raises:
        EnvironmentSetupError: A step failed; the next call starts over.
    """
    level = level_to_install(layout, wanted, read_stamp(layout))
    if level is None:
        return
    print(f"Installing what `{level}` needs into {layout.venv} …", flush=True)
    has_venv = Path(layout.program("python")).exists()
    layout.stamp.unlink(missing_ok=True)
    for command in setup_commands(layout, level, base_python=base_python, has_venv=has_venv):
        if run(command) != 0:
            msg = f"`{shlex.join(command)}` failed; its own message is above. Mend that, then start again."
            raise EnvironmentSetupError(msg)
    _write_stamp(layout, Stamp(level, digest(layout, level)))


def _write_stamp(layout: Layout, stamp: Stamp) -> None:
    draft = layout.stamp.with_suffix(".new")
    draft.write_text(json.dumps({"level": stamp.level, "digest": stamp.digest}), encoding="utf-8")
    draft.replace(layout.stamp)


def lock_commands(layout: Layout) -> list[list[str]]:
    """Returns the calls that write the locks anew, each level held to the versions of the one before.

    The locks name no registry: `--no-config` keeps a user's own indexes out.
    """
    compile_lock = [
        *(layout.program("uv"), "pip", "compile", "--quiet", "--no-config", "--universal"),
        *("--generate-hashes", "--python-version", "3.10", "--no-header", "--no-annotate", "--upgrade"),
    ]
    project = str(layout.root / "pyproject.toml")
    groups = {
        level: [f"{project}:{group}" for group in LEVELS[1 : index + 1]] for index, level in enumerate(LEVELS)
    }
    commands = [[*compile_lock, "--group", f"{project}:uv", "-o", str(layout.lock("uv"))]]
    for index, level in enumerate(LEVELS):
        held = ["-c", str(layout.lock(LEVELS[index - 1]))] if index else []
        chosen = [word for group in groups[level] for word in ("--group", group)]
        commands.append([*compile_lock, project, *chosen, *held, "-o", str(layout.lock(level))])
    return commands
