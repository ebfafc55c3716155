"""Colours and how well one reads on another."""

import pytest

from engine.colour import LEAST_CONTRAST, Rgb, as_hex, contrast, read_colour, readable_on


@pytest.mark.parametrize(
    ("text", "rgb"),
    [
        ("#0f5bd3", (15, 91, 211)),
        (" #FFF ", (255, 255, 255)),
        ("White", (255, 255, 255)),
        ("rgb(1, 2,3)", (1, 2, 3)),
        ("rgb(1, 2, 300)", None),
        ("#ff", None),
        ("#ggg", None),
        ("transparent", None),
        ("", None),
    ],
)
def test_read_colour_knows_the_usual_ways(text: str, rgb: Rgb | None) -> None:
    """Hexadecimal, rgb() and the basic names."""
    assert read_colour(text) == rgb


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.0),
        ("#fff", "#fff", 1.0),
    ],
)
def test_contrast_is_that_of_the_standard(one: str, other: str, ratio: float) -> None:
    """Values as published checkers give them, in either order."""
    front, back = read_colour(one), read_colour(other)
    assert front is not None
    assert back is not None
    assert contrast(front, back) == contrast(back, front) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (119, 119, 119), (255, 255, 0)])
def test_readable_on_is_readable(background: Rgb) -> None:
    """Whatever it stands on; a colour that can be read already is kept."""
    found = readable_on(background, background)
    assert contrast(found, background) >= LEAST_CONTRAST
    assert readable_on(found, background) == found
    assert read_colour(as_hex(found)) == found
