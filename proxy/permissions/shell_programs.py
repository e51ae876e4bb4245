"""The programs whose arguments are understood: which options run or write something, which words are paths.

An allow rule for one of them covers reading only. An option that is not in its table asks, except with
programs that can do nothing but read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from proxy.permissions import shell_tables
from proxy.permissions.shell_awk import read_awk
from proxy.permissions.shell_options import Arguments, OptionTable, names, part_of_word, read_arguments
from proxy.permissions.shell_sed import read_sed
from proxy.permissions.shell_values import Word

Operation = Literal["read", "list", "search", "write"]


@dataclass(frozen=True, slots=True)
class Search:
    """A recursive search: what it would print of a folder."""

    includes: tuple[str, ...] = ()
    """Name patterns: of the files, only these."""
    excludes: tuple[str, ...] = ()
    skips_hidden: bool = False
    follows_links: bool = False


@dataclass(frozen=True, slots=True)
class Operand:
    """A path that a program is given."""

    word: Word
    operation: Operation = "read"
    search: Search | None = None
    from_top: bool = False
    """It is relative to the workspace's root, not to the working directory."""


@dataclass(slots=True)
class Examined:
    """What a command's arguments do."""

    danger: str | None = None
    """Why an allow rule does not cover it."""
    operands: list[Operand] = field(default_factory=list[Operand])


Examiner = Callable[[Sequence[Word]], Examined]


def _checked(
    words: Sequence[Word], table: OptionTable, *, permutes: bool = True
) -> tuple[Arguments, Examined]:
    """Reads the arguments and puts the files that options name among the operands."""
    arguments = read_arguments(words, table, permutes=permutes)
    examined = Examined(operands=[Operand(word) for word in arguments.values("read")])
    if arguments.danger is not None:
        examined.danger = f"its option {arguments.danger} may run, write or load something"
    return arguments, examined


def reader(table: OptionTable, operation: Operation = "read") -> Examiner:
    """Returns the examiner of a program that only reads the files it is given."""

    def examine(words: Sequence[Word]) -> Examined:
        arguments, examined = _checked(words, table)
        examined.operands += [Operand(word, operation) for word in arguments.operands]
        return examined

    return examine


def examine_words(words: Sequence[Word]) -> Examined:  # noqa: ARG001 - they are only printed
    """Of echo and the like: the words are only printed."""
    return Examined()


def examine_uniq(words: Sequence[Word]) -> Examined:
    """Of uniq: a second name would be written."""
    arguments, examined = _checked(words, shell_tables.UNIQ)
    examined.operands += [Operand(word) for word in arguments.operands]
    if len(arguments.operands) > 1:
        examined.danger = "with two names uniq writes the second"
        examined.operands[-1] = Operand(arguments.operands[-1], "write")
    elif any(word.pattern is not None for word in arguments.operands):
        examined.danger = "a wildcard may give uniq two names, and it writes the second"
    return examined


def _pattern_first(arguments: Arguments, *kinds: Literal["pattern", "program"]) -> list[Word]:
    """Takes the first operand away where no option has given what it would be."""
    given = any(arguments.has(kind) for kind in kinds)
    return arguments.operands if given else arguments.operands[1:]


def examine_grep(words: Sequence[Word]) -> Examined:
    """Of grep: the first operand is a pattern, and folders may be searched."""
    arguments, examined = _checked(words, shell_tables.GREP)
    from_file = any(option.name in {"-f", "--file"} for option in arguments.options)
    paths = arguments.operands if from_file else _pattern_first(arguments, "pattern")
    recurses = arguments.has("recursive") or any(
        option.name in {"-d", "--directories"} and option.value is not None and "rec" in option.value.shown
        for option in arguments.options
    )
    if not recurses:
        examined.operands += [Operand(word) for word in paths]
        return examined
    search = Search(
        includes=tuple(word.shown for word in arguments.values("include")),
        excludes=tuple(word.shown for word in arguments.values("exclude")),
        follows_links=any(option.name in {"-R", "--dereference-recursive"} for option in arguments.options),
    )
    examined.operands += [Operand(word, "search", search) for word in paths or [HERE]]
    return examined


HERE = Word(raw=".", text=".", shown=".")
RG_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "c": ("*.c", "*.h"),
        "cpp": ("*.cpp", "*.cc", "*.cxx", "*.hpp", "*.hh", "*.h", "*.hxx"),
        "css": ("*.css", "*.scss"),
        "go": ("*.go",),
        "html": ("*.html", "*.htm", "*.ejs"),
        "java": ("*.java", "*.jsp", "*.jspx", "*.properties"),
        "js": ("*.js", "*.jsx", "*.mjs", "*.cjs", "*.vue"),
        "json": ("*.json", "composer.lock"),
        "md": ("*.md", "*.markdown", "*.mdown", "*.mdwn", "*.mdx", "*.mkd", "*.mkdn"),
        "markdown": ("*.md", "*.markdown", "*.mdown", "*.mdwn", "*.mdx", "*.mkd", "*.mkdn"),
        "py": ("*.py", "*.pyi"),
        "python": ("*.py", "*.pyi"),
        "rust": ("*.rs",),
        "toml": ("*.toml", "Cargo.lock"),
        "ts": ("*.ts", "*.tsx", "*.cts", "*.mts"),
        "yaml": ("*.yaml", "*.yml"),
    }
)
"""File names of ripgrep's types; of others it may be anything."""


