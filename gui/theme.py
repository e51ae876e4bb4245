"""The theme: follows the desktop or the user's choice, and dresses the application in the design tokens."""

from __future__ import annotations

import sys
from typing import cast

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFontDatabase, QFontMetrics, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from gui.stylesheet import stylesheet
from gui.tokens import DARK, LIGHT, Colors

_TEN_DIGITS = "0123456789"
_WIDTH_OF_TEN_DIGITS = 78
"""In the font that sizes in pixels are given for."""
SETTINGS = ("system", "light", "dark")
_SCHEMES = {
    "system": Qt.ColorScheme.Unknown,
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
}


class Theme(QObject):
    """Owns the application's palette and style sheet; `changed` says that colours are new."""

    changed = Signal()

    def __init__(self, app: QApplication, setting: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._setting = setting if setting in SETTINGS else "system"
        self._colors = LIGHT
        self.drawn: dict[tuple[str, str, str | None], QIcon] = {}
        """Icons in the colours of now, by name and roles: one drawing for all buttons that show it."""
        if sys.platform.startswith("linux"):
            app.setStyle("Fusion")
        self._hints = app.styleHints()
        self._hints.setColorScheme(_SCHEMES[self._setting])
        self._dress()
        self._hints.colorSchemeChanged.connect(self._on_scheme_changed)

    @property
    def colors(self) -> Colors:
        """The colours in use."""
        return self._colors

    @property
    def setting(self) -> str:
        """What the user chose: `system`, `light` or `dark`."""
        return self._setting

    @property
    def is_dark(self) -> bool:
        """The dark colours are in use."""
        return self._colors is DARK

    @property
    def scale(self) -> float:
        """How much larger the desktop's font is than the one that sizes in pixels are given for."""
        digits = QFontMetrics(self._app.font()).horizontalAdvance(_TEN_DIGITS)
        return max(1.0, digits / _WIDTH_OF_TEN_DIGITS)

    def px(self, size: int) -> int:
        """Returns a size that grows with the desktop's font, as text and what stands beside it do."""
        return round(size * self.scale)

    def color(self, role: str) -> QColor:
        """Returns the colour of a role, such as `accent`."""
        return QColor(cast("str", getattr(self._colors, role)))

    def choose(self, setting: str) -> None:
        """Takes the user's choice; an unknown word counts as `system`."""
        setting = setting if setting in SETTINGS else "system"
        if setting == self._setting:
            return
        self._setting = setting
        self._hints.setColorScheme(_SCHEMES[setting])
        self._on_scheme_changed()

    def _on_scheme_changed(self) -> None:
        if self._wanted() is not self._colors:
            self._dress()
            self.changed.emit()

    def _wanted(self) -> Colors:
        if self._setting != "system":
            return DARK if self._setting == "dark" else LIGHT
        return DARK if self._hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT

    def _dress(self) -> None:
        self._colors = self._wanted()
        self.drawn.clear()
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        size = self._app.font().pointSizeF()
        sheet = stylesheet(
            self._colors,
            font_pt=size if size > 0 else 10.0,
            mono_family=fixed.family(),
            line_px=QFontMetrics(self._app.font()).height(),
            scale=self.scale,
        )
        self._app.setPalette(palette(self._colors))
        self._app.setStyleSheet(sheet)


def palette(colors: Colors) -> QPalette:
    """Returns the tokens as a QPalette, for what the style draws without the style sheet."""
    role = QPalette.ColorRole
    result = QPalette()
    for which, color in (
        (role.Window, colors.window),
        (role.WindowText, colors.text),
        (role.Base, colors.surface),
        (role.AlternateBase, colors.hover),
        (role.Text, colors.text),
        (role.Button, colors.surface),
        (role.ButtonText, colors.text),
        (role.BrightText, colors.danger),
        (role.Highlight, colors.accent),
        (role.HighlightedText, colors.on_accent),
        (role.Accent, colors.accent),
        (role.Link, colors.accent),
        (role.LinkVisited, colors.accent),
        (role.ToolTipBase, colors.surface),
        (role.ToolTipText, colors.text),
        (role.PlaceholderText, colors.muted),
        (role.Light, colors.hover),
        (role.Midlight, colors.border),
        (role.Mid, colors.control),
        (role.Dark, colors.control),
        (role.Shadow, colors.border),
    ):
        result.setColor(which, QColor(color))
    for which in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, which, QColor(colors.muted))
    return result
