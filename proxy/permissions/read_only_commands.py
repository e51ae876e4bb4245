"""Commands that only look, and so run without a rule under the policy `claude-code`.

A command is on the list with the options it may have: none writes, starts a program or reaches a network.
What it reads is judged by the path rules as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

_SED_SCRIPT = re.compile(r"(?:\d+|\$|/[^/\\]*/)?(?:,(?:\d+|\$|/[^/\\]*/))?p")
_SED_OPTION = re.compile(r"-[nErsuz]+|--(?:quiet|silent|regexp-extended|separate|unbuffered)")
_GIT_READS = frozenset(
    {"status", "log", "diff", "show", "blame", "ls-files", "rev-parse", "describe", "shortlog", "ls-tree"}
    | {"cat-file", "rev-list", "merge-base", "name-rev", "count-objects", "whatchanged"}
)
_GIT_LISTS: Mapping[str, re.Pattern[str]] = {
    "branch": re.compile(r"-[avr]+|--(?:all|list|remotes|show-current|verbose)"),
    "tag": re.compile(r"-l|--list|-n\d*"),
    "remote": re.compile(r"-v|--verbose"),
    "stash": re.compile(r"list"),
}
"""Of these only the forms that list; they take nothing else."""


def _without(*refused: str) -> Callable[[Sequence[str]], bool]:
    """Returns a test that no option begins like one of these; short ones count within a cluster too."""
    letters = frozenset(each[1] for each in refused if len(each) == 2)
    names = tuple(each for each in refused if len(each) > 2)

    def holds(words: Sequence[str]) -> bool:
        for word in words:
            if word.startswith("--"):
                option = word.partition("=")[0]
                if any(name.startswith(option) for name in names if len(option) > 2):
                    return False
            elif word.startswith("-") and letters.intersection(word[1:]):
                return False
        return True

    return holds


def _only_format(words: Sequence[str]) -> bool:
    """`date`: options that set the clock or read files are not on the list."""
    return all(re.fullmatch(r"\+.*|-[uRI]\w*|--(?:utc|iso-8601.*|rfc-.*)", word, re.DOTALL) for word in words)


def _prints_lines(words: Sequence[str]) -> bool:
    """`sed -n` with scripts that print lines and do nothing else."""
    scripts, rest, index = 0, list[str](), 0
    is_silent = False
    while index < len(words):
        word = words[index]
        if word == "-e":
            if index + 1 == len(words) or not _SED_SCRIPT.fullmatch(words[index + 1]):
                return False
            scripts += 1
            index += 1
        elif word.startswith("-") and word != "-":
            if not _SED_OPTION.fullmatch(word):
                return False
            is_silent = is_silent or "n" in word.removeprefix("--") or word in {"--quiet", "--silent"}
        else:
            rest.append(word)
        index += 1
    if not scripts and (not rest or not _SED_SCRIPT.fullmatch(rest[0])):
        return False
    return is_silent


def _git(words: Sequence[str]) -> bool:
    if not words:
        return False
    command, rest = words[0], words[1:]
    if command in _GIT_LISTS:
        return all(_GIT_LISTS[command].fullmatch(word) for word in rest) and (
            command != "stash" or bool(rest)
        )
    return command in _GIT_READS and _safe_git_options(rest)


_safe_git_options = _without(
    "--output", "--ext-diff", "--textconv", "--no-index", "--open-files-in-pager", "-O"
)


def _finds(words: Sequence[str]) -> bool:
    refused = ("-exec", "-ok", "-delete", "-fprint", "-fls", "-files0")
    return not any(word.startswith(refused) for word in words)


def _anything(_words: Sequence[str]) -> bool:
    return True


def _nothing(words: Sequence[str]) -> bool:
    return not words


_COMMANDS: Mapping[str, Callable[[Sequence[str]], bool]] = MappingProxyType(
    {
        "basename": _anything,
        "cat": _anything,
        "cut": _anything,
        "diff": _without("-l", "--paginate", "--from-file", "--to-file"),
        "dirname": _anything,
        "du": _without("-X", "--files0-from", "--exclude-from"),
        "echo": _anything,
        "false": _anything,
        "find": _finds,
        "git": _git,
        "grep": _without("-f", "--file", "--exclude-from"),
        "head": _anything,
        "jq": _without("-f", "-L", "--from-file", "--library-path", "--rawfile", "--slurpfile", "--argfile"),
        "ls": _anything,
        "printf": _without("-v"),
        "pwd": _anything,
        "sed": _prints_lines,
        "sort": _without(
            "-o", "-T", "-S", "--output", "--temporary-directory", "--compress-program", "--files0-from"
        ),
        "stat": _anything,
        "tail": _anything,
        "tr": _anything,
        "tree": _without("-o", "-R", "--fromfile", "--fromtabfile", "--output"),
        "true": _anything,
        "uniq": lambda words: sum(not word.startswith("-") for word in words) < 2,
        "wc": _without("--files0-from"),
        "which": _anything,
        "whoami": _nothing,
        "date": _only_format,
    }
)
NO_GLOBS = frozenset({"sort", "jq", "sed", "git", "find", "uniq", "date", "tree"})
"""A file whose name looks like an option would be one to these."""


def only_looks(name: str, words: Sequence[str], *, has_glob: bool) -> bool:
    """Tells whether a command is on the list with such arguments.

    Args:
        name: Its name as written; `./ls` is not `ls`.
        words: Its arguments, quotes removed.
        has_glob: One of them is a pattern that the shell fills in.
    """
    test = _COMMANDS.get(name)
    return test is not None and not (has_glob and name in NO_GLOBS) and test(words)
