#!/usr/bin/env python3
"""Sets Signalbox up on this machine and runs it, its tests, its checks or its benchmarks.

Usage: python3 build_scripts/dev.py COMMAND [ARGUMENTS passed on]

  run      start the desktop app (headless where there is no display)
  test     run the whole test suite
  check    format, lint, types, coverage, import contracts, dead dependencies
  bench    run the programs in benchmarks/

For maintainers and CI: `lock` writes requirements/ anew, `clients` installs the real client programs
of the end-to-end test.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if sys.version_info < (3, 10):  # noqa: UP036 - whoever starts this may have an older one
    sys.exit(f"Signalbox needs Python 3.10 or newer; this is {sys.version.split()[0]}.")
sys.path.insert(0, str(ROOT))

from build_scripts import checks, clients, debian, environment  # noqa: E402 - found through the line above

COMMANDS = ("run", "test", "check", "bench", "lock", "clients")
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses=4", "--dist", "loadfile")
"""How the whole suite runs; whoever names tests runs them in one process."""
LEVEL_OF = {"run": "run", "test": "test", "check": "dev", "bench": "test", "lock": "dev"}
INDEX_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")


def has_display(environ: Mapping[str, str], platform: str) -> bool:
    """Tells whether a window can be shown: always, but on Unix systems other than macOS."""
    if platform in {"win32", "darwin"}:
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def app_arguments(extra: Sequence[str], *, display: bool) -> list[str]:
    """Returns what to start the program with: without a display, its headless server."""
    names_a_command = bool(extra) and not extra[0].startswith("-")
    only_asks = bool({"-h", "--help", "--version"} & set(extra))
    if display or names_a_command or only_asks:
        return list(extra)
    return ["serve", *(word for word in extra if word != "--hidden")]


def child_environment(environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """Returns the environment for the programs we start: the user's own, with two defaults."""
    return {
        "SIGNALBOX_TEST_DATA": str(root.parent / "shared"),
        "UV_SYSTEM_CERTS": "true",  # as pip does: companies put their own authority into the system
        **environ,
    }


def locking_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment for `lock`: only the public registry may decide what is locked."""
    return {name: value for name, value in environ.items() if name not in INDEX_VARIABLES}


def benchmark_modules(root: Path) -> list[str]:
    """Returns the names of the benchmark programs, in order."""
    return [f"benchmarks.{path.stem}" for path in sorted((root / "benchmarks").glob("[!_]*.py"))]


def run(command: Sequence[str], folder: Path = ROOT, environ: Mapping[str, str] = os.environ) -> int:
    """Runs a program from the checkout and returns its exit code."""
    return subprocess.run(command, cwd=folder, env=child_environment(environ, ROOT), check=False).returncode


def capture(command: Sequence[str]) -> tuple[int, str]:
    """Runs a program and returns its exit code and output."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=child_environment(os.environ, ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def provide_system_packages(command: str) -> None:
    """Installs what Debian or Ubuntu lack for `command`; other systems bring it along."""
    release = Path("/etc/os-release")
    if not release.exists() or not debian.is_debian(release.read_text(encoding="utf-8")):
        return
    python = None if importlib.util.find_spec("ensurepip") else f"python3.{sys.version_info[1]}"
    window = command != "lock" and (command != "run" or has_display(os.environ, sys.platform))
    needed = debian.needed_packages(python=python, window=window, tests=command == "test")
    listing = subprocess.run(
        debian.LIST_INSTALLED, stdout=subprocess.PIPE, encoding="utf-8", check=True
    ).stdout
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    debian.provide(needed, listing, is_root=os.geteuid() == 0, run=run)


def start_app(layout: environment.Layout, extra: Sequence[str]) -> int:
    """Becomes the program, so that signals and the terminal are its own."""
    display = has_display(os.environ, sys.platform)
    arguments = app_arguments(extra, display=display)
    if arguments[:1] == ["serve"] and arguments != list(extra):
        print(
            "There is no display (DISPLAY and WAYLAND_DISPLAY are not set): serving without a window.",
            flush=True,
        )
    command = [layout.program("signalbox"), *arguments]
    if os.name != "nt":
        os.execve(command[0], command, child_environment(os.environ, ROOT))
    return run(command, Path.cwd())


def run_checks(layout: environment.Layout) -> int:
    """Runs every tool and returns 1 if any found something."""
    failed = 0
    for outcome in checks.run_steps(checks.check_steps(layout), capture):
        print(outcome.report(), flush=True)
        failed += not outcome.passed
    return 1 if failed else 0


def run_benchmarks(layout: environment.Layout, extra: Sequence[str]) -> int:
    """Runs every benchmark and returns 1 if any failed."""
    modules = benchmark_modules(ROOT)
    if not modules:
        print("There are no programs in benchmarks/ yet.")
    codes = [run([layout.program("python"), "-m", module, *extra]) for module in modules]
    return 1 if any(codes) else 0


def write_locks(layout: environment.Layout) -> int:
    """Writes requirements/ anew and returns the first failing exit code."""
    os.environ.update(child_environment(os.environ, ROOT))
    for command in environment.lock_commands(layout):
        code = subprocess.run(command, cwd=ROOT, env=locking_environment(os.environ), check=False).returncode
        if code != 0:
            return code
    return 0


def dispatch(command: str, extra: Sequence[str]) -> int:
    """Sets up what `command` needs, runs it and returns its exit code."""
    if command == "clients":
        clients.provide(ROOT, npm=shutil.which("npm"), run=run)
        return 0
    provide_system_packages(command)
    layout = environment.Layout(ROOT)
    environment.provide(layout, LEVEL_OF[command], base_python=sys.executable, run=run)
    if command == "run":
        return start_app(layout, extra)
    if command == "test":
        return run([layout.program("python"), "-m", "pytest", *(extra or SIDE_BY_SIDE)])
    if command == "check":
        return run_checks(layout)
    if command == "bench":
        return run_benchmarks(layout, extra)
    return write_locks(layout)


def main(arguments: Sequence[str]) -> int:
    """Runs the command line and returns the exit code."""
    if not arguments or arguments[0] not in COMMANDS:
        wants_help = arguments[:1] in (["-h"], ["--help"], ["help"])
        print(__doc__, file=sys.stdout if wants_help else sys.stderr)
        return 0 if wants_help else 2
    try:
        return dispatch(arguments[0], arguments[1:])
    except (debian.SystemPackagesError, environment.EnvironmentSetupError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
