"""Makes the tools' part of the proxy's config: rules, workspaces, limits, who searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pydantic import SecretStr

from app.settings import Settings
from proxy.config import PermissionConfig, RuleSource, SearchConfig, ToolConfig, WorkspaceConfig


def permission_config(
    settings: Settings,
    *,
    has_window: bool,
    project_rules: Sequence[RuleSource] = (),
) -> PermissionConfig:
    """Returns under which rules tools are judged.

    Args:
        settings: The settings in force.
        has_window: Somebody can be asked; else what is not set is set more strictly.
        project_rules: What the workspaces' own files add; it only ever tightens.
    """
    rules = settings.permissions
    approvals = settings.approvals or ("wait" if has_window else "deny")
    return PermissionConfig(
        policy=rules.policy or ("claude-code" if has_window else "strict"),
        sources=(
            RuleSource(
                "settings",
                "",
                rules.allow,
                rules.ask,
                rules.deny,
                rules.denyExcept,
                forbids_bypass=rules.disableBypassPermissionsMode is not None,
            ),
            *project_rules,
        ),
        mode=rules.defaultMode or ("default" if approvals == "wait" else "dontAsk"),
        additional_directories=tuple(map(_absolute, rules.additionalDirectories)),
        builtin_read_only=has_window if rules.builtin_read_only is None else rules.builtin_read_only,
        approvals=approvals,
        approval_timeout_s=settings.approval_timeout_s,
    )


def workspace_configs(settings: Settings) -> Mapping[str, WorkspaceConfig]:
    """Returns the workspaces by name, in file order."""
    return MappingProxyType(
        {
            name: WorkspaceConfig(name, _absolute(each.root), tuple(map(_absolute, each.read_only)))
            for name, each in settings.workspaces.items()
        }
    )


def default_workspace(settings: Settings) -> str | None:
    """Returns where requests work that name no workspace."""
    if settings.default_workspace is not None or len(settings.workspaces) != 1:
        return settings.default_workspace
    return next(iter(settings.workspaces))


def tool_config(
    settings: Settings,
    search_key: SecretStr | None,
    *,
    is_elevated: bool = False,
    own_paths: tuple[str, ...] = (),
) -> ToolConfig:
    """Returns how tools are run.

    Args:
        settings: The settings in force.
        search_key: What was found for the search engine's key.
        is_elevated: Signalbox runs as root or administrator.
        own_paths: What no tool may touch.
    """
    tools, search = settings.tools, settings.web_search
    return ToolConfig(
        switched_off=tools.switched_off,
        sandbox=tools.sandbox,
        shell_timeout_s=tools.shell_timeout_s,
        shell_max_timeout_s=tools.shell_max_timeout_s,
        task_alias=tools.task_alias,
        max_rounds=tools.max_rounds,
        max_total_s=tools.max_total_s,
        may_run_programs=may_run_programs(settings, is_elevated=is_elevated),
        search=SearchConfig(search.engine, search.base_url, search_key, tools.local_hosts),
        own_paths=own_paths,
    )


def may_run_programs(settings: Settings, *, is_elevated: bool) -> bool:
    """Tells whether commands run, and programs as MCP servers."""
    return settings.tools.may_run_as_root or not is_elevated


def _absolute(path: str) -> str:
    return str(Path(path).expanduser())
