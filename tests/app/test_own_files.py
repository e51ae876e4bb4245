"""What no tool may touch: our folders, the settings, the MCP servers' file, and files that hold keys."""

from __future__ import annotations

from pathlib import Path

from app.settings_edit import Put
from tests.app.controller_bench import Bench, Make


def own_of(bench: Bench) -> set[str]:
    return set(bench.configuration.proxy_config().tools.own_paths)


def test_files_with_keys_and_tokens_and_mcp_servers_are_our_own(make: Make, tmp_path: Path) -> None:
    settings = (
        f"providers: {{a: {{base_url: 'https://a.example', key: {{file: {tmp_path}/a.key}}, "
        f"keys: [{{file: {tmp_path}/b.key}}, {{file: ~no-such-user/d.key}}]}}}}\n"
        f"web_search: {{engine: brave, key: {{file: {tmp_path}/c.key}}}}\n"
        f"mcp_config: {tmp_path}/link/mcp.yaml\n"
    )
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    token = tmp_path / "link" / "token"
    token.touch(0o600)
    token.write_text("a-token-of-more-than-20-characters")
    bench = make(settings=settings)
    bench.configuration.unlock(token)

    own = own_of(bench)
    assert {f"{tmp_path}/{name}.key" for name in "abc"} <= own
    assert not [each for each in own if "no-such-user" in each], "of such a file its provider tells"
    assert {
        f"{tmp_path}/{folder}/{name}" for folder in ("link", "elsewhere") for name in ("token", "mcp.yaml")
    } <= own
    assert {str(bench.folders.config), str(tmp_path / "settings.yaml")} <= own


def test_a_file_that_is_named_later_is_our_own_from_then_on(make: Make, tmp_path: Path) -> None:
    bench = make(settings="providers: {a: {base_url: 'https://a.example'}}\n")
    bench.configuration.unlock()
    key, servers = f"{tmp_path}/later.key", f"{tmp_path}/later.yaml"
    assert not own_of(bench) & {key, servers}
    bench.configuration.apply([Put(("providers", "a", "key"), {"file": key})])
    assert key in own_of(bench)
    file = bench.folders.settings_file
    file.write_text(f"{file.read_text()}\nmcp_config: {servers}\n")
    bench.configuration.reload()
    assert {key, servers} <= own_of(bench)
