"""Reads calls of git log, diff and show: whether they run or write something, which files they print."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxy.permissions.shell_options import names, part_of_word
from proxy.permissions.shell_programs import Examined, Operand, guessed_paths
from proxy.permissions.shell_values import Word

_READERS = frozenset({"log", "diff", "show"})
_DANGEROUS = (
    "--output",
    "--ext-diff",
    "--textconv",
    "--no-index",
    "--show-signature",
    "--open-files-in-pager",
)
_HARMLESS = frozenset(
    {"--text", "--show-stat", "--no-indent-heuristic", "--show-pulls", "--show-linear-break"}
)
_WITH_VALUE = names(
    "--author --committer --grep --grep-reflog --since --until --after --before --since-as-filter"
    " --max-count --skip --min-parents --max-parents --date --encoding --diff-filter --glob --exclude"
    " --diff-algorithm --word-diff-regex --anchored --ws-error-highlight --inter-hunk-context --src-prefix"
    " --dst-prefix --line-prefix --max-depth --output-indicator-new --output-indicator-old"
    " --output-indicator-context --stat-width --stat-name-width --stat-count --stat-graph-width --min-age"
    " --max-age --decorate-refs --decorate-refs-exclude --unified --color-moved-ws -n -S -G -l"
)
_GLOBAL = frozenset({"--no-pager", "--version", "--help", "-v", "-h"})
_RUNNERS = names(
    "bisect citool config daemon difftool filter-branch gui help hook instaweb mergetool send-email submodule"
    " svn web--browse"
)
"""Subcommands that run what their arguments or the configuration say, or change the configuration."""
_RUNNING = (*_DANGEROUS, "--exec", "--upload-pack", "--receive-pack", "--extcmd", "--config", "--template")
_ENDINGS = re.compile(r"%G|%\([^)]*\)?G|%C?\(?signature")


def examine_git(words: Sequence[Word]) -> Examined:
    """Returns what a call of git does, without the name `git`."""
    examined = Examined()
    if not words or words[0].shown not in _READERS:
        examined.operands += [Operand(word) for word in guessed_paths(words[1:])]
        examined.danger = _other_danger([word.shown for word in words])
        return examined
    index = 1
    while index < len(words):
        text = words[index].shown
        if text == "--":
            for word in words[index + 1 :]:
                _add_pathspec(word, examined)
            break
        if text.startswith("-") and text != "-":
            index += _option(text, words[index + 1 : index + 2], examined)
        else:
            _add_revision(words[index], examined)
        index += 1
    return examined


def _other_danger(words: Sequence[str]) -> str | None:
    """Returns why a call of another subcommand must be asked about whatever rule allows git."""
    if not words:
        return None
    if words[0].startswith("-") and words[0] not in _GLOBAL:
        return f"git's global option {words[0]} may change what git runs"
    if words[0] in _RUNNERS:
        return f"git {words[0]} may run programs"
    for word in words[1:]:
        name = word.split("=", 1)[0]
        if word.startswith(("-x", "-O", "-u")) or (
            len(name) > 4 and any(known.startswith(name) for known in _RUNNING)
        ):
            return f"git's option {name} may run a program or write a file"
    return None


def _option(text: str, following: Sequence[Word], examined: Examined) -> int:
    """Notes what an option does; returns how many further words it takes."""
    name, glued, value = text.partition("=")
    if text.startswith("-O"):
        examined.danger = "git's option -O reads a file of file names"
        examined.operands += [Operand(part_of_word(text[2:]))] if text[2:] else []
        return 0
    if text.startswith("-L"):
        _add_range(text[2:] or (following[0].shown if following else ""), examined)
        return int(text == "-L")
    if _is_dangerous(name):
        examined.danger = f"git's option {name} runs a program or writes a file"
    if _ENDINGS.search(value if glued else ""):
        examined.danger = "git runs a program to check signatures"
    return int(not glued and name in _WITH_VALUE)


def _is_dangerous(name: str) -> bool:
    """Tells whether a long option is, or may abbreviate, one that runs or writes something."""
    if name in _HARMLESS or name in _WITH_VALUE or not name.startswith("--") or len(name) < 4:
        return False
    if name == "--help":
        return True  # it starts man, or what the configuration names instead
    return any(dangerous.startswith(name) for dangerous in _DANGEROUS)


def _add_range(text: str, examined: Examined) -> None:
    """Adds the file of `-L 1,5:file` or `-L :function:file`."""
    if ":" in text:
        examined.operands.append(Operand(part_of_word(text.rsplit(":", 1)[1])))


def _add_revision(word: Word, examined: Examined) -> None:
    """Adds a word that is a revision, a path, or both as in `HEAD:path`."""
    if word.shown.startswith(":"):
        _add_pathspec(word, examined)
    elif ":" in word.shown:
        path = word.shown.split(":", 1)[1]
        examined.operands.append(Operand(part_of_word(path), from_top=not path.startswith(("./", "../"))))
    else:
        examined.operands.append(Operand(word))


def _add_pathspec(word: Word, examined: Examined) -> None:
    """Adds the path of a pathspec: `path`, `:/path`, `:(top,icase)path`, or of the index, `:0:path`."""
    text = word.shown
    if not text.startswith(":"):
        examined.operands.append(Operand(word))
        return
    match = re.match(
        r":(?:\((?P<magic>[^)]*)\)|(?P<short>[/!^]+):?|(?P<stage>[0-3]):)?(?P<path>.*)", text, re.DOTALL
    )
    if match is None or "exclude" in (match["magic"] or "") or set(match["short"] or "") & set("!^"):
        return
    examined.operands.append(Operand(part_of_word(match["path"]), from_top=True))
