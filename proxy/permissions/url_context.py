"""Judges a fetch from its beginning to its end where look-ups, redirects and the answer are given, not met.

For testing rules without a network: the same functions judge as in the real fetch, in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from proxy.permissions.addresses import as_network
from proxy.permissions.responses import MAX_BODY_BYTES, MAX_SECONDS, PDF, judge_kind, judge_length, media_type
from proxy.permissions.url_syntax import Target
from proxy.permissions.urls import MAX_HOPS, NetworkFacts, UrlVerdict, judge_addresses, judge_hop, judge_url
from proxy.permissions.values import Decision, PartVerdict, Policy, Verdict, strictest

TEST_NETWORKS = tuple(map(as_network, ("203.0.113.0/24", "2001:db8:cafe::/48")))
"""Documentation networks that stand for the internet where answers are given."""
_LENGTHS = re.compile(r"(?:.*_)?(?:length|size|bytes|decompressed|unpacked|inflated|expanded)(?:_bytes)?")
_WAITS = re.compile(r"(?:delay|wait|hang|stall|sleep|duration)\w*")
_HARMLESS = frozenset(
    {
        *(
            "body",
            "cache_control",
            "charset",
            "cookie",
            "cookies",
            "etag",
            "html",
            "language",
            "location",
            "note",
        ),
        *("refresh", "server", "set_cookie", "status", "text", "title"),
    }
)
_GOOD_TLS = frozenset({"ok", "good", "valid", "trusted", "true"})


def judge_with_context(
    url: str, policy: Policy, context: Mapping[str, Any], facts: NetworkFacts | None = None
) -> Verdict:
    """Judges a URL with all that would come after it; the strictest part decides.

    Args:
        url: What is to be fetched.
        policy: The rules.
        context: `dns` gives the answers by name (a list of lists: those of successive look-ups; a name that
            is missing has a good one), `redirects` the Location values, `redirects_same_host` how many more
            go to the same host, `first_try` how the first connection failed, `response` what the server does.
        facts: What else must be known; None: only that the documentation networks stand for the internet.
    """
    course = _Course(policy, facts or NetworkFacts(public=TEST_NETWORKS), context)
    return course.verdict(url)


class _Course:
    """One fetch as it would go."""

    def __init__(self, policy: Policy, facts: NetworkFacts, context: Mapping[str, Any]) -> None:
        self._policy = policy
        self._facts = facts
        self._context = context
        self._lookups: dict[str, int] = {}
        self._parts: list[PartVerdict] = []
        self._verdicts: list[UrlVerdict] = []

    def verdict(self, url: str) -> Verdict:
        first = judge_url(url, self._policy, self._facts)
        self._add(first)
        if first.target is not None and first.decision != "deny":
            self._go(first.target)
            self._answer(first.target.url)
        decisions: list[Decision] = [part.decision for part in self._parts]
        decision = strictest(*decisions)
        deciding = next(part for part in self._parts if part.decision == decision)
        rule = next((verdict.rule for verdict in self._verdicts if verdict.part is deciding), None)
        return Verdict(
            deciding.decision,
            deciding.reason,
            deciding.rule,
            rule.source if rule is not None else None,
            tuple(self._parts) if len(self._parts) > 1 else (),
        )

    def _go(self, target: Target) -> None:
        """Looks up and follows, past a hop that would be handed back too: the model would call again."""
        self._look_up(target)
        if self._context.get("first_try"):
            self._look_up(target)
        again = self._context.get("redirects_same_host")
        for _ in range(min(again, MAX_HOPS) if isinstance(again, int) else 0):
            self._look_up(target)
        for hop, location in enumerate(_list(self._context.get("redirects")), start=1):
            verdict = judge_hop(str(location), target, hop, self._policy, self._facts)
            self._add(verdict)
            if verdict.target is None or verdict.decision == "deny":
                return
            target = verdict.target
            self._look_up(target)

    def _look_up(self, target: Target) -> None:
        name = target.host.name
        given = _mapping(self._context.get("dns")).get(name)
        if given is None:
            return
        answers = _list(given)
        turn = self._lookups.get(name, 0)
        self._lookups[name] = turn + 1
        if answers and isinstance(answers[0], list):
            answers = _list(answers[min(turn, len(answers) - 1)])
        refusal = judge_addresses(target, map(str, answers), self._facts)
        if refusal is not None:
            self._deny(name, refusal)

    def _answer(self, url: str) -> None:
        is_strict = self._policy.name == "strict"
        refusal = _judge_response(self._context.get("response") or {}, text_only=is_strict)
        if refusal is not None:
            self._deny(url, refusal)

    def _add(self, verdict: UrlVerdict) -> None:
        self._verdicts.append(verdict)
        self._parts.append(verdict.part)

    def _deny(self, what: str, reason: str) -> None:
        self._parts.append(PartVerdict(what, "deny", reason))


def _list(value: object) -> list[Any]:
    """Takes what should be a list; one thing alone is a list of it."""
    if isinstance(value, list | tuple):
        return list(cast("list[Any]", value))
    return [] if value is None else [value]


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _judge_response(response: object, *, text_only: bool) -> str | None:
    """Judges a server's behaviour; what is not known of it is taken for the worst."""
    given = _mapping(response)
    if not isinstance(response, Mapping):
        return f"what the server does is not known: {response}"
    left = {key: value for key, value in given.items() if key not in _HARMLESS}
    headers = left.pop("headers", {})
    if not isinstance(headers, Mapping):
        return "the headers never end"
    fields = {str(key).lower(): str(value) for key, value in cast("Mapping[Any, Any]", headers).items()}
    kind = str(left.pop("content_type", fields.get("content-type", "text/html")))
    packing = str(left.pop("encoding", left.pop("content_encoding", fields.get("content-encoding", ""))))
    length = str(left.pop("content_length", fields.get("content-length", "")))
    refusal = judge_kind(kind, packing) or judge_length(length)
    if text_only and media_type(kind) == PDF:
        refusal = "the strict policy reads text types only"
    if refusal is not None:
        return refusal
    if str(left.pop("tls", "ok")).lower() not in _GOOD_TLS:
        return "the server's certificate is not valid"
    return _judge_pace(left)


def _judge_pace(left: dict[str, Any]) -> str | None:
    size = 0
    for key in [key for key in left if _LENGTHS.fullmatch(key) and isinstance(left[key], int)]:
        size = max(size, int(left.pop(key)))
    if size > MAX_BODY_BYTES:
        return "the page is longer than 10 MiB"
    pace = left.pop("drip_bytes_per_s", None)
    if pace is not None and not (isinstance(pace, int | float) and 0 < size <= pace * MAX_SECONDS):
        return f"the page takes longer than {MAX_SECONDS:.0f} s"
    for key in [key for key in left if _WAITS.fullmatch(key)]:
        value = left.pop(key)
        if not isinstance(value, int | float) or value >= MAX_SECONDS:
            return f"the page takes longer than {MAX_SECONDS:.0f} s"
    return f"what the server does is not known: {', '.join(sorted(left))}" if left else None
