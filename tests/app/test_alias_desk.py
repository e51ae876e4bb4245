"""Aliases as the window edits them: what is kept, what is refused, what a name would resolve to."""

from dataclasses import replace

from gui.desk import (
    AliasesChanged,
    AliasView,
    CandidateView,
)
from tests.app.controller_bench import KEY, OPENROUTER, Make
from tests.app.test_secrets import Entries


async def test_aliases_are_edited_resolved_and_kept_in_order(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), settings=OPENROUTER)
    await bench.controller.start()
    desk = bench.desk
    assert [each.name for each in desk.aliases()] == ["big", "small"]
    assert desk.resolve("claude-sonnet-5-5").text == (
        "'claude-sonnet-5-5' matches claude-*sonnet* of the alias big"
        " → openrouter / anthropic/claude-sonnet-4"
    )

    alias = AliasView("large", ("claude-*",), (CandidateView("openrouter", "vendor/model"),))
    assert desk.save_alias(alias, replaces="big") is None
    await bench.until(AliasesChanged)

    assert [each.name for each in desk.aliases()] == ["large", "small"]
    assert desk.resolve("claude-haiku-4-5").text.endswith("of the alias large → openrouter / vendor/model")
    assert bench.servers[0].applied[-1].aliases[0].match == ("claude-*",)
    desk.remove_alias("small")
    await bench.until(AliasesChanged)
    assert [each.name for each in desk.aliases()] == ["large"]
    unserved = desk.resolve("nonsense")
    assert not unserved.is_served
    assert desk.restore_alias("small") is None
    await bench.until(AliasesChanged)
    assert [each.name for each in desk.aliases()] == ["large", "small"]
    assert desk.restore_alias("never") == "no alias 'never' was removed since the start"


async def test_patterns_that_nobody_wrote_are_not_written_either(make: Make) -> None:
    bench = make(
        settings=f"{OPENROUTER}aliases: {{long: {{candidates: [{{provider: openrouter, model: m}}]}}}}\n"
    )
    await bench.controller.start()
    (long,) = bench.desk.aliases()
    assert bench.desk.save_alias(replace(long, name="longer"), replaces="long") is None
    await bench.until(AliasesChanged)
    assert "match" not in bench.folders.settings_file.read_text()
    for match in (("a*",), ()):
        assert bench.desk.save_alias(replace(long, name="longer", match=match), replaces="longer") is None
        await bench.until(AliasesChanged)
        assert bench.desk.aliases()[0].match == match


async def test_a_model_of_the_environment_is_shown_and_never_written_down(make: Make) -> None:
    bench = make(Entries({"openrouter": KEY}), {"BIG_MODEL": "vendor/huge"}, OPENROUTER)
    await bench.controller.start()
    desk = bench.desk
    big = desk.aliases()[0]
    assert big.candidates == (CandidateView("openrouter", "vendor/huge"),)

    assert desk.save_alias(replace(big, match=("claude-*",)), replaces="big") is None
    await bench.until(AliasesChanged)

    assert desk.aliases()[0] == replace(big, match=("claude-*",))
    assert "vendor/huge" not in bench.folders.settings_file.read_text()
    other = replace(big, candidates=(*big.candidates, CandidateView("openrouter", "vendor/next")))
    assert desk.save_alias(other, replaces="big") is None
    await bench.until(AliasesChanged)
    written = bench.folders.settings_file.read_text()
    assert "vendor/huge" not in written
    assert "vendor/next" in written


async def test_an_alias_with_a_mistyped_provider_is_refused_with_the_near_miss(make: Make) -> None:
    bench = make(settings=OPENROUTER)

    problem = bench.desk.save_alias(AliasView("x", (), (CandidateView("openruter", "m"),)), replaces=None)

    assert problem == "there is no provider 'openruter'; did you mean 'openrouter'?"


async def test_an_alias_whose_provider_has_no_key_is_said_to_be_unserved(make: Make) -> None:
    bench = make(settings=OPENROUTER)
    await bench.controller.start()

    resolution = bench.desk.resolve("big")

    assert not resolution.is_served
    assert resolution.text.endswith("but its key is missing")
