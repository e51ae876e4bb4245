"""The tab that says how careful Signalbox is: mode, policy, sandbox, limits and what is always protected."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import permission_words as words
from gui import wording
from gui.pages.page import Room
from gui.permission_desk import SafetyView
from gui.tokens import SPACE
from gui.widgets.cards import Card
from gui.widgets.facts import Fact, Facts
from gui.widgets.text import label

_POLICIES = {
    "claude-code": "claude-code: decides as Claude Code itself does, but never less safely than our floor",
    "strict": "strict: outside the workspace is denied, every redirect asks, no command is harmless",
}
_APPROVALS = {
    "wait": "wait: a call that asks waits here for your word, and is denied when the time is up",
    "deny": "deny: a call that would ask is denied at once, nobody is there to answer",
}
_SANDBOX = {
    "auto": "auto: commands run in a sandbox where one is found",
    "off": "off: commands run without a sandbox",
    "required": "required: without a sandbox no command runs",
}
_NOT_HELD = ("none", "There is no sandbox", "The sandbox is switched off", "No command runs")
_NOT_KNOWN_YET = "Which sandbox"


class SafetyTab(QWidget):
    """Facts only; they are changed elsewhere."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        self.setAccessibleName("Safety")
        self.facts = Facts("Safety facts", title_width=150)
        card = Card("How careful Signalbox is")
        card.body.addWidget(self.facts, 1)
        card.body.addWidget(
            label(
                "The mode is chosen above, how often requests may be repeated on Home; the rest stands in "
                "the settings file under permissions, approvals and tools.",
                kind="caption",
                wraps=True,
            )
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE.m, 0, 0)
        layout.addWidget(card, 1)
        room.bridge.permissions_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows what holds now."""
        self.facts.show_facts(safety_facts(self._room.desk.safety()))


def safety_facts(safety: SafetyView) -> list[Fact]:
    """Returns the facts in reading order."""
    lines: list[Fact] = []
    if safety.broken is not None:
        lines.append(("Rules", f"{safety.broken} Until then every call asks.", "danger"))
    is_bypass = safety.mode == words.BYPASS
    mode = f"{words.mode_title(safety.mode)}: {words.mode_meaning(safety.mode)}"
    lines += [
        ("Mode", mode, "danger" if is_bypass else ""),
        ("Policy", _POLICIES.get(safety.policy, safety.policy), ""),
        ("Questions", _APPROVALS.get(safety.approvals, safety.approvals), ""),
        ("Repeated requests", words.repeats_words(safety), ""),
        ("Sandbox", _SANDBOX.get(safety.sandbox, safety.sandbox), ""),
        ("Sandbox found", safety.sandbox_found, _sandbox_tone(safety.sandbox_found)),
        ("Commands end after", wording.seconds(safety.shell_timeout_s), ""),
        ("Changing always asks", ",  ".join(safety.protected) or "nothing", ""),
        ("Removing always asks", ",  ".join(safety.critical) or "nothing", ""),
    ]
    return lines


def _sandbox_tone(found: str) -> str:
    """Returns the tone of what was found: a warning wherever commands may run unheld, or not at all."""
    if found.startswith(_NOT_HELD):
        return "warn"
    return "" if found.startswith(_NOT_KNOWN_YET) else "ok"
