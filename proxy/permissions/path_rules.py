"""Says whether a path rule is about a path: Claude Code's anchors around gitignore's patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from proxy.permissions.path_names import clean, parts_of
from proxy.permissions.path_patterns import PathPattern, fixed_folder, gitignore_pattern
from proxy.permissions.values import PathFacts, Place, Rule

_DRIVE = re.compile(r"/?/?([A-Za-z]):(?=[\\/])")
_ANY_CHILD = "\x01"
"""Stands for whatever a folder holds; no path that is looked at may contain it."""


def match(rule: Rule, facts: PathFacts, place: Place) -> bool:
    """Says whether a rule about paths is about this one; the rule's tool is not looked at.

    A deny or ask rule is about a path if it matches any name of it: as written, where it really is, or where
    a link on the way leads. An allow rule, and an exception from deny rules, must match every name of it that
    lies within the workspace, and where it really is.
    """
    if rule.spec is None:
        return True
    if rule.effect == "allow" or rule.is_exception:
        names = [facts.real, *(name for name in (facts.lexical, *facts.via) if _is_within(name, place))]
        return all(_matches_name(rule, name, facts, place) for name in names)
    return any(_matches_name(rule, name, facts, place) for name in names_of(facts))


def closes_folder(rule: Rule, facts: PathFacts, place: Place) -> bool:
    """Says whether a deny or ask rule is about everything a folder holds."""
    return any(
        _matches_name(rule, f"{name.rstrip('/')}/{_ANY_CHILD}", facts, place) for name in names_of(facts)
    )


def names_of(facts: PathFacts) -> tuple[str, ...]:
    """Returns every name of a path: as written, where links on the way lead, and where it really is."""
    return tuple(dict.fromkeys((facts.lexical, *facts.via, facts.real)))


def is_under(path: str, folder: str, *, folds_case: bool = False) -> bool:
    """Says whether a path is a folder or in it, name by name."""
    above = parts_of(folder, folds_case=folds_case, drops_ignorables=False)
    return parts_of(path, folds_case=folds_case, drops_ignorables=False)[: len(above)] == above


def folds_for_inside(place: Place) -> bool:
    """Says whether letter case is no difference where it would open a door."""
    return place.folds_case or place.platform == "windows"


def folds_for_refusal(place: Place) -> bool:
    """Says whether letter case is no difference where it would keep a door shut."""
    return place.folds_case or place.platform != "linux"


def folders_of(place: Place) -> tuple[str, ...]:
    """Returns the folders of the place's workspace: its root and those that may only be read."""
    workspace = place.workspace
    return (place.cwd,) if workspace is None else (workspace.root, *workspace.read_only)


def _is_within(name: str, place: Place) -> bool:
    folds = folds_for_inside(place)
    return any(is_under(name, folder, folds_case=folds) for folder in folders_of(place))


def _matches_name(rule: Rule, name: str, facts: PathFacts, place: Place) -> bool:
    opens = rule.effect == "allow" or rule.is_exception
    folds, drops = comparison(place, opens=opens)
    path = parts_of(name, folds_case=folds, drops_ignorables=drops)
    is_folder = facts.kind == "folder"
    for above, pattern in _compiled(rule, place):
        if path[: len(above)] != above:
            continue
        if pattern is None or pattern.matches(path[len(above) :], is_folder=is_folder):
            return True
    return False


def comparison(place: Place, *, opens: bool) -> tuple[bool, bool]:
    """Returns whether case is folded and unseen characters are dropped."""
    if opens:
        return folds_for_inside(place), False
    return folds_for_refusal(place), place.platform != "linux"


@lru_cache(maxsize=1024)
def _compiled(rule: Rule, place: Place) -> tuple[tuple[tuple[str, ...], PathPattern | None], ...]:
    """Returns where a rule's pattern begins, as names, each time with the pattern; None: all that is there.

    Kept for as long as the place, whose eyes are made anew for each call.
    """
    opens = rule.effect == "allow" or rule.is_exception
    folds, drops = comparison(place, opens=opens)
    return tuple(
        (
            parts_of(base, folds_case=folds, drops_ignorables=drops),
            None if text == "/" else _pattern(text, folds=folds, drops=drops),
        )
        for base, text in _anchored(rule, place, opens=opens)
    )


def _pattern(text: str, *, folds: bool, drops: bool) -> PathPattern:
    """Reads a pattern in the form in which names are compared; slashes at its ends carry meaning and stay."""
    names = "/".join(parts_of(text, folds_case=folds, drops_ignorables=drops))
    return gitignore_pattern(
        ("/" if text.startswith("/") else "") + names + ("/" if text.endswith("/") else "")
    )


def _anchored(rule: Rule, place: Place, *, opens: bool) -> Iterator[tuple[str, str]]:
    """Yields the folders a rule's pattern is relative to, each with the pattern; `/` is all of a folder.

    A relative pattern of a deny or ask rule holds in the working directory, in the workspace's root and in
    every folder that may be read, so that moving does not shake it off.
    """
    spec = _posix_spec(rule.spec or "", place)
    if spec.startswith("//"):
        yield from _absolute("/", spec[1:], place, opens=opens)
    elif spec == "~" or spec.startswith("~/"):
        yield from _absolute(place.home, spec[1:] or "/", place, opens=opens)
    elif spec.startswith("/"):
        bases = [rule.anchor] if rule.anchor else _bases(place, opens=opens)
        for base in bases:
            yield base, _whole(spec, opens=True)
    else:
        for base in _bases(place, opens=opens):
            yield _climbed(base, spec, opens=opens)


def _absolute(base: str, spec: str, place: Place, *, opens: bool) -> Iterator[tuple[str, str]]:
    """Yields where an absolute pattern begins; of one that closes, also where its folder really is."""
    yield base, _whole(spec, opens=True)
    folder = fixed_folder(spec)
    rest = spec[len(folder) :]
    if opens or not rest.startswith("/"):
        folder, rest = "", spec
    named = clean(f"{base}/{folder}")
    if not opens and named != "/" and (real := real_folder(place, named)) != named:
        yield real, _whole(rest, opens=True)


def real_folder(place: Place, path: str) -> str:
    """Returns where a folder that is named in rules or settings really is."""
    return (place.look_for_rules or place.look)(path).real


def _posix_spec(spec: str, place: Place) -> str:
    if place.platform != "windows" or not (drive := _DRIVE.match(spec)):
        return spec
    return f"//{drive[1].lower()}{spec[drive.end() :].replace(chr(92), '/')}"


def _bases(place: Place, *, opens: bool) -> Iterable[str]:
    if opens:
        return folders_of(place)[:1]
    return dict.fromkeys((*folders_of(place), place.cwd))


def _climbed(base: str, spec: str, *, opens: bool) -> tuple[str, str]:
    text = spec
    is_anchored = opens
    while text.startswith(("./", "../")):
        step, _, text = text.partition("/")
        base = clean(f"{base}/{step}")
        is_anchored = is_anchored or step == ".."
    if text in {"", ".", ".."}:
        return clean(f"{base}/{text}"), "/"
    if is_anchored and text != spec:
        text = f"/{text}"
    return base, _whole(text, opens=opens)


def _whole(pattern: str, *, opens: bool) -> str:
    """Takes `/**` off the end: the folder and all it holds.

    Of one name it then means any depth in a deny or ask rule, and here only in an allow rule, as Claude Code
    reads it.
    """
    if not pattern.endswith("/**"):
        return pattern
    folder = pattern[:-3]
    if folder == "":
        return "/"
    if opens and "/" not in folder:
        return f"/{folder}"
    return folder
