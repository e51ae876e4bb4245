"""Takes the text out of a PDF, page by page, within limits; it takes time, so run it in a thread."""

from __future__ import annotations

import io
from collections.abc import Callable

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from proxy.tools.web.values import Fetched, FetchError, PageText

MAX_PAGES = 200
MAX_SECONDS = 20.0
"""After this no further page is begun."""
_FAULTS = (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OSError)
"""What damaged files make pypdf raise besides its own errors."""


def read_pdf(page: Fetched, clock: Callable[[], float]) -> PageText:
    """Returns a PDF's text with its pages' numbers.

    Args:
        page: The file.
        clock: Seconds.

    Raises:
        FetchError: It is no PDF, damaged or locked.
    """
    started = clock()
    try:
        reader = PdfReader(io.BytesIO(page.body))
        if reader.is_encrypted and not reader.decrypt(""):
            raise FetchError("unsupported_content_type", f"{page.url} is a PDF locked with a password")
        count = len(reader.pages)
        title = reader.metadata.title if reader.metadata is not None else None
    except _FAULTS as error:
        raise FetchError("unsupported_content_type", f"{page.url} is a PDF that cannot be read") from error
    parts: list[str] = []
    for number in range(min(count, MAX_PAGES)):
        if clock() - started > MAX_SECONDS:
            break
        parts.append(f"## Page {number + 1}\n\n{_text(reader, number)}")
    note = None if len(parts) == count else f"the text of the first {len(parts)} of {count} pages"
    return PageText(title or None, "\n\n".join(parts).strip(), note)


def _text(reader: PdfReader, number: int) -> str:
    try:
        return reader.pages[number].extract_text().strip()
    except _FAULTS:
        return "(this page's text cannot be read)"
