"""What the proxy is given for the settings of routing and resilience, and what is refused among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, SecretStr

from app.proxy_config import (
    MAX_CAPTURE_BYTES,
    capture_bytes,
    dangling_names,
    provider_config,
    to_proxy_config,
)
from app.secrets import FoundKey
from app.settings import BodySettings, ProviderSettings, Settings, unknown_keys
from app.settings_document import read_settings
from app.yaml_document import SettingsError
from proxy.config import (
    BreakerPolicy,
    Candidate,
    Conditions,
    LoopGuardPolicy,
    ProxyConfig,
    RetryPolicy,
    RouteRule,
)
from proxy.service.exchange_log import SIDES_AT_MOST

TEXT = """version: 1
providers:
  local: {base_url: "http://127.0.0.1:11434/v1"}
aliases:
  big: {candidates: [{provider: local, model: a, weight: 3}, {provider: local, model: b}]}
  long: {candidates: [{provider: local, model: c}]}
routes:
"""


def _config(text: str) -> ProxyConfig:
    settings = read_settings(text.encode()).settings
    assert list(unknown_keys(settings)) == []
    return to_proxy_config(settings, {"local": FoundKey(None, "none needed")}, SecretStr("t"))


def _error(text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read_settings(text.encode())
    return caught.value


def test_rules_come_in_file_order_with_all_their_conditions() -> None:
    config = _config(
        TEXT
        + """
  - {when: {min_tokens: 60000}, use: long}
  - when: {has_image: true, has_tools: false, has_web_search: true, thinking: false}
    use: big
  - {when: {request_class: auxiliary, model: "claude-*haiku*"}, use: long}
  - {when: {request_class: [main, subagent], model: [a, b]}, use: big}
  - {when: {}, use: long}
