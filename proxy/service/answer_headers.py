"""Headers both ways: what of the client's an upstream may see, and what an answer carries beside its body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from multidict import MultiMapping

from proxy.dialects.base import Loss

LOSSES = "signalbox-losses"
"""Names what of the request its upstream could not be told."""
MAX_LOSSES = 500
"""Characters of that header: proxies and clients refuse long ones."""

_PASSED_ON = ("anthropic-version", "anthropic-beta", "anthropic-workspace-id", "anthropic-user-profile-id")
"""The only headers of the client's that an upstream may see, and only one that speaks this protocol."""
_PASSED_BACK = re.compile(r"anthropic-[a-z0-9-]{1,80}")
"""Rate limits, organisation, workspace and what else the API says of itself."""
_MAX_VALUE = 256
_MAX_HEADERS = 60
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def passed_on(headers: MultiMapping[str]) -> dict[str, str]:
    """Returns the client's headers that an upstream may see; one that came several times is joined."""
    return {name: ",".join(headers.getall(name)) for name in _PASSED_ON if name in headers}


def passed_back(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers of an upstream of this protocol that the client gets; names are lower case."""
    found = {
        name: value
        for name, value in headers.items()
        if _PASSED_BACK.fullmatch(name)
        and value.isascii()
        and value.isprintable()
        and len(value) <= _MAX_VALUE
    }
    return dict(list(found.items())[:_MAX_HEADERS])


def losses_header(losses: Sequence[Loss]) -> str:
    """Returns the places of all losses, short and in plain ASCII; what is too much is counted.

    The places hold names that the client chose, so all but harmless characters are replaced.
    """
    places = list(dict.fromkeys(_UNSAFE.sub("?", loss.path) for loss in losses))
    shown: list[str] = []
    length = 0
    for place in places:
        length += len(place) + 2
        if length > MAX_LOSSES - len(", +100000 more"):
            return ", ".join([*shown, f"+{len(places) - len(shown)} more"])
        shown.append(place)
    return ", ".join(shown)
