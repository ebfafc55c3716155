"""What is unwise in an email."""

import pytest

from engine.render.flaws import CLIPPED_AT, html_flaws, subject_flaws


def messages(html: str) -> list[str]:
    """What is found in a page with this body."""
    return [flaw.message for flaw in html_flaws(f'<html lang="en"><body>{html}</body></html>')]


@pytest.mark.parametrize(
    ("html", "message"),
    [
        (
            "<img src='https://x.example/logo.png'>",
            'the picture "https://x.example/logo.png" has no alt text',
        ),
        ("<a href='https://x.example'>Click here</a>", 'the link "Click here" does not say where it leads'),
        ("<a href='https://x.example'>here »</a>", 'the link "here »" does not say where it leads'),
        ("<a href='https://x.example'><b> </b></a>", "a link has no words to click on"),
        ("<a href='https://x.example'><img src='x' alt=''></a>", "a link has no words to click on"),
        (
            "<p style='color: #999; background-color: white'>Pale</p>",
            '"Pale" can hardly be read: #999999 on #ffffff has a contrast of 2.8 to 1, and needs 4.5',
        ),
        (
            "<td bgcolor='#fff'><p style='COLOR: rgb(200, 200, 0) !important; font-size: 30px'>Big</p></td>",
            "has a contrast of 1.8 to 1, and needs 3",
        ),
        ("<p>" + "x" * CLIPPED_AT + "</p>", "the HTML has 102 kB; Gmail cuts it at 102 kB"),
    ],
)
def test_html_flaws_finds(html: str, message: str) -> None:
    """One of each, with the mend."""
    (found,) = messages(html)
    assert message in found


@pytest.mark.parametrize(
    "html",
    [
        "<img src='x' alt=''><img src='x' alt='A chart'>",
        "<a href='https://x.example'>Your report</a><a name='x'></a>",
        "<a href='https://x.example'><img src='x' alt='Acme'></a>",
        "<p style='color: #999'>on what nobody knows</p>",
        "<p style='background-color: #000'>in a colour nobody knows</p>",
        "<div style='display: none; color: #fff; background: #fff'>hidden</div>",
        "<p style='color: #767676; background-color: #fff'>just enough</p>",
        "<p style='color: #888; background-color: #fff; font-size: 24px'>large</p>",
        "<p style='color: #fff; background-color: #fff'>\n</p>",
        "<p style='color: linear-gradient(red, blue); background: url(x)'>x</p></p></div>",
    ],
)
def test_html_flaws_leaves_the_rest_alone(html: str) -> None:
    """What is fine, hidden, or cannot be computed."""
    assert messages(html) == []


def test_html_flaws_wants_a_language() -> None:
    """Screen readers pronounce by it."""
    (flaw,) = html_flaws("<html><body>x</body></html>")
    assert flaw.message == 'the page says no language; write <html lang="{{ language }}">'


@pytest.mark.parametrize(("length", "found"), [(60, 0), (61, 1), (78, 1), (79, 1)])
def test_subject_flaws_says_where_it_is_cut(length: int, found: int) -> None:
    """On phones first, then everywhere."""
    flaws = list(subject_flaws("x" * length))
    assert len(flaws) == found
    assert all(str(length) in flaw.message for flaw in flaws)
