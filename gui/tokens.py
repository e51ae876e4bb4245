"""The design tokens: every colour, distance, radius and type size of the window, light and dark."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Colors:
    """One colour a role, as `#rrggbb`; each text role keeps 4.5:1 on the grounds it is used on."""

    window: str
    """The ground everything lies on."""
    surface: str
    """Cards, tables, inputs, menus."""
    hover: str
    """A row, button or entry under the pointer."""
    sidebar: str
    border: str
    """Hairlines between areas; decoration only."""
    control: str
    """Outline of what can be edited or pressed; 3:1 on its ground."""
    text: str
    muted: str
    """Secondary text: captions, hints, empty cells."""
    accent: str
    """The one action that matters, links and focus."""
    accent_hover: str
    on_accent: str
    accent_soft: str
    """The ground of what is selected."""
    on_accent_soft: str
    ok: str
    ok_soft: str
    warn: str
    warn_soft: str
    danger: str
    danger_soft: str
    code: str
    """The ground of monospaced text."""


LIGHT = Colors(
    window="#f5f6f8",
    surface="#ffffff",
    hover="#eef1f5",
    sidebar="#eaedf2",
    border="#dbe0e7",
    control="#868f9d",
    text="#161b22",
    muted="#57616e",
    accent="#2b59c9",
    accent_hover="#2149ab",
    on_accent="#ffffff",
    accent_soft="#e1e9fb",
    on_accent_soft="#1d419a",
    ok="#176a3a",
    ok_soft="#e0f2e7",
    warn="#825300",
    warn_soft="#fbf0d8",
    danger="#b0231b",
    danger_soft="#fce9e7",
    code="#f7f8fa",
)

DARK = Colors(
    window="#14171c",
    surface="#1b1f26",
    hover="#252b34",
    sidebar="#101318",
    border="#2c323c",
    control="#6f7988",
    text="#e7eaee",
    muted="#9fa9b6",
    accent="#8fb0ff",
    accent_hover="#abc4ff",
    on_accent="#0d1830",
    accent_soft="#243354",
    on_accent_soft="#cfdcff",
    ok="#62cf8b",
    ok_soft="#18321f",
    warn="#ecbb60",
    warn_soft="#372c14",
    danger="#ff938b",
    danger_soft="#3d1f1d",
    code="#15181d",
)

READABLE = (
    ("text", ("window", "surface", "hover", "sidebar", "accent_soft", "code")),
    ("muted", ("window", "surface", "hover", "sidebar", "code")),
    ("accent", ("window", "surface")),
    ("on_accent", ("accent", "accent_hover")),
    ("on_accent_soft", ("accent_soft",)),
    ("ok", ("surface", "window", "ok_soft")),
    ("warn", ("surface", "window", "warn_soft")),
    ("danger", ("surface", "window", "danger_soft", "hover")),
    ("text", ("ok_soft", "warn_soft", "danger_soft")),
)
"""Which role is written on which grounds; a test holds each pair to 4.5:1."""


@dataclass(frozen=True, slots=True)
class Space:
    """Distances in device-independent pixels, multiples of four."""

    xs: int = 4
    s: int = 8
    m: int = 12
    l: int = 16  # noqa: E741 - the t-shirt size between m and xl
    xl: int = 24


@dataclass(frozen=True, slots=True)
class Radius:
    """Corner radii in device-independent pixels."""

    control: int = 6
    card: int = 10
    pill: int = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """Type sizes as factors of the desktop's own font."""

    small: float = 0.92
    body: float = 1.0
    heading: float = 1.15
    title: float = 1.6


SPACE = Space()
RADIUS = Radius()
SCALE = Scale()


def contrast(first: str, second: str) -> float:
    """Returns the contrast ratio of two `#rrggbb` colours as WCAG 2 defines it, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def as_mapping(colors: Colors) -> dict[str, str]:
    """Returns the colours by role, for templates."""
    return {field.name: getattr(colors, field.name) for field in fields(colors)}
