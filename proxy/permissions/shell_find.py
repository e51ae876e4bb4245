"""Reads find's expressions: whether they run, delete or write, and where they begin."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proxy.permissions.shell_options import names
from proxy.permissions.shell_programs import HERE, Examined, Operand
from proxy.permissions.shell_values import Word

_PLAIN = names(
    "-print -print0 -ls -empty -prune -quit -true -false -depth -d -mount -xdev -noleaf -daystart -follow"
    " -readable -writable -executable -nouser -nogroup -ignore_readdir_race -noignore_readdir_race -warn"
    " -nowarn -not -a -and -o -or ( ) ! , -H -L -P -help --help -version --version"
)
_WITH_VALUE = names(
    "-name -iname -path -ipath -wholename -iwholename -regex -iregex -type -xtype -size -perm -user"
    " -group -uid -gid -mtime -atime -ctime -mmin -amin -cmin -links -inum -maxdepth -mindepth -fstype"
    " -regextype -printf -lname -ilname -used -context -D"
)
_WITH_FILE = re.compile(r"-(?:newer|anewer|cnewer|samefile|newer[aBcmt][aBcm])")
_TIME = re.compile(r"-newer[aBcm]t")
_OPTION = re.compile(r"-[HLPD]|-O[0-3]")
"""What stands before the folders."""


def examine_find(words: Sequence[Word]) -> Examined:
    """Returns what a call of find does, without its name."""
    examined = Examined()
    index = 0
    while index < len(words) and _OPTION.fullmatch(words[index].shown):
        index += 2 if words[index].shown == "-D" else 1
    while index < len(words) and not _begins_expression(words[index].shown):
        examined.operands.append(Operand(words[index], "list"))
        index += 1
    if not examined.operands:
        examined.operands.append(Operand(HERE, "list"))
    while index < len(words):
        index += 1 + _primary(words, index, examined)
    return examined


def _begins_expression(text: str) -> bool:
    return text.startswith("-") or text in {"(", ")", "!", ","}


def _primary(words: Sequence[Word], index: int, examined: Examined) -> int:
    """Reads one test or action; returns how many further words it takes."""
    text = words[index].shown
    if text in _WITH_VALUE:
        return 1
    if _TIME.fullmatch(text):
        return 1
    if _WITH_FILE.fullmatch(text):
        examined.operands += [Operand(word) for word in words[index + 1 : index + 2]]
        return 1
    if text not in _PLAIN:
        examined.danger = examined.danger or f"find's {text} may run, delete or write"
    return 0
