from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.mcp.launch import fill, launch_of, package_of
from proxy.mcp.values import Launch, McpProblem, McpServerConfig
from proxy.mcp.variables import MissingVariable, filled

PYTHON = McpServerConfig("time", "python", "mcp-server-time==2026.1.0", ("--local",))
NODE = McpServerConfig("all", "node", "@scope/server@1.2.3")


@pytest.mark.parametrize(
    ("kind", "text", "package"),
    [
        ("python", "mcp-server-time", ("mcp-server-time", None)),
        ("python", "mcp-server-time==2026.1.0", ("mcp-server-time", "2026.1.0")),
        ("python", "mcp-server-time@2026.1.0", ("mcp-server-time", "2026.1.0")),
        ("python", "mcp[cli]==1.0rc1", ("mcp[cli]", "1.0rc1")),
        ("python", "mcp-server-time>=1", ("mcp-server-time", None)),
        ("python", "mcp-server-time@latest", ("mcp-server-time", None)),
        ("node", "server", ("server", None)),
        ("node", "server@1.2.3", ("server", "1.2.3")),
        ("node", "@scope/server", ("@scope/server", None)),
        ("node", "@scope/server@1.2.3-beta.1", ("@scope/server", "1.2.3-beta.1")),
        ("node", "@scope/server@latest", ("@scope/server", None)),
        ("node", "@scope/server@^1.2.3", ("@scope/server", None)),
    ],
)
def test_a_package_is_read_with_its_exact_version(
    kind: Any, text: str, package: tuple[str, str | None]
) -> None:
    assert package_of(McpServerConfig("s", kind, text)) == package


@pytest.mark.parametrize(
    "text",
    [
        "git+https://x.example/a",
        "https://x.example/a.tgz",
        "./here",
        "/abs",
        "~/x",
        "--evil",
        "a b",
        "",
        "file:x",
    ],
)
@pytest.mark.parametrize("kind", ["python", "node"])
def test_what_is_no_package_of_a_registry_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(McpProblem, match="command"):
        package_of(McpServerConfig("s", kind, text))


def test_packages_are_started_by_their_runner_in_one_version() -> None:
    assert launch_of(PYTHON, None, "/own").argv == (
        "uvx", "--no-python-downloads", "mcp-server-time==2026.1.0", "--local",
    )  # fmt: skip
    chosen = replace(PYTHON, python_version="3.12", command="mcp-server-time")
    assert launch_of(chosen, "7.0", "/own").argv[2:5] == ("--python", "3.12", "mcp-server-time==7.0")
    assert launch_of(NODE, None, "/own").argv == ("npx", "-y", "@scope/server@1.2.3")
    assert launch_of(NODE, None, "/own").cwd == "/own"
    with pytest.raises(McpProblem, match="not known yet"):
        launch_of(replace(NODE, command="server"), None, "/own")


BASE = McpServerConfig(
    "s", "stdio", "prog", ("a",), environment={"A": "1"}, cwd="/here", headers={}, timeout_s=1.0
)


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASE, command="other"),
        replace(BASE, args=("b",)),
        replace(BASE, args=("a", "")),
        replace(BASE, environment={"B": "1"}),
        replace(BASE, cwd="/there"),
        replace(BASE, name="t"),
        McpServerConfig("s", "http", url="https://box.example/mcp"),
    ],
)
def test_whatever_makes_another_start_makes_another_digest(changed: McpServerConfig) -> None:
    assert launch_of(changed, None, "/own").digest != launch_of(BASE, None, "/own").digest


def test_a_version_an_address_and_a_header_count_too() -> None:
    two = replace(PYTHON, command="mcp-server-time==2026.1.1")
    assert launch_of(PYTHON, None, "/").digest != launch_of(two, None, "/").digest
    remote = McpServerConfig("s", "http", url="https://box.example/mcp")
    digests = {
        launch_of(each, None, "/").digest
        for each in (
            remote,
            replace(remote, url="https://box.example/mcp2"),
            replace(remote, headers={"X": "1"}),
            replace(remote, type="sse"),
        )
    }
    assert len(digests) == 4


def test_what_makes_no_other_start_keeps_the_digest_and_values_are_nowhere_in_it() -> None:
    other = replace(BASE, environment={"A": "secret"}, timeout_s=9.0, restart=False)
    launch = launch_of(other, None, "/own")
    assert launch.digest == launch_of(BASE, None, "/own").digest
    assert "secret" not in repr(launch)
    assert launch.environment_names == ("A",)


KNOWN = {"A": "one", "EMPTY": "", "keyring:box": "key"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A", "one"),
        ("${A}-$A.", "one-one."),
        ("${NONE:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("${keyring:box}", "key"),
        ("$$A costs 5$", "$A costs 5$"),
        ("${1}", "${1}"),
    ],
)
def test_references_are_filled(text: str, value: str) -> None:
    assert filled(text, KNOWN.get, place="args") == value


@pytest.mark.parametrize("text", ["$NONE", "${NONE}", "${keyring:none}"])
def test_a_missing_one_is_named_with_its_place(text: str) -> None:
    with pytest.raises(MissingVariable, match=r"args: .*(NONE|none)"):
        filled(text, KNOWN.get, place="args")


def test_what_was_filled_in_is_not_filled_again() -> None:
    assert filled("$A", {"A": "$B", "B": "no"}.get, place="args") == "$B"


def test_all_places_are_filled() -> None:
    config = McpServerConfig(
        "s", "http", url="https://$A/", headers={"X": "${keyring:box}"}, environment={"E": "$A"}
    )
    ready = fill(config, Launch("s", ("p", "$A"), "https://$A/", cwd="/$A"), KNOWN.get)
    assert (ready.argv, ready.url, ready.cwd) == (("p", "one"), "https://one/", "/one")
    assert ready.headers == {"X": "key"}
    assert ready.environment == {"E": "one"}
