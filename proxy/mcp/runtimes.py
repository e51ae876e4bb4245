"""Finds uvx, npx, node, python and docker: on PATH, where a login shell would, and in the usual places."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from proxy.mcp.values import McpProblem
from proxy.tools.child_output import HeadOutput
from proxy.tools.children import CannotStart, Children, Launch

PROGRAMS = ("uvx", "npx", "node", "python3", "docker")
HOW_TO_GET: Mapping[str, str] = {
    "uvx": "Install uv: https://docs.astral.sh/uv/getting-started/installation/",
    "npx": "Install Node.js: https://nodejs.org/en/download",
    "node": "Install Node.js: https://nodejs.org/en/download",
    "npm": "Install Node.js: https://nodejs.org/en/download",
    "uv": "Install uv: https://docs.astral.sh/uv/getting-started/installation/",
    "docker": "Install Docker: https://docs.docker.com/get-started/get-docker/",
}
_USUAL = (
    "~/.local/bin",
    "~/.cargo/bin",
    "~/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/usr/bin",
    "/bin",
    "/snap/bin",
)
_USUAL_ON_WINDOWS = ("~/.local/bin", "~/.cargo/bin", "~/AppData/Roaming/npm", "C:/Program Files/nodejs")
_NODES = (
    "~/.nvm/versions/node/v*/bin",
    "~/.local/share/fnm/node-versions/v*/installation/bin",
    "~/Library/Application Support/fnm/node-versions/v*/installation/bin",
    "~/.volta/tools/image/node/*/bin",
    "~/.asdf/installs/nodejs/*/bin",
    "~/.local/share/mise/installs/node/*/bin",
    "~/.nodenv/versions/*/bin",
    "/opt/homebrew/opt/node@*/bin",
    "/usr/local/opt/node@*/bin",
)
_SHELL_TIMEOUT_S = 5.0
_VERSION_TIMEOUT_S = 10.0
_MARK = "SIGNALBOX-PATH:"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A program that starts servers, for `doctor`."""

    name: str
    path: str | None
    version: str | None


class Runtimes:
    """Where programs are found; the login shell is asked once, where it is needed at all."""

    def __init__(self, environment: Mapping[str, str], platform: str) -> None:
        """Looks at nothing yet.

        Args:
            environment: Our own variables.
            platform: As `sys.platform`.
        """
        self._path = environment.get("PATH", "")
        self._home = environment.get("HOME") or environment.get("USERPROFILE") or ""
        self._shell = environment.get("SHELL", "")
        self._platform = platform
        self._login_path: str | None = None

    async def find(self, program: str, children: Children, *, first: Iterable[str] = ()) -> str:
        """Returns a program's path.

        Args:
            program: Its name, or an absolute path.
            children: To ask the login shell with.
            first: Folders to look in before all others.

        Raises:
            McpProblem: It is nowhere; the text names the folders and says how to get it.
        """
        folders = [*first, *self.folders()]
        found = await asyncio.to_thread(_which, program, folders)
        if found is None and self._platform == "darwin":
            folders.extend(await self._login_folders(children))
            found = await asyncio.to_thread(_which, program, folders)
        if found is None:
            searched = os.pathsep.join(dict.fromkeys(folders))
            how = HOW_TO_GET.get(program, "Give the path of an installed program")
            raise McpProblem(f"{program} not found; PATH searched: {searched}. {how}")
        return found

    def folders(self) -> list[str]:
        """Returns the folders of PATH and the usual places."""
        usual = _USUAL_ON_WINDOWS if self._platform == "win32" else _USUAL
        places = [*self._path.split(os.pathsep), *(self._at_home(each) for each in usual)]
        return [each for each in dict.fromkeys(places) if each]

    def path_for(self, program: str) -> str:
        """Returns the PATH of a child: the program's own folder first, so that npx finds its node."""
        return os.pathsep.join(dict.fromkeys([str(Path(program).parent), *self.folders()]))

    async def node_folder(self, version: str, children: Children) -> str:
        """Returns the folder of an installed Node of a version such as 22 or 22.3.

        Raises:
            McpProblem: None is installed; the text says how to get it.
        """
        found = await asyncio.to_thread(self._installed_node, version)
        if found is not None:
            return found
        try:
            node = await self.find("node", children)
        except McpProblem:
            node = None
        has = None if node is None else await version_of(node, children)
        if node is not None and has is not None and is_version(has, version):
            return str(Path(node).parent)
        also = f" (the one found is {has})" if has else ""
        raise McpProblem(
            f"Node {version} is not installed{also}. Install it, such as with `nvm install {version}` or "
            f"`fnm install {version}`, or take node_version out"
        )

    def _installed_node(self, version: str) -> str | None:
        for pattern in _NODES:
            place = self._at_home(pattern)
            if not place:
                continue
            anchor = Path(place).anchor
            for folder in sorted(Path(anchor).glob(place[len(anchor) :]), reverse=True):
                numbers = re.search(r"[v@/\\](\d+(?:\.\d+)*)(?=[/\\](?:installation[/\\])?bin$)", str(folder))
                if numbers and is_version(numbers[1], version) and (folder / "npx").exists():
                    return str(folder)
        return None

    def _at_home(self, place: str) -> str:
        if not place.startswith("~"):
            return place
        return self._home + place[1:] if self._home else ""

    async def _login_folders(self, children: Children) -> list[str]:
        """Asks the user's login shell for its PATH: programs started from the Dock get a short one."""
        if self._login_path is None:
            self._login_path = ""
            if self._shell.startswith("/"):
                argv = (self._shell, "-lic", f'printf "\\n{_MARK}%s\\n" "$PATH"')
                said = await said_by(argv, children, _SHELL_TIMEOUT_S)
                marked = [line for line in (said or "").splitlines() if line.startswith(_MARK)]
                self._login_path = marked[-1][len(_MARK) :] if marked else ""
        return [each for each in self._login_path.split(":") if each]

    async def all(self, children: Children) -> tuple[Runtime, ...]:
        """Returns every program with its version, for `doctor`."""
        return tuple(await asyncio.gather(*(self._runtime(name, children) for name in PROGRAMS)))

    async def _runtime(self, name: str, children: Children) -> Runtime:
        try:
            path = await self.find(name, children)
        except McpProblem:
            return Runtime(name, None, None)
        return Runtime(name, path, await version_of(path, children, self.path_for(path)))


async def version_of(program: str, children: Children, path: str | None = None) -> str | None:
    """Returns the version a program tells, `22.3.0`; None: it tells none."""
    said = await said_by((program, "--version"), children, _VERSION_TIMEOUT_S, path=path)
    found = re.search(r"\d+(\.\d+)+", said or "")
    return found[0] if found else None


def is_version(has: str, wanted: str) -> bool:
    """Tells whether 22.3.0 is a 22, a 22.3, …."""
    return has.split(".")[: len(wanted.split("."))] == wanted.split(".")


async def said_by(
    argv: tuple[str, ...], children: Children, timeout_s: float, *, path: str | None = None
) -> str | None:
    """Returns what a program writes; None: it failed, or did not end in time."""
    output = HeadOutput(64 * 1024)
    declared = {} if path is None else {"PATH": path}
    try:
        child = await children.start(Launch(argv, "/", declared), on_stdout=output.feed)
    except CannotStart:
        return None
    try:
        code = await asyncio.wait_for(child.wait(), timeout_s)
    except asyncio.TimeoutError:
        await child.stop(0.5)
        return None
    return output.text() if code == 0 else None


def _which(program: str, folders: Iterable[str]) -> str | None:
    return shutil.which(program, path=os.pathsep.join(folders))
