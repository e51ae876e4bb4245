"""Reads a URL once, for the check and for the request alike: what is sent is what was judged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from proxy.permissions.hosts import Host, UrlRefusal, read_host

MAX_URL_CHARS = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{0,6}))?", re.ASCII)
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SAFE_PATH = "/:@!$&'()*+,;=-._~%"
_SAFE_QUERY = _SAFE_PATH + "?"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is made to."""

    scheme: str
    """`https` or `http`."""
    host: Host
    port: int
    path: str
    """Percent-encoded, dot segments taken out; begins with a slash."""
    query: str = ""
    """Percent-encoded, with its question mark; empty where there is none."""
    query_chars: int = 0
    """How long the query was as written, with its question mark."""

    @property
    def authority(self) -> str:
        """The host, in brackets where it is an IPv6 address, and the port unless it is the scheme's own."""
        name = f"[{self.host.name}]" if ":" in self.host.name else self.host.name
        return name if self.has_default_port else f"{name}:{self.port}"

    @property
    def has_default_port(self) -> bool:
        """Whether the port is the scheme's own."""
        return self.port == _DEFAULT_PORTS[self.scheme]

    @property
    def url(self) -> str:
        """The URL that is requested; it has no fragment."""
        return f"{self.scheme}://{self.authority}{self.path}{self.query}"


def read_url(text: str, local_hosts: frozenset[str] = frozenset()) -> Target:
    """Reads an absolute URL; plain http on its own port becomes https.

    Args:
        text: As the model wrote it.
        local_hosts: `host` or `host:port` for which plain http is kept.

    Raises:
        UrlRefusal: It is none, or one that programs read in different ways.
    """
    text = _checked(text)
    scheme, rest = _split_scheme(text)
    if not rest.startswith("//") or rest.startswith("///"):
        raise UrlRefusal(f"the URL must go on with two slashes after {scheme}:")
    end = min((at for at in map(rest[2:].find, "/?#") if at >= 0), default=len(rest) - 2) + 2
    host, port = _split_authority(rest[2:end])
    target = Target(scheme, host, port if port is not None else _DEFAULT_PORTS[scheme], "/")
    if scheme == "http" and target.has_default_port and not is_local(target, local_hosts):
        target = Target("https", host, _DEFAULT_PORTS["https"], "/")
    return _with_path(target, rest[end:])


def resolve(location: str, base: Target, local_hosts: frozenset[str] = frozenset()) -> Target:
    """Reads the `Location` of a redirect, which may be relative to the page that sent it.

    Raises:
        UrlRefusal: As `read_url`, and for a step from https down to http.
    """
    text = _checked(location)
    found = _SCHEME.match(text)
    if found is not None:
        if found[1].lower() == "http" and base.scheme == "https":
            raise UrlRefusal("the redirect leads from https down to http")
        return read_url(text, local_hosts)
    if text.startswith("//"):
        return read_url(f"{base.scheme}:{text}", local_hosts)
    if text.startswith("/"):
        return _with_path(base, text)
    if not text or text.startswith("#"):
        return base
    if text.startswith("?"):
        return _with_path(base, base.path + text)
    return _with_path(base, base.path[: base.path.rfind("/") + 1] + text)


def is_local(target: Target, local_hosts: frozenset[str]) -> bool:
    """Tells whether the user's settings name the host, with its port or without."""
    name = f"[{target.host.name}]" if ":" in target.host.name else target.host.name
    return name in local_hosts or f"{name}:{target.port}" in local_hosts


def _checked(text: str) -> str:
    text = text.strip(" ")
    if len(text) > MAX_URL_CHARS:
        raise UrlRefusal(f"the URL is longer than {MAX_URL_CHARS:,} characters")
    if _FORBIDDEN.search(text):
        raise UrlRefusal("the URL holds control characters")
    if "\\" in re.split(r"[?#]", text, maxsplit=1)[0]:
        raise UrlRefusal("the URL holds a backslash, which programs read in different ways")
    return text


def _split_scheme(text: str) -> tuple[str, str]:
    found = _SCHEME.match(text)
    if found is None:
        raise UrlRefusal("the URL has no scheme: write it with https://")
    scheme = found[1].lower()
    if scheme not in _DEFAULT_PORTS:
        raise UrlRefusal(f"only https and http are fetched, not {scheme}:")
    return scheme, text[found.end() :]


def _split_authority(authority: str) -> tuple[Host, int | None]:
    if "@" in authority:
        raise UrlRefusal("the URL holds a user name or password before the host")
    if "%" in authority:
        raise UrlRefusal("the host holds a percent sign")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise UrlRefusal(f"{authority!r} is no host with a port")
    if not found[1]:
        raise UrlRefusal("the URL has no host")
    port = int(found[2]) if found[2] else None
    if port is not None and not 1 <= port <= 65535:
        raise UrlRefusal(f"there is no port {found[2]}")
    return read_host(found[1]), port


def _with_path(target: Target, text: str) -> Target:
    before, _, _ = text.partition("#")
    path, mark, query = before.partition("?")
    return Target(
        target.scheme,
        target.host,
        target.port,
        _without_dots(quote(path, safe=_SAFE_PATH)),
        quote(mark + query, safe=_SAFE_QUERY),
        len(mark + query),
    )


def _without_dots(path: str) -> str:
    """Takes out `.` and `..`, their percent-encoded spellings too (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    *folders, last = path.split("/")[1:] or [""]
    for segment in folders:
        _step(kept, segment)
    is_dot = _plain(last) in {".", ".."}
    _step(kept, last)
    return "/" + "/".join([*kept, ""] if is_dot and kept else kept)


def _step(kept: list[str], segment: str) -> None:
    plain = _plain(segment)
    if plain == "..":
        del kept[-1:]
    elif plain != ".":
        kept.append(segment)


def _plain(segment: str) -> str:
    return segment.replace("%2e", ".").replace("%2E", ".")
