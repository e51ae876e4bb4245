"""Turns what a server sent into Markdown that a model can read; it takes time, so run it in a thread."""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup, Comment, Tag, UnicodeDammit
from markdownify import MarkdownConverter

from proxy.permissions.hosts import UrlRefusal
from proxy.permissions.url_syntax import Target, read_url, resolve
from proxy.tools.web.values import Fetched, FetchError, PageText

MAX_HTML_BYTES = 3 * 1024 * 1024
"""More markup than this is cut before it is read: parsing takes a second a megabyte."""
MAX_TAGS = 40_000
"""Of a page with more tags only the words are taken: Markdown takes a second for 20,000."""
MAX_MARKDOWN_CHARS = 1_000_000
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_NOISE = (
    *(
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "canvas",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
    ),
    *("nav", "aside", "footer", "form", "button", "select", "input", "textarea", "dialog", "head"),
)
_NOISE_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "dialog", "menu"})
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|(?:opacity|font-size)\s*:\s*0(?:\.0+)?(?:[a-z%]*\s*)(?:;|!|$)",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
"""Control, zero-width and bidirectional characters and tags: who looks at the page does not see them."""
_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")
_MIN_MAIN_CHARS = 200
_MAX_BLANKS = 200
_MAX_INDENTS = 12
_INDENTING = ["blockquote", "ul", "ol", "dl"]
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_LONG_BLANKS = re.compile(r"[ \t\r\n\f]{20}")
_VERY_LONG_BLANKS = re.compile(rf"[ \t\r\n\f]{{{_MAX_BLANKS},}}")


def read_text_page(page: Fetched) -> PageText:
    """Returns a page's words: HTML as Markdown without scripts, menus and hidden text, all else as it is.

    Raises:
        FetchError: It is no text.
    """
    if page.media_type in _HTML_TYPES and b"<" in page.body:
        return _from_html(page)
    if b"\0" in page.body[:4096] and not _is_wide(page):
        raise FetchError(
            "unsupported_content_type", f"{page.url} says it is {page.media_type}, but is no text"
        )
    text = _INVISIBLE.sub("", _decoded(page)).replace("\r\n", "\n")
    return _cut(None, text, None)


def _decoded(page: Fetched) -> str:
    try:
        return page.body.decode(page.charset or "utf-8-sig", errors="replace")
    except LookupError:
        return page.body.decode("utf-8-sig", errors="replace")


def _is_wide(page: Fetched) -> bool:
    return (page.charset or "").lower().startswith(("utf-16", "utf-32", "ucs-2"))


def _from_html(page: Fetched) -> PageText:
    note = None
    body = page.body
    if len(body) > MAX_HTML_BYTES:
        body = body[:MAX_HTML_BYTES]
        note = "only the first 3 MiB of the page were read"
    # lxml knows which end tags may be left out, and half the web leaves them out: html.parser does not.
    soup = BeautifulSoup(_XML_DECLARATION.sub("", _markup(body, page.charset)), "lxml")
    title = _title(soup)
    base = _base(soup, page.url)
    _drop_noise(soup)
    _mend_links(soup, base)
    _collapse_blanks(soup)
    root = _main_part(soup)
    text = _markdown(root)
    return _cut(title, _INVISIBLE.sub("", text), note)


def _markup(body: bytes, charset: str | None) -> str:
    """The header's encoding counts before the page's own, and that before a guess (HTML standard, 13.2.3)."""
    try:
        if charset is not None:
            return body.decode(charset, errors="replace")
    except LookupError:
        pass
    return UnicodeDammit(body, is_html=True).unicode_markup or ""


def _title(soup: BeautifulSoup) -> str | None:
    if soup.title is None:
        return None
    words = " ".join(_INVISIBLE.sub("", soup.title.get_text()).split())
    return words[:500] or None


def _base(soup: BeautifulSoup, url: str) -> Target:
    target = read_url(url, frozenset({url.partition("://")[2].partition("/")[0]}))
    found = soup.find("base", href=True)
    if isinstance(found, Tag):
        try:
            return resolve(str(found["href"]), target)
        except UrlRefusal:
            pass
    return target


def _drop_noise(soup: BeautifulSoup) -> None:
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for tag in soup.find_all(_is_noise):
        if not tag.decomposed:
            tag.decompose()


def _is_noise(tag: Tag) -> bool:
    attributes: dict[str, Any] = tag.attrs
    if tag.name in _NOISE or "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    if str(attributes.get("role", "")).lower() in _NOISE_ROLES:
        return True
    style = attributes.get("style")
    return isinstance(style, str) and _HIDDEN_STYLE.search(style) is not None


def _mend_links(soup: BeautifulSoup, base: Target) -> None:
    """Makes links complete, so that they can be followed; what no fetch would take is words only."""
    for link in soup.find_all("a", href=True):
        try:
            link["href"] = resolve(str(link["href"]), base).url
        except UrlRefusal:
            link.unwrap()
    for image in soup.find_all("img"):
        words = str(image.get("alt") or "")
        if words:
            image.replace_with(words)
        else:
            image.decompose()


def _collapse_blanks(soup: BeautifulSoup) -> None:
    """Writes runs of blanks as browsers show them; markdownify takes quadratic time for long ones."""
    for text in soup.find_all(string=_LONG_BLANKS):
        if text.find_parent("pre") is None:
            text.replace_with(_BLANKS.sub(" ", text))
        else:
            text.replace_with(_VERY_LONG_BLANKS.sub(_shortened, text))


def _is_too_nested(root: BeautifulSoup | Tag) -> bool:
    """Quotes and lists within each other: each level writes every line below it anew."""
    deep = _MAX_INDENTS
    return any(len(tag.find_parents(_INDENTING, limit=deep)) == deep for tag in root.find_all(_INDENTING))


def _shortened(found: re.Match[str]) -> str:
    return found[0][:_MAX_BLANKS]


def _main_part(soup: BeautifulSoup) -> BeautifulSoup | Tag:
    """The page's own words where it marks them; all of it where the mark holds next to nothing."""
    for found in (soup.find("main"), soup.select_one("[role=main]"), soup.find("article")):
        if isinstance(found, Tag) and len(found.get_text(strip=True)) >= _MIN_MAIN_CHARS:
            articles = soup.find_all("article")
            if found.name != "article" or len(articles) == 1:
                return found
    return soup


def _markdown(root: BeautifulSoup | Tag) -> str:
    if len(root.find_all(limit=MAX_TAGS)) == MAX_TAGS or _is_too_nested(root):
        return root.get_text("\n")
    try:
        return MarkdownConverter(heading_style="ATX", bullets="-").convert_soup(root)
    except RecursionError:  # nested a thousand deep: the words are still there
        return root.get_text("\n")


def _cut(title: str | None, text: str, note: str | None) -> PageText:
    words = _BLANK_LINES.sub("\n\n", text).strip()
    if len(words) > MAX_MARKDOWN_CHARS:
        words = words[:MAX_MARKDOWN_CHARS]
        note = "only the first million characters were kept"
    return PageText(title, words, note)
