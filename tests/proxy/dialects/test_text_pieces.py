"""Text in pieces means the same as text in one piece."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.text_pieces import StopWatch, SurrogateJoiner, ThinkTags, suffix_length, whole


def cut(text: str, sizes: list[int]) -> list[str]:
    pieces: list[str] = []
    rest = text
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    return [*pieces, rest]


SIZES = st.lists(st.integers(0, 4), max_size=20)


@given(
    st.text(alphabet="ab", max_size=30),
    st.lists(st.text(alphabet="ab", min_size=1, max_size=4), max_size=3),
    SIZES,
)
def test_a_stop_sequence_is_found_at_any_cut_and_nothing_before_it_is_lost(
    said: str, stops: list[str], sizes: list[int]
) -> None:
    watch, out, met = StopWatch(stops), "", None
    for piece in cut(said, sizes):
        text, met = watch.feed(piece)
        out += text
        if met is not None:
            break
    else:
        out += watch.flush()
    ends = [(said.find(stop) + len(stop), stop) for stop in stops if stop in said]
    if not ends:
        assert (out, met) == (said, None)
        return
    assert met in stops
    assert said.startswith(out + met)
    assert not any(stop in out for stop in stops)


def test_empty_stop_sequences_stop_nothing() -> None:
    assert StopWatch([""]).feed("abc") == ("abc", None)
    assert suffix_length("abc", ()) == 0


@given(st.text(alphabet="a<>/think \n", max_size=20), st.booleans(), SIZES)
def test_think_tags_divide_the_text_the_same_way_at_any_cut(
    said: str, tagged: bool, sizes: list[int]
) -> None:
    said = f"<think>{said}" if tagged else said

    def run(pieces: list[str]) -> tuple[str, str]:
        tags, thought, text = ThinkTags(), "", ""
        for piece in pieces:
            if tags.is_over:
                text += piece
                continue
            more = tags.feed(piece)
            thought, text = thought + more[0], text + more[1]
        if not tags.is_over:
            more = tags.flush()
            thought, text = thought + more[0], text + more[1]
        return thought, text

    assert run(cut(said, sizes)) == run([said])
    assert len("".join(run([said]))) >= len(said) - len("<think></think>") - (len(said) - len(said.lstrip()))


@given(st.text(alphabet=st.characters(categories=["L", "So", "Cs"])), SIZES)
def test_surrogate_halves_join_at_any_cut(said: str, sizes: list[int]) -> None:
    halves = [
        chr(int.from_bytes(said.encode("utf-16-be", "surrogatepass")[i : i + 2], "big"))
        for i in range(0, 2 * len(said.encode("utf-16-be", "surrogatepass")) // 2, 2)
    ]
    joiner = SurrogateJoiner()
    out = "".join(joiner.feed(piece) for piece in cut("".join(halves), sizes)) + joiner.flush()
    assert out == whole("".join(halves))
    out.encode()
