"""What the settings of tools become in the proxy's config, and which of them are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.proxy_config import to_proxy_config
from app.settings import Settings
from app.settings_document import read_settings
from app.tool_config import default_workspace, permission_config, tool_config, workspace_configs
from app.yaml_document import SettingsError
from proxy.config import RuleSource


def _settings(text: str) -> Settings:
    return read_settings(text.encode()).settings


def test_without_a_window_what_is_not_set_is_stricter() -> None:
    settings = _settings("version: 1")
    desktop = permission_config(settings, has_window=True)
    headless = permission_config(settings, has_window=False)

    assert (desktop.policy, desktop.mode, desktop.approvals, desktop.builtin_read_only) == (
        "claude-code",
        "default",
        "wait",
        True,
    )
    assert (headless.policy, headless.mode, headless.approvals, headless.builtin_read_only) == (
        "strict",
        "dontAsk",
        "deny",
        False,
    )


def test_what_is_set_counts_with_and_without_a_window() -> None:
    settings = _settings(
        "approvals: wait\npermissions: {policy: claude-code, defaultMode: plan, builtin_read_only: true}"
    )
    assert permission_config(settings, has_window=False) == permission_config(settings, has_window=True)


def test_rules_are_handed_on_as_written_and_the_projects_own_after_them() -> None:
    settings = _settings(
        'permissions: {allow: ["Bash(git log *)"], ask: [WebSearch], deny: ["Read(./.env)"], '
        'denyExcept: ["Read(./.env.example)"]}'
    )
    project = RuleSource("/site/.claude/settings.json", "/site", deny=("Bash",))

    assert permission_config(settings, has_window=True, project_rules=[project]).sources == (
        RuleSource(
            "settings", "", ("Bash(git log *)",), ("WebSearch",), ("Read(./.env)",), ("Read(./.env.example)",)
        ),
        project,
    )


def test_a_lone_workspace_is_the_default_one_and_of_several_the_named_one_is() -> None:
    one = _settings("workspaces: {site: {root: ~/site, read_only: [/usr/share/dict]}}")
    two = _settings("workspaces: {a: {root: /a}, b: {root: /b}}")
    named = _settings("workspaces: {a: {root: /a}, b: {root: /b}}\ndefault_workspace: b")

    assert [default_workspace(each) for each in (one, two, named)] == ["site", None, "b"]
    found = workspace_configs(one)["site"]
    assert (found.root, found.read_only) == (str(Path.home() / "site"), ("/usr/share/dict",))


def test_hosts_of_remote_servers_reach_the_proxy_as_hosts_are_compared() -> None:
    settings = _settings("mcp_allowed_hosts: [MCP.example, 'box.example:8443']")
    config = to_proxy_config(settings, {}, SecretStr("t"))
    assert config.mcp_allowed_hosts == ("mcp.example", "box.example:8443")


def test_limits_and_the_search_engine_reach_the_proxy() -> None:
    settings = _settings(
        "tools: {switched_off: [Bash], max_rounds: 3, local_hosts: ['box:8080']}\n"
        "web_search: {engine: brave, key: {keyring: brave}}"
    )
    config = tool_config(settings, SecretStr("k"))

    assert (config.switched_off, config.max_rounds) == (("Bash",), 3)
    assert (config.search.engine, config.search.key) == ("brave", SecretStr("k"))
    assert config.search.plain_http_hosts == ("box:8080",)


@pytest.mark.parametrize(
    ("text", "is_elevated", "may_run"),
    [
        ("", False, True),
        ("", True, False),
        ("tools: {may_run_as_root: false}", False, True),
        ("tools: {may_run_as_root: true}", True, True),
    ],
)
def test_as_root_programs_run_only_where_the_settings_allow_it(
    text: str, *, is_elevated: bool, may_run: bool
) -> None:
    config = to_proxy_config(_settings(text), {}, SecretStr("t"), is_elevated=is_elevated)
    assert config.tools.may_run_programs is may_run


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("permissions: {denied: [Bash]}", "no permission setting 'denied'"),
        ("permissions: {defaultMode: auto}", "the mode 'auto' is not supported"),
        ("permissions: {defaultMode: bypassPermissions}", "confirm_bypass: bypass"),
        (
            "permissions:\n  {defaultMode: bypassPermissions, disableBypassPermissionsMode: disable}",
            "forbidden by `disableBypassPermissionsMode`",
        ),
        ("permissions: {disableBypassPermissionsMode: disabled}", "disable"),
        ("permissions: {deny: ['']}", "a rule must not be empty"),
        ("workspaces: {site: {root: site}}", "'site' is no absolute path"),
        ("default_workspace: site", "no workspace 'site'; name one of the workspaces"),
        (
            "workspaces: {site: {root: /s}}\ndefault_workspace: sites",
            "no workspace 'sites'; did you mean 'site'?",
        ),
        ("tools: {task_alias: bgi}\naliases: {big: {candidates: [{provider: p, model: m}]}}", "mean 'big'?"),
        ("web_search: {engine: tavily}", "tavily needs a key"),
        ("web_search: {engine: searxng}", "searxng needs the address"),
        (
            "aliases: {big: {candidates: [{provider: p, model: m}], toolsets: [builtins]}}",
            "no toolset 'builtins'",
        ),
    ],
)
def test_a_setting_that_would_not_do_what_it_says_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(text.encode())
    assert said in str(caught.value)


def test_claude_codes_other_word_for_its_default_mode_is_understood() -> None:
    assert _settings("permissions: {defaultMode: manual}").permissions.defaultMode == "default"


def test_nothing_is_asked_any_more_only_after_the_word_was_typed() -> None:
    settings = _settings("permissions: {defaultMode: bypassPermissions, confirm_bypass: bypass}")
    assert permission_config(settings, has_window=True).mode == "bypassPermissions"
