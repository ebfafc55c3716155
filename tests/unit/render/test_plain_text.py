"""The text that is derived from HTML."""

import pytest

from engine.render.plain_text import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hi   Ann,\n you</p><p>Bye<br>Team</p>", "Hi Ann, you\n\nBye\nTeam"),
        ("<ul><li>One</li>\n<li>Two</li></ul><p>After</p>", "- One\n- Two\n\nAfter"),
        ("<ol start='3'><li>One<li>Two</ol>", "3. One\n4. Two"),
        ("<ul><li>One<ol><li>Inner</li></ol></li><li>Two</li></ul>", "- One\n1. Inner\n- Two"),
        ("<a href='https://x.example/a'>Your report</a>.", "Your report (https://x.example/a)."),
        ("<a href='https://x.example'>x.example</a>", "x.example"),
        ("<a href='mailto:ann@x.example'>ann@x.example</a>", "ann@x.example"),
        ("<a href='mailto:ann@x.example'>Ann</a>", "Ann (ann@x.example)"),
        ("<a href='https://x.example'><img src='l.png' alt='Acme'></a>", "Acme (https://x.example)"),
        ("<a href='https://x.example/'></a>", "https://x.example/"),
        (
            "<table><tr><td>Seats</td><td>9</td></tr><tr><td>Plan</td><td>B</td></tr></table>",
            "Seats 9\nPlan B",
        ),
        ("<head><title>T</title><style>p {}</style></head><h1>Head</h1>Words", "Head\n\nWords"),
        ("1 &lt; 2 &amp;&nbsp;3&#847;&zwnj;", "1 < 2 & 3"),
        ("<b>bold</b> <i>it</i></p></a></ul>", "bold it"),
        ("<style>unclosed <p>x", ""),
        ("", ""),
    ],
)
def test_plain_text_reads_as_a_person_would(html: str, text: str) -> None:
    """Paragraphs, lists, links and pictures; what is invisible is left out, and bad HTML does no harm."""
    assert plain_text(html) == text
