"""How careful Signalbox is, as the window sets and shows it."""

from __future__ import annotations

from app.settings_money import LoopGuardSettings
from gui.permission_desk import PermissionsChanged
from proxy.config import LoopGuardPolicy
from tests.app.controller_bench import Bench, Make


async def _started(make: Make, settings: str) -> Bench:
    bench = make(settings=settings)
    await bench.controller.start()
    await bench.until(PermissionsChanged)
    return bench


async def test_the_bypassing_mode_needs_the_typed_word_and_leaving_it_takes_the_word_back(make: Make) -> None:
    bench = await _started(make, "version: 1\n")

    assert "type the word bypass" in (bench.controller.set_mode("bypassPermissions") or "")
    assert "no mode 'auto'" in (bench.controller.set_mode("auto") or "")
    assert bench.controller.set_mode("bypassPermissions", confirmation="bypass") is None
    await bench.until(PermissionsChanged)
    assert bench.controller.safety().mode == "bypassPermissions"
    assert bench.controller.set_mode("plan") is None
    await bench.until(PermissionsChanged)
    assert (bench.controller.safety().mode, "bypass" in bench.folders.settings_file.read_text()) == (
        "plan",
        False,
    )


async def test_the_bypassing_mode_cannot_be_chosen_where_the_settings_forbid_it(make: Make) -> None:
    bench = await _started(make, "permissions: {disableBypassPermissionsMode: disable}")

    refusal = bench.controller.set_mode("bypassPermissions", confirmation="bypass")

    both = '{"disableBypassPermissionsMode": "disable", "defaultMode": "bypassPermissions"}'
    assert "beside it forbids it" in (bench.controller.save_rules_text(both) or "")
    assert "forbidden by `disableBypassPermissionsMode`" in (refusal or "")
    assert (bench.controller.safety().mode, bench.controller.safety().bypass_refusal) == ("default", refusal)


async def test_safety_says_what_holds_commands_and_what_is_protected(make: Make) -> None:
    bench = await _started(make, "version: 1\n")
    safety = bench.controller.safety()

    assert (safety.policy, safety.approvals, safety.sandbox_found) == (
        "claude-code",
        "wait",
        "bubblewrap 0.8",
    )
    assert (safety.repeats, safety.repeats_within_s) == (5, 60.0)
    assert make(settings="loop_guard: {repeats: 0}\n").controller.safety().repeats == 0
    assert ".git" in safety.protected
    assert safety.critical


async def test_the_loop_guard_is_set_from_the_window_and_what_cannot_be_is_refused(make: Make) -> None:
    bench = await _started(make, "version: 1\n")
    assert bench.desk.set_loop_guard(8, 30.5) is None
    await bench.until(PermissionsChanged)
    assert bench.servers[0].applied[-1].loop_guard == LoopGuardPolicy(8, 30.5)
    safety = bench.desk.safety()
    assert (safety.repeats, safety.repeats_within_s) == (8, 30.5)
    assert "per_s" in (bench.desk.set_loop_guard(8, 4000) or "")
    assert bench.desk.set_loop_guard(0, 60) is None
    await bench.until(PermissionsChanged)
    assert bench.servers[0].applied[-1].loop_guard is None
    assert bench.configuration.settings.loop_guard == LoopGuardSettings(repeats=0, per_s=30.5)
