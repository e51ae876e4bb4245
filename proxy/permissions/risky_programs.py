"""Programs for which a rule on the name means more than it looks: interpreters, wrappers, builtins."""

from __future__ import annotations

import posixpath
import re

NEVER_AUTOMATIC = frozenset({"watch", "setsid", "exec", "eval", "source", ".", "alias", "trap", "coproc"})
"""What these start cannot be checked before it runs: no allow rule counts for them."""
WRAPPERS = frozenset(
    {
        "env",
        "sudo",
        "doas",
        "su",
        "npx",
        "bunx",
        "uvx",
        "pipx",
        "xargs",
        "parallel",
        "ssh",
        "nsenter",
        "chroot",
    }
    | {
        "docker",
        "podman",
        "kubectl",
        "direnv",
        "busybox",
        "script",
        "unshare",
        "runuser",
        "systemd-run",
        "flock",
    }
    | {
        "timeout",
        "time",
        "nice",
        "nohup",
        "stdbuf",
        "command",
        "builtin",
        "noglob",
        "ionice",
        "chrt",
        "taskset",
    }
)
"""They run another program, named by their arguments."""
_INTERPRETERS = re.compile(
    r"(?:ba|z|da|k|c|tc|fi|a|mk|pwsh|power)?sh|pwsh|powershell|python[\d.]*|pypy[\d.]*|node|nodejs|deno|bun|tsx|"
    r"ts-node|perl[\d.]*|ruby[\d.]*|php[\d.]*|lua[\d.]*|luajit|Rscript|R|julia|osascript|awk|gawk|mawk|nawk|sed|"
    r"gdb|lldb|expect|tclsh[\d.]*|wish[\d.]*|vim?|nvim|ed|ex|emacs|sqlite3|psql|mysql|make|gmake|"
    r"irb|ghci|groovy|scala|erl|elixir|iex|java|jshell|m4|dc|bc"
)
"""Their arguments or input are programs."""

PARSED = frozenset({"sed", "awk", "gawk", "mawk", "nawk"})
"""Interpreters whose programs are read before they run: what could do harm asks, whatever a rule says."""


def runs_code(name: str) -> bool:
    """Tells whether a program runs what its arguments say: an interpreter, a wrapper or such a builtin."""
    base = posixpath.basename(name)
    return base in NEVER_AUTOMATIC or base in WRAPPERS or _INTERPRETERS.fullmatch(base) is not None
