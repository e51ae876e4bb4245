from __future__ import annotations

import asyncio
import json
import stat
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import EventDict

from proxy.mcp.approvals import Approval, Approvals
from proxy.mcp.canonical import canonical_json, digest_of
from proxy.mcp.invisible import has_unseen, spelt_out
from proxy.mcp.pins import INSTRUCTIONS, Pins, Said
from proxy.mcp.stores import Stores, replace_file

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TOOL: dict[str, Any] = {"name": "t", "description": "d", "inputSchema": {"type": "object"}}


def _shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _shuffled(each) for name, each in reversed(members.items())}
    return [_shuffled(each) for each in cast("list[Any]", value)] if isinstance(value, list) else value


@given(JSON)
def test_the_order_of_members_makes_no_difference_and_nothing_is_lost(value: Any) -> None:
    assert canonical_json(_shuffled(value)) == canonical_json(value)
    assert json.loads(canonical_json(value)) == value


@given(JSON, JSON)
def test_two_values_have_one_digest_only_if_they_are_one(one: Any, other: Any) -> None:
    assert (digest_of(one) == digest_of(other)) == (
        json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


def test_members_are_in_the_order_of_utf_16() -> None:
    assert list(json.loads(canonical_json({"\ufb33": 1, "\U0001f600": 2, "a": 3}))) == [
        "a",
        "\U0001f600",
        "\ufb33",
    ]
    assert canonical_json({"n": 1.0}) == '{"n":1}'


@pytest.mark.parametrize(
    "hidden",
    [
        "\u200b",
        "\u202e",
        "\u2066",
        "\U000e0041",
        "\xad",
        "\ufeff",
        "\u200d",
        "\x1b",
        "\u2028",
        "\u180b",
        "\ufe0f",
    ],
)
def test_what_nobody_sees_is_found_and_spelt_out(hidden: str) -> None:
    assert has_unseen(f"a{hidden}b")
    assert spelt_out(f"a{hidden}b") == f"a<U+{ord(hidden):04X}>b"


@pytest.mark.parametrize(
    "text", ["plain\n\ttext\r\n", "größer 日本語 العربية", "\u2708\ufe0f", "\U0001f469\u200d\U0001f4bb"]
)
def test_what_everybody_sees_stays(text: str) -> None:
    assert not has_unseen(text)
    assert spelt_out(text) == text


@given(st.text(), JSON)
def test_pins_come_back_as_they_were_stored(instructions: str, extra: Any) -> None:
    pins = Pins()
    said = Said(spelt_out(instructions), ({**TOOL, "x": extra},))
    first = pins.compare("s", said)
    again = Pins.read(json.loads(json.dumps(pins.stored())))
    assert again.compare("s", said) == first


def test_accepting_one_tool_leaves_the_others_and_the_instructions_waiting() -> None:
    pins = Pins()
    other = {**TOOL, "name": "u"}
    pins.compare("s", Said("old", (TOOL, other)))
    now = Said("new", ({**TOOL, "description": "x"}, {**other, "description": "x"}))

    pins.accept("s", now, ["t"])
    assert {change.name for change in pins.changes("s", now)} == {INSTRUCTIONS, "u"}
    assert pins.compare("s", now) == {"t": "changed", "u": "changed"}

    pins.accept("s", now, ["t", "u"])  # all that are offered: their server's words too
    assert pins.compare("s", now) == {}


def test_a_tool_that_left_and_comes_back_as_it_was_is_known() -> None:
    pins = Pins()
    pins.compare("s", Said("", (TOOL,)))
    assert pins.compare("s", Said("", ())) == {}
    assert pins.compare("s", Said("", (TOOL,))) == {}


@pytest.mark.parametrize(
    "value", [[], {}, {"servers": []}, {"servers": {"s": {}}, "are_lost": False}, False, 1]
)
def test_pins_that_cannot_be_read_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="something else"):
        Pins.read(value)


