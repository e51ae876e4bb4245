"""Commands that go on beside the conversation: Bash starts, BashOutput reads, KillShell ends them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.tasks import spawn
from proxy.tools.base import ToolGroup, ToolOutput, ToolScope
from proxy.tools.child_output import TailOutput
from proxy.tools.child_process import Child
from proxy.tools.conversation import Conversation
from proxy.tools.errors import ToolError
from proxy.tools.shell_result import MAX_CHARS

_KEY = "Bash"
_MAX_RUNNING = 16
_MAX_KEPT = 64


@dataclass(slots=True)
class BackgroundCommand:
    """One command that runs, or ran, in the background."""

    id: str
    command: str
    child: Child
    output: TailOutput
    was_stopped: bool = False

    @property
    def status(self) -> str:
        """What became of it."""
        code = self.child.exit_code
        if code is None:
            return "running"
        if self.was_stopped:
            return "killed"
        return "completed" if code == 0 else "failed"


@dataclass(slots=True)
class ShellState:
    """What commands of one conversation share."""

    temporary: str | None = None
    """Their private temporary folder, once one needed it."""
    commands: dict[str, BackgroundCommand] = field(default_factory=dict[str, BackgroundCommand])
    started: int = 0

    def running(self) -> list[BackgroundCommand]:
        """Returns those that still run."""
        return [each for each in self.commands.values() if each.child.exit_code is None]


def shell_state(conversation: Conversation) -> ShellState:
    """Returns the conversation's state, made when it is first asked for."""
    state = conversation.resources.get(_KEY)
    if not isinstance(state, ShellState):
        state = conversation.resources[_KEY] = ShellState()
    return state


async def temporary_folder(conversation: Conversation, parent: str, prefix: str) -> str:
    """Returns the conversation's private temporary folder, made when it is first asked for.

    Args:
        conversation: Whose.
        parent: Where it is made; empty: the system's place.
        prefix: How its name begins (`child_sweep.temporary_prefix`), so that it is found after a crash.
    """
    state = shell_state(conversation)
    if state.temporary is None:
        made = await asyncio.to_thread(tempfile.mkdtemp, "", prefix, parent or None)
        if state.temporary is None:
            state.temporary = made
    return state.temporary


def check_room(conversation: Conversation) -> None:
    """Raises ToolError where too many commands run already."""
    running = shell_state(conversation).running()
    if len(running) >= _MAX_RUNNING:
        names = ", ".join(each.id for each in running)
        raise ToolError(
            f"{_MAX_RUNNING} background commands are running already ({names}). End one with KillShell."
        )


def keep(conversation: Conversation, command: str, child: Child, output: TailOutput) -> BackgroundCommand:
    """Takes a command that was started into the conversation."""
    state = shell_state(conversation)
    state.started += 1
    kept = BackgroundCommand(f"bash_{state.started}", command, child, output)
    state.commands[kept.id] = kept
    for old in [each for each in state.commands.values() if each.child.exit_code is not None]:
        if len(state.commands) > _MAX_KEPT:
            del state.commands[old.id]
    return kept


def close_shell(conversation: Conversation) -> asyncio.Task[None] | None:
    """Ends what a forgotten conversation runs and removes its temporary folder; returns what does that."""
    state = conversation.resources.pop(_KEY, None)
    if isinstance(state, ShellState) and (state.commands or state.temporary):
        return spawn(_close(state), name="end a conversation's commands")
    return None


async def _close(state: ShellState) -> None:
    await asyncio.gather(*(each.child.stop() for each in state.running()))
    if state.temporary is not None:
        await asyncio.to_thread(shutil.rmtree, state.temporary, ignore_errors=True)


def _find(scope: ToolScope, identifier: object) -> BackgroundCommand:
    commands = shell_state(scope.conversation).commands
    found = commands.get(identifier) if isinstance(identifier, str) else None
    if found is None:
        known = ", ".join(commands) or "none was started"
        raise ToolError(f"No background command with ID: {identifier}. There are: {known}.")
    return found


class BashOutput:
    """Gives what a background command wrote since the last call."""

    name = "BashOutput"
    group: ToolGroup = "Run"
    description = (
        "Returns what a background command has written since the last call, its status, and its exit code "
        "once it has ended. Takes the ID that Bash gave. Only the newest part of a very long output is kept."
    )
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"bash_id": {"type": "string", "description": "The ID of the background command"}},
        "required": ["bash_id"],
    }
    may_run_beside_others = True
    timeout_s: float | None = 10.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Returns the news of one command."""
        command = _find(scope, arguments["bash_id"])
        code = command.child.exit_code
        parts = [f"<status>{command.status}</status>"]
        if code is not None:
            await command.child.wait()
            parts.append(f"<exit_code>{128 - code if code < 0 else code}</exit_code>")
        lost = command.output.dropped_bytes
        text = command.output.take(whole_characters=code is None).decode("utf-8", "replace")
        if lost or len(text) > MAX_CHARS:
            lost += max(len(text) - MAX_CHARS, 0)
            text = f"[the {lost} bytes before this are left out]\n{text[-MAX_CHARS:]}"
        if text.strip():
            parts.append(f"<stdout>\n{text.rstrip()}\n</stdout>")
        return ToolOutput.text("\n\n".join(parts), exit_code=code)


class KillShell:
    """Ends a background command."""

    def __init__(self, name: str = "KillShell") -> None:
        """Goes by `name`: current clients call it TaskStop."""
        self.name = name

    group: ToolGroup = "Run"
    description = "Ends a background command with all it started. Takes the ID that Bash gave."
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "shell_id": {"type": "string", "description": "The ID of the background command"},
            "task_id": {"type": "string", "description": "Another name for shell_id"},
        },
    }
    may_run_beside_others = False
    timeout_s: float | None = 15.0

    async def run(self, arguments: Mapping[str, Any], scope: ToolScope) -> ToolOutput:
        """Ends one command and waits for its end."""
        command = _find(scope, arguments.get("shell_id") or arguments.get("task_id"))
        if command.child.exit_code is not None:
            raise ToolError(
                f"The background command {command.id} is not running any more ({command.status})."
            )
        command.was_stopped = True
        await command.child.stop()
        rest = command.output.take(whole_characters=False).decode("utf-8", "replace")
        said = f"Ended the background command {command.id} ({command.command})."
        if rest.strip():
            said = f"{said} The last it wrote:\n{rest[-MAX_CHARS:].rstrip()}"
        return ToolOutput.text(said)
