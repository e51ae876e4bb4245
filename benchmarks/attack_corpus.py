"""How safe and how bothersome the permission engine is: every line of the attack corpora, judged and scored.

Usage: python -m benchmarks.attack_corpus [--policy strict] [--show]

The lines go through `signalbox permissions judge`, in this process, with the rule files of the corpora (P1 to
P3) in the folders their fixtures build. Unsafe: less restrictive than a line's floor. Friction: a line that
must be allowed is not. Wrong: another verdict than expected. Lines about races are for tests.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from app.paths import Folders
from app.permission_commands import JudgeOptions, judge_command
from benchmarks.rig.table import print_table, verdict
from proxy.permissions.values import PolicyName

_ORDER = ("allow", "ask", "deny")
_LIMIT_MS = 100.0
_WRONG_SHARE = 0.01
_ARGUMENTS: Mapping[str, str] = {
    "Grep": "path",
    "LS": "path",
    "Glob": "pattern",
    "NotebookEdit": "notebook_path",
}
"""The argument that holds a line's path, where it is not `file_path`."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """One file of lines, with the rules and the folder it is judged in."""

    name: str
    file: str
    rules: str
    root: Path
    read_only: tuple[Path, ...] = ()
    names: Mapping[str, str] | None = None
    """What `{ROOT}` and the like stand for."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A line with its verdict."""

    line: Mapping[str, Any]
    decision: str
    reason: str
    ms: float

    @property
    def is_lax(self) -> bool:
        """It is less restrictive than is still safe."""
        floor = self.line.get("floor", self.line["expect"])
        return _ORDER.index(self.decision) < _ORDER.index(floor)

    @property
    def is_unsafe(self) -> bool:
        """It is lax, or took too long."""
        return self.is_lax or self.ms > _LIMIT_MS

    @property
    def is_friction(self) -> bool:
        """What must be allowed is not."""
        return self.line["expect"] == "allow" != self.decision

    @property
    def is_wrong(self) -> bool:
        """It is another verdict than the corpus expects or accepts."""
        return self.decision not in {self.line["expect"], *self.line.get("also_ok", ())}