def test_where_pins_were_lost_nothing_is_trusted() -> None:
    assert Pins(are_lost=True).compare("s", Said("", (TOOL,))) == {"t": "new"}


APPROVED = {"answer": "approved", "digest": "d", "entry": "e", "version": None}


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        False,
        {"answers": {"s": {"x": 1}}, "ready": {}},
        {"answers": {"s": {**APPROVED, "answer": "yes"}}, "ready": {}},
        {"answers": {"s": {**APPROVED, "digest": 1}}, "ready": {}},
        {"answers": {"s": {**APPROVED, "version": [1]}}, "ready": {}},
    ],
)
def test_approvals_that_cannot_be_read_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="something else"):
        Approvals.read(value)


def test_an_approval_is_of_one_digest_and_its_version_of_one_entry() -> None:
    approvals = Approvals()
    approvals.note("s", Approval("approved", "d", "entry", "1.0"))
    approvals.set_ready("s", "p==1.0")
    again = Approvals.read(json.loads(json.dumps(approvals.stored())))
    assert again.answer("s", "d") == "approved"
    assert again.answer("s", "e") is None
    assert again.version("s", "entry") == "1.0"
    assert again.version("s", "other") is None
    assert again.is_ready("s", "p==1.0")
    again.set_ready("s", None)
    assert not again.is_ready("s", "p==1.0")


async def test_files_are_private_and_all_changes_are_in_them(tmp_path: Path) -> None:
    stores = Stores(tmp_path / "mcp")
    await stores.ready()
    for number in range(20):
        stores.approvals.note(f"s{number}", Approval("approved", "d", "e"))
        stores.save()
    await stores.saved()

    again = Stores(tmp_path / "mcp")
    await asyncio.gather(again.ready(), again.ready())
    assert all(again.approvals.answer(f"s{number}", "d") for number in range(20))
    if sys.platform != "win32":
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "mcp").iterdir()]
        assert modes == [0o600, 0o600]
        assert stat.S_IMODE((tmp_path / "mcp").stat().st_mode) == 0o700


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "pins.json"
    target.mkdir()
    (target / "x").write_text("")
    with pytest.raises(OSError, match="pins"):
        replace_file(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["pins.json"]


@pytest.mark.expects_log("mcp_trust_not_stored")
async def test_a_full_disk_is_logged_and_nothing_breaks(tmp_path: Path, log_events: list[EventDict]) -> None:
    stores = Stores(tmp_path / "mcp")
    await stores.ready()
    (tmp_path / "mcp" / "approvals.json").mkdir()
    stores.save()
    await stores.saved()
    assert "mcp_trust_not_stored" in {each["event"] for each in log_events}


@pytest.mark.expects_log("mcp_trust_unreadable")
@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"answers": {"s": 1}, "ready": {}}'])
async def test_a_damaged_file_of_approvals_is_kept_and_no_server_passes_for_a_new_one(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "approvals.json").write_bytes(content)
    for _ in range(2):  # at the next start, too
        stores = Stores(tmp_path)
        await stores.ready()
        assert stores.approvals.is_unknown("s")
        assert "approvals.damaged-1.json" in (stores.problem() or "")
        assert (tmp_path / "approvals.damaged-1.json").read_bytes() == content
        stores.approvals.note("t", Approval("rejected", "d", "e"))
        stores.save()
        await stores.saved()
    again = Stores(tmp_path)
    await again.ready()
    assert not again.approvals.is_unknown("t")
    (tmp_path / "approvals.damaged-1.json").unlink()
    mended = Stores(tmp_path)
    await mended.ready()
    assert (mended.approvals.is_unknown("s"), mended.problem()) == (False, None)


@pytest.mark.expects_log("mcp_trust_unreadable")
async def test_a_second_damaged_file_does_not_replace_the_first(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        (tmp_path / "approvals.json").write_bytes(content)
        await Stores(tmp_path).ready()
    kept = [(tmp_path / f"approvals.damaged-{number}.json").read_bytes() for number in (1, 2)]
    assert kept == [b"first", b"second"]
