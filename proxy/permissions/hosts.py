"""What a host's text names: UTS #46 first, then the question whether it is a number, then its labels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import idna

from proxy.permissions.addresses import Address

_NUMERIC = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_MAX_NAME = 253
_INTERNAL = frozenset(
    {
        *(
            "alt",
            "arpa",
            "cluster",
            "consul",
            "corp",
            "docker",
            "home",
            "i2p",
            "internal",
            "intranet",
            "kube",
        ),
        *(
            "lan",
            "local",
            "localdomain",
            "localdomain6",
            "localhost",
            "localhost6",
            "localnet",
            "mail",
            "onion",
        ),
        *("private", "svc", "workgroup"),
    }
)
"""Last labels that no public name has; what answers to them is the user's own network or this machine."""


class UrlRefusal(ValueError):
    """An address that is refused whatever the rules say; the text says why."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host in the one form that is judged, looked up and sent."""

    name: str
    """Lower case ASCII, no trailing dot; an address in its canonical form, without brackets."""
    shown: str
    """As people read it; differs from `name` where that is punycode."""
    address: Address | None = None
    """Where the text is an address."""


def read_host(text: str) -> Host:
    """Reads the host part of a URL, an IPv6 address in its brackets.

    Raises:
        UrlRefusal: It is no host, or one that programs read in different ways.
    """
    if text.startswith("["):
        return _ipv6(text)
    name = map_name(text)
    labels = name.split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        return _ipv4(text, name)
    ascii_labels = [_ascii_label(label) for label in labels]
    ascii_name = ".".join(ascii_labels)
    if len(ascii_name) > _MAX_NAME:
        raise UrlRefusal(f"the host's name is longer than {_MAX_NAME} characters")
    shown = (idna.ulabel(label) if _is_puny(label) else label for label in ascii_labels)
    return Host(ascii_name, ".".join(shown))


def map_name(text: str) -> str:
    """Returns a name mapped by UTS #46: one case, no invisible characters, every dot a full stop.

    Raises:
        UrlRefusal: It holds characters no name can have.
    """
    try:
        mapped = idna.uts46_remap(text, std3_rules=False)
    except idna.IDNAError as error:
        raise UrlRefusal(f"the host {text!r} holds characters that no name can have") from error
    return mapped.removesuffix(".")


def internal_reason(host: Host) -> str | None:
    """Returns why a name means something inside a network or this machine, if it does."""
    if host.address is not None:
        return None
    labels = host.name.split(".")
    if len(labels) == 1:
        return f"{host.shown} is a name inside a network: it has no dot"
    if labels[-1] in _INTERNAL or host.name.startswith("metadata.goog"):
        return f"{host.shown} is a name inside a network or a cloud"
    return None


def _ipv6(text: str) -> Host:
    if not text.endswith("]") or "%" in text:
        raise UrlRefusal(f"{text} is no IPv6 address")
    try:
        address = IPv6Address(text[1:-1])
    except ValueError as error:
        raise UrlRefusal(f"{text} is no IPv6 address") from error
    return Host(str(address), f"[{address}]", address)


def _ipv4(given: str, name: str) -> Host:
    """Takes the one usual form: programs that know octal, hexadecimal or short ones might go elsewhere."""
    try:
        address = IPv4Address(name)
    except ValueError as error:
        raise UrlRefusal(f"{given!r} is a number, but not an IPv4 address in its usual form") from error
    if given != str(address):
        raise UrlRefusal(f"{given!r} is an unusual way to write the address {address}")
    return Host(name, name, address)


def _is_puny(label: str) -> bool:
    return label.startswith("xn--")


def _ascii_label(label: str) -> str:
    if not label:
        raise UrlRefusal("the host has an empty part between its dots")
    try:
        if _is_puny(label):
            idna.ulabel(label)
        encoded = label if label.isascii() else idna.alabel(label).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise UrlRefusal(f"{label!r} is not a valid part of an international name") from error
    if not _LABEL.fullmatch(encoded):
        raise UrlRefusal(
            f"the part {label!r} of the host is too long or holds characters that no name can have"
        )
    return encoded
