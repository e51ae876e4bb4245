"""Makes the built-in tools; their modules are loaded when that is asked for, not with the program.

Parsers of pages, notebooks and PDFs are loaded later still: by the first call that needs one.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.config import ToolConfig
from proxy.permissions.values import Policy
from proxy.tools.base import Tool

if TYPE_CHECKING:
    from proxy.tools.children import Children
    from proxy.tools.grep_values import GrepEngine
    from proxy.tools.sandbox import Sandbox
    from proxy.tools.task import RunConversation
    from proxy.tools.web.reader import WebReader
    from proxy.tools.web.searcher import WebSearcher


@dataclass(frozen=True, slots=True)
class Means:
    """What the built-in tools work with."""

    children: Children
    sandbox: Sandbox
    reader: WebReader
    searcher: WebSearcher
    policy: Callable[[], Policy]
    """The rules at this moment: redirects are judged by them."""
    environment: Mapping[str, str]
    """Signalbox's own variables: where programs are looked for."""
    temporary: str = ""
    """Where private temporary folders are made; empty: the system's place."""
    run_conversation: RunConversation | None = None
    """Holds sub-conversations; None: there are none, and no Task."""


def builtin_tools(config: ToolConfig, means: Means) -> tuple[Tool, ...]:
    """Returns the built-in tools, in the order models are told of them; looks for programs on the disk."""
    # Here, because whoever runs no tool need not have them in memory.
    from proxy.tools.background import BashOutput, KillShell  # noqa: PLC0415
    from proxy.tools.bash import Bash, ShellLimits  # noqa: PLC0415
    from proxy.tools.edit import Edit  # noqa: PLC0415
    from proxy.tools.glob import Glob  # noqa: PLC0415
    from proxy.tools.grep import Grep  # noqa: PLC0415
    from proxy.tools.ls import LS  # noqa: PLC0415
    from proxy.tools.multi_edit import MultiEdit  # noqa: PLC0415
    from proxy.tools.notebook_edit import NotebookEdit  # noqa: PLC0415
    from proxy.tools.notebook_read import NotebookRead  # noqa: PLC0415
    from proxy.tools.read import Read  # noqa: PLC0415
    from proxy.tools.sandbox import network_is_allowed  # noqa: PLC0415
    from proxy.tools.shell import pinned_shell  # noqa: PLC0415
    from proxy.tools.task import Task  # noqa: PLC0415
    from proxy.tools.todo_read import TodoRead  # noqa: PLC0415
    from proxy.tools.todo_write import TodoWrite  # noqa: PLC0415
    from proxy.tools.web_fetch import WebFetch  # noqa: PLC0415
    from proxy.tools.web_search import WebSearch  # noqa: PLC0415
    from proxy.tools.write import Write  # noqa: PLC0415

    bash = Bash(
        means.children,
        means.sandbox,
        shell=pinned_shell(means.environment),
        limits=ShellLimits(config.shell_timeout_s, config.shell_max_timeout_s),
        temporary=means.temporary,
        has_network=lambda: network_is_allowed(means.policy()),
    )
    agents = () if means.run_conversation is None else (Task(means.run_conversation),)
    return (
        Read(),
        Write(),
        Edit(),
        MultiEdit(),
        Glob(),
        Grep(_grep_engine(means)),
        LS(),
        NotebookRead(),
        NotebookEdit(),
        bash,
        BashOutput(),
        KillShell(),
        *agents,
        WebFetch(means.reader, means.policy),
        WebSearch(means.searcher),
        TodoRead(),
        TodoWrite(),
    )


def _grep_engine(means: Means) -> GrepEngine:
    """Returns ripgrep where it is present and can be handed descriptors, else the library."""
    from proxy.tools.grep_library import LibrarySearch  # noqa: PLC0415 - as above
    from proxy.tools.grep_ripgrep import RipgrepSearch  # noqa: PLC0415 - as above

    program = None if sys.platform == "win32" else shutil.which("rg", path=means.environment.get("PATH"))
    return LibrarySearch() if program is None else RipgrepSearch(means.children, program)
