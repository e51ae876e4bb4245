"""The settings of tools: permission rules, workspaces, how tools are run and who searches the web."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from app.settings_keys import KeySettings
from app.settings_section import Section, require_absolute

Mode = Literal["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions"]
_LISTS = ("allow", "ask", "deny", "denyExcept", "additionalDirectories")
BYPASS_WORD = "bypass"
"""What must be typed before nothing is asked any more."""
BYPASS_FORBIDDEN = (
    "the mode bypassPermissions is forbidden by `disableBypassPermissionsMode` in the settings' "
    "`permissions`; take that out first"
)


class PermissionSettings(Section):
    """What tools may do. The same object as in Claude Code's settings, so rules can be pasted both ways."""

    allow: tuple[str, ...] = Field(default=(), title="Allow")
    """Calls that run unasked, such as Bash(git log *)."""
    ask: tuple[str, ...] = Field(default=(), title="Ask")
    """Calls that always ask, whatever is allowed."""
    deny: tuple[str, ...] = Field(default=(), title="Deny")
    """Calls that never run; also those of tools that the client runs itself."""
    denyExcept: tuple[str, ...] = Field(default=(), title="Except from deny")  # noqa: N815 - as the file spells it
    """Rules that lift deny rules where they match too, such as Read(**/.env.example)."""
    additionalDirectories: tuple[str, ...] = Field(  # noqa: N815 - as Claude Code spells it
        default=(), title="Further folders"
    )
    """Folders that count as inside every workspace."""
    defaultMode: Mode | None = Field(default=None, title="Mode")  # noqa: N815 - as Claude Code spells it
    """What happens where no rule speaks. Nothing: it asks in the desktop, and is denied without a window."""
    policy: Literal["claude-code", "strict"] | None = Field(default=None, title="Policy")
    """Decide as Claude Code does, or more strictly. Nothing: as Claude Code in the desktop, strictly without
    a window."""
    builtin_read_only: bool | None = Field(default=None, title="Harmless commands run unasked")
    """Claude Code's list of commands that only read. Nothing: yes in the desktop, no without a window."""
    confirm_bypass: str = Field(default="", title="Confirmation")
    """The word `bypass`, without which the mode bypassPermissions is not taken."""
    disableBypassPermissionsMode: Literal["disable"] | None = Field(  # noqa: N815 - as Claude Code spells it
        default=None, title="Never bypass"
    )
    """The word `disable`: the mode bypassPermissions cannot be chosen, neither here nor in the window."""
    project_files: bool = Field(default=True, title="Honour projects' deny rules")
    """Ask and deny rules in a workspace's .claude/settings.json count too, and that it forbids bypassing; its
    allow rules never do."""

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _nothing_means_none(cls, value: Any) -> Any:
        return () if value is None else value

    @field_validator(*_LISTS)
    @classmethod
    def _no_empty_rule(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not each.strip() for each in value):
            raise ValueError("a rule must not be empty")
        return value

    @field_validator("defaultMode", mode="before")
    @classmethod
    def _known_mode(cls, value: Any) -> Any:
        if value == "manual":  # Claude Code's other word for it
            return "default"
        if value == "auto":
            raise ValueError(
                "the mode 'auto' is not supported: no model decides here. Choose default, acceptEdits, "
                "plan or dontAsk"
            )
        return value

    @model_validator(mode="after")
    def _typed_bypass(self) -> PermissionSettings:
        if self.defaultMode == "bypassPermissions" and self.disableBypassPermissionsMode is not None:
            raise ValueError(BYPASS_FORBIDDEN)
        if self.defaultMode == "bypassPermissions" and self.confirm_bypass != BYPASS_WORD:
            raise ValueError(
                "with bypassPermissions every call runs unasked; if you mean it, add "
                f"`confirm_bypass: {BYPASS_WORD}` beside it"
            )
        return self

    @model_validator(mode="after")
    def _only_known(self) -> PermissionSettings:
        """A misspelt list of deny rules would deny nothing: better an error than a surprise."""
        for name in self.model_extra or {}:
            if name != "disableAutoMode":
                raise ValueError(f"no permission setting '{name}'; the lists are: {', '.join(_LISTS)}")
        return self


class WorkspaceSettings(Section):
    """A folder in which tools may work."""

    root: str = Field(title="Folder", min_length=1)
    """The folder, as an absolute path."""
    read_only: tuple[str, ...] = Field(default=(), title="Folders to read")
    """Further folders that may be read and not changed, as absolute paths."""

    @field_validator("root", "read_only")
    @classmethod
    def _absolute(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for each in (value,) if isinstance(value, str) else value:
            require_absolute(each)
        return value


class ToolSettings(Section):
    """How the tools are run that Signalbox runs itself."""

    switched_off: tuple[str, ...] = Field(default=(), title="Switched off")
    """Tools that are offered to nobody, by name."""
    sandbox: Literal["auto", "off", "required"] = Field(default="auto", title="Sandbox for commands")
    """Run commands in the system's sandbox where there is one; `required`: without one, none runs."""
    shell_timeout_s: float = Field(default=120.0, title="A command may take", gt=0, le=3600)
    """Seconds, where the model names no time."""
    shell_max_timeout_s: float = Field(default=600.0, title="A command may take at most", gt=0, le=86_400)
    """Seconds, whatever the model names."""
    task_alias: str | None = Field(default=None, title="Alias for sub-conversations", min_length=1)
    """What serves the tool Task; nothing: the alias of the conversation that uses it."""
    max_rounds: int = Field(default=25, title="Rounds", ge=1, le=1000)
    """How often the model may go on in one request after tools of Signalbox ran."""
    max_total_s: float = Field(default=1800.0, title="All rounds may take", gt=0, le=86_400)
    """Seconds for all rounds of one request together."""
    may_run_as_root: bool = Field(default=False, title="Run as administrator")
    """Commands and MCP servers run although Signalbox itself runs as root or administrator."""
    local_hosts: tuple[str, ...] = Field(default=(), title="Hosts of your own")
    """Hosts, as name:port, whose pages may be fetched though they are on this machine or your network,
    without TLS."""


class WebSearchSettings(Section):
    """Who searches the web for models."""

    engine: Literal["auto", "duckduckgo", "brave", "tavily", "searxng", "upstream"] = Field(
        default="auto", title="Engine"
    )
    """auto: the one that has a key or an address here, else the upstream's own, else DuckDuckGo."""
    base_url: str | None = Field(default=None, title="Address", min_length=1)
    """The address of your SearXNG, or one to use instead of the engine's own."""
    key: KeySettings | None = Field(default=None, title="Key")
    """Where the engine's key is."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> WebSearchSettings:
        if self.engine in {"brave", "tavily"} and self.key is None:
            raise ValueError(
                f"{self.engine} needs a key; say where it is, as key: {{keyring: {self.engine}}}"
            )
        if self.engine == "searxng" and self.base_url is None:
            raise ValueError("searxng needs the address of your server, as base_url")
        return self


def toolset_problem(name: str) -> str | None:
    """Returns why an alias cannot have this toolset, in a sentence, or None."""
    if name == "builtin" or (name.startswith("mcp:") and len(name) > len("mcp:")):
        return None
    return f"no toolset '{name}'; there are `builtin` and `mcp:NAME` for the tools of an MCP server"
