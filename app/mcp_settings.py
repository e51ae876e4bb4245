"""What `mcp_servers.yaml` may say of a server, declared once with title and description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, field_validator, model_validator

from app.settings_section import Section, named, require_absolute

ServerType = Literal["python", "node", "stdio", "http", "sse"]
Permission = Literal["allow", "ask", "deny"]
OTHER_NAME = "mcpServers"
"""What other programs call the servers in their files."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOCAL = frozenset({"python", "node", "stdio"})
_TYPE_WORDS: Mapping[str, str] = {
    "streamable-http": "http",
    "streamable_http": "http",
    "streamableHttp": "http",
}


class McpToolSettings(Section):
    """One tool of a server."""

    enabled: bool = Field(default=True, title="Enabled")
    """It is offered to models."""
    permission: Permission | None = Field(default=None, title="Permission")
    """allow, ask or deny; nothing: as the permission rules say, else ask."""


class McpServerSettings(Section):
    """One MCP server."""

    type: ServerType = Field(default="stdio", title="Type")
    """python or node: a package that uvx or npx starts. stdio: a program. http, sse: a remote server."""
    command: str = Field(default="", title="Command")
    """The program; for python and node the package, such as mcp-server-time==2026.1.0."""
    args: tuple[str, ...] = Field(default=(), title="Arguments")
    """What the program is given."""
    url: str = Field(default="", title="Address")
    """Of a remote server."""
    headers: Mapping[str, str] = Field(default_factory=dict, title="Headers")
    """Sent to a remote server; values may name variables and keyring entries."""
    environment: Mapping[str, str] = Field(default_factory=dict, title="Environment")
    """Variables the server gets; $NAME, ${NAME:-default} and ${keyring:entry} are filled in at each start."""
    cwd: str | None = Field(default=None, title="Folder", min_length=1)
    """Where it runs; nothing: a private folder of its own."""
    python_version: str | None = Field(default=None, title="Python", pattern=r"^3\.\d{1,2}(\.\d{1,2})?$")
    """The Python it needs, such as 3.12."""
    node_version: str | None = Field(default=None, title="Node", pattern=r"^\d{1,2}(\.\d{1,2}){0,2}$")
    """The Node it needs, such as 22."""
    enabled: bool = Field(default=True, title="Enabled")
    """It starts with Signalbox."""
    health_check: str | None = Field(default=None, title="Health check", min_length=1)
    """An address that answers while the server is well; nothing: it is asked over MCP."""
    restart: bool = Field(default=True, title="Restart")
    """Start it again after it ended by itself, up to five times in ten minutes."""
    timeout_s: float = Field(default=60.0, title="A call may take", gt=0, le=3600)
    """Seconds."""
    start_timeout_s: float = Field(default=30.0, title="Its start may take", gt=0, le=600)
    """Seconds until it must answer; a package's first download has ten minutes besides."""
    tools: Mapping[str, McpToolSettings] = Field(default_factory=dict, title="Tools")
    """What is different for single tools, by name."""

    @field_validator("type", mode="before")
    @classmethod
    def _other_words(cls, value: Any) -> Any:
        return _TYPE_WORDS.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _env_of_other_programs(cls, value: Any) -> Any:
        """Takes `env`, as the files of other programs have it, for `environment`."""
        if not isinstance(value, Mapping) or "env" not in value or "environment" in value:
            return cast("Any", value)
        given = cast("Mapping[str, Any]", value)
        return {("environment" if name == "env" else name): each for name, each in given.items()}

    @field_validator("args", mode="before")
    @classmethod
    def _one_by_one(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"arguments stand one by one in a list: [{', '.join(value.split())}]")  # noqa: TRY004 - pydantic's way
        return value

    @field_validator("args", "headers", "environment", "tools", mode="before")
    @classmethod
    def _nothing_means_none(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("environment")
    @classmethod
    def _usable_variables(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name in value:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"'{name}' is no name of a variable")
        return value

    @field_validator("cwd")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None:
            require_absolute(value)
        return value

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> McpServerSettings:
        if self.type in _LOCAL:
            if self.url and not self.command:
                raise ValueError("a server with a url needs `type: http`, or `type: sse` for an old one")
            if not self.command.strip():
                raise ValueError(f"a server of the type {self.type} needs a command")
            if self.url:
                raise ValueError("a url is for the types http and sse; leave it out, or change the type")
            return self
        if self.command:
            raise ValueError("a command is for the types python, node and stdio; leave it out")
        url = urlsplit(self.url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError(f"a server of the type {self.type} needs a url, such as https://box.example/mcp")
        return self


class McpSettings(Section):
    """The whole file."""

    servers: Mapping[str, McpServerSettings] = Field(
        default_factory=dict, title="Servers", validation_alias=AliasChoices("servers", OTHER_NAME)
    )
    """The servers, by name."""

    @field_validator("servers", mode="before")
    @classmethod
    def _nothing_means_none(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("servers")
    @classmethod
    def _usable_names(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        return named(value, server_name_problem)


def server_name_problem(name: str) -> str | None:
    """Returns why a server cannot be called this, in a sentence, or None."""
    if not _NAME.fullmatch(name) or "__" in name or name.endswith("_"):
        return (
            f"'{name}' cannot be a server's name: letters, digits, single _ and -, at most 40 of them; the "
            "names of its tools are made of it"
        )
    if name == "signalbox":
        return "'signalbox' names Signalbox's own tools; choose another name"
    return None
