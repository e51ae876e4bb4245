"""A search is followed into what it would print."""

from __future__ import annotations

from pathlib import Path

from proxy.permissions.shell_programs import Search
from proxy.permissions.shell_search import MAX_ENTRIES, Searcher, suspicious_names
from proxy.permissions.values import FolderEntry, Place
from tests.proxy.permissions.places import HOME, ROOT, paper_place, policy, real_place


def _search(place: Place, path: str, search: Search, **lists: list[str]) -> str | None:
    given = policy(name="strict", **lists)
    return Searcher(given, place, suspicious_names(given)).search(path, search)


def test_a_search_is_followed_into_what_it_would_print(folder: Path) -> None:
    (folder / "d" / "out").symlink_to("/etc")
    (folder / "d" / "f" / "loop").symlink_to("..")
    (folder / "d" / "f" / "file").symlink_to("../.env")
    top, deny = str(folder), ["Read(**/.env)"]
    with real_place(folder, Path(HOME)) as place:
        assert _search(place, top, Search(), deny=deny) is not None
        assert _search(place, top, Search(skips_hidden=True), deny=deny) is None
        assert _search(place, top, Search(includes=("*.py",)), deny=deny) is None
        assert _search(place, top, Search(excludes=("d",)), deny=deny) is None
        assert _search(place, top, Search(excludes=(".env",)), deny=deny) is None
        follows = Search(excludes=("out", ".env"), follows_links=True)
        assert "loop" not in (_search(place, top, follows, deny=deny) or "loop")
        assert (
            _search(place, top, Search(includes=("*.py",), excludes=("out",), follows_links=True), deny=deny)
            is None
        )
        assert "out" in (_search(place, top, Search(excludes=(".env",), follows_links=True), deny=deny) or "")
        assert _search(place, f"{top}/a.py", Search(), deny=deny) is None
        assert _search(place, top, Search(), deny=["Read(d/f/*)"]) is not None
        assert _search(place, top, Search(), deny=["Read(d/**)"]) is not None
        assert _search(place, top, Search(), deny=["Read(**)"]) is not None
        assert _search(place, top, Search(), deny=["Read({x,y}.py)"], ask=["Edit(zz)"]) is None


def test_a_search_too_large_to_be_followed_asks() -> None:
    entries = tuple(FolderEntry(f"{number}.txt", "file") for number in range(MAX_ENTRIES + 1))

    def listed(_folder: str) -> tuple[FolderEntry, ...]:
        return entries

    place = paper_place((f"{ROOT}/x",), list_folder=listed)
    assert "names" in (_search(place, ROOT, Search()) or "")
