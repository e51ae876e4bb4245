"""Programs that run another program: how each takes its options, and which word the other begins at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from proxy.permissions.shell_options import names
from proxy.permissions.shell_values import Word

ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z_0-9]*=")
"""A word that begins so sets a variable."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How a wrapper's own words look."""

    short: str = ""
    """Letters of options that take a value."""
    long: frozenset[str] = frozenset()
    """Long options that take a value as the next word."""
    operands: int = 0
    """Words of its own behind the options: `timeout`'s duration."""
    has_assignments: bool = False
    """`NAME=value` words may stand before the program."""
    scripts: str = ""
    """Letters of options whose value is a shell text: `-c` of `su`, `-S` of `env`."""
    long_scripts: frozenset[str] = frozenset()
    queries: str = ""
    """Letters of options with which it runs nothing: `command -v`."""
    joins: bool = False
    """It hands its words to a shell as one text: `watch`, `ssh`."""


WRAPPERS: Mapping[str, Wrapper] = MappingProxyType(
    {
        "builtin": Wrapper(),
        "busybox": Wrapper(),
        "catchsegv": Wrapper(),
        "caffeinate": Wrapper("tw"),
        "chroot": Wrapper("", names("--userspec --groups"), 1),
        "chrt": Wrapper("TPD", names("--sched-runtime --sched-period --sched-deadline"), 1),
        "command": Wrapper(queries="vV"),
        "coproc": Wrapper(),
        "dbus-run-session": Wrapper("", names("--config-file --dbus-daemon")),
        "doas": Wrapper("uC"),
        "dumb-init": Wrapper(),
        "eatmydata": Wrapper(),
        "env": Wrapper(
            "uC",
            names("--unset --chdir"),
            has_assignments=True,
            scripts="S",
            long_scripts=names("--split-string"),
        ),
        "exec": Wrapper("a"),
        "fakeroot": Wrapper("lsib", names("--lib --faked")),
        "firejail": Wrapper(),
        "flock": Wrapper(
            "wE",
            names("--timeout --wait --conflict-exit-code"),
            1,
            scripts="c",
            long_scripts=names("--command"),
        ),
        "gosu": Wrapper(operands=1),
        "ionice": Wrapper("cnpPu", names("--class --classdata --pid --pgid --uid")),
        "linux32": Wrapper(),
        "linux64": Wrapper(),
        "ltrace": Wrapper("aAeFlLnopsuxDw"),
        "nice": Wrapper("n", names("--adjustment")),
        "nocorrect": Wrapper(),
        "nsenter": Wrapper("tSG", names("--target --setuid --setgid")),
        "noglob": Wrapper(),
        "nohup": Wrapper(),
        "numactl": Wrapper("iNmCpPl"),
        "parallel": Wrapper("jaISLPdN", names("--jobs --arg-file --delimiter --max-args"), joins=True),
        "pkexec": Wrapper("", names("--user")),
        "proxychains": Wrapper("f"),
        "proxychains4": Wrapper("f"),
        "proot": Wrapper("rbqwm"),
        "rlwrap": Wrapper("bcCDfHloOpPqsStw"),
        "run-parts": Wrapper(),
        "runuser": Wrapper("ugGsw", names("--user --group --shell"), 0, scripts="c"),
        "script": Wrapper(
            "ETmBIOo", names("--log-io --log-in --log-out"), scripts="c", long_scripts=names("--command")
        ),
        "setarch": Wrapper("", frozenset(), 1),
        "setpriv": Wrapper("", names("--reuid --regid --groups --inh-caps --ambient-caps --bounding-set")),
        "setsid": Wrapper(),
        "softlimit": Wrapper("adfmoprstlc"),
        "stdbuf": Wrapper("ioe", names("--input --output --error")),
        "strace": Wrapper("abeEIoOpPsSuUX", names("--output --env --user --attach --trace")),
        "su": Wrapper(
            "sgGwT",
            names("--shell --group --supp-group"),
            1,
            scripts="c",
            long_scripts=names("--command --session-command"),
        ),
        "su-exec": Wrapper(operands=1),
        "sudo": Wrapper(
            "ugpCcDRrtThU",
            names("--user --group --prompt --close-from --chdir --chroot --role --type --host --other-user"),
            has_assignments=True,
        ),
        "systemd-run": Wrapper(
            "pEuGHMPt", names("--unit --property --uid --gid --setenv --working-directory")
        ),
        "taskset": Wrapper("", frozenset(), 1),
        "time": Wrapper("fo", names("--format --output")),
        "timeout": Wrapper("ks", names("--kill-after --signal"), 1),
        "tini": Wrapper("pe"),
        "torify": Wrapper(),
        "torsocks": Wrapper(),
        "toybox": Wrapper(),
        "tsocks": Wrapper(),
        "unbuffer": Wrapper(),
        "unshare": Wrapper("SGRw", names("--setuid --setgid --root --wd")),
        "valgrind": Wrapper(),
        "watch": Wrapper("nq", names("--interval --equexit"), joins=True),
        "winpty": Wrapper(),
        "xargs": Wrapper(
            "aEeIiLlnPsd",
            names("--arg-file --delimiter --max-args --max-procs --max-chars"),
        ),
        "xvfb-run": Wrapper("enfpsw", names("--server-num --server-args --auth-file")),
    }
)

SHELLS = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh", "yash"}
)
"""Programs whose `-c` takes a shell text."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What a wrapper runs."""

    words: Sequence[str]
    """The inner command; empty: none."""
    scripts: Sequence[str] = ()
    """Shell texts it was given."""