"""
    )

    assert config.routes == (
        RouteRule(Conditions(min_tokens=60_000), "long"),
        RouteRule(Conditions(has_image=True, has_tools=False, has_web_search=True, thinking=False), "big"),
        RouteRule(Conditions(request_class=("auxiliary",), model=("claude-*haiku*",)), "long"),
        RouteRule(Conditions(request_class=("main", "subagent"), model=("a", "b")), "big"),
        RouteRule(Conditions(), "long"),
    )


def test_a_candidate_keeps_its_weight() -> None:
    assert _config(TEXT).aliases[0].candidates == (Candidate("local", "a", 3.0), Candidate("local", "b"))


@pytest.mark.conformance("losses.strict")
def test_an_alias_is_strict_only_where_the_settings_say_so() -> None:
    text = TEXT.replace("model: c}]}", "model: c}], strict: true}").replace("routes:\n", "")
    assert [(alias.name, alias.strict) for alias in _config(text).aliases] == [("big", False), ("long", True)]


def test_the_settings_defaults_are_the_proxys_own() -> None:
    config = _config(TEXT)

    assert (config.routes, config.retry, config.breaker) == ((), RetryPolicy(), BreakerPolicy())
    assert config.loop_guard == LoopGuardPolicy()


def test_how_often_and_how_long_is_as_the_settings_say() -> None:
    config = _config(
        TEXT
        + "retry: {tries: 2, first_wait_s: 1, longest_wait_s: 20, total_s: 60}\n"
        + "breaker: {failures: 3, failure_share: 0.25, window: 8, rest_s: 5, longest_rest_s: 50}\n"
    )

    assert config.retry == RetryPolicy(2, 1, 20, 60)
    assert config.breaker == BreakerPolicy(3, 0.25, 8, 5, 50)


def test_the_loop_guard_is_as_the_settings_say_and_off_where_nothing_may_repeat() -> None:
    guard = _config(TEXT + "loop_guard: {repeats: 3, per_s: 10}\n").loop_guard
    assert guard == LoopGuardPolicy(3, 10)
    assert _config(TEXT + "loop_guard: {repeats: 0}\n").loop_guard is None


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("approvals: wait\n", LoopGuardPolicy()),
        ("approvals: deny\n", None),
        ("approvals: deny\nloop_guard: {}\n", LoopGuardPolicy()),
        ("approvals: wait\nloop_guard: {repeats: 0}\n", None),
    ],
)
def test_without_a_setting_it_is_on_only_where_somebody_can_be_asked(
    text: str, guard: LoopGuardPolicy | None
) -> None:
    assert _config(TEXT + text).loop_guard == guard


def test_an_alias_falls_back_to_dearer_ones_only_where_the_settings_say_so() -> None:
    text = TEXT.replace("model: c}]}", "model: c}], fall_back_to_dearer: true}").replace("routes:\n", "")
    dearer = [(alias.name, alias.falls_back_to_dearer) for alias in _config(text).aliases]
    assert dearer == [("big", False), ("long", True)]


def test_a_rule_to_an_alias_that_is_not_there_is_refused_where_it_stands_with_the_near_miss() -> None:
    error = _error(TEXT + "  - {when: {min_tokens: 5}, use: lnog}\n")

    assert str(error) == "line 8, column 34: routes.0.use: no alias 'lnog'; did you mean 'long'?"
    assert str(_error(TEXT + "  - {when: {}, use: zzz}\n")).endswith(
        "no alias 'zzz'; name one of the aliases"
    )


def test_a_condition_nobody_knows_is_refused_because_its_rule_would_hold_for_every_request() -> None:
    error = _error(TEXT + "  - {when: {has_imgae: true}, use: long}\n")

    assert str(error) == (
        "line 8, column 24: routes.0.when.has_imgae: no condition 'has_imgae'; did you mean 'has_image'?"
    )
    assert "there are: min_tokens, has_image" in str(_error(TEXT + "  - {when: {zzz: 1}, use: long}\n"))


@pytest.mark.parametrize(
    "rule",
    ["{use: long}", "{when: {min_tokens: 0}, use: long}", "{when: {request_class: side}, use: long}"],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_its_place(rule: str) -> None:
    error = _error(TEXT + f"  - {rule}\n")

    assert error.place is not None
    assert error.place.line == 8


@pytest.mark.parametrize("weight", ["0", "-1", "1001"])
def test_a_weight_is_a_positive_number(weight: str) -> None:
    assert "weight" in str(_error(TEXT.replace("weight: 3", f"weight: {weight}")))


def test_every_setting_has_a_title_and_a_description() -> None:
    sections = [Settings, *_sections_below(Settings)]

    untold = [
        f"{section.__name__}.{name}"
        for section in sections
        for name, field in section.model_fields.items()
        if not field.title or not field.description
    ]
    assert ("ConditionSettings" in {each.__name__ for each in sections}, untold) == (True, [])


def _sections_below(section: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in section.model_fields.values():
        waiting: list[Any] = [field.annotation]
        while waiting:
            annotation = waiting.pop()
            waiting += get_args(annotation)
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield annotation
                yield from _sections_below(annotation)


def _provider(**more: object) -> ProviderSettings:
    return ProviderSettings.model_validate({"base_url": "https://box.example", **more})


def test_a_provider_is_given_its_further_keys_its_deadlines_and_its_places() -> None:
    found = FoundKey(SecretStr("a"), "x", further=(FoundKey(SecretStr("b"), "y"), FoundKey(None, "missing")))
    settings = _provider(
        key={"env": "A"}, keys=[{"env": "B"}], total_timeout_s=9, max_concurrent=2, kind="openrouter"
    )
    config = provider_config("box", settings, found)

    assert (config.key, config.further_keys) == (SecretStr("a"), (SecretStr("b"),))
    assert (config.total_timeout_s, config.max_concurrent, config.key_missing) == (9, 2, None)
    assert config.kind == "openrouter"


@pytest.mark.parametrize("named", [{"key": {"env": "A"}}, {"keys": [{"env": "A"}]}])
def test_a_provider_whose_keys_are_all_missing_says_so(named: dict[str, object]) -> None:
    config = provider_config("box", _provider(**named), FoundKey(None, "missing", "A is not set"))

    assert (config.key, config.key_missing) == (None, "A is not set")
    assert provider_config("box", _provider(), FoundKey(None, "none needed")).key_missing is None


def test_what_is_set_can_be_asked_before_any_key_was_looked_up() -> None:
    settings = read_settings(
        b'version: 1\nproviders:\n  far: {base_url: "https://far.test/v1", key: {env: FAR_KEY}}\n'
    ).settings
    config = to_proxy_config(settings, {}, SecretStr("t"))
    assert config.providers["far"].key is None
    assert config.providers["far"].key_missing == "the keys were not looked up yet"


@pytest.mark.parametrize(
    ("candidates", "said"),
    [
        (("one", "openrouter"), []),
        (
            ("one", "openruoter"),
            [
                (
                    "the alias big passes over a candidate: no provider 'openruoter' is configured; "
                    "did you mean 'openrouter'?"
                )
            ],
        ),
        (
            ("one", "a", "one", "b", "a"),
            [
                "the alias big passes over a candidate: no provider 'a' is configured",
                "the alias big passes over a candidate: no provider 'b' is configured",
            ],
        ),
        (("two", "two"), ["the alias big serves nothing: no provider 'two' is configured"]),
    ],
)
def test_each_provider_that_an_alias_names_and_nobody_configured_is_told_with_the_near_miss(
    candidates: tuple[str, ...], said: list[str]
) -> None:
    listed = ", ".join(f"{{provider: {each}, model: m{n}}}" for n, each in enumerate(candidates))
    providers = ", ".join(
        f"{each}: {{base_url: 'https://{each}.example/v1'}}" for each in ("one", "openrouter")
    )
    text = f"providers: {{{providers}}}\naliases:\n  big: {{candidates: [{listed}]}}\n"
    assert list(dangling_names(read_settings(text.encode()).settings)) == said


@pytest.mark.parametrize(
    ("bodies", "has_window", "limit"),
    [
        ({}, True, 6 * 2**20),
        ({"memory_mb": 1}, True, 2**17),
        ({"memory_mb": 4096}, True, MAX_CAPTURE_BYTES),
        ({"keep": "errors"}, True, 6 * 2**20),
        ({"keep": "off", "days": 1}, True, 0),
        ({}, False, 0),
        ({"days": 1}, False, 6 * 2**20),
    ],
)
def test_a_body_gets_a_part_of_the_room_for_all_and_none_where_nobody_keeps_it(
    bodies: dict[str, object], has_window: bool, limit: int
) -> None:
    assert capture_bytes(BodySettings.model_validate(bodies), has_window=has_window) == limit
    assert limit * SIDES_AT_MOST <= BodySettings.model_validate(bodies).memory_mb * 2**20
