"""The icons: our own drawings, coloured from the theme and re-coloured when it changes."""

from __future__ import annotations

import sys
from functools import lru_cache

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton

from gui.theme import Theme
from resources import read_text

TRAY_SIZES = (16, 22, 24, 32, 48)
"""What tray hosts ask for; each is drawn from the vector, never scaled from another."""
_SIZES = (16, 20, 24, 32, 40, 48)
_APP_SIZES = (16, 24, 32, 48, 64, 128, 256)


@lru_cache(maxsize=128)
def _svg(name: str) -> str:
    return read_text(f"icons/{name}.svg")


def pixmap(name: str, color: QColor, size: int, ratio: float = 1.0) -> QPixmap:
    """Draws an icon.

    Args:
        name: Its path below resources/icons, without `.svg`.
        color: What `currentColor` stands for.
        size: Edge in device-independent pixels.
        ratio: Device pixels per device-independent pixel.
    """
    return _render(_drawing(name, color), size, ratio)


def _drawing(name: str, color: QColor) -> QSvgRenderer:
    source = _svg(name).replace("currentColor", color.name())
    return QSvgRenderer(QByteArray(source.encode()))


def _render(drawing: QSvgRenderer, size: int, ratio: float = 1.0) -> QPixmap:
    image = QPixmap(round(size * ratio), round(size * ratio))
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    drawing.render(painter, QRectF(0, 0, image.width(), image.height()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def icon(name: str, theme: Theme, role: str = "text", on_role: str | None = None) -> QIcon:
    """Returns an icon in the colour of a role, muted while disabled, and in `on_role` while checked."""
    key = name, role, on_role
    if key not in theme.drawn:
        theme.drawn[key] = _draw(name, theme, role, on_role)
    return theme.drawn[key]


def _draw(name: str, theme: Theme, role: str, on_role: str | None) -> QIcon:
    result = QIcon()
    normal, muted = _drawing(name, theme.color(role)), _drawing(name, theme.color("muted"))
    checked = None if on_role is None else _drawing(name, theme.color(on_role))
    for size in _SIZES:
        result.addPixmap(_render(normal, size), QIcon.Mode.Normal, QIcon.State.Off)
        result.addPixmap(_render(muted, size), QIcon.Mode.Disabled, QIcon.State.Off)
        if checked is not None:
            result.addPixmap(_render(checked, size), QIcon.Mode.Normal, QIcon.State.On)
    return result


def tray_icon(state: str, color: QColor, halo: QColor) -> QIcon:
    """Returns the icon for `stopped`, `starting`, `running`, `waiting` or `problem`: the shape says which.

    On macOS it is a template that the menu bar colours itself. Elsewhere nobody tells us whether the
    panel is light or dark, so the shape gets an edge in the `halo` colour and stands out on both.
    """
    result = QIcon()
    is_template = sys.platform == "darwin"
    for size in TRAY_SIZES:
        name = f"tray/{state}"
        result.addPixmap(pixmap(name, color, size) if is_template else _edged(name, color, halo, size))
    result.setIsMask(is_template)
    return result


def _edged(name: str, color: QColor, halo: QColor, size: int) -> QPixmap:
    edge = max(1, round(size / 22))
    inner = size - 2 * edge
    shape, around = pixmap(name, color, inner), pixmap(name, halo, inner)
    image = QPixmap(size, size)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    for right in range(2 * edge + 1):
        for down in range(2 * edge + 1):
            painter.drawPixmap(right, down, around)
    painter.drawPixmap(edge, edge, shape)
    painter.end()
    return image


def app_icon() -> QIcon:
    """Returns the program's own icon."""
    result = QIcon()
    drawing = _drawing("app/signalbox", QColor(0, 0, 0))
    for size in _APP_SIZES:
        result.addPixmap(_render(drawing, size))
    return result


def set_icon(
    target: QAbstractButton | QAction,
    name: str,
    theme: Theme,
    *,
    role: str = "text",
    on_role: str | None = None,
    size: int = 16,
) -> None:
    """Gives a button or action an icon that follows the theme; a second call replaces the first."""
    if isinstance(target, QAbstractButton):
        target.setIconSize(QSize(theme.px(size), theme.px(size)))
    for old in target.findChildren(_Binding, options=Qt.FindChildOption.FindDirectChildrenOnly):
        if old.shows(name, role, on_role):
            return
        old.setParent(None)
        old.deleteLater()
    _Binding(target, name, theme, role, on_role)


class _Binding(QObject):
    """Keeps one target's icon in the theme's colours; lives and dies with the target."""

    def __init__(
        self, target: QAbstractButton | QAction, name: str, theme: Theme, role: str, on_role: str | None
    ) -> None:
        super().__init__(target)
        self._target, self._name, self._theme = target, name, theme
        self._role, self._on_role = role, on_role
        theme.changed.connect(self._draw)
        self._draw()

    def shows(self, name: str, role: str, on_role: str | None) -> bool:
        """Says whether this is the icon already."""
        return (name, role, on_role) == (self._name, self._role, self._on_role)

    def _draw(self) -> None:
        self._target.setIcon(icon(self._name, self._theme, self._role, self._on_role))