# xargs' e, i and l take a value only when it is glued on.
_GLUED_ONLY = frozenset("eil")


def unwrap(name: str, words: Sequence[str]) -> Unwrapped:
    """Returns what the wrapper `name` runs when called with `words`, its name left out."""
    wrapper = WRAPPERS[name]
    scripts: list[str] = []
    index = _own_words(wrapper, words, scripts)
    if index is None:
        return Unwrapped(())
    inner = words[index + wrapper.operands :]
    if wrapper.scripts and inner and inner[0].startswith("-"):  # `su root -c text`
        _option_length(wrapper, inner[0], inner[1:2], scripts)
    if name == "env" and scripts:
        return Unwrapped((), [" ".join((*scripts, *inner))])
    if wrapper.joins and inner:
        scripts.append(" ".join(inner))
    return Unwrapped(inner, scripts)


def _own_words(wrapper: Wrapper, words: Sequence[str], scripts: list[str]) -> int | None:
    """Returns how many options and assignments come first; None: with these it runs nothing."""
    index = 0
    ended = False
    while index < len(words):
        word = words[index]
        if wrapper.has_assignments and ASSIGNMENT.match(word):
            index += 1
        elif ended or not word.startswith("-"):
            break
        elif word in {"--", "-"}:
            index += 1
            ended = word == "--"
        elif _is_query(wrapper, word):
            return None
        else:
            index += _option_length(wrapper, word, words[index + 1 : index + 2], scripts)
    return index


def _is_query(wrapper: Wrapper, word: str) -> bool:
    return not word.startswith("--") and any(letter in wrapper.queries for letter in word[1:])


def _option_length(wrapper: Wrapper, word: str, following: Sequence[str], scripts: list[str]) -> int:
    """Returns how many words an option takes, and keeps a shell text that it carries."""
    if word.startswith("--"):
        option, glued, value = word.partition("=")
        if _takes(option, wrapper.long_scripts):
            scripts.extend([value] if glued else following)
            return 1 if glued else 2
        return 2 if not glued and _takes(option, wrapper.long) else 1
    for position, letter in enumerate(word[1:], start=1):
        rest = word[position + 1 :]
        if letter in wrapper.scripts:
            scripts.extend([rest] if rest else following)
            return 1 if rest else 2
        if letter in wrapper.short:
            return 1 if rest or letter in _GLUED_ONLY else 2
    return 1


def _takes(option: str, options: frozenset[str]) -> bool:
    """Tells whether a long option, perhaps abbreviated, is one of these."""
    return len(option) > 2 and any(known.startswith(option) for known in options)


def shell_scripts(words: Sequence[str]) -> list[str]:
    """Returns the shell texts among a shell's arguments: the first operand when a `-c` is there."""
    has_script = False
    index = 0
    while index < len(words):
        word = words[index]
        if word in {"--", "-"} or not word.startswith(("-", "+")):
            index += word in {"--", "-"}
            break
        if not word.startswith("--"):
            has_script |= word.startswith("-") and "c" in word
            index += sum(letter in "oO" for letter in word)
        elif word in {"--rcfile", "--init-file"}:
            index += 1
        index += 1
    return list(words[index : index + 1]) if has_script else []


_NEVER = re.compile(r"\Z.")
_SAFE: Mapping[str, tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]] = MappingProxyType(
    {
        "timeout": (
            re.compile(
                r"-v|--verbose|--foreground|--preserve-status|-[ks][\w.+-]+|--(?:kill-after|signal)=[\w.+-]+"
            ),
            re.compile(r"-[ks]|--kill-after|--signal"),
            re.compile(r"[\w.+-]+"),
        ),
        "time": (re.compile("-p"), _NEVER, _NEVER),
        "nice": (
            re.compile(r"-n-?[0-9]+|--?[0-9]+|--adjustment=-?[0-9]+"),
            re.compile("-n|--adjustment"),
            re.compile("-?[0-9]+"),
        ),
        "nohup": (_NEVER, _NEVER, _NEVER),
        "stdbuf": (
            re.compile(r"-[ioe](?:L|[0-9]+[kKMG]?B?)|--(?:input|output|error)=(?:L|[0-9]+[kKMG]?B?)"),
            re.compile("-[ioe]|--(?:input|output|error)"),
            re.compile("L|[0-9]+[kKMG]?B?"),
        ),
    }
)
"""The wrappers allow rules look past: options in one word, those that take the next one, and that one."""
_DURATION = re.compile(r"[0-9]+(?:\.[0-9]+)?[smhd]?|[0-9]*\.[0-9]+[smhd]?")


def without_safe_wrappers(words: Sequence[Word]) -> Sequence[Word] | None:
    """Returns a command's words without `timeout`, `time`, `nice`, `nohup` and `stdbuf` before them.

    None: an option of one of them is not literal or not known to be harmless.
    """
    while words and words[0].text in _SAFE:
        single, double, value = _SAFE[words[0].text or ""]
        index = 1
        while index < len(words) and words[index].shown.startswith("-"):
            text = words[index].text or ""
            index += 1
            if text == "--":
                break
            if double.fullmatch(text) and index < len(words) and value.fullmatch(words[index].text or ""):
                index += 1
            elif not single.fullmatch(text):
                return None
        if words[0].text == "timeout":
            if index >= len(words) or not _DURATION.fullmatch(words[index].text or ""):
                return None
            index += 1
        words = words[index:]
    return words
