"""Files of ours that somebody changes by hand: taken over when they stand still and can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.hand_edits import HandEdits, WatchedFile


class Bench:
    """One file, what of it is in force, and how often somebody was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(b"first")
        self.in_force: bytes | None = b"first"
        self.taken: list[bytes] = []
        self.told = 0
        self.reader_raises = False
        self.file = WatchedFile(lambda: path, "The settings", lambda: self.in_force, self._take)
        self.other = WatchedFile(lambda: path.with_name("other"), "The other", lambda: b"", self._take)
        self.edits = HandEdits((self.file,), self._tell)

    async def _take(self) -> str | None:
        if self.reader_raises:
            raise RuntimeError("made up")
        content = self.path.read_bytes()
        if b"broken" in content:
            return "line 1: it is broken"
        self.taken.append(content)
        self.in_force = content
        return None

    def _tell(self) -> None:
        self.told += 1

    async def look(self, times: int = 2) -> None:
        for _ in range(times):
            await self.edits.look()

    @property
    def problems(self) -> list[str]:
        return [each.text for each in self.edits.problems()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "settings.yaml")


async def test_a_file_that_nobody_changed_is_left_alone(bench: Bench) -> None:
    await bench.look(4)
    assert (bench.taken, bench.problems, bench.told) == ([], [], 0)


async def test_a_change_is_taken_once_and_only_when_it_stands_still(bench: Bench) -> None:
    await bench.look()
    for growing in (b"s", b"second, but not"):
        bench.path.write_bytes(growing)
        await bench.look(1)
    assert bench.taken == []
    bench.path.write_bytes(b"second")
    await bench.look(1)
    assert bench.taken == []
    await bench.look(3)
    assert bench.taken == [b"second"]


async def test_a_change_before_the_first_look_is_noticed_too(bench: Bench) -> None:
    bench.path.write_bytes(b"second")
    await bench.look()
    assert bench.taken == [b"second"]


async def test_what_the_program_wrote_itself_is_not_taken_for_an_edit(bench: Bench) -> None:
    await bench.look()
    bench.path.write_bytes(b"from the window")
    bench.in_force = b"from the window"
    await bench.look()
    assert bench.taken == []


@pytest.mark.expects_log("hand_edit_not_taken")
async def test_a_broken_edit_changes_nothing_and_is_told_until_it_is_mended(bench: Bench) -> None:
    await bench.look()
    bench.path.write_bytes(b"broken")
    await bench.look(4)
    assert (bench.taken, bench.in_force, bench.told) == ([], b"first", 1)
    assert bench.problems == [
        "line 1: it is broken. What was in force before stays in force until the file is mended."
    ]
    bench.path.write_bytes(b"mended")
    await bench.look()
    assert (bench.taken, bench.problems, bench.told) == ([b"mended"], [], 2)


@pytest.mark.expects_log("hand_edit_not_taken")
@pytest.mark.parametrize("content", [None, b"", b" \n"])
async def test_a_file_that_is_gone_or_empty_is_nobodys_wish(content: bytes | None, bench: Bench) -> None:
    await bench.look()
    if content is None:
        bench.path.unlink()
    else:
        bench.path.write_bytes(content)
    await bench.look()
    assert bench.taken == []
    assert [("gone" if content is None else "is empty") in each for each in bench.problems] == [True]
    bench.path.write_bytes(b"first")
    await bench.look()
    assert (bench.taken, bench.problems) == ([], []), "what is in force stands there again"


@pytest.mark.expects_log("hand_edit_not_taken")
async def test_after_everything_was_read_anew_nothing_old_is_told(bench: Bench) -> None:
    bench.path.write_bytes(b"broken")
    await bench.look()
    bench.in_force = b"broken"
    bench.edits.forget(bench.file)
    await bench.look()
    assert (bench.problems, bench.taken) == ([], [])


@pytest.mark.expects_log("task_failed")
async def test_a_reader_that_raises_is_told_of_and_the_next_edit_is_taken(bench: Bench) -> None:
    bench.path.write_bytes(b"\xff")
    bench.reader_raises = True
    await bench.look()
    assert bench.problems == [f"{bench.path} could not be read (RuntimeError); the log says more"]
    bench.reader_raises = False
    bench.path.write_bytes(b"mended")
    await bench.look()
    assert (bench.taken, bench.problems) == ([b"mended"], [])


@pytest.mark.expects_log("hand_edit_not_taken")
async def test_a_file_that_is_read_anew_leaves_what_is_wrong_with_another(bench: Bench) -> None:
    bench.edits = HandEdits((bench.file, bench.other), lambda: None)
    bench.path.write_bytes(b"broken")
    await bench.look()
    titles = [each.title for each in bench.edits.problems()]
    assert titles == ["The settings on disk are not in force", "The other on disk are not in force"]
    bench.edits.forget(bench.file)
    assert [each.title for each in bench.edits.problems()] == titles[1:]
