"""What a model is told of a command that has ended, in the words Claude Code uses."""

from __future__ import annotations

import re

from proxy.tools.base import ToolOutput
from proxy.tools.child_output import HeadOutput
from proxy.tools.sandbox import Walls

MAX_CHARS = 30_000
TIMED_OUT = 143
"""128 and the number of TERM: what a shell ended by the time limit would say."""

_NO_OUTPUT = "(Bash completed with no output)"
_LAST_PROGRAM = re.compile(r"(?:.*(?:[|;&]|\A)\s*)([\w\[./-]+)", re.DOTALL)
_NO_ERROR_BELOW = {"grep": 2, "egrep": 2, "fgrep": 2, "rg": 2, "diff": 2, "cmp": 2, "test": 2, "[": 2}
"""Programs whose exit code 1 is an answer: nothing found, they differ, it is not so."""
_SANDBOX_SIGNS = re.compile(
    r"Read-only file system|Network is unreachable|Temporary failure in name resolution|"
    r"Could not resolve host|connect to server|Connection refused|Operation not permitted|Permission denied",
    re.IGNORECASE,
)


def shell_result(
    command: str,
    code: int,
    out: HeadOutput,
    errors: HeadOutput,
    *,
    notes: tuple[str, ...] = (),
    timed_out_after_s: float | None = None,
) -> ToolOutput:
    """Returns a command's result: its output, then its errors, then our notes.

    Args:
        command: What ran.
        code: How it ended; negative: by that signal.
        out: What it wrote.
        errors: What it wrote as errors.
        notes: Further lines for the model.
        timed_out_after_s: After how long it was ended by us; None: it ended by itself.
    """
    parts = [each for each in (_cut(out), _cut(errors), *notes) if each]
    status = TIMED_OUT if timed_out_after_s is not None else 128 - code if code < 0 else code
    if timed_out_after_s is not None:
        parts.insert(0, f"Command timed out after {timed_out_after_s:g}s")
    if status == 0 or status < _NO_ERROR_BELOW.get(last_program(command), 0):
        return ToolOutput.text("\n".join(parts) or _NO_OUTPUT, exit_code=status)
    return ToolOutput.text("\n".join((f"Exit code {status}", *parts)), is_error=True, exit_code=status)


def sandbox_note(code: int, errors: HeadOutput, walls: Walls) -> tuple[str, ...]:
    """Returns a line for a command that may have failed because of the sandbox's walls."""
    if code == 0 or _SANDBOX_SIGNS.search(errors.text()) is None:
        return ()
    folders = ", ".join((*walls.writable, "/tmp"))  # noqa: S108 - as the command sees it
    network = "" if walls.has_network else ", and have no network"
    return (f"Note: commands run in a sandbox here. They can write only in {folders}{network}.",)


def last_program(command: str) -> str:
    """Returns the program whose exit code is most likely the command's; a guess that only words depend on."""
    found = _LAST_PROGRAM.match(command.strip())
    return found[1].rpartition("/")[2] if found else ""


def _cut(output: HeadOutput) -> str:
    """Returns an output without blank lines around it, its end left out where it is too long."""
    text = re.sub(r"\A(?:[ \t]*\r?\n)+", "", output.text()).rstrip()
    if len(text) <= MAX_CHARS and not output.is_cut:
        return text
    lines = text.count("\n", MAX_CHARS) + output.dropped_lines + 1
    return f"{text[:MAX_CHARS]}\n\n... [{lines} lines truncated] ..."
