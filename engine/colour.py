"""Colours as web pages write them, and how well one reads on another (WCAG 2.1, success criterion 1.4.3)."""

import re

Rgb = tuple[int, int, int]

LEAST_CONTRAST = 4.5
"""What text of ordinary size needs against its background: WCAG 2.1, level AA."""

_HEX = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)")
_NAMED: dict[str, Rgb] = {
    "black": (0, 0, 0),
    "silver": (192, 192, 192),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
    "maroon": (128, 0, 0),
    "red": (255, 0, 0),
    "purple": (128, 0, 128),
    "fuchsia": (255, 0, 255),
    "green": (0, 128, 0),
    "lime": (0, 255, 0),
    "olive": (128, 128, 0),
    "yellow": (255, 255, 0),
    "navy": (0, 0, 128),
    "blue": (0, 0, 255),
    "teal": (0, 128, 128),
    "aqua": (0, 255, 255),
    "orange": (255, 165, 0),
}


def read_colour(text: str) -> Rgb | None:
    """Red, green and blue, each 0 to 255, of `#0f5bd3`, `#fff`, `rgb(…)` or a basic name; None for others."""
    words = text.strip().lower()
    if words in _NAMED:
        return _NAMED[words]
    found = _RGB.fullmatch(words)
    if found:
        red, green, blue = (int(each) for each in found.groups())
        return (red, green, blue) if max(red, green, blue) <= 255 else None
    if not _HEX.fullmatch(words):
        return None
    digits = words[1:] if len(words) == 7 else "".join(each * 2 for each in words[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of two colours, from 1 to 21: WCAG 2.1, "contrast ratio"."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable_on(colour: Rgb, background: Rgb) -> Rgb:
    """The colour nearest to `colour`, darker or lighter, that text can have on `background`."""
    ends: tuple[Rgb, Rgb] = ((0, 0, 0), (255, 255, 255))
    end = max(ends, key=lambda each: contrast(each, background))
    for part in range(101):
        mixed = _mixed(colour, end, part / 100)
        if contrast(mixed, background) >= LEAST_CONTRAST:
            return mixed
    return end


def as_hex(colour: Rgb) -> str:
    """`#0f5bd3`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _mixed(one: Rgb, other: Rgb, part: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(colour: Rgb) -> float:
    """WCAG 2.1, "relative luminance"."""
    red, green, blue = (_linear(each / 255) for each in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
