"""What no tool may touch: our folders, the settings, and every file that holds a key or the token."""

from __future__ import annotations

from pathlib import Path

from app.tool_host import tool_host
from tests.app.controller_bench import Make


def test_files_with_keys_and_the_named_token_file_are_our_own(make: Make, tmp_path: Path) -> None:
    settings = (
        f"providers: {{a: {{base_url: 'https://a.example', key: {{file: {tmp_path}/a.key}}, "
        f"keys: [{{file: {tmp_path}/b.key}}, {{file: ~no-such-user/d.key}}]}}}}\n"
        f"web_search: {{engine: brave, key: {{file: {tmp_path}/c.key}}}}\n"
    )
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    host = tool_host(make(settings=settings).configuration, tmp_path / "link" / "token")

    own = set(host.machine.own_paths)
    assert {f"{tmp_path}/{name}.key" for name in "abc"} <= own
    assert not [each for each in own if "no-such-user" in each], "of such a file its provider tells"
    assert {f"{tmp_path}/link/token", f"{tmp_path}/elsewhere/token", str(tmp_path / "settings.yaml")} <= own
