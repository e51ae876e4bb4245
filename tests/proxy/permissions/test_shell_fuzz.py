"""What the strict policy allows changes nothing and opens no socket when a real bash runs it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.inputs.shell_project import make_project
from benchmarks.rig.shell_cage import ShellCage, why_no_cage
from benchmarks.shell_fuzz import corpus_lines, fuzz, fuzz_lines

_REASON = why_no_cage()
pytestmark = pytest.mark.skipif(_REASON is not None, reason=_REASON or "")


@pytest.fixture
def project() -> Iterator[Path]:
    # Not below pytest's own folder: nobody may not enter that.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        root = Path(folder).resolve() / "project"
        root.mkdir()
        make_project(root)
        yield root


def test_allowed_lines_change_nothing_and_open_no_socket(project: Path) -> None:
    report = fuzz(fuzz_lines(corpus_lines(), 600, seed=20_26), project)
    assert report.failures == []
    assert report.judged == 600
    assert report.run > 100


def test_every_line_that_must_be_allowed_is_as_harmless_as_that(project: Path) -> None:
    allowed = [text for text, is_allowed in corpus_lines() if is_allowed]
    report = fuzz(iter(allowed), project)
    assert report.failures == []
    assert report.decisions["allow"] == len(allowed)


@pytest.mark.parametrize(
    "text", ["touch new", "rm notes.txt", "echo x >> notes.txt", "chmod 600 notes.txt", "mv src source"]
)
def test_the_cage_sees_a_change(project: Path, text: str) -> None:
    with ShellCage(project) as cage:
        before = cage.snapshot()
        assert cage.run("ls -la > /dev/null; cat notes.txt").status == 0
        assert cage.snapshot() == before
        cage.run(text)
        assert cage.snapshot() != before


def test_the_cage_sees_a_socket_even_where_its_user_sees_nothing(project: Path) -> None:
    with ShellCage(project) as cage:
        assert cage.run("ls").sockets == 0
        assert cage.run("(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null | cat").sockets == 1


def test_the_cage_ends_a_line_that_does_not_end(project: Path) -> None:
    with ShellCage(project, seconds=0.2) as cage:
        assert cage.run("tail -f notes.txt").status is None
