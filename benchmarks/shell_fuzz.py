"""Differential fuzz of the shell policy: what it allows is run, and must change nothing and open no socket.

Usage: python -m benchmarks.shell_fuzz [--lines 1500] [--seed 1]

Lines are made from pieces of the corpora: joined, wrapped, cut, their words exchanged, their characters
disturbed. Each is judged by the strict policy with the rules of the attack corpus; those allowed are run
by nobody in a cage (`benchmarks.rig.shell_cage`). A line fails if it changes a file, opens a socket or prints
what nobody may read. Programs of the project itself (npm, pytest, make) are judged but not run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from benchmarks.inputs.shell_project import RULES, SECRETS, make_project
from benchmarks.rig.shell_cage import ShellCage, why_no_cage
from proxy.permissions import shell, shell_strict
from proxy.permissions.rules import read_permissions
from proxy.permissions.values import Place, Policy, Workspace
from proxy.tools.guard import WorkspaceGuard

_LINES = Path(__file__).parent.parent / "tests" / "data" / "shell_lines.jsonl"
_SEPARATORS = (";", " ; ", "&&", " && ", " || ", "|", " | ", " |& ", "\n", " & ", " ;\n", "\\\n")
_DISTURBANCES = (
    *"'\"\\$`{}()[]<>|&;#*?~!=-+/.,@%^: \n\t",
    "$(",
    "${",
    "<(",
    "2>",
    "\\\n",
    "$'",
    "--",
    "é",
    "\u00a0",
)
_WRAPPINGS = (
    *(
        "({})",
        "{{ {}; }}",
        "time {}",
        "timeout 5 {}",
        "nice -n 5 {}",
        "nohup {}",
        "LANG=C {}",
        "cd src && {}",
    ),
    *("{} | head -n 3", "{} > /dev/null", "{} 2>&1", "{} < notes.txt", "if true; then {}; fi", "! {}"),
    *("for i in a b; do {}; done", "case a in a) {};; esac", "{} # x", "while true; do {}; break; done"),
    *("cat <<'E'\n{}\nE", "echo '{}'", 'echo "{}"', "cd src; cd ..; {}", "stdbuf -oL {}", "env {}", "{} &"),
)
_OWN_PROGRAMS = ("npm", "python", "make")


@dataclass(slots=True)
class FuzzReport:
    """What came of it."""

    judged: int = 0
    decisions: Counter[str] = field(default_factory=Counter[str])
    run: int = 0
    failures: list[str] = field(default_factory=list[str])
    slowest_ms: float = 0.0


def corpus_lines(extra: Path | None = None) -> list[tuple[str, bool]]:
    """Returns our own lines and those of another file, each with whether it is one that must be allowed."""
    found: list[tuple[str, bool]] = []
    for path in (_LINES, *([extra] if extra is not None and extra.is_file() else [])):
        for text in path.read_text(encoding="utf-8").splitlines():
            row = cast("dict[str, Any]", json.loads(text))
            if len(row["input"]) < 400:
                found.append((row["input"], row["expect"] == "allow"))
    return found


def fuzz_lines(corpus: Sequence[tuple[str, bool]], count: int, seed: int) -> Iterator[str]:
    """Yields lines made of the corpus's pieces; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    harmless = [text for text, is_allowed in corpus if is_allowed]
    every = [text for text, _ in corpus]
    words = sorted({word for text in every for word in text.split()})
    good_words = sorted({word for text in harmless for word in text.split()})
    for _ in range(count):
        text = chance.choice(harmless if chance.random() < 0.75 else every)
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3))):
            text = _changed(text, chance, harmless, words if chance.random() < 0.3 else good_words)
        yield text


def _changed(text: str, chance: random.Random, harmless: Sequence[str], words: Sequence[str]) -> str:
    kind = chance.randrange(7)
    if kind == 0:
        return text + chance.choice(_SEPARATORS) + chance.choice(harmless)
    if kind == 1:
        return chance.choice(_WRAPPINGS).format(text)
    at = chance.randrange(len(text) + 1)
    if kind == 2:
        return text[:at] + chance.choice(_DISTURBANCES) + text[at:]
    if kind == 3:
        return text[:at] + text[at + chance.choice((1, 1, 1, 2, 5)) :]
    parts = text.split(" ")
    index = chance.randrange(len(parts))
    if kind == 4:
        parts[index] = chance.choice(words)
    elif kind == 5:
        parts.insert(index + 1, chance.choice(words))
    else:
        parts[index] = chance.choice(("'{}'", '"{}"', "\\{}", "{{{},x}}", "{}*", "$'{}'")).format(
            parts[index]
        )
    return " ".join(parts)


def fuzz(lines: Iterator[str], root: Path) -> FuzzReport:
    """Judges lines in the project at `root` and runs those that are allowed."""
    report = FuzzReport()
    workspace = Workspace("fuzz", str(root))
    policy = Policy("strict", read_permissions(dict(RULES)).rules, builtin_read_only=False)
    guard = WorkspaceGuard.open(workspace)
    try:
        place = Place(workspace, str(root), "/nonexistent", guard.facts, list_folder=guard.names_in)
        with ShellCage(root) as cage:
            before = cage.snapshot()
            for text in lines:
                if _is_allowed(text, policy, place, report) and not _runs_own_programs(text):
                    before = _run(text, cage, before, report)
    finally:
        guard.close()
    return report


def _is_allowed(text: str, policy: Policy, place: Place, report: FuzzReport) -> bool:
    start = time.thread_time()
    verdict = shell_strict.judge(shell.parse_line(text), policy, place)
    report.slowest_ms = max(report.slowest_ms, (time.thread_time() - start) * 1000)
    report.judged += 1
    report.decisions[verdict.decision] += 1
    return verdict.decision == "allow"


def _runs_own_programs(text: str) -> bool:
    names = {command.words[0].shown for command in shell.parse_line(text).commands if command.words}
    wrapped = {word.shown for command in shell.parse_line(text).commands for word in command.words}
    return not names.isdisjoint(_OWN_PROGRAMS) or not wrapped.isdisjoint(_OWN_PROGRAMS)


def _run(text: str, cage: ShellCage, before: Any, report: FuzzReport) -> Any:
    result = cage.run(text)
    after = cage.snapshot()
    report.run += 1
    if after != before:
        changed = sorted({key for key in {*before, *after} if before.get(key) != after.get(key)})
        report.failures.append(f"changed {changed[:3]}: {text!r}")
    if result.sockets:
        report.failures.append(f"opened {result.sockets} sockets: {text!r}")
    if any(secret in result.output for secret in SECRETS):
        report.failures.append(f"printed a closed file: {text!r}")
    return after


def main(arguments: Sequence[str]) -> int:
    """Runs the fuzz and prints what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    reason = why_no_cage()
    if reason is not None:
        print(f"cannot run: {reason}")
        return 2
    data = Path(os.environ.get("SIGNALBOX_TEST_DATA", "../shared"))
    corpus = corpus_lines(data / "attacks" / "open" / "bash_commands.jsonl")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = Path(folder).resolve() / "project"
        root.mkdir()
        make_project(root)
        start = time.monotonic()
        report = fuzz(fuzz_lines(corpus, options.lines, options.seed), root)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(report.decisions.items()))
    print(f"{report.judged} lines judged ({counts}), {report.run} run in {time.monotonic() - start:.0f} s,")
    print(f"slowest verdict {report.slowest_ms:.1f} ms, {len(report.failures)} failures")
    for failure in report.failures[:50]:
        print("FAILED", failure)
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
