"""Guidance is readable, and harmless whatever it holds."""

import re

import pytest

from engine.console.guidance import guidance
from tests.website_book import HOSTILE


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("One line\nthat goes on.", "<p>One line\nthat goes on.</p>"),
        ("- a\n- b\n  and more\n\nEnd", "<ul>\n<li>a</li>\n<li>b\nand more</li>\n</ul>\n<p>End</p>"),
        (
            "- [ ] call\n- [x] write",
            '<ul>\n<li class="check">☐ call</li>\n<li class="check">☑ write</li>\n</ul>',
        ),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
        ("## Why", "<h2>Why</h2>"),
        ("> Hi", "<blockquote>\n<p>Hi</p>\n</blockquote>"),
        ("**Ask** `why`", "<p><strong>Ask</strong> <code>why</code></p>"),
        ("https://a.example/?b&c", "<p>https://a.example/?b&amp;c</p>"),
        ("[click](javascript:alert(1))", "<p>[click](javascript:alert(1))</p>"),
        ("![x](http://a.example/x.png)", "<p>![x](http://a.example/x.png)</p>"),
        ("<https://a.example>", "<p>&lt;https://a.example&gt;</p>"),
        ("**<b onclick=x>**", "<p><strong>&lt;b onclick=x&gt;</strong></p>"),
        ("`</code><script>`", "<p><code>&lt;/code&gt;&lt;script&gt;</code></p>"),
    ],
)
def test_guidance_reads_markdown(text: str, html: str) -> None:
    """Marks become tags, everything else is text."""
    assert guidance(text).strip() == html


def test_guidance_reads_tables_without_styles() -> None:
    """Styles inside a page are forbidden there."""
    html = guidance("| a | b |\n|---|:-:|\n| 1 | <i> |")
    assert "<td>&lt;i&gt;</td>" in html
    assert "style" not in html


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "- {}",
        "- [ ] {}",
        "# {}",
        "**{}**",
        "`{}`",
        "> {}",
        "    {}",
        "```{}\n{}\n```",
        "| a |\n|---|\n| {} |",
    ],
)
def test_guidance_obeys_nothing_hostile(form: str) -> None:
    """In any kind of block, only the tags of Markdown come out."""
    html = guidance(form.replace("{}", HOSTILE))
    tags = set(re.findall(r"<\s*([a-zA-Z0-9]+)", html))
    assert tags <= {
        "p",
        "ul",
        "li",
        "h1",
        "strong",
        "code",
        "pre",
        "blockquote",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
