"""The file of the MCP servers: read with line and field of every error, changed in place and atomically."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from app.files import locked, sweep_temporary, write_atomically
from app.mcp_settings import OTHER_NAME, McpServerSettings, McpSettings
from app.paths import UnknownHome, expanded
from app.settings import unknown_keys
from app.settings_edit import Edit, edited
from app.yaml_document import (
    SettingsError,
    YamlDocument,
    first_problem,
    is_blank,
    lost_content,
    place_of,
    read_yaml,
)
from proxy.mcp.values import McpServerConfig, ToolChoice

_NEW = (
    b"# MCP servers. Each starts only after you approved exactly what it runs. For example:\n"
    b"#   time: {type: python, command: mcp-server-time}\n"
    b'#   files: {type: node, command: "@modelcontextprotocol/server-filesystem", args: [/home/me/site]}\n'
    b'#   box: {type: http, url: "https://box.example/mcp", headers: {X-Api-Key: "${keyring:box}"}}\n'
    b"servers: {}\n"
)
_LOOKS_SECRET = re.compile(r"(?i)key|token|secret|password|passwd|authorization|credential")


@dataclass(frozen=True, slots=True)
class McpDocument:
    """The file, read."""

    settings: McpSettings = field(default_factory=McpSettings)
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])
    content: bytes = _NEW
    notices: tuple[str, ...] = ()
    """What should not be as it is, such as a secret in plain text."""

    @property
    def section(self) -> str:
        """Under which name the servers stand."""
        return "mcpServers" if "mcpServers" in self.raw and "servers" not in self.raw else "servers"

    @property
    def entries(self) -> Mapping[str, Any]:
        """The servers as they are written, by name."""
        found: Any = self.raw.get(self.section)
        return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def read_mcp(content: bytes) -> McpDocument:
    """Reads the file's text.

    Raises:
        SettingsError: It cannot be used; the text names line and field.
    """
    document = read_yaml(content)
    try:
        settings = McpSettings.model_validate(document.raw)
    except ValidationError as exc:
        raise first_problem(exc, document.root) from exc
    return McpDocument(settings, document.raw, content, tuple(_notices(settings, document)))


def _notices(settings: McpSettings, document: YamlDocument) -> Sequence[str]:
    found: list[str] = []
    is_foreign = "servers" not in document.raw
    for path, near in unknown_keys(settings):
        if is_foreign and path[0] == "servers":
            path = (OTHER_NAME, *path[1:])  # noqa: PLW2901 - as it is called there
        hint = f"; did you mean '{near}'?" if near else "; it is kept and has no effect"
        found.append(f"{place_of(document.root, path)}: unknown key '{'.'.join(path)}'{hint}")
    for name, server in settings.servers.items():
        for variable, value in (*server.environment.items(), *server.headers.items()):
            if _LOOKS_SECRET.search(variable) and value and "$" not in value:
                found.append(
                    f"servers.{name}: {variable} stands there in plain text; store it with `signalbox keys "
                    f"set {name}` and write ${{keyring:{name}}} instead"
                )
    return found


@dataclass(slots=True)
class McpFile:
    """One file of servers."""

    path: Path
    document: McpDocument = field(default_factory=McpDocument)
    error: SettingsError | None = None
    """Why the file cannot be used; then no server of it runs."""

    def load(self) -> None:
        """Reads the file; without one there are no servers. What is wrong with it is kept in `error`."""
        self.error, content = None, _NEW
        try:
            content = self._content()
            self.document = read_mcp(content)
        except SettingsError as exc:
            self.document, self.error = McpDocument(content=content), exc

    def content(self) -> bytes | None:
        """Returns the file as it was read last; None: there was none."""
        return None if self.document.content is _NEW else self.document.content

    def problem_on_disk(self) -> str | None:
        """Returns why the file as it is now could not be used; what is in force stays."""
        try:
            content = self._content()
            if not is_blank(self.content()):
                self._require_kept(content)
            read_mcp(content)
        except SettingsError as exc:
            return f"{self.path}, {exc}"
        return None

    def check(self, edits: Sequence[Edit]) -> None:
        """Makes the edits without writing them.

        Raises:
            SettingsError: The file cannot be used, or could not be afterwards.
        """
        if self.error is not None:
            raise self.error
        edited(self.document.content, edits, read_mcp)

    def apply(self, edits: Sequence[Edit]) -> None:
        """Changes the file, as it is on the disk now; an empty one that never held anything counts as none.

        Raises:
            SettingsError: The file cannot be used, was emptied or is gone, or could not be used afterwards;
                it is untouched.
            OSError: It cannot be written; it is untouched.
        """
        self._require_home()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            sweep_temporary(self.path)
            content = self._content()
            self._require_kept(content)
            is_new = content is _NEW or is_blank(content)
            new, after = edited(_NEW if is_new else content, edits, read_mcp)
            if new != content or not self.path.exists():
                write_atomically(self.path, new, backup=None if is_new else self._backup)
        self.document, self.error = after, None

    def servers(self) -> tuple[McpServerConfig, ...]:
        """Returns the servers in file order."""
        return tuple(server_config(name, each) for name, each in self.document.settings.servers.items())

    def problem(self) -> str | None:
        """Returns why the file cannot be used, with its name, the line and the field."""
        return None if self.error is None else f"{self.path}, {self.error}"

    @property
    def _backup(self) -> Path:
        return self.path.with_name(f"{self.path.name}.bak")

    def _require_kept(self, content: bytes) -> None:
        """Raises SettingsError where the file was emptied, or is gone although what it said is in force."""
        found, is_in_force = None if content is _NEW else content, not is_blank(self.content())
        if is_blank(found) and (is_in_force or (found is not None and self._backup.exists())):
            raise lost_content(self.path, self._backup, found, is_in_force=is_in_force)

    def _require_home(self) -> None:
        """Raises SettingsError where the path begins with a `~` that stands for no folder."""
        try:
            expanded(str(self.path))
        except UnknownHome as exc:
            raise SettingsError(f"which MCP_CONFIG_PATH or mcp_config names: {exc}") from exc

    def _content(self) -> bytes:
        self._require_home()
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return _NEW
        except OSError as exc:
            raise SettingsError(f"cannot be read: {exc.strerror}") from exc


def server_config(name: str, server: McpServerSettings) -> McpServerConfig:
    """Returns a server as the proxy is given it."""
    return McpServerConfig(
        name=name,
        type=server.type,
        command=server.command,
        args=server.args,
        url=server.url,
        headers=server.headers,
        environment=server.environment,
        cwd=None if server.cwd is None else str(Path(server.cwd).expanduser()),
        python_version=server.python_version,
        node_version=server.node_version,
        is_enabled=server.enabled,
        health_check=server.health_check,
        restart=server.restart,
        timeout_s=server.timeout_s,
        start_timeout_s=server.start_timeout_s,
        tools={tool: ToolChoice(each.enabled, each.permission) for tool, each in server.tools.items()},
    )


def secrets_in(servers: Iterable[McpServerConfig]) -> list[str]:
    """Returns the values that stand there in plain text under names of secrets."""
    return [
        value
        for server in servers
        for name, value in (*server.environment.items(), *server.headers.items())
        if _LOOKS_SECRET.search(name) and value and "$" not in value
    ]
