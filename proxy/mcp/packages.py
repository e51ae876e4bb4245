"""Asks the package tools, by their own commands, for a version, and has them download it once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from proxy.mcp.launch import package_of, spec_of
from proxy.mcp.logs import ServerLog
from proxy.mcp.runtimes import Runtimes
from proxy.mcp.values import McpProblem, McpServerConfig
from proxy.tools.child_output import HeadOutput
from proxy.tools.children import CannotStart, Children, Launch

RESOLVE_TIMEOUT_S = 60.0
PREPARE_TIMEOUT_S = 600.0
_SYSTEM_CERTIFICATES: Mapping[str, str] = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
"""uv trusts whom the system trusts, as all of our own connections do; by its newer and its older name."""
_NODE_VERSION = re.compile(r"\d+\.\d+\.\d+[0-9A-Za-z.+-]*")


class CommandPackages:
    """The registries that `uv` and `npm` are set up for."""

    def __init__(self, children: Children, runtimes: Runtimes) -> None:
        """Asks nothing yet."""
        self._children = children
        self._runtimes = runtimes

    async def resolve(self, config: McpServerConfig) -> str:
        """Returns the version a package without an exact one has now; see `Packages`."""
        name, _ = package_of(config)
        if config.type == "python":
            return await self._python_version(config, name)
        npm = await self._beside_node("npm", config)
        said = await self._run(
            (npm, "view", "--no-update-notifier", config.command, "version"), RESOLVE_TIMEOUT_S
        )
        versions = _NODE_VERSION.findall(said)
        if not versions:
            raise McpProblem(f"{config.name}: the registry of npm has no version of {config.command}")
        return versions[-1]

    async def _python_version(self, config: McpServerConfig, name: str) -> str:
        uv = await self._runtimes.find("uv", self._children)
        python = ("--python-version", config.python_version) if config.python_version else ()
        argv = (uv, "pip", "compile", "--no-deps", "--no-header", "--no-annotate", "--quiet", *python, "-")
        said = await self._run(argv, RESOLVE_TIMEOUT_S, given=f"{config.command.replace('@latest', '')}\n")
        found = re.search(rf"^{re.escape(name)}==([^\s;]+)", said, re.MULTILINE | re.IGNORECASE)
        found = found or re.search(r"==([^\s;]+)", said)
        if found is None:
            raise McpProblem(f"{config.name}: the registry of uv has no version of {name}")
        return found[1]

    async def prepare(self, config: McpServerConfig, version: str) -> None:
        """Downloads a version; see `Packages`."""
        spec = spec_of(config, version)
        if config.type == "python":
            uvx = await self._runtimes.find("uvx", self._children)
            python = ("--python", config.python_version) if config.python_version else ()
            # The same environment that `uvx SPEC` uses; its command is not run, Python is.
            argv = (uvx, "--no-python-downloads", *python, "--from", spec, "python", "-c", "pass")
        else:
            npx = await self._beside_node("npx", config)
            argv = (npx, "-y", "--package", spec, "--", "node", "-e", "0")
        try:
            await self._run(argv, PREPARE_TIMEOUT_S)
        except McpProblem as problem:
            if config.python_version and "No interpreter found" in str(problem):
                raise McpProblem(
                    f"Python {config.python_version} is not installed. Install it, such as with "
                    f"`uv python install {config.python_version}`, or take python_version out"
                ) from problem
            raise

    async def _beside_node(self, program: str, config: McpServerConfig) -> str:
        first: tuple[str, ...] = ()
        if config.node_version:
            first = (await self._runtimes.node_folder(config.node_version, self._children),)
        return await self._runtimes.find(program, self._children, first=first)

    async def _run(self, argv: tuple[str, ...], timeout_s: float, given: str | None = None) -> str:
        """Returns what a command writes.

        Raises:
            McpProblem: It failed; the text ends with its own last words.
        """
        output = HeadOutput()
        errors = ServerLog(lambda: 0.0)
        declared = {"PATH": self._runtimes.path_for(argv[0]), **_SYSTEM_CERTIFICATES}
        launch = Launch(argv, "/", declared, stdin="closed" if given is None else "pipe")
        shown = f"{Path(argv[0]).name} {' '.join(argv[1:4])}"
        try:
            child = await self._children.start(launch, on_stdout=output.feed, on_stderr=errors.feed)
        except CannotStart as exc:
            raise McpProblem(str(exc)) from exc
        try:
            if given is not None:
                child.write(given.encode())
                child.close_input()
            code = await asyncio.wait_for(child.wait(), timeout_s)
        except asyncio.TimeoutError as exc:
            raise McpProblem(f"`{shown} …` did not end within {timeout_s:g} s") from exc
        finally:
            if child.exit_code is None:
                await asyncio.shield(child.stop())
        errors.finish()
        if code != 0:
            words = [entry.text.strip() for entry in errors.entries() if entry.text.strip()]
            raise McpProblem(f"`{shown} …` failed (exit {code}): {' '.join(words[-3:])[:600]}")
        return output.text()
