from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from proxy.mcp.packages import CommandPackages
from proxy.mcp.runtimes import Runtimes, is_version
from proxy.mcp.values import McpProblem, McpServerConfig
from proxy.tools.children import Children

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs of this test are shell scripts")
Program = Callable[..., Path]


@pytest.fixture
async def children() -> AsyncGenerator[Children, None]:
    made = Children(os.environ)
    yield made
    await made.aclose()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a program that says something."""

    def made(name: str, script: str, folder: str = "bin") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return made


def _runtimes(tmp_path: Path, platform: str = "linux", **other: str) -> Runtimes:
    return Runtimes({"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home"), **other}, platform)


async def test_a_program_is_found_on_path_before_all_other_places(
    tmp_path: Path, program: Program, children: Children
) -> None:
    there = program("uvx", "echo uvx 1.2.3", "home/.local/bin")
    assert await _runtimes(tmp_path).find("uvx", children) == str(there)
    first = program("uvx", "echo uvx 1.2.3")
    assert await _runtimes(tmp_path).find("uvx", children) == str(first)
    assert await _runtimes(tmp_path).find(str(there), children) == str(there)


async def test_what_is_missing_is_said_with_the_folders_and_how_to_get_it(
    tmp_path: Path, children: Children
) -> None:
    with pytest.raises(
        McpProblem, match=rf"nothing-here not found; PATH searched: {tmp_path}/bin:"
    ) as caught:
        await _runtimes(tmp_path).find("nothing-here", children)
    assert "/.local/bin" in str(caught.value)


async def test_on_macos_the_login_shells_path_is_asked(
    tmp_path: Path, program: Program, children: Children
) -> None:
    there = program("only-in-the-shell", "exit 0", "shell-bin")
    shell = program("zsh", f'PATH={there.parent}; export PATH; echo hello; eval "$2"', "shells")
    runtimes = _runtimes(tmp_path, "darwin", SHELL=str(shell))
    assert await runtimes.find("only-in-the-shell", children) == str(there)
    with pytest.raises(McpProblem, match="shell-bin"):
        await runtimes.find("nothing-here", children)


async def test_a_node_of_the_wanted_version_is_found_where_its_managers_put_it(
    tmp_path: Path, program: Program, children: Children
) -> None:
    for version in ("v20.1.0", "v22.3.0"):
        program("npx", "exit 0", f"home/.nvm/versions/node/{version}/bin")
    runtimes = _runtimes(tmp_path)
    assert (await runtimes.node_folder("22", children)).endswith("v22.3.0/bin")
    assert (await runtimes.node_folder("20.1", children)).endswith("v20.1.0/bin")


async def test_the_node_on_path_will_do_when_it_is_the_one_and_else_is_named(
    tmp_path: Path, program: Program, children: Children
) -> None:
    node = program("node", "echo v18.2.0")
    assert await _runtimes(tmp_path).node_folder("18", children) == str(node.parent)
    with pytest.raises(McpProblem, match=r"Node 23 is not installed \(the one found is 18.2.0\). Install it"):
        await _runtimes(tmp_path).node_folder("23", children)


async def test_doctor_sees_paths_and_versions(tmp_path: Path, program: Program, children: Children) -> None:
    uvx = program("uvx", "echo uvx 1.2.3 of today")
    program("docker", "exit 1")
    found = {each.name: each for each in await _runtimes(tmp_path).all(children)}
    assert (found["uvx"].path, found["uvx"].version) == (str(uvx), "1.2.3")
    assert found["docker"].version is None


def test_22_3_0_is_a_22_and_no_2() -> None:
    assert is_version("22.3.0", "22")
    assert is_version("22.3.0", "22.3")
    assert not is_version("22.3.0", "2")
    assert not is_version("22.3.0", "22.30")


async def test_a_version_of_python_is_asked_of_uv(
    tmp_path: Path, program: Program, children: Children
) -> None:
    program("uv", f'cat > {tmp_path}/asked; echo "$@" >> {tmp_path}/asked; echo "mcp-server-time==7.1"')
    packages = CommandPackages(children, _runtimes(tmp_path))
    config = McpServerConfig("t", "python", "mcp-server-time>=7", python_version="3.12")
    assert await packages.resolve(config) == "7.1"
    asked = (tmp_path / "asked").read_text()
    assert asked.startswith("mcp-server-time>=7\npip compile --no-deps")
    assert "--python-version 3.12" in asked


async def test_a_version_of_node_is_asked_of_npm(
    tmp_path: Path, program: Program, children: Children
) -> None:
    program("npm", "echo \"@s/p@1.0.0 '1.0.0'\"; echo \"@s/p@1.2.0 '1.2.0'\"")
    packages = CommandPackages(children, _runtimes(tmp_path))
    assert await packages.resolve(McpServerConfig("t", "node", "@s/p@^1")) == "1.2.0"


async def test_a_tool_that_fails_is_quoted(tmp_path: Path, program: Program, children: Children) -> None:
    program("npm", "echo npm error 404 Not Found >&2; exit 1")
    program("uv", "echo nothing")
    packages = CommandPackages(children, _runtimes(tmp_path))
    with pytest.raises(McpProblem, match=r"exit 1.*404 Not Found"):
        await packages.resolve(McpServerConfig("t", "node", "nope"))
    with pytest.raises(McpProblem, match="no version of nope"):
        await packages.resolve(McpServerConfig("t", "python", "nope"))
    program("npm", "echo")
    with pytest.raises(McpProblem, match="no version of nope"):
        await packages.resolve(McpServerConfig("t", "node", "nope"))


async def test_a_package_is_downloaded_in_its_version(
    tmp_path: Path, program: Program, children: Children
) -> None:
    for name in ("uvx", "npx"):
        program(name, f'echo "$0 $@" >> {tmp_path}/asked')
    packages = CommandPackages(children, _runtimes(tmp_path))
    await packages.prepare(McpServerConfig("t", "python", "time", python_version="3.12"), "7.1")
    await packages.prepare(McpServerConfig("t", "node", "@s/p"), "1.2.0")
    python, node = (tmp_path / "asked").read_text().splitlines()
    assert "--python 3.12 --from time==7.1" in python
    assert "--package @s/p@1.2.0" in node


async def test_a_missing_python_is_said_with_how_to_get_it(
    tmp_path: Path, program: Program, children: Children
) -> None:
    program("uvx", "echo 'error: No interpreter found for Python 3.7' >&2; exit 2")
    packages = CommandPackages(children, _runtimes(tmp_path))
    with pytest.raises(McpProblem, match=r"Python 3.7 is not installed.*uv python install 3.7"):
        await packages.prepare(McpServerConfig("t", "python", "time", python_version="3.7"), "7.1")


async def test_the_node_of_the_wanted_version_downloads(
    tmp_path: Path, program: Program, children: Children
) -> None:
    program("npx", "exit 9")
    program("npx", f"echo ran > {tmp_path}/ran", "home/.nvm/versions/node/v22.3.0/bin")
    packages = CommandPackages(children, _runtimes(tmp_path))
    await packages.prepare(McpServerConfig("t", "node", "p", node_version="22"), "1.0.0")
    assert (tmp_path / "ran").exists()
