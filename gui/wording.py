"""The words: how states, times, counts and costs are written for people; pure functions."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from gui.desk import ProxyPhase, ProxyState
from proxy.store.ledger_values import RequestRow

_SAID_BY = {
    "upstream": "as the provider stated",
    "price list": "by the price list",
    "estimate": "estimated: the provider did not say what was used",
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A word with the tone and the shape that go with it, so that nothing is said by colour alone."""

    text: str
    tone: str
    """neutral, info, ok, warn or danger."""
    icon: str


def phase_phrase(state: ProxyState) -> Phrase:
    """Returns what the state chip says."""
    if state.phase is ProxyPhase.RUNNING:
        if state.problems:
            return Phrase("Running with problems", "warn", "state-problem")
        return Phrase("Running", "ok", "state-running")
    return {
        ProxyPhase.STOPPED: Phrase("Stopped", "neutral", "state-stopped"),
        ProxyPhase.STARTING: Phrase("Starting…", "info", "state-busy"),
        ProxyPhase.STOPPING: Phrase("Stopping…", "info", "state-busy"),
        ProxyPhase.FAILED: Phrase("Not running", "danger", "state-problem"),
    }[state.phase]


def phase_sentence(state: ProxyState) -> str:
    """Returns one sentence about what the proxy does now."""
    match state.phase:
        case ProxyPhase.RUNNING:
            return f"Clients reach the proxy at {state.url}." if state.url else "The proxy is running."
        case ProxyPhase.STARTING:
            return "Asking the keyring for the token, then opening the port."
        case ProxyPhase.STOPPING:
            return f"Finishing {count(state.active_requests, 'request')}, then the port closes."
        case ProxyPhase.FAILED:
            if state.is_port_in_use:
                return "The proxy could not start: another program has its port."
            return "The proxy should run but could not start."
        case ProxyPhase.STOPPED:
            return "No client can connect until you start the proxy."


def tray_state(state: ProxyState, waiting: int = 0) -> str:
    """Returns which of the tray's shapes fits: stopped, starting, running, waiting or problem."""
    if waiting:
        return "waiting"
    if state.phase is ProxyPhase.FAILED or (state.problems and state.phase is ProxyPhase.RUNNING):
        return "problem"
    return {
        ProxyPhase.RUNNING: "running",
        ProxyPhase.STARTING: "starting",
        ProxyPhase.STOPPING: "starting",
    }.get(state.phase, "stopped")


def tray_line(state: ProxyState) -> str:
    """Returns the disabled first line of the tray menu."""
    if state.phase is ProxyPhase.RUNNING:
        where = f"Running on {address(state)}"
        return f"{where} – {count(len(state.problems), 'problem')}" if state.problems else where
    if state.phase is ProxyPhase.FAILED and state.problems:
        return f"Not running – {state.problems[0].title}"
    return phase_phrase(state).text


def tray_tip(state: ProxyState) -> str:
    """Returns the tray icon's tool tip: one line, at most 120 characters."""
    line = tray_line(state)
    if state.active_requests:
        line += f", {state.active_requests} active"
    return f"Signalbox – {line[0].lower()}{line[1:]}".replace("\n", " ")[:120]


def address(state: ProxyState) -> str:
    """Returns host and port without the scheme."""
    return (state.url or "").removeprefix("http://") or "this computer"


def count(number: int, noun: str) -> str:
    """Returns `1 request`, `2 requests`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def clock_time(at: float) -> str:
    """Returns the local time of day, to the second."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def clock_time_ms(at: float) -> str:
    """Returns the local time of day, to the millisecond."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]


def day_time(at: float) -> str:
    """Returns the local month, day and time of day: `11-21 14:03`."""
    return datetime.fromtimestamp(at).astimezone().strftime("%m-%d %H:%M")


def full_time(at: float) -> str:
    """Returns local date and time."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def seconds(value: float | None) -> str:
    """Returns a duration: `340 ms`, `2.4 s`, `1 min 05 s`; nothing for None."""
    if value is None:
        return ""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def uptime(value: float) -> str:
    """Returns how long something has been up: `12 min`, `3 h 05 min`."""
    minutes = int(max(0.0, value) // 60)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def tokens(value: int) -> str:
    """Returns a token count: `940`, `12.4k`, `1.2M`."""
    if value < 10_000:
        return f"{value:,}"
    if value < 999_950:
        return f"{value / 1000:.1f}k"
    return f"{value / 1_000_000:.1f}M"


def cost(value: float | None) -> str:
    """Returns a price in dollars with the digits that matter; nothing for None."""
    if value is None:
        return ""
    if value == 0:
        return "$0"
    if value >= 0.995:
        return f"${value:.2f}"
    return f"${value:.3f}" if value >= 0.00995 else f"${value:.4f}"


def cost_words(kept: RequestRow, amount: str) -> str:
    """Returns what a request cost, and who says so; `amount` as it is written there."""
    if kept.cost_source == "unknown":
        return f"not known: nobody told a price; {amount} counts against budgets"
    if kept.outcome == "interrupted":
        return f"{amount} at most: what was set aside for it counts as spent"
    if kept.provider is None:
        return "none: no provider was asked"
    return f"{amount}, {_SAID_BY[kept.cost_source]}"


def money(value: float) -> str:
    """Returns a limit in dollars: `$0.50`, `$1,200.00`."""
    return f"${value:,.2f}"


def dialect_name(dialect: str) -> str:
    """Returns what the page calls a dialect."""
    return {
        "openai-chat": "OpenAI-compatible",
        "anthropic-messages": "Anthropic-compatible",
        "demo": "Demo",
    }.get(dialect, dialect)


_SHOWN_CONTROLS = frozenset("\n\t")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_HIDDEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_VARIATION_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def visible(text: str) -> str:
    r"""Returns text with each character that cannot be seen, or that turns text round, as `\u{202e}`."""
    return "".join(f"\\u{{{ord(c):x}}}" if _is_hidden(c) else c for c in text)


def _is_hidden(character: str) -> bool:
    if character == " " or character in _SHOWN_CONTROLS:
        return False
    if unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _HIDDEN_LETTERS:
        return True
    return any(ord(character) in selectors for selectors in _VARIATION_SELECTORS)


def byte_size(value: int) -> str:
    """Returns a size: `0 B`, `940 B`, `12.4 kB`, `1.2 MB`."""
    if value < 1_000:
        return f"{value} B"
    return f"{value / 1_000:.1f} kB" if value < 999_950 else f"{value / 1_000_000:.1f} MB"


def time_left(seconds_left: float) -> str:
    """Returns how long something still lasts: `1 min 40 s`, `12 s`, `0 s`."""
    minutes, rest = divmod(max(0, round(seconds_left)), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