def examine_rg(words: Sequence[Word]) -> Examined:
    """Of ripgrep: a search of folders unless it only lists."""
    arguments, examined = _checked(words, shell_tables.RG)
    given = {option.name for option in arguments.options}
    if given & {"--files", "--type-list", "--version", "-V", "--help", "-h"}:
        operation: Operation = "list"
        paths = arguments.operands
        examined.operands += [Operand(word, operation) for word in paths]
        return examined
    paths = arguments.operands if given & {"-f", "--file"} else _pattern_first(arguments, "pattern")
    includes, excludes = _rg_filters(arguments)
    unrestricted = sum(option.name in {"-u", "--unrestricted"} for option in arguments.options)
    search = Search(
        includes=includes,
        excludes=excludes,
        skips_hidden=not given & {"-.", "--hidden"} and unrestricted < 2,
        follows_links=bool(given & {"-L", "--follow"}),
    )
    examined.operands += [Operand(word, "search", search) for word in paths or [HERE]]
    return examined


def _rg_filters(arguments: Arguments) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns which file names a search takes and which it leaves out; what is not understood takes all."""
    includes: list[str] = []
    excludes: list[str] = []
    for option in arguments.options:
        text = option.value.shown if option.value is not None else ""
        if option.name in {"-t", "--type"}:
            includes.extend(RG_TYPES.get(text, ("*",)))
        elif option.kind == "include":
            simple = re.fullmatch(r"!?[^/{}\[\]!]+", text) is not None
            if text.startswith("!"):
                excludes.extend([text[1:]] if simple else [])
            else:
                includes.append(text if simple else "*")
    return tuple(includes), tuple(excludes)


def examine_diff(words: Sequence[Word]) -> Examined:
    """Of diff: two folders are compared file by file."""
    arguments, examined = _checked(words, shell_tables.DIFF)
    search = Search(follows_links=True)
    named = [operand.word for operand in examined.operands] + arguments.operands
    examined.operands = [Operand(word, "search", search) for word in named]
    return examined


def examine_sed(words: Sequence[Word]) -> Examined:
    """Of sed: the program may write and run."""
    arguments, examined = _checked(words, shell_tables.SED)
    programs = arguments.values("program") or arguments.operands[:1]
    is_harmless = any(option.name == "--sandbox" for option in arguments.options)
    reading = read_sed("\n".join(word.shown for word in programs))
    if reading.danger is not None and not is_harmless:
        examined.danger = examined.danger or reading.danger
        if reading.file:
            examined.operands.append(Operand(Word(raw=reading.file, text=reading.file, shown=reading.file)))
    examined.operands += [Operand(word) for word in _pattern_first(arguments, "program")]
    return examined


def examine_awk(words: Sequence[Word]) -> Examined:
    """Of awk: the program may write and run."""
    arguments, examined = _checked(words, shell_tables.AWK, permutes=False)
    reading = read_awk(arguments.operands[0].shown if arguments.operands else "")
    if reading.danger is not None:
        examined.danger = examined.danger or reading.danger
        examined.operands += [
            Operand(Word(raw=text, text=text, shown=text)) for text in reading.strings if text
        ]
    for word in arguments.operands[1:]:
        if not re.match(r"[A-Za-z_][A-Za-z_0-9]*=", word.shown):
            examined.operands.append(Operand(word))
    return examined


def examine_jq(words: Sequence[Word]) -> Examined:
    """Of jq: the program may read the environment and load modules."""
    examined = Examined()
    operands: list[Word] = []
    index = 0
    takes_options = True
    while index < len(words):
        text = words[index].shown
        if takes_options and text == "--":
            takes_options = False
        elif takes_options and text.startswith("-") and text != "-":
            index += _jq_option(text, words[index + 1 : index + 3], examined)
        else:
            operands.append(words[index])
        index += 1
    program = operands[0].shown if operands else "."
    # A comment may hold a quotation mark: then nobody knows here where strings begin.
    if _JQ_DANGER.search(program if "#" in program else _JQ_STRING.sub('""', program)):
        examined.danger = "the jq program reads the environment or loads modules"
    examined.operands += [Operand(word) for word in operands[1:]]
    return examined


_JQ_STRING = re.compile(r'"(?:[^"\\]|\\[^(])*"')
_JQ_DANGER = re.compile(
    r"\$ENV\b|\$__prog|(?<![.\w$])env\b(?!\s*:)|\.\.\s*env\b|(?<![.\w$])(?:import|include|modulemeta|get_search_list)\b"
)
_JQ_FLAGS = names(
    "--raw-output --compact-output --slurp --null-input --exit-status --sort-keys --color-output"
    " --monochrome-output --ascii-output --join-output --raw-input --tab --seq --stream --stream-errors"
    " --unbuffered --raw-output0 --args --jsonargs --help --version --ascii"
)
_JQ_LETTERS = frozenset("rcsneSCMajRhVh")


def _jq_option(text: str, following: Sequence[Word], examined: Examined) -> int:
    """Notes what an option of jq does; returns how many further words it takes."""
    if text in {"--arg", "--argjson"}:
        return 2
    if text in {"--slurpfile", "--rawfile", "--argfile"}:
        examined.operands += [Operand(word) for word in following[1:]]
        return 2
    if text == "--indent":
        return 1
    if text not in _JQ_FLAGS and not _JQ_LETTERS.issuperset(text[1:]):
        examined.danger = f"jq's option {text} may load a program"
    return 0


def examine_tar(words: Sequence[Word]) -> Examined:
    """Of tar: only a plain listing does nothing."""
    if words and re.fullmatch("[A-Za-z]+", words[0].shown):
        # The old style: letters without a dash, their values behind them in order.
        first = "-" + "".join(sorted(words[0].shown, key="f".__eq__))
        words = [Word(raw=first, text=first, shown=first), *words[1:]]
    arguments, examined = _checked(words, shell_tables.TAR)
    given = [option.name for option in arguments.options]
    archives = [word for word in arguments.values("read") if word.shown != "-"]
    if not {"-t", "--list"} & set(given):
        examined.danger = examined.danger or "only listing an archive is harmless"
        examined.operands += [Operand(word) for word in arguments.operands]
    elif not arguments.values("read") or any(":" in word.shown for word in archives):
        examined.danger = examined.danger or "the archive may be on another machine"
    return examined


def examine_printf(words: Sequence[Word]) -> Examined:
    """Of printf: it may set a variable."""
    if words and words[0].shown.startswith("-v"):
        return Examined("printf's option -v sets a variable")
    start = 1 if words and words[0].shown == "--" else 0
    if len(words) > start and re.search(r"%[^%A-Za-z]*n", words[start].shown.replace("%%", "")):
        return Examined("printf's %n sets a variable")
    return Examined()


def examine_npm(words: Sequence[Word]) -> Examined:
    """Of npm: its own options stand before `--`, the script's behind."""
    texts = [word.shown for word in words]
    end = texts.index("--") if "--" in texts else len(texts)
    _, examined = _checked(words[:end], shell_tables.NPM)
    others = guessed_paths(words[end:])
    examined.operands += [Operand(word) for word in others]
    return examined


