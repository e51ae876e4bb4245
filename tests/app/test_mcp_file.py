"""The file of the MCP servers: every error with line and field, changes in place, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.environment import Environment
from app.mcp_file import McpFile, read_mcp
from app.own_files import mcp_path
from app.paths import Folders
from app.settings import Settings
from app.settings_edit import Put, Remove
from app.yaml_document import SettingsError
from proxy.mcp.values import McpServerConfig, ToolChoice

TEXT = """# mine
servers:
  time: {type: python, command: mcp-server-time}  # often
  box:
    type: streamable-http
    url: https://box.example/mcp
    headers: {X-Api-Key: "${keyring:box}"}
    tools: {wipe: {enabled: false}, read: {permission: allow}}
"""


@pytest.fixture
def file(tmp_path: Path) -> McpFile:
    made = McpFile(tmp_path / "mcp_servers.yaml")
    made.path.write_text(TEXT)
    made.load()
    return made


def test_servers_are_read_in_file_order_with_what_is_different_for_single_tools(file: McpFile) -> None:
    time, box = file.servers()

    assert time == McpServerConfig("time", "python", "mcp-server-time")
    assert (box.type, box.url, box.headers) == (
        "http",
        "https://box.example/mcp",
        {"X-Api-Key": "${keyring:box}"},
    )
    assert box.tools == {"wipe": ToolChoice(False), "read": ToolChoice(True, "allow")}


def test_a_change_leaves_all_other_bytes(file: McpFile) -> None:
    file.apply([Put(("servers", "box", "enabled"), False), Remove(("servers", "box", "tools", "wipe"))])

    after = file.path.read_text()
    assert after.startswith("# mine\nservers:\n  time: {type: python, command: mcp-server-time}  # often\n")
    assert [each.is_enabled for each in file.servers()] == [True, False]
    assert file.path.with_name("mcp_servers.yaml.bak").read_text() == TEXT


def test_the_first_server_makes_the_file(tmp_path: Path) -> None:
    made = McpFile(tmp_path / "new" / "mcp_servers.yaml")
    made.load()
    assert made.servers() == ()

    made.apply([Put(("servers", "time"), {"type": "python", "command": "mcp-server-time"})])

    assert made.path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in made.servers()] == ["time"]
    assert made.path.read_text().startswith("# MCP servers.")


def test_the_section_of_other_programs_is_read_too() -> None:
    found = read_mcp(b'{"mcpServers": {"time": {"command": "t"}}}').settings.servers
    assert found["time"].type == "stdio"


def test_the_variables_of_other_programs_are_read_too_and_an_error_names_their_section() -> None:
    found = read_mcp(b'{"mcpServers": {"time": {"command": "t", "env": {"A": "b"}}}}').settings.servers
    assert found["time"].environment == {"A": "b"}
    with pytest.raises(SettingsError, match=r"line 2, column 13: mcpServers\.a\.type"):
        read_mcp(b"mcpServers:\n  a: {type: rust}")


@pytest.mark.parametrize("section", ["servers", "mcpServers"])
def test_a_key_that_nothing_knows_is_noticed_with_what_it_may_be_meant_for(section: str) -> None:
    document = read_mcp(f"{section}:\n  a:\n    command: x\n    comand: y\n".encode())
    assert document.notices == (
        f"line 4, column 13: unknown key '{section}.a.comand'; did you mean 'command'?",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servers:\n  time: {type: pyton}", "line 2, column 16: servers.time.type"),
        (
            "servers:\n  time: {type: python}",
            "line 2, column 9: servers.time: a server of the type python needs",
        ),
        ("servers:\n  time: {type: http}", "needs a url"),
        ("servers:\n  time: {url: 'https://x'}", "a server with a url needs `type: http`"),
        ("servers:\n  time: {command: x, args: a b}", "servers.time.args: arguments stand one by one"),
        ("servers:\n  time: {command: x, url: 'https://x'}", "a url is for the types http and sse"),
        ("servers:\n  time: {type: http, url: 'https://x', command: x}", "a command is for the types"),
        ("servers:\n  a__b: {command: x}", "cannot be a server's name"),
        ("servers:\n  signalbox: {command: x}", "names Signalbox's own tools"),
        ("servers:\n  a: {command: x, environment: {'A B': c}}", "no name of a variable"),
        ("servers:\n  a: {command: x, cwd: here}", "no absolute path"),
        (
            "servers:\n  a: {command: x, cwd: ~nosuch/x}",
            "line 2, column 24: servers.a.cwd: '~nosuch/x' begins",
        ),
        ("servers:\n  a: {command: x, python_version: '2.7'}", "python_version"),
        ("servers:\n  a: {command: x}\n  a: {command: y}", "stands twice"),
        ("servers:\n\ta: 1", "line 2"),
    ],
)
def test_an_error_names_line_and_field(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_mcp(text.encode())
    assert said in str(caught.value)


def test_a_broken_file_is_named_left_alone_and_runs_nothing(file: McpFile) -> None:
    file.path.write_text("servers: [")
    file.load()

    assert str(file.path) in (file.problem() or "")
    assert file.servers() == ()
    with pytest.raises(SettingsError):
        file.apply([Put(("servers", "x"), {"command": "x"})])
    assert file.path.read_text() == "servers: ["


def test_a_secret_in_plain_text_is_noticed_and_never_repeated() -> None:
    value = "made-up-" + "value-1"
    document = read_mcp(f"servers: {{gh: {{command: gh, environment: {{GH_TOKEN: {value}}}}}}}".encode())

    assert "keys set gh" in document.notices[0]
    assert value not in document.notices[0]


@pytest.mark.parametrize("content", [None, b"", b" \n"])
def test_a_file_that_is_emptied_or_gone_is_neither_read_nor_edited_nor_its_last_content_lost(
    file: McpFile, content: bytes | None
) -> None:
    file.apply([Put(("servers", "box", "enabled"), False)])
    if content is None:
        file.path.unlink()
    else:
        file.path.write_bytes(content)

    assert "still in force" in (file.problem_on_disk() or "")
    with pytest.raises(SettingsError, match=r"copy mcp_servers\.yaml\.bak to mcp_servers\.yaml"):
        file.apply([Put(("servers", "x"), {"command": "x"})])

    assert (file.path.read_bytes() if file.path.exists() else None) == content
    assert file.path.with_name("mcp_servers.yaml.bak").read_text() == TEXT
    assert [each.name for each in file.servers()] == ["time", "box"]


def test_an_empty_file_that_never_held_anything_counts_as_none(tmp_path: Path) -> None:
    made = McpFile(tmp_path / "mcp_servers.yaml")
    made.path.write_bytes(b"")
    made.load()
    first = [Put(("servers", "x"), {"command": "x"})]

    assert made.problem_on_disk() is None
    made.check(first)
    made.apply(first)
    assert made.path.read_text().startswith("# MCP servers.")
    assert [each.name for each in made.servers()] == ["x"]
    assert not made.path.with_name("mcp_servers.yaml.bak").exists()


def test_an_emptied_file_is_not_edited_though_no_server_came_from_it(file: McpFile) -> None:
    file.apply([Put(("servers", "box", "enabled"), False)])
    file.path.write_bytes(b"")
    later = McpFile(file.path)
    later.load()
    with pytest.raises(SettingsError, match=r"copy mcp_servers\.yaml\.bak .*, or delete it to begin anew"):
        later.apply([Put(("servers", "x"), {"command": "x"})])


def test_a_file_in_the_home_of_nobody_is_neither_read_nor_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = Environment(process={"MCP_CONFIG_PATH": "~no-such-user/mcp.yaml"})
    made = McpFile(mcp_path(environment, Settings(), Folders(tmp_path, tmp_path, tmp_path)))
    made.load()
    assert made.problem() == (
        "~no-such-user/mcp.yaml, which MCP_CONFIG_PATH or mcp_config names: '~no-such-user/mcp.yaml' "
        "begins in a home folder that is not known; write out the whole path"
    )
    with pytest.raises(SettingsError, match="not known"):
        made.apply([Put(("servers", "time"), {"type": "python", "command": "mcp-server-time"})])
    assert not any(tmp_path.iterdir())
