"""The one style sheet: a template over the design tokens, so that no widget names a colour of its own."""

from __future__ import annotations

from string import Template

from gui.tokens import RADIUS, SCALE, SPACE, Colors, as_mapping

_TEMPLATE = Template("""
* { outline: none; }
QMainWindow, QDialog, QWidget[kind="window"] { background: $window; }
QWidget { color: $text; }
QLabel { background: transparent; }
QToolTip { background: $surface; color: $text; border: 1px solid $border; padding: 4px 6px; }

QLabel[kind="title"] { font-size: ${title_pt}pt; font-weight: 600; }
QLabel[kind="heading"] { font-size: ${heading_pt}pt; font-weight: 600; }
QLabel[kind="caption"] { font-size: ${small_pt}pt; color: $muted; }
QLabel[kind="muted"] { color: $muted; }
QLabel[kind="strong"] { font-weight: 600; }
QLabel[kind="group"] {
  font-size: ${small_pt}pt; font-weight: 600; color: $muted; padding: 2px 10px 3px 12px;
}
QLabel[kind="answer"] { font-size: ${title_pt}pt; font-weight: 600; }
QLabel[tone="muted"] { color: $muted; }
QLabel[kind="mono"], QLineEdit[kind="mono"] { font-family: $mono; }
QLabel[tone="ok"] { color: $ok; }
QLabel[tone="warn"] { color: $warn; }
QLabel[tone="danger"] { color: $danger; }

QFrame[kind="card"] { background: $surface; border: 1px solid $border; border-radius: ${card_r}px; }
QFrame[kind="well"] { background: $code; border: 1px solid $border; border-radius: ${control_r}px; }
QFrame[kind="rule"] { background: $border; border: none; max-height: 1px; min-height: 1px; }
QFrame[kind="header"] { background: $surface; border: none; border-bottom: 1px solid $border; }
QFrame[kind="sidebar"] { background: $sidebar; border: none; border-right: 1px solid $border; }

QFrame[kind="banner"], QFrame[kind="chip"] {
  border-radius: ${control_r}px; border: 1px solid $border; background: $surface;
}
QFrame[kind="chip"] { border-radius: ${pill_r}px; }
QFrame[kind="banner"][tone="info"], QFrame[kind="chip"][tone="info"] {
  background: $accent_soft; border-color: $accent_soft;
}
QFrame[kind="banner"][tone="ok"], QFrame[kind="chip"][tone="ok"] {
  background: $ok_soft; border-color: $ok_soft;
}
QFrame[kind="banner"][tone="warn"], QFrame[kind="chip"][tone="warn"] {
  background: $warn_soft; border-color: $warn_soft;
}
QFrame[kind="banner"][tone="danger"], QFrame[kind="chip"][tone="danger"] {
  background: $danger_soft; border-color: $danger_soft;
}
QFrame[kind="chip"][tone="neutral"] { background: $hover; border-color: $border; }
QFrame[kind="chip"] QLabel { font-weight: 600; }
QFrame[kind="banner"][place="top"] { margin-top: ${space}px; }

QPushButton {
  background: $surface; color: $text; border: 1px solid $control; border-radius: ${control_r}px;
  padding: 5px 12px; min-height: ${button_px}px;
}
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $border; }
QPushButton[ring="true"] { border: 2px solid $accent; padding: 4px 11px; }
QPushButton:disabled { color: $muted; border-color: $border; background: $window; }
QPushButton[kind="primary"] {
  background: $accent; color: $on_accent; border-color: $accent; font-weight: 600;
}
QPushButton[kind="primary"]:hover, QPushButton[kind="primary"]:pressed {
  background: $accent_hover; border-color: $accent_hover;
}
QPushButton[kind="primary"][ring="true"] { border: 2px solid $text; }
QPushButton[kind="primary"]:disabled { background: $hover; color: $muted; border-color: $border; }
QPushButton[kind="danger"] { color: $danger; }
QPushButton[kind="danger"]:disabled { color: $muted; }
QPushButton[kind="alert"] {
  border-radius: ${pill_r}px; padding: 3px 12px; font-weight: 600; background: $accent_soft;
  color: $on_accent_soft; border-color: $accent;
}
QPushButton[kind="alert"][ring="true"] { padding: 2px 11px; }
QPushButton[kind="flat"] {
  background: transparent; border: 1px solid transparent; color: $text; padding: 5px 8px;
}
QPushButton[kind="flat"]:hover { background: $hover; }
QPushButton[kind="flat"][ring="true"] { border: 2px solid $accent; padding: 4px 7px; }
QPushButton[kind="flat"]:disabled { color: $muted; }
QPushButton[kind="link"] {
  background: transparent; border: none; color: $accent; padding: 2px 2px; text-align: left;
}
QPushButton[kind="link"]:hover { text-decoration: underline; }
QPushButton[kind="link"][ring="true"] { border: 2px solid $accent; border-radius: 4px; padding: 0px; }
QPushButton[kind="toggle"] { border-radius: ${pill_r}px; padding: 3px 12px; font-weight: 600; }
QPushButton[kind="toggle"][ring="true"] { padding: 2px 11px; }
QPushButton[kind="toggle"]:checked {
  background: $accent_soft; color: $on_accent_soft; border-color: $accent;
}
QPushButton[kind="chip"] {
  border-radius: ${pill_r}px; padding: 3px 12px; font-weight: 600; background: $warn_soft; color: $warn;
  border-color: $warn;
}
QPushButton[kind="chip"][ring="true"] { padding: 2px 11px; }
QPushButton::menu-indicator { image: none; width: 0px; }

QPushButton[kind="nav"] {
  background: transparent; border: 2px solid transparent; border-radius: ${control_r}px; text-align: left;
  padding: 6px 10px; color: $muted; font-weight: 500;
}
QPushButton[kind="nav"]:hover { background: $hover; color: $text; }
QPushButton[kind="nav"]:checked { background: $accent_soft; color: $on_accent_soft; font-weight: 600; }
QPushButton[kind="nav"][ring="true"] { border-color: $accent; }

QLineEdit, QComboBox, QPlainTextEdit[kind="input"] {
  background: $surface; color: $text; border: 1px solid $control; border-radius: ${control_r}px;
  padding: 4px 8px; min-height: ${field_px}px;
  selection-background-color: $accent; selection-color: $on_accent;
}
QLineEdit:focus, QComboBox:focus, QPlainTextEdit[kind="input"]:focus {
  border: 2px solid $accent; padding: 3px 7px;
}
QLineEdit:disabled, QComboBox:disabled { background: $window; color: $muted; border-color: $border; }
QLineEdit[wrong="true"] { border: 2px solid $danger; padding: 3px 7px; }
QLineEdit, QPlainTextEdit { placeholder-text-color: $muted; }
QComboBox { padding-left: 10px; padding-right: ${beside_arrow_px}px; }
QComboBox:focus { padding-left: 9px; padding-right: ${beside_arrow_focused_px}px; }
QComboBox::drop-down { border: none; width: ${arrow_px}px; }
QComboBox::down-arrow { image: none; }
QComboBox QAbstractItemView {
  background: $surface; border: 1px solid $border; padding: 4px; selection-background-color: $accent_soft;
  selection-color: $on_accent_soft;
}
QPlainTextEdit { background: $code; color: $text; border: 1px solid $border; border-radius: ${control_r}px;
  selection-background-color: $accent; selection-color: $on_accent; padding: 4px; }
QPlainTextEdit:focus { border: 2px solid $accent; padding: 3px; }
QPlainTextEdit[kind="input"] { background: $surface; }

QTableView, QTreeView {
  background: $surface; alternate-background-color: $surface; border: 1px solid $border; padding: 1px;
  border-radius: ${control_r}px;
  gridline-color: transparent; selection-background-color: $accent_soft; selection-color: $on_accent_soft;
}
QTableView:focus, QTreeView:focus { border: 2px solid $accent; padding: 0px; }
QTreeView { show-decoration-selected: 1; }
QTableView::item, QTreeView::item { border: none; border-bottom: 1px solid $hover; padding: 0px 4px; }
QTreeView::item { min-height: ${row_px}px; }
QTableView::item:hover, QTreeView::item:hover { background: $hover; }
QTableView::item:selected, QTreeView::item:selected { background: $accent_soft; color: $on_accent_soft; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section {
  background: $surface; color: $muted; border: none; border-bottom: 1px solid $border;
  padding: 6px 4px 6px 7px; font-size: ${small_pt}pt;
  font-weight: 600;
}
QTableCornerButton::section { background: $surface; border: none; }

QCheckBox { background: transparent; spacing: 8px; padding: 3px 2px; border: 1px solid transparent; }
QCheckBox:focus { border: 1px solid $accent; border-radius: 4px; }
QCheckBox:disabled { color: $muted; }
QCheckBox::indicator, QTreeView::indicator {
  width: ${tick_px}px; height: ${tick_px}px; border: 1px solid $control; border-radius: 4px;
  background: $surface;
}
QCheckBox::indicator:checked, QTreeView::indicator:checked, QTreeView::indicator:indeterminate {
  background: $accent; border-color: $accent;
}
QCheckBox::indicator:disabled { background: $window; border-color: $border; }

QTabWidget::pane { border: none; border-top: 1px solid $border; }
QTabWidget::tab-bar { left: 0px; }
QTabBar { background: transparent; }
QTabBar::tab {
  background: transparent; color: $muted; padding: 7px 12px; border: 2px solid transparent;
  border-bottom: 2px solid transparent;
}
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $accent; border-bottom: 2px solid $accent; font-weight: 600; }
QTabBar::tab:focus { border: 2px solid $accent; border-radius: 4px; }

QMenuBar { background: $surface; border-bottom: 1px solid $border; padding: 2px 6px; }
QMenuBar::item { background: transparent; padding: 4px 9px; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $surface; border: 1px solid $border; padding: 5px; }
QMenu::item { padding: 6px 28px 6px 26px; border-radius: 4px; color: $text; }
QMenu::item:selected { background: $accent_soft; color: $on_accent_soft; }
QMenu::item:disabled { color: $muted; background: transparent; }
QMenu::separator { height: 1px; background: $border; margin: 5px 6px; }
QMenu::icon { padding-left: 6px; }
QMenu::indicator { left: 6px; width: 14px; height: 14px; }

QStatusBar { background: $surface; border-top: 1px solid $border; color: $muted; }
QStatusBar QLabel { color: $muted; font-size: ${small_pt}pt; padding: 1px 4px; }
QStatusBar::item { border: none; }
QSplitter::handle { background: transparent; }
QSplitter::handle:hover { background: $border; }
QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget[kind="page"] { background: transparent; }

QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 2px; }
QScrollBar::handle { background: $control; border-radius: 3px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0px; height: 0px; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def stylesheet(colors: Colors, *, font_pt: float, mono_family: str, line_px: int, scale: float) -> str:
    """Returns the style sheet for these colours.

    Args:
        colors: The palette, light or dark.
        font_pt: Size of the desktop's own font in points; every other size is a factor of it.
        mono_family: Name of the desktop's fixed-width font.
        line_px: Height of a line in the desktop's own font: what a style sheet calls the least height of a
            button or field is what Qt squeezes it to, whatever its text needs.
        scale: How much larger that font is than the one that sizes in pixels are given for.
    """
    return _TEMPLATE.substitute(
        as_mapping(colors),
        small_pt=f"{font_pt * SCALE.small:.2f}",
        heading_pt=f"{font_pt * SCALE.heading:.2f}",
        title_pt=f"{font_pt * SCALE.title:.2f}",
        mono=f'"{mono_family}"',
        control_r=RADIUS.control,
        card_r=RADIUS.card,
        pill_r=RADIUS.pill,
        space=SPACE.m,
        button_px=max(18, line_px),
        field_px=max(20, line_px),
        row_px=max(29, line_px + 11),
        tick_px=round(15 * scale),
        arrow_px=round(24 * scale),
        beside_arrow_px=round(24 * scale) + 2,
        beside_arrow_focused_px=round(24 * scale) + 1,
    )
