"""What well-known kinds of keys look like: a table of prefixes, and the few shapes that have none.

Every pattern begins with its literal, and is only run where that literal occurs: most text costs one
substring search a line of the table. All repetitions are bounded by what can precede or follow. A pattern is
compiled when it is first run, which for most is never: all together they would be a tenth of a start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

Span = tuple[int, int]

_WORD = "[A-Za-z0-9]"
_URL = "[A-Za-z0-9_-]"
_HEX = "[0-9a-f]"
_END_HEX = "(?![0-9A-Za-z])"


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of secret: what it begins with and what it looks like."""

    literal: str
    """Must occur in the text, else the pattern is not tried."""
    pattern: str
    """Where it has a group, only that part is the secret."""
    before: str | None = None
    """What must stand directly before the match, and belongs to the secret."""

    def spans(self, text: str) -> Iterator[Span]:
        """Yields where such secrets stand; call it where `literal` occurs."""
        pattern = _compiled(self.pattern)
        for match in pattern.finditer(text):
            start, end = match.span(1 if pattern.groups else 0)
            if self.before is None:
                yield start, end
                continue
            left = _compiled(self.before).search(text[max(0, start - 64) : start])
            if left is not None:
                yield start - (left.end() - left.start()), end


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _anywhere(prefix: str, body: str) -> Shape:
    return Shape(prefix, re.escape(prefix) + body)


def _word(prefix: str, body: str) -> Shape:
    """A prefix that counts only at the start of a word."""
    literal = re.escape(prefix)
    return Shape(prefix, f"{literal}(?<![A-Za-z0-9]{literal}){body}")


def _pattern(literal: str, pattern: str, before: str | None = None) -> Shape:
    return Shape(literal, pattern, None if before is None else before + r"\Z")


_LONG = f"{_URL}{{20,}}"
_SERVICES = {
    "sk_live_": f"{_WORD}{{10,}}",
    "sk_test_": f"{_WORD}{{10,}}",
    "rk_live_": f"{_WORD}{{10,}}",
    "rk_test_": f"{_WORD}{{10,}}",
    "pk_live_": f"{_WORD}{{10,}}",
    "sk-lf-": f"{_URL}{{16,}}",
    "pk-lf-": f"{_URL}{{16,}}",
    "sess-": f"{_WORD}{{30,}}",
    "sbx_": f"{_URL}{{16,}}",
    "ya29.": r"[A-Za-z0-9_.-]{16,}",
    "1//0": _LONG,
    "GOCSPX-": f"{_URL}{{16,}}",
    "gsk_": f"{_WORD}{{20,}}",
    "xai-": f"{_WORD}{{20,}}",
    "pplx-": f"{_WORD}{{20,}}",
    "hf_": f"{_WORD}{{20,}}",
    "api_org_": f"{_WORD}{{20,}}",
    "csk-": f"{_WORD}{{20,}}",
    "nvapi-": _LONG,
    "tgp_v": f"[0-9]_{_LONG}",
    "tvly-": f"{_URL}{{16,}}",
    "BSA": f"{_URL}{{24,}}",
    "fw_": f"{_WORD}{{20,}}",
    "r8_": f"{_WORD}{{20,}}",
    "jina_": _LONG,
    "ctx7sk": _LONG,
    "e2b_": f"{_WORD}{{20,}}",
    "dop_v1_": _LONG,
    "doo_v1_": _LONG,
    "dor_v1_": _LONG,
    "lin_api_": _LONG,
    "ntn_": _LONG,
    "sbp_": _LONG,
    "lsv2_": f"(?:pt|sk)_{_LONG}",
    "hvs.": _LONG,
    "hvb.": _LONG,
    "glc_": r"[A-Za-z0-9_=+/-]{20,}",
    "glsa_": _LONG,
    "shpat_": f"{_HEX}{{20,}}",
    "shpca_": f"{_HEX}{{20,}}",
    "shppa_": f"{_HEX}{{20,}}",
    "shpss_": f"{_HEX}{{20,}}",
    "sntrys_": r"[A-Za-z0-9_=+/-]{20,}",
    "figd_": _LONG,
    "vcp_": _LONG,
    "whsec_": r"[A-Za-z0-9+/=]{16,}",
    "pul-": f"{_HEX}{{30,}}",
    "dp.": r"(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{20,}",
    "fc-": f"{_HEX}{{32}}{_END_HEX}",
    "key-": f"{_HEX}{{32}}{_END_HEX}",
    "dapi": f"{_HEX}{{32}}{_END_HEX}",
    "SK": f"{_HEX}{{32}}{_END_HEX}",
    "AKIA": "[A-Z0-9]{16}(?![A-Z0-9])",
    "ASIA": "[A-Z0-9]{16}(?![A-Z0-9])",
    "ABIA": "[A-Z0-9]{16}(?![A-Z0-9])",
    "ACCA": "[A-Z0-9]{16}(?![A-Z0-9])",
    "ghp_": f"{_WORD}{{20,}}",
    "gho_": f"{_WORD}{{20,}}",
    "ghu_": f"{_WORD}{{20,}}",
    "ghs_": f"{_WORD}{{20,}}",
    "ghr_": f"{_WORD}{{20,}}",
    "gl": r"(?:pat|dt|rt|rtr|ptt|ft|imt|agent|oas|soat|cbt|ffct)-[A-Za-z0-9_.-]{16,}",
    "xox": "[a-z]-[A-Za-z0-9-]{10,}",
    "xapp-": "[A-Za-z0-9-]{10,}",
    "SG.": f"{_URL}{{16,}}\\.{_URL}{{16,}}",
    "npm_": f"{_WORD}{{30,}}",
    "pypi-": f"{_URL}{{30,}}",
    "ATATT3": "[A-Za-z0-9_=-]{30,}",
    "AGE-SECRET-KEY-1": "[A-Z0-9]{20,}",
    "eyJ": rf"{_URL}{{5,}}(?:\.{_URL}*){{1,4}}",
    # OpenAI's older form and its many imitators: a digit tells a key from a hyphenated name.
    "sk-": f"(?={_URL}{{0,40}}[0-9]){_URL}{{16,}}",
}

