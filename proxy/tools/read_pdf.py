"""PDFs as models take them: a short one whole, as a document; of a long one, some pages as text."""

from __future__ import annotations

import base64
import io
import re

from proxy.tools.base import ToolOutput
from proxy.tools.errors import ToolError

MAX_PAGES_WHOLE = 10
MAX_PAGES_AT_ONCE = 20
_MAX_PAGE_CHARS = 50_000
_RANGE = re.compile(r"\s*(\d{1,6})(?:\s*-\s*(\d{1,6})?)?\s*")


def is_pdf(data: bytes) -> bool:
    """Tells a PDF by its first bytes."""
    return data.startswith(b"%PDF-")


def page_range(pages: str, count: int) -> range:
    """Returns the page numbers, from 1, that `3`, `2-5` or `4-` mean in a document of `count` pages.

    Raises:
        ToolError: It means none, or too many.
    """
    found = _RANGE.fullmatch(pages)
    if found is None:
        raise ToolError(f'Invalid pages parameter: "{pages}". Use formats like "1-5", "3" or "10-20".')
    first = int(found[1])
    last = min(int(found[2]), count) if found[2] else count if "-" in pages else first
    if not 1 <= first <= last <= count:
        raise ToolError(f'There are no pages "{pages}": the PDF has {_pages(count)}.')
    if last - first + 1 > MAX_PAGES_AT_ONCE:
        raise ToolError(f'"{pages}" are too many pages. At most {MAX_PAGES_AT_ONCE} can be read at once.')
    return range(first, last + 1)


def pdf_output(path: str, data: bytes, pages: str | None) -> ToolOutput:
    """Returns a PDF, or the text of some of its pages.

    Raises:
        ToolError: It cannot be read, is too long to be read whole, or has no such pages.
    """
    import pypdf  # noqa: PLC0415 - a fifth of a second, which only who reads PDFs pays
    from pypdf.errors import PyPdfError  # noqa: PLC0415 - likewise

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ToolError("The PDF is protected by a password, so it cannot be read.")
        count = len(reader.pages)
        if pages:
            wanted = page_range(pages, count)
            texts = [f"[page {each}]\n{_text_of(reader.pages[each - 1])}" for each in wanted]
            return ToolOutput.text(f"{path}: {_pages(count)}\n\n" + "\n\n".join(texts))
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ToolError(f"The PDF cannot be read: {exc or type(exc).__name__}.") from exc
    if count > MAX_PAGES_WHOLE:
        raise ToolError(
            f"This PDF has {count} pages, which is too many to read at once. Use the pages parameter to read "
            f'some of them (such as pages "1-5"; at most {MAX_PAGES_AT_ONCE}).'
        )
    encoded = base64.standard_b64encode(data).decode("ascii")
    source = {"type": "base64", "media_type": "application/pdf", "data": encoded}
    note = {"type": "text", "text": f"PDF file read: {path} ({_pages(count)})"}
    return ToolOutput((note, {"type": "document", "source": source}))


def _text_of(page: object) -> str:
    extract = getattr(page, "extract_text", None)
    text = str(extract()) if extract is not None else ""
    whole = text.encode("utf-8", "replace").decode("utf-8").strip()
    if len(whole) > _MAX_PAGE_CHARS:
        return f"{whole[:_MAX_PAGE_CHARS]}... [the rest of the page is left out]"
    return whole or "(no text on this page; it may be an image)"


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count} pages"
