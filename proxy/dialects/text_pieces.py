"""Streamed text in pieces that end where no meaning ends: surrogate halves, think tags, stop sequences."""

from __future__ import annotations

OPEN_TAG, CLOSE_TAG = "<think>", "</think>"


class SurrogateJoiner:
    """Joins an emoji whose two UTF-16 halves come in two pieces; a half without its other becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Returns the text that is whole; a high half at the end waits for what follows."""
        text = self._half + text
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return whole(text)

    def flush(self) -> str:
        """Returns what still waited."""
        half, self._half = self._half, ""
        return whole(half)


def whole(text: str) -> str:
    """Returns text with surrogate pairs joined and lone halves replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class ThinkTags:
    """Tells `<think>…</think>` at the start of a text from the text after it."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self.is_over = False
        """All further text is plain."""

    def feed(self, text: str) -> tuple[str, str]:
        """Returns the reasoning and the plain text that the next piece settles."""
        self._held += text
        if not self._inside:
            start = self._held.lstrip()
            if not start.startswith(OPEN_TAG):
                return "", "" if OPEN_TAG.startswith(start) else self._end()
            self._inside, self._held = True, start[len(OPEN_TAG) :]
        thought, tag, rest = self._held.partition(CLOSE_TAG)
        if tag:
            self._held = rest
            return thought, self._end()
        kept = suffix_length(self._held, (CLOSE_TAG,))
        thought, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return thought, ""

    def flush(self) -> tuple[str, str]:
        """The text ended: returns what still waited."""
        held = self._end()
        return (held, "") if self._inside else ("", held)

    def _end(self) -> str:
        held, self._held, self.is_over = self._held, "", True
        return held


class StopWatch:
    """Cuts text before the first stop sequence in it, however the text is cut into pieces."""

    def __init__(self, stops: list[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""

    def feed(self, text: str) -> tuple[str, str | None]:
        """Returns the text that may go out, and the stop sequence that was met, if any."""
        text = self._held + text
        hits = [(text.find(stop), stop) for stop in self._stops if stop in text]
        if hits:
            self._held = ""
            at, stop = min(hits)
            return text[:at], stop
        kept = suffix_length(text, self._stops)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept], None

    def flush(self) -> str:
        """The text ended: returns what still waited."""
        held, self._held = self._held, ""
        return held


def suffix_length(text: str, wanted: tuple[str, ...]) -> int:
    """Returns the length of the longest end of `text` that begins something wanted without completing it."""
    longest = min(len(text), max((len(item) for item in wanted), default=1) - 1)
    for length in range(longest, 0, -1):
        end = text[-length:]
        if any(len(item) > length and item.startswith(end) for item in wanted):
            return length
    return 0
