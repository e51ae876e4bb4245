"""Which program's arguments are read how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from proxy.permissions import shell_programs, shell_tables
from proxy.permissions.shell_find import examine_find
from proxy.permissions.shell_git import examine_git
from proxy.permissions.shell_programs import Examined, Examiner, Operand
from proxy.permissions.shell_values import Word

_EXAMINERS: Mapping[str, Examiner] = MappingProxyType(
    {
        "awk": shell_programs.examine_awk,
        "cat": shell_programs.reader(shell_tables.CAT),
        "cut": shell_programs.reader(shell_tables.CUT),
        "diff": shell_programs.examine_diff,
        "echo": shell_programs.examine_words,
        "find": examine_find,
        "git": examine_git,
        "grep": shell_programs.examine_grep,
        "head": shell_programs.reader(shell_tables.HEAD),
        "egrep": shell_programs.examine_grep,
        "fgrep": shell_programs.examine_grep,
        "gawk": shell_programs.examine_awk,
        "gsed": shell_programs.examine_sed,
        "gtar": shell_programs.examine_tar,
        "jq": shell_programs.examine_jq,
        "ls": shell_programs.reader(shell_tables.LS, "list"),
        "mawk": shell_programs.examine_awk,
        "nawk": shell_programs.examine_awk,
        "npm": shell_programs.examine_npm,
        "printf": shell_programs.examine_printf,
        "pwd": shell_programs.examine_words,
        "python": shell_programs.examine_python,
        "python3": shell_programs.examine_python,
        "rg": shell_programs.examine_rg,
        "sed": shell_programs.examine_sed,
        "sort": shell_programs.reader(shell_tables.SORT),
        "tail": shell_programs.reader(shell_tables.HEAD),
        "tar": shell_programs.examine_tar,
        "true": shell_programs.examine_words,
        "uniq": shell_programs.examine_uniq,
        "wc": shell_programs.reader(shell_tables.WC),
    }
)
_WITHOUT_PATHS = frozenset(
    {
        "alias",
        "declare",
        "eval",
        "export",
        "false",
        "let",
        "local",
        "readonly",
        "set",
        "test",
        "trap",
        "typeset",
    }
    | {"unset", ":", "[", "[[", "(("}
)
RISKY_WITH_WILDCARDS = frozenset(
    {"awk", "find", "git", "jq", "npm", "python", "python3", "rg", "sed", "sort", "tar", "uniq"}
)
"""Programs with options that run or write something: a file's name that a wildcard gives may be one."""


def is_known(name: str) -> bool:
    """Tells whether a program's arguments are read by what they mean, and not guessed at."""
    return name in _EXAMINERS


def examine(name: str, words: Sequence[Word]) -> Examined:
    """Returns what a program's arguments do; of a program that is not known, which of them may be paths."""
    if name in _EXAMINERS:
        return _EXAMINERS[name](words)
    if name in _WITHOUT_PATHS:
        return Examined()
    return Examined(operands=[Operand(word) for word in shell_programs.guessed_paths(words)])