SHAPES = (
    _anywhere("sk-ant-", f"[a-z]{{2,8}}[0-9]{{0,3}}-{_URL}{{8,}}"),
    _anywhere("sk-or-v", f"[0-9]-{_WORD}{{8,}}"),
    _anywhere("sk-proj-", f"{_URL}{{16,}}"),
    _anywhere("sk-svcacct-", f"{_URL}{{16,}}"),
    _anywhere("sk-admin-", f"{_URL}{{16,}}"),
    _anywhere("github_pat_", "[A-Za-z0-9_]{16,}"),
    _anywhere("AIza", f"{_URL}{{30,}}"),
    *(_word(prefix, body) for prefix, body in _SERVICES.items()),
    _pattern(
        "-----BEGIN ",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
    # The password of an address, or a token in its place; a plain user name stays.
    _pattern("://", r"://[^\s/:@\"'<>]{0,200}:([^\s/@\"'<>]{1,200})@"),
    _pattern("://", rf"://({_URL}{{24,200}})@"),
    _pattern("hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]{20,})"),
    _pattern("/api/webhooks/", rf"/api/webhooks/[0-9]{{1,30}}/({_URL}{{20,}})"),
    # Programs and files with a password after a blank.
    _pattern("login ", r"login +[^\s]{1,64}\s+password +([^\s]+)"),
    _pattern("sshpass ", r"sshpass +-p *([^\s]+)"),
    _pattern(
        "curl ",
        r"curl [^\n]{0,200}?(?<=\s)(?:-u|--user|-U|--proxy-user)[ =]+[\"']?[^\s:\"']{1,64}:([^\s\"']+)",
    ),
    _pattern("mysql", r"mysql[^\n]{0,200}?(?<=\s)-p([^\s]+)"),
    _pattern("mariadb", r"mariadb[^\n]{0,200}?(?<=\s)-p([^\s]+)"),
    # Without a prefix: Telegram's bots, z.ai, Discord's bots.
    _pattern(":AA", rf":AA{_URL}{{28,}}", before="[0-9]{8,12}"),
    _pattern(".", r"\.(?<=[0-9a-f]\.)[A-Za-z0-9]{16}(?![A-Za-z0-9])", before=r"(?<![A-Za-z0-9])[0-9a-f]{32}"),
    _pattern(".", rf"\.{_URL}{{6}}\.{_URL}{{27,}}", before=rf"(?<!{_URL})[MNO]{_URL}{{22,27}}"),
)
