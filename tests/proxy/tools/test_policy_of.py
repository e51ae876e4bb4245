"""Rules of a configuration as a policy: what cannot be read never makes anything laxer."""

from __future__ import annotations

from proxy.config import PermissionConfig, RuleSource
from proxy.tools.policy_of import policy_of


def test_rules_keep_their_effect_their_source_and_their_anchor() -> None:
    config = PermissionConfig(
        sources=(
            RuleSource("settings", allow=("Bash(make *)",), ask=("WebFetch",)),
            RuleSource("/p/x.json", "/p", deny=("Read(/.env)",), deny_except=("Read(/.env.example)",)),
        ),
        mode="plan",
        additional_directories=("/other",),
    )
    read = policy_of(config)
    assert read.problems == ()
    assert [
        (rule.effect, rule.text, rule.source, rule.anchor, rule.is_exception) for rule in read.policy.rules
    ] == [
        ("ask", "WebFetch", "settings", "", False),
        ("allow", "Bash(make *)", "settings", "", False),
        ("deny", "Read(/.env)", "/p/x.json", "/p", False),
        ("deny", "Read(/.env.example)", "/p/x.json", "/p", True),
    ]
    assert (read.policy.mode, read.policy.additional_directories) == ("plan", ("/other",))
    assert read.policy.broken is None


def test_a_deny_or_ask_rule_that_cannot_be_read_breaks_the_whole_policy() -> None:
    for source in (RuleSource(deny=("Bash(rm",)), RuleSource(ask=("Bash(rm",))):
        read = policy_of(PermissionConfig(sources=(source,)))
        assert read.policy.broken is not None
        assert 'rule "Bash(rm" of settings cannot be read' in read.policy.broken
        assert [problem.rule for problem in read.problems] == ["Bash(rm"]


def test_an_allow_rule_or_an_exception_that_cannot_be_read_is_left_out() -> None:
    source = RuleSource(allow=("Bash(rm",), deny_except=("Read(x",), deny=("Read(y)",))
    read = policy_of(PermissionConfig(sources=(source,)))
    assert read.policy.broken is None
    assert [rule.text for rule in read.policy.rules] == ["Read(y)"]
    assert len(read.problems) == 2


def test_what_was_broken_before_stays_broken() -> None:
    read = policy_of(PermissionConfig(broken="the file is no YAML", sources=(RuleSource(deny=("Bash(rm",)),)))
    assert read.policy.broken is not None
    assert read.policy.broken.startswith("the file is no YAML; ")
