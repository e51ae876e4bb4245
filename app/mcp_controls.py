"""The controller's part about MCP servers: `gui.mcp_desk` without Qt.

What speaks MCP is loaded when the first server is there.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import structlog
import yaml
from pydantic import SecretStr

from app.configuration import Configuration
from app.desk_changes import DeskChanges
from app.mcp_file import McpFile, secrets_in
from app.mcp_host import is_moved
from app.mcp_imports import ImportedServer, NotUnderstood, import_edits, read_draft, read_pasted
from app.mcp_logs import ShownLogs
from app.mcp_rules import rules_of, shown_of, text_of
from app.mcp_sources import found_servers, read_bundle
from app.provider_desk import DeskRefusal
from app.redaction_names import is_value_kept
from app.settings_edit import Edit, Put, Remove, Rename
from gui.desk import ActionDone, DeskEvent, Problem
from gui.mcp_desk import McpChanged, McpDraft, McpImportRow, McpTried
from proxy.config import RuleSource
from proxy.mcp.values import LogEntry, McpProblem, ServerStatus, ToolChange
from proxy.tasks import spawn

if TYPE_CHECKING:
    from proxy.mcp.supervisor import Supervisor

_log = structlog.get_logger("app.mcp")

_PERMISSIONS = ("allow", "ask", "deny")


class McpControls:
    """What the window and the command line may ask about MCP servers."""

    def __init__(
        self,
        configuration: Configuration,
        file: McpFile,
        make_supervisor: Callable[[], Supervisor],
        announce: Callable[[DeskEvent], None],
        servers_changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads and starts nothing yet.

        Args:
            configuration: Keys and folders.
            file: The servers' file.
            make_supervisor: Makes the supervisor, when the first server needs it.
            announce: Tells the window.
            servers_changed: Called after the file was read, as the supervisor does when servers change.
            clock: Seconds, for durations.
        """
        self._mcp_settings = configuration
        self._mcp_keys = configuration.secrets
        self._mcp_redactor = configuration.redactor
        self._mcp_shown = ShownLogs(configuration.redactor)
        self._mcp_file = file
        self._make_supervisor = make_supervisor
        self._supervisor: Supervisor | None = None
        self._tell_mcp = announce
        self._servers_read = servers_changed
        self._mcp_clock = clock
        self._mcp_changes = DeskChanges(file, announce, self._mcp_took_over)
        self._mcp_removed: dict[str, Mapping[str, Any]] = {}
        self._mcp_read: dict[str, ImportedServer] = {}

    async def start_servers(self) -> None:
        """Reads the file and lets the servers start that may."""
        await asyncio.to_thread(self._mcp_file.load)
        problem = self._mcp_file.problem()
        if problem is not None:
            _log.warning("mcp_file_unusable", reason=problem)
        for notice in self._mcp_file.document.notices:
            _log.warning("mcp_notice", notice=notice)
        self.apply_servers()
        self._servers_read()

    async def follow_settings(self) -> None:
        """Reads another file where the settings name another one now, and lets run what they allow now."""
        async with self._mcp_changes.turn:
            if is_moved(self._mcp_file, self._mcp_settings):
                await self.start_servers()
            else:
                self.apply_servers()

    async def take_mcp_edit(self) -> str | None:
        """Takes over what another program wrote into the file; returns why not: then nothing has changed."""
        async with self._mcp_changes.turn:
            problem = await asyncio.to_thread(self._mcp_file.problem_on_disk)
            if problem is None:
                await self.start_servers()
            return problem

    async def stop_servers(self) -> None:
        """Ends all servers."""
        if self._supervisor is not None:
            await self._supervisor.aclose()

    @property
    def supervisor(self) -> Supervisor | None:
        """What runs the servers; None where there is none."""
        return self._supervisor

    # What there is ----------------------------------------------------------------------------

    def mcp_servers(self) -> tuple[ServerStatus, ...]:
        """Returns the servers in file order."""
        if self._supervisor is None:
            return ()
        return tuple(map(self._mcp_shown.status, self._supervisor.statuses()))

    def mcp_problem(self) -> str | None:
        """Returns why the servers' file cannot be used, with file, line and field."""
        return self._mcp_file.problem()

    def mcp_problems(self) -> tuple[Problem, ...]:
        """Returns what the user should know of the servers' file and can mend."""
        problem = self.mcp_problem()
        if problem is not None:
            return (Problem("No MCP server runs", problem, "mcp"),)
        lost = None if self._supervisor is None else self._supervisor.trust_problem()
        found = [] if lost is None else [Problem("Approvals of MCP servers were lost", lost, "mcp")]
        notices = self._mcp_file.document.notices
        return (*found, *(Problem("A secret stands in plain text", each, "mcp") for each in notices))

    def mcp_log(self, name: str) -> tuple[LogEntry, ...]:
        """Returns the lines that are kept, oldest first, without secrets."""
        return () if self._supervisor is None else self._mcp_shown.log(name, self._supervisor.log(name))

    def mcp_changes(self, name: str) -> tuple[ToolChange, ...]:
        """Returns the definitions that changed since they were approved."""
        return () if self._supervisor is None else self._supervisor.changes(name)

    def mcp_rules(self) -> tuple[RuleSource, ...]:
        """Returns what the file says of single tools as rules of the permission desk."""
        return rules_of(self.mcp_servers(), self._mcp_file.path.name)

    # What is done -----------------------------------------------------------------------------

    def start_mcp(self, name: str) -> str | None:
        """Starts a server, also one that failed for good."""
        return self._ask(lambda supervisor: supervisor.start(name))

    def stop_mcp(self, name: str) -> str | None:
        """Stops a server."""
        return self._ask(lambda supervisor: supervisor.stop(name))

    def restart_mcp(self, name: str) -> str | None:
        """Stops and starts a server."""
        return self._ask(lambda supervisor: supervisor.restart(name))

    def restart_failed_mcp(self) -> None:
        """Starts all that failed."""
        self._ask(lambda supervisor: supervisor.restart_failed())

    def approve_mcp(self, name: str, digest: str) -> str | None:
        """Lets exactly what was shown start, from now on."""
        return self._ask(lambda supervisor: supervisor.approve(name, digest))

    def reject_mcp(self, name: str) -> str | None:
        """Never starts it, until its entry changes or it is approved after all."""
        return self._ask(lambda supervisor: supervisor.reject(name))

    def accept_mcp_tools(self, name: str, tools: tuple[str, ...]) -> str | None:
        """Takes the tools as they are now out of quarantine."""
        return self._ask(lambda supervisor: supervisor.accept_tools(name, tools))

    def trace_mcp(self, name: str, *, is_on: bool) -> str | None:
        """Keeps the JSON-RPC messages too, or no more."""
        return self._ask(lambda supervisor: supervisor.trace(name, is_on=is_on))

    def try_mcp_tool(self, name: str, tool: str, arguments: str) -> str | None:
        """Calls a tool with a JSON object; McpTried follows. The user's own act: it asks nobody."""
        try:
            given: Any = json.loads(arguments or "{}")
        except (ValueError, RecursionError) as exc:
            return f"This is no JSON object: {exc}"
        if not isinstance(given, dict):
            return "The arguments of a tool are a JSON object, such as {}."
        if self._supervisor is None:
            return f"there is no MCP server '{name}'"
        spawn(
            self._try_tool(self._supervisor, name, tool, cast("dict[str, Any]", given)),
            name="try an MCP tool",
        )
        return None

    async def _try_tool(
        self, supervisor: Supervisor, name: str, tool: str, arguments: Mapping[str, Any]
    ) -> None:
        self._tell_mcp(await self.call_mcp_tool(supervisor, name, tool, arguments))

    async def call_mcp_tool(
        self, supervisor: Supervisor, name: str, tool: str, arguments: Mapping[str, Any]
    ) -> McpTried:
        """Calls a tool and returns its result as text."""
        began = self._mcp_clock()
        try:
            result = await supervisor.call(name, tool, arguments)
            text = text_of(result.content)
            is_error = result.is_error
        except McpProblem as problem:
            text, is_error = str(problem), True
        seconds = self._mcp_clock() - began
        shown = await asyncio.to_thread(shown_of, text, self._mcp_redactor.text)
        return McpTried(name, tool, shown, is_error, seconds)

    # The file ---------------------------------------------------------------------------------

    def enable_mcp(self, name: str, *, is_enabled: bool) -> str | None:
        """Says in the file whether the server starts with Signalbox, and starts or stops it."""
        return self._edit_mcp(
            lambda: [Put((*self._entry(name), "enabled"), is_enabled)],
            f"{name} is {'on' if is_enabled else 'off'}",
        )

    def set_mcp_tool(
        self, name: str, tool: str, *, is_enabled: bool | None = None, permission: str | None = None
    ) -> str | None:
        """Switches a tool on or off, or says allow, ask or deny (`default`: as the rules say)."""
        if permission is not None and permission not in {*_PERMISSIONS, "default"}:
            return f"no permission '{permission}'; there are: {', '.join(_PERMISSIONS)} and default"

        def edits() -> list[Edit]:
            at = (*self._entry(name), "tools", tool)
            made: list[Edit] = []
            if is_enabled is not None:
                made.append(Put((*at, "enabled"), is_enabled))
            if permission == "default":
                made.append(Remove((*at, "permission")))
            elif permission is not None:
                made.append(Put((*at, "permission"), permission))
            return made

        return self._edit_mcp(edits, f"{name}: {tool} changed")

    def mcp_text(self, name: str | None = None) -> str:
        """Returns a server's entry as YAML, or the whole file."""
        document = self._mcp_file.document
        if name is None:
            return document.content.decode("utf-8-sig")
        entry = self._mcp_file.document.entries.get(name, {})
        return yaml.safe_dump({name: entry}, sort_keys=False, allow_unicode=True)

    def save_mcp(self, draft: McpDraft, *, replaces: str | None) -> str | None:
        """Adds servers, or changes one; nothing starts before it was approved."""
        return self._edit_mcp(lambda: self._save_edits(draft, replaces), "MCP servers saved")

    def remove_mcp(self, name: str) -> str | None:
        """Stops a server and takes its entry out."""

        def edits() -> list[Edit]:
            self._entry(name)
            self._mcp_removed[name] = dict(self._mcp_file.document.entries[name])
            return [Remove(self._entry(name))]

        return self._edit_mcp(edits, f"{name} removed")

    def restore_mcp(self, name: str) -> str | None:
        """Puts back the entry removed last under this name."""
        entry = self._mcp_removed.get(name)
        if entry is None:
            return f"no MCP server '{name}' was removed since the start"
        if name in self._mcp_file.document.entries:
            return f"there is an MCP server '{name}' already"
        return self._edit_mcp(
            lambda: [Put((self._mcp_file.document.section, name), entry)], f"{name} is back"
        )

    # From elsewhere ---------------------------------------------------------------------------

    def read_mcp_text(self, text: str) -> tuple[McpImportRow, ...] | str:
        """Says what pasted text holds, or why it cannot be read."""
        try:
            return self._rows("pasted", "", read_pasted(text))
        except NotUnderstood as exc:
            return str(exc)

    def find_mcp_imports(self) -> tuple[McpImportRow, ...]:
        """Returns the servers of other programs on this machine."""
        rows: list[McpImportRow] = []
        for source, file, servers in found_servers(Path.home()):
            rows += self._rows(source, str(file), servers)
        return tuple(rows)

    def read_mcp_bundle(self, path: str) -> tuple[McpImportRow, ...] | str:
        """Says what an `.mcpb` bundle holds, or why it cannot be read."""
        try:
            return self._rows(
                "bundle", path, [read_bundle(Path(path), self._mcp_file.path.parent / "bundles")]
            )
        except NotUnderstood as exc:
            return str(exc)

    def import_mcp(
        self, keys: tuple[str, ...], conflicts: Literal["skip", "rename", "replace"]
    ) -> str | None:
        """Takes over what the last reading found under these keys."""
        chosen = [self._mcp_read[key] for key in keys if key in self._mcp_read]
        if not chosen:
            return "choose at least one server"
        try:
            edits, kept = import_edits(
                chosen, conflicts, self._mcp_file.document.section, self._mcp_file.document.entries
            )
        except DeskRefusal as refused:
            return str(refused)
        if not edits:
            return "all of them are there already"
        secrets = {entry: value for each in kept for entry, value in each.secrets.items()}
        spawn(
            self._mcp_changes.reporting(self._import(edits, secrets), "The servers were not taken over"),
            name="import MCP servers",
        )
        return None

    async def _import(self, edits: Sequence[Edit], secrets: Mapping[str, str]) -> None:
        for entry, value in secrets.items():
            await asyncio.to_thread(self._mcp_keys.put, entry, SecretStr(value))
            self._mcp_redactor.know([value])
        await asyncio.to_thread(self._mcp_file.apply, edits)
        self._mcp_took_over(McpChanged())
        self._tell_mcp(ActionDone("MCP servers taken over; each starts after you approved what it runs"))

    def _rows(self, source: str, file: str, servers: Sequence[ImportedServer]) -> tuple[McpImportRow, ...]:
        ours = self._mcp_file.document.entries
        rows: list[McpImportRow] = []
        for each in servers:
            key = f"{source}\n{file}\n{each.name}"
            self._mcp_read[key] = each
            same = ours.get(each.name) == each.entry
            conflict = "none" if each.name not in ours else "same" if same else "different"
            rows.append(
                McpImportRow(key, source, file, each.name, each.summary, each.yaml(), conflict, each.notes)
            )
        return tuple(rows)

    # The parts --------------------------------------------------------------------------------

    def _save_edits(self, draft: McpDraft, replaces: str | None) -> list[Edit]:
        try:
            found = read_draft(draft.text)
        except NotUnderstood as exc:
            raise DeskRefusal(str(exc)) from exc
        if replaces is not None and len(found) != 1:
            raise DeskRefusal("this must hold one server")
        edits: list[Edit] = []
        for name, entry in found.items():
            if replaces not in {None, name}:
                edits.append(Rename(self._entry(cast("str", replaces)), name))
            elif replaces is None and name in self._mcp_file.document.entries:
                raise DeskRefusal(f"there is an MCP server '{name}' already; choose another name")
            edits.append(Put((self._mcp_file.document.section, name), entry))
        return edits

    def _entry(self, name: str) -> tuple[str, str]:
        if name not in self._mcp_file.document.entries:
            raise DeskRefusal(f"there is no MCP server '{name}'")
        return self._mcp_file.document.section, name

    def _edit_mcp(self, edits_of: Callable[[], list[Edit]], done: str) -> str | None:
        problem = self._mcp_file.problem()
        return problem or self._mcp_changes.take(edits_of, done, McpChanged())

    def _ask(self, doing: Callable[[Supervisor], object]) -> str | None:
        if self._supervisor is None:
            return "there is no MCP server"
        try:
            doing(self._supervisor)
        except McpProblem as problem:
            return self._mcp_redactor.text(str(problem))
        return None

    def apply_servers(self) -> None:
        """Lets run what the file says and the settings allow."""
        servers = self._mcp_file.servers()
        self._mcp_redactor.know(each for each in secrets_in(servers) if not is_value_kept(each))
        if self._supervisor is None and servers:
            self._supervisor = self._make_supervisor()
        if self._supervisor is not None:
            self._supervisor.apply(servers)

    def _mcp_took_over(self, *changed: DeskEvent) -> None:
        self.apply_servers()
        for each in changed:
            self._tell_mcp(each)