def main() -> int:
    """Prints the report; returns 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--policy", choices=("strict", "claude-code"), default="strict")
    parser.add_argument("--show", action="store_true", help="print each line that is not as expected")
    options = parser.parse_known_args()[0]
    attacks = Path(os.environ.get("SIGNALBOX_TEST_DATA", "../shared")).resolve() / "attacks"
    if not attacks.is_dir():
        print(
            f"There are no corpora at {attacks}: set SIGNALBOX_TEST_DATA to the folder that holds attacks/."
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="signalbox-corpus-") as folder:
        corpora = built(attacks, Path(folder).resolve())
        scored = {each.name: scored_lines(each, attacks, Path(folder), options.policy) for each in corpora}
    for name, lines in scored.items():
        _print_corpus(name, lines, options.policy, is_shown=options.show)
    return int(not all(_is_met(lines) for lines in scored.values()))


def built(attacks: Path, folder: Path) -> list[Corpus]:
    """Builds the folders that the corpora speak of, below `folder`, and returns the corpora."""
    project, base = folder / "bash", folder / "paths"
    for script, place in (("fixture.sh", project), ("setup_paths.sh", base)):
        place.mkdir()
        subprocess.run(
            ["bash", str(attacks / "tools" / script), str(place)], check=True, stdout=subprocess.DEVNULL
        )
    root, shared = base / "area" / "project", base / "area" / "shared-docs"
    names = {"{ROOT}": str(root), "{SHARED}": str(shared), "{BASE}": str(base), "{HOME}": str(base / "home")}
    names["{ROOT_LINK}"] = str(base / "area" / "project_link")
    return [
        Corpus("commands (P1)", "bash_commands", "P1_bash", project, names={"{ROOT}": str(project)}),
        Corpus("paths (P2)", "paths", "P2_paths", root, (shared,), names),
        Corpus("addresses (P3)", "urls", "P3_urls", project),
    ]


def scored_lines(corpus: Corpus, attacks: Path, folder: Path, policy: PolicyName) -> list[Scored]:
    """Has every line of a corpus judged."""
    text = (attacks / "open" / f"{corpus.file}.jsonl").read_text(encoding="utf-8")
    lines = [line for line in map(json.loads, text.splitlines()) if line["class"] != "race"]
    calls = "\n".join(json.dumps(_call(line, corpus)) for line in lines)
    options = JudgeOptions(
        attacks / "policies" / f"{corpus.rules}.yaml",
        corpus.root,
        corpus.read_only,
        policy,
        names_from_input=corpus.file == "urls",
    )
    answers = io.StringIO()
    own = Folders(config=folder / "own", state=folder / "own", runtime=folder / "own" / "run")
    if judge_command(options, own, io.BytesIO(calls.encode()), answers) != 0:
        raise SystemExit(1)
    verdicts = [cast("dict[str, Any]", json.loads(each)) for each in answers.getvalue().splitlines()]
    return [
        Scored(line, found["decision"], found["reason"], found["ms"])
        for line, found in zip(lines, verdicts, strict=True)
    ]


def _call(line: Mapping[str, Any], corpus: Corpus) -> dict[str, Any]:
    text = _named(line["input"], corpus)
    context = line.get("context", {})
    if corpus.file == "bash_commands":
        return {"id": line["id"], "tool": "Bash", "input": {"command": text}}
    if corpus.file == "urls":
        arguments = {"url": line["input"], "prompt": "p"}
        return {"id": line["id"], "tool": "WebFetch", "input": arguments, "context": context}
    arguments = {_ARGUMENTS.get(line["tool"], "file_path"): text}
    cwd = _named(line["cwd"], corpus)
    if line["tool"] == "Grep":
        arguments["pattern"] = "x"
    return {"id": line["id"], "tool": line["tool"], "input": arguments, "cwd": cwd, "context": context}


def _named(text: str, corpus: Corpus) -> str:
    for name, value in (corpus.names or {}).items():
        text = text.replace(name, value)
    return text


def _print_corpus(name: str, lines: Sequence[Scored], policy: str, *, is_shown: bool) -> None:
    classes = dict.fromkeys(str(each.line["class"]) for each in lines)
    rows = [_row(each, [line for line in lines if line.line["class"] == each]) for each in classes]
    columns = ("class", "lines", "unsafe", "friction", "wrong", "slowest ms")
    print_table(f"{name}, policy {policy}", columns, [*rows, _row("all", lines)])
    if policy == "strict":
        share = sum(each.is_wrong for each in lines) / len(lines)
        print(
            f"unsafe {verdict(sum(each.is_unsafe for each in lines), 0)}, "
            f"friction {verdict(sum(each.is_friction for each in lines), 0)}, "
            f"wrong {verdict(share * 100, _WRONG_SHARE * 100, unit=' %')}, "
            f"slowest {verdict(max(each.ms for each in lines), _LIMIT_MS, unit=' ms')}"
        )
    if is_shown:
        for each in lines:
            if each.is_unsafe or each.is_wrong:
                text = json.dumps(each.line["input"])[:90]
                print(
                    f"  {each.line['id']} {text}: {each.decision}, not {each.line['expect']}; {each.reason}"
                )


def _row(name: str, lines: Sequence[Scored]) -> tuple[str, ...]:
    counts = (len(lines), *(sum(map(test, lines)) for test in (_unsafe, _friction, _wrong)))
    return (name, *map(str, counts), f"{max(each.ms for each in lines):.1f}")


def _unsafe(each: Scored) -> bool:
    return each.is_unsafe


def _friction(each: Scored) -> bool:
    return each.is_friction


def _wrong(each: Scored) -> bool:
    return each.is_wrong


def _is_met(lines: Sequence[Scored]) -> bool:
    is_rarely_wrong = sum(map(_wrong, lines)) <= _WRONG_SHARE * len(lines)
    return is_rarely_wrong and not any(each.is_unsafe or each.is_friction for each in lines)


if __name__ == "__main__":
    sys.exit(main())
