"""What was kept from the client is put back beside what it kept, once, wherever that is lawful."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.dialects.own_calls import call_id_of, mcp_call, mcp_result, replayed
from proxy.messages.message import JsonObject
from proxy.messages.pairing import check_pairing
from proxy.messages.request import MessagesRequest, parse_request
from proxy.service.owed_results import MAX_OWED, Told, joined, owed_by, remember

USER: JsonObject = {"role": "user", "content": "hi"}


def text(said: str) -> JsonObject:
    return {"type": "text", "text": said}


def use(call_id: str) -> JsonObject:
    return {"type": "tool_use", "id": call_id, "name": "Bash", "input": {"command": call_id}}


def told(*content: JsonObject, denied: tuple[str, ...] = (), **more: Any) -> Told:
    return Told(content, dict.fromkeys(denied, "no"), more.get("shown", {}), more.get("results", ()))


def request(*turns: JsonObject) -> MessagesRequest:
    return parse_request({"model": "m", "max_tokens": 1, "messages": [USER, *turns]})


def assistant(*blocks: JsonObject) -> JsonObject:
    return {"role": "assistant", "content": list(blocks)}


def answered(*calls: str) -> JsonObject:
    content = [{"type": "tool_result", "tool_use_id": each} for each in calls]
    return {"role": "user", "content": content}


def replay(asked: MessagesRequest, owed: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """What an upstream gets behind the first message: roles, and ids or texts."""
    made = replayed(joined(asked, owed))
    check_pairing(made.messages)
    return [
        (message.role, [_name(block.model_dump()) for block in message.blocks()])
        for message in made.messages[1:]
    ]


def _name(block: JsonObject) -> str:
    return str(block.get("id") or block.get("tool_use_id") or block.get("text"))


def test_a_denied_call_goes_back_between_its_neighbours() -> None:
    owed = owed_by([told(use("a"), use("no"), use("b"), denied=("no",))])
    assert replay(request(assistant(use("a"), use("b")), answered("a", "b")), owed) == [
        ("assistant", ["a", "no", "b"]),
        ("user", ["no", "a", "b"]),
    ]


def test_a_denied_call_at_the_end_goes_behind_the_one_before() -> None:
    owed = owed_by([told(text("so"), use("a"), use("no"), denied=("no",))])
    assert replay(request(assistant(text("so"), use("a")), answered("a")), owed) == [
        ("assistant", ["so", "a", "no"]),
        ("user", ["no", "a"]),
    ]


def test_rounds_that_the_client_never_saw_are_turns_again() -> None:
    owed = owed_by(
        [
            told(text("one"), use("x"), denied=("x",)),
            told(use("y"), denied=("y",)),
            told(text("two")),
        ]
    )
    assert replay(request(assistant(text("one"), text("two")), USER), owed) == [
        ("assistant", ["one", "x"]),
        ("user", ["x"]),
        ("assistant", ["y"]),
        ("user", ["y"]),
        ("assistant", ["two"]),
        ("user", ["hi"]),
    ]


def test_beside_calls_of_ours_the_denied_one_belongs_to_the_same_turn() -> None:
    shown, result = mcp_call("m", "Read", {}), mcp_result("m", [text("ok")], is_error=False)
    owed = owed_by(
        [
            told(use("m"), use("no"), denied=("no",), shown={"m": shown}, results=[result]),
            told(text("end")),
        ]
    )
    assert replay(request(assistant(shown, result, text("end")), USER), owed) == [
        ("assistant", ["m", "no"]),
        ("user", ["m", "no"]),
        ("assistant", ["end"]),
        ("user", ["hi"]),
    ]


def test_what_the_client_dropped_stays_away() -> None:
    owed = owed_by([told(text("one"), use("x"), denied=("x",)), told(text("two"))])
    asked = request(assistant(text("something else")), USER)
    assert joined(asked, owed) is asked
    assert joined(asked, {}) is asked


def test_the_same_words_at_another_place_are_not_taken_for_the_neighbour() -> None:
    owed = owed_by([told(text("one"), use("x"), denied=("x",)), told(text("done"))])
    asked = request(assistant(text("done")), USER, assistant(text("one"), text("done")), USER)
    made = joined(asked, owed)
    assert made.messages[1] == asked.messages[1]
    assert len(made.messages[3].blocks()) == 4


def test_an_answer_of_which_the_client_kept_nothing_is_not_remembered() -> None:
    assert owed_by([told(use("x"), denied=("x",))]) == {}


def test_the_oldest_are_forgotten_first() -> None:
    kept: dict[str, Mapping[str, Any]] = {str(n): {} for n in range(MAX_OWED)}
    remember(kept, {"new": {}})
    assert len(kept) == MAX_OWED
    assert "new" in kept
    assert "0" not in kept


def test_what_is_remembered_is_a_call_of_ours_with_an_error() -> None:
    (entry,) = owed_by([told(use("a"), use("no"), denied=("no",))]).values()
    assert call_id_of(entry["use"]["id"]) == "no"
    assert entry["result"]["is_error"] is True


def test_a_cache_hint_that_a_client_adds_does_not_hide_the_neighbour() -> None:
    owed = owed_by([told(use("a"), use("no"), denied=("no",))])
    marked = {**use("a"), "cache_control": {"type": "ephemeral"}}
    assert replay(request(assistant(marked), answered("a")), owed)[0] == ("assistant", ["a", "no"])