def examine_python(words: Sequence[Word]) -> Examined:
    """Of python: as pytest its options are known."""
    if [word.shown for word in words[:2]] != ["-m", "pytest"]:
        return Examined(operands=[Operand(word) for word in guessed_paths(words)])
    arguments, examined = _checked(_without_switched_off(words[2:]), shell_tables.PYTEST)
    for option in arguments.options:
        value = option.value.shown if option.value is not None else ""
        if option.name == "--cov" and value:
            examined.operands.append(Operand(part_of_word(value), "list"))
        elif option.name == "--cov-report" and not re.fullmatch(
            "term(?:-missing)?(?::skip-covered)?|", value
        ):
            examined.danger = "pytest's option --cov-report writes files"
    for word in arguments.operands:
        if word.shown.startswith("@"):
            examined.danger = "pytest reads options from a file"
        path = word.shown.split("::", 1)[0]
        examined.operands.append(
            Operand(word if path == word.shown else Word(raw=path, text=path, shown=path))
        )
    return examined


def _without_switched_off(words: Sequence[Word]) -> list[Word]:
    """Takes `-p no:plugin` out: it loads nothing."""
    kept: list[Word] = []
    for word in words:
        if kept and kept[-1].shown == "-p" and re.fullmatch("no:[A-Za-z_]+", word.shown):
            kept.pop()
        elif not re.fullmatch("-pno:[A-Za-z_]+", word.shown):
            kept.append(word)
    return kept


def guessed_paths(words: Sequence[Word]) -> list[Word]:
    """Returns the words of an unknown program's arguments that may be paths, option values included."""
    found: list[Word] = []
    for word in words:
        if not word.shown.startswith("-"):
            found.append(word)
        elif "=" in word.shown:
            value = word.shown.split("=", 1)[1]
            found.append(Word(raw=value, text=None if word.text is None else value, shown=value))
    return [word for word in found if word.shown]
