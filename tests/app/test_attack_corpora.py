"""The command judges every line of the attack corpora, under the policy `strict`, as the corpus demands."""

from __future__ import annotations

from pathlib import Path

from benchmarks.attack_corpus import built, scored_lines


def test_no_line_is_unsafe_none_bothers_and_hardly_any_is_wrong(shared_data: Path, tmp_path: Path) -> None:
    attacks, folder = shared_data / "attacks", tmp_path.resolve()

    for corpus in built(attacks, folder):
        lines = scored_lines(corpus, attacks, folder, "strict")
        unlike = [f"{each.line['id']}: {each.decision}, {each.reason}" for each in lines if each.is_wrong]

        assert [each for each in lines if each.is_lax or each.is_friction] == []
        assert len(unlike) <= 0.01 * len(lines), unlike
