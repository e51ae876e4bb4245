"""From an entry of the file to exactly what is started: first for the approval, then with all filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from proxy.mcp.canonical import digest_of
from proxy.mcp.values import Launch, McpProblem, McpServerConfig
from proxy.mcp.variables import Resolve, filled

_EXACT_NODE = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")
_PYTHON = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]*\])?)\s*(==|@)\s*(?P<version>[0-9][0-9A-Za-z.+!-]*)"
)
_NODE = re.compile(r"(?P<name>(@[^@/\s]+/)?[^@/\s]+)@(?P<version>.+)")
_ELSEWHERE = re.compile(r"[a-z+]+://|git\+|file:|[./~]|[A-Za-z]:[\\/]")
RUNNERS: Mapping[str, str] = {"python": "uvx", "node": "npx"}


@dataclass(frozen=True, slots=True)
class Filled:
    """What a child gets; secrets may be in it, so it is never shown."""

    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] | None = None


def package_of(config: McpServerConfig) -> tuple[str, str | None]:
    """Returns the package of an entry and its exact version; None: it names none, or a range.

    Raises:
        McpProblem: It is no package of a registry.
    """
    text = config.command.strip()
    if not text or text.startswith("-") or any(character.isspace() for character in text.strip()):
        raise McpProblem(f"{config.name}: command: '{text}' names no package")
    if _ELSEWHERE.match(text):
        raise McpProblem(
            f"{config.name}: command: '{text}' is no package of a registry. Use the type stdio with the "
            "whole command, or name a package and its version"
        )
    if config.type == "python":
        found = _PYTHON.fullmatch(text)
        if found is not None:
            return found["name"], found["version"]
        return re.split(r"[=<>!~@;]", text, maxsplit=1)[0], None
    found = _NODE.fullmatch(text)
    if found is None:
        return text, None
    return found["name"], found["version"] if _EXACT_NODE.fullmatch(found["version"]) else None


def spec_of(config: McpServerConfig, version: str) -> str:
    """Returns a package with its version, as its runner wants it."""
    name, _ = package_of(config)
    return f"{name}=={version}" if config.type == "python" else f"{name}@{version}"


def needs_package(config: McpServerConfig) -> bool:
    """Tells whether a package runner starts it."""
    return config.type in RUNNERS


def entry_digest(config: McpServerConfig) -> str:
    """Returns what tells whether an entry still names the same package in the same way."""
    return digest_of([config.type, config.command, list(config.args)])


def launch_of(config: McpServerConfig, version: str | None, own_folder: str) -> Launch:
    """Returns what would be started, for the approval.

    Args:
        config: The entry.
        version: Of its package, where it does not say one itself.
        own_folder: Where it runs when the entry says nothing.

    Raises:
        McpProblem: The entry names no package, or its version is not known yet.
    """
    launch = Launch(config.name, (), environment_names=tuple(sorted(config.environment)))
    if config.type in {"http", "sse"}:
        launch = replace(launch, url=config.url, environment_names=tuple(sorted(config.headers)))
    else:
        launch = replace(launch, argv=(config.command, *config.args), cwd=config.cwd or own_folder)
    if needs_package(config):
        name, exact = package_of(config)
        chosen = exact or version
        if chosen is None:
            raise McpProblem(f"{config.name}: the version of {name} is not known yet")
        package = spec_of(config, chosen)
        launch = replace(launch, argv=(*runner_words(config), package, *config.args), package=package)
    described = {**asdict(launch), "type": config.type}
    return replace(launch, digest=digest_of(described))


def runner_words(config: McpServerConfig, *, offline: bool = False) -> tuple[str, ...]:
    """Returns the package runner with its own options."""
    if config.type == "python":
        python = ("--python", config.python_version) if config.python_version else ()
        return ("uvx", *(("--offline",) if offline else ()), "--no-python-downloads", *python)
    return ("npx", *(("--offline",) if offline else ()), "-y")


def fill(config: McpServerConfig, launch: Launch, resolve: Resolve) -> Filled:
    """Fills variables and the keyring's entries in; it may block.

    Raises:
        MissingVariable: One is not there.
    """
    where = config.name
    environment = {
        name: filled(text, resolve, place=f"{where}: environment: {name}")
        for name, text in config.environment.items()
    }
    headers = {
        name: filled(text, resolve, place=f"{where}: headers: {name}")
        for name, text in config.headers.items()
    }
    return Filled(
        tuple(filled(word, resolve, place=f"{where}: args") for word in launch.argv),
        environment,
        filled(launch.cwd, resolve, place=f"{where}: cwd"),
        filled(launch.url, resolve, place=f"{where}: url"),
        headers,
    )
