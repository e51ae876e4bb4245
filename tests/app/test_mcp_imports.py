"""Servers as other programs write them down become entries of ours."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
import yaml

from app.mcp_file import read_mcp
from app.mcp_imports import NotUnderstood, read_pasted

TIME = {"command": "uvx", "args": ["mcp-server-time", "--local-timezone", "UTC"]}
OURS = {"type": "python", "command": "mcp-server-time", "args": ["--local-timezone", "UTC"]}


@pytest.mark.parametrize(
    "data",
    [
        {"time": TIME},
        {"mcpServers": {"time": TIME}},
        {"servers": {"time": TIME}},
        {"mcp_servers": {"time": TIME}},
        {"mcp": {"servers": {"time": TIME}}},
        [{"name": "time", **TIME}],
        {"name": "time", **TIME},
        {"mcpServers": [{"name": "time", **TIME}]},
        {"time": {"command": ["uvx", "mcp-server-time", "--local-timezone", "UTC"]}},
    ],
)
def test_every_shape_of_a_list_of_servers_is_understood(data: object) -> None:
    for text in (json.dumps(data), json.dumps(data, indent=1), yaml.safe_dump(data)):
        (found,) = read_pasted(text)
        assert (found.name, found.entry) == ("time", OURS)


@pytest.mark.parametrize(
    ("words", "entry"),
    [
        (
            ["npx", "-y", "@scope/server@1.2.3", "x"],
            {"type": "node", "command": "@scope/server@1.2.3", "args": ["x"]},
        ),
        (["/usr/bin/npx.cmd", "pkg"], {"type": "node", "command": "pkg", "args": []}),
        (
            ["uvx", "--python", "3.12", "pkg"],
            {"type": "python", "command": "pkg", "args": [], "python_version": "3.12"},
        ),
        (
            ["uvx", "--from", "git+x", "pkg"],
            {"type": "stdio", "command": "uvx", "args": ["--from", "git+x", "pkg"]},
        ),
        (["npx"], {"type": "stdio", "command": "npx", "args": []}),
        (
            ["docker", "run", "-i", "box"],
            {"type": "stdio", "command": "docker", "args": ["run", "-i", "box"]},
        ),
    ],
)
def test_package_runners_become_packages_where_nothing_is_lost(words: list[str], entry: object) -> None:
    (found,) = read_pasted(json.dumps({"a": {"command": words[0], "args": words[1:]}}))
    assert found.entry == entry


@pytest.mark.parametrize(
    ("line", "name", "entry"),
    [
        (
            "claude mcp add time -- uvx mcp-server-time --local-timezone UTC",
            "time",
            OURS,
        ),
        (
            "claude mcp add -s user -e A=1 -e B=2 files -- npx -y pkg /home",
            "files",
            {"type": "node", "command": "pkg", "args": ["/home"], "environment": {"A": "1", "B": "2"}},
        ),
        (
            'claude mcp add --transport http box https://box.example/mcp --header "X-Team: red"',
            "box",
            {"type": "http", "url": "https://box.example/mcp"},
        ),
        (
            'claude mcp add --transport sse --header "X-Team: red" box https://box.example/sse',
            "box",
            {"type": "sse", "url": "https://box.example/sse", "headers": {"X-Team": "red"}},
        ),
    ],
)
def test_a_claude_mcp_add_command_is_understood(line: str, name: str, entry: object) -> None:
    (found,) = read_pasted(line)
    assert (found.name, found.entry) == (name, entry)


def test_install_links_are_understood() -> None:
    packed = base64.b64encode(json.dumps(TIME).encode()).decode()
    cursor = f"cursor://anysphere.cursor-deeplink/mcp/install?name=time&config={packed}"
    vscode = "vscode:mcp/install?" + quote(json.dumps({"name": "time", **TIME}))

    assert [read_pasted(link)[0].entry for link in (cursor, vscode)] == [OURS, OURS]


def test_secrets_go_into_the_keyring_and_nowhere_else() -> None:
    value = "made-up-" + "value-1"
    given = {"box": {"url": "https://b.example", "headers": {"Authorization": f"Bearer {value}"}}}
    local = {"gh": {"command": "gh", "env": {"GH_TOKEN": value, "A": "${env:HOME}", "B": "${X:-y}"}}}
    (remote,) = read_pasted(json.dumps(given))
    (program,) = read_pasted(json.dumps(local))

    assert remote.entry["headers"] == {"Authorization": "Bearer ${keyring:box-Authorization}"}
    assert remote.secrets == {"box-Authorization": value}
    assert program.entry["environment"] == {
        "GH_TOKEN": "${keyring:gh-GH_TOKEN}",
        "A": "${HOME}",
        "B": "${X:-y}",
    }
    assert all(value not in each.yaml() + each.summary + repr(each) for each in (remote, program))


def test_what_vscode_asks_for_must_be_stored_before_it_starts() -> None:
    (found,) = read_pasted('{"servers": {"gh": {"command": "gh", "env": {"T": "${input:pat}"}}}}')
    assert found.entry["environment"] == {"T": "${keyring:gh-pat}"}
    assert "signalbox keys set gh-pat" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "lawful"),
    [
        ("my server", "my-server"),
        ("@scope/pkg@1", "pkg"),
        ("a__b", "a_b"),
        ("é", "server"),
        ("signalbox", "signalbox-server"),
    ],
)
def test_a_name_that_tools_cannot_carry_is_made_lawful_and_said(name: str, lawful: str) -> None:
    (found,) = read_pasted(json.dumps({name: TIME}))
    assert found.name == lawful
    assert lawful in found.notes[0]


def test_what_is_off_or_has_its_own_time_stays_so() -> None:
    (found,) = read_pasted('{"a": {"command": "x", "disabled": true, "timeout": 5000, "cwd": "/srv"}}')
    assert found.entry == {
        "type": "stdio",
        "command": "x",
        "args": [],
        "cwd": "/srv",
        "enabled": False,
        "timeout_s": 5,
    }


def test_an_entry_as_text_is_what_our_own_file_takes() -> None:
    (found,) = read_pasted(json.dumps({"time": TIME}))
    text = "servers:\n" + "".join(f"  {line}\n" for line in found.yaml().splitlines())
    assert read_mcp(text.encode()).settings.servers["time"].command == "mcp-server-time"
    assert found.summary == "uvx mcp-server-time --local-timezone UTC"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no MCP server"),
        ("hello", "no MCP server"),
        ("{", "neither JSON nor YAML"),
        ('{"a": {"command": "x", "cwd": "here"}}', "no absolute path"),
        ('{"a": {"url": "ftp://x"}}', "needs a url"),
        ("claude mcp add time", "names the server"),
        ("claude mcp add 'time", "cannot be read"),
        ("cursor://x/mcp/install?config=%%", "no server that can be read"),
        ("x" * 1_000_001, "far longer"),
    ],
)
def test_what_is_not_understood_says_what_to_do(text: str, said: str) -> None:
    with pytest.raises(NotUnderstood, match=said):
        read_pasted(text)
