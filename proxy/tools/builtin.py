"""Makes the built-in tools; loaded with all of them when they are asked for, not with the program.

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
from proxy.tools.background import BashOutput, KillShell
from proxy.tools.base import Tool
from proxy.tools.bash import Bash, ShellLimits
from proxy.tools.edit import Edit
from proxy.tools.glob import Glob
from proxy.tools.grep import Grep
from proxy.tools.grep_library import LibrarySearch
from proxy.tools.grep_ripgrep import RipgrepSearch
from proxy.tools.ls import LS
from proxy.tools.multi_edit import MultiEdit
from proxy.tools.notebook_edit import NotebookEdit
from proxy.tools.notebook_read import NotebookRead
from proxy.tools.read import Read
from proxy.tools.sandbox import network_is_allowed
from proxy.tools.shell import pinned_shell
from proxy.tools.task import Task
from proxy.tools.todo_read import TodoRead
from proxy.tools.todo_write import TodoWrite
from proxy.tools.web_fetch import WebFetch
from proxy.tools.web_search import WebSearch
from proxy.tools.write import Write

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
    program = None if sys.platform == "win32" else shutil.which("rg", path=means.environment.get("PATH"))
    return LibrarySearch() if program is None else RipgrepSearch(means.children, program)
