"""What a log line holds is spelt so that it stays one line, and stays what it is."""

from hypothesis import given
from hypothesis import strategies as st

from app.log_lines import escaped


@given(st.text())
def test_escaped_text_holds_no_dangerous_character_and_ordinary_text_is_untouched(text: str) -> None:
    result = escaped(text)

    assert not any(
        ord(each) < 32 or 0x7F <= ord(each) < 0xA0 or 0x2028 <= ord(each) <= 0x202E for each in result
    )
    result.encode("utf-8")
    assert escaped(result) == result
