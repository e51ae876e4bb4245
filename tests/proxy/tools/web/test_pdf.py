from __future__ import annotations

from io import BytesIO
from itertools import count

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from proxy.tools.web.pdf import MAX_PAGES, MAX_SECONDS, read_pdf
from proxy.tools.web.values import Fetched


def _file(*texts: str) -> Fetched:
    writer = PdfWriter()
    for text in texts:
        page = writer.add_blank_page(200, 200)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = content
    file = BytesIO()
    writer.write(file)
    return Fetched("https://docs.example.com/x.pdf", "application/pdf", None, file.getvalue())


def test_the_text_of_each_page_is_taken() -> None:
    text = read_pdf(_file("First words", "Second words"), lambda: 0.0)

    assert text.markdown == "## Page 1\n\nFirst words\n\n## Page 2\n\nSecond words"
    assert (text.title, text.note) == (None, None)


def test_a_page_whose_text_cannot_be_read_is_left_out_alone() -> None:
    text = read_pdf(_file("before", "(", "after"), lambda: 0.0)

    assert text.markdown.startswith("## Page 1\n\nbefore\n\n## Page 2\n\n")
    assert text.markdown.endswith("## Page 3\n\nafter")


def test_pages_beyond_the_limit_are_left_out_and_that_is_said() -> None:
    text = read_pdf(_file(*["x"] * (MAX_PAGES + 1)), lambda: 0.0)

    assert text.note == f"the text of the first {MAX_PAGES} of {MAX_PAGES + 1} pages"


def test_no_page_is_begun_after_the_time_is_over() -> None:
    ticks = count(step=MAX_SECONDS / 2)
    text = read_pdf(_file("a", "b", "c", "d"), lambda: next(ticks))

    assert text.note == "the text of the first 2 of 4 pages"
