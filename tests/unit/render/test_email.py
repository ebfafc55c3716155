"""Whole emails: parts, layout, links."""

from pathlib import Path
from typing import Any

import pytest

from engine.branding import Colours, Logo, Look
from engine.render.email import LAYOUT, compose_email, preheader_path, template_paths
from engine.render.templates import Renderer, RenderError

ROOT = Path(__file__).parents[3]
SUBJECT, HTML, TEXT = template_paths("hello")
FILES = {
    LAYOUT: (ROOT / LAYOUT).read_text(encoding="utf-8"),
    SUBJECT: "Hello {{ contact.name | default('there') }}",
    HTML: '<p>Hello {{ contact.name | default("there") }}</p><a class="button" href="https://x.example/?a=1&amp;b=2">Go</a>',
    TEXT: "Hello {{ contact.name | default('there') }}",
}
CONTEXT: dict[str, Any] = {
    "contact": {"name": "Ann <b>\r\nBcc: eve@x.example", "locale": "de_DE"},
    "brand": "Acme",
    "footer": "Acme Inc., Main Street",
    "unsubscribe_url": "https://acme.example/unsubscribe/token",
}


def test_compose_email_gives_three_parts() -> None:
    """Subject on one line, HTML escaped and styled, the written text with its footer."""
    email = compose_email(Renderer(FILES), "hello", CONTEXT)
    assert email.subject == "Hello Ann <b> Bcc: eve@x.example"
    turned = {**CONTEXT, "contact": {"name": "Ann\u202e\u2067 \u200fעל"}}
    assert compose_email(Renderer(FILES), "hello", turned).subject == "Hello Ann \u200fעל"
    assert "Ann &lt;b&gt;" in email.html
    assert email.text.startswith("Hello Ann <b>")
    assert "Unsubscribe: https://acme.example/unsubscribe/token" in email.text


def test_compose_email_puts_the_html_into_the_layout() -> None:
    """Language, inlined styles, footer, link, small screens and dark mode."""
    html = compose_email(Renderer(FILES), "hello", CONTEXT).html
    assert '<html lang="en" dir="ltr" ' in html
    assert '<p style="margin: 16px 0' in html
    assert "display: inline-block" in html.split("</head>")[1]
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 480px" in html
    assert "Acme Inc., Main Street" in html
    assert 'href="https://acme.example/unsubscribe/token"' in html


@pytest.mark.parametrize(
    ("contact", "language"),
    [
        (None, "en"),
        ({"locale": None}, "en"),
        ({"locale": "fr"}, "fr"),
        ({"locale": '"><script>'}, "en"),
        ({"locale": "he"}, "he"),
    ],
)
def test_compose_email_says_its_language(contact: Any, language: str) -> None:
    """The contact's, where it is one and the template goes by it; else that of the settings."""
    going_by = {**FILES, HTML: FILES[HTML] + "{% if contact.locale is defined %}{% endif %}"}
    html = compose_email(Renderer(going_by), "hello", {**CONTEXT, "contact": contact}).html
    assert f'<html lang="{language}" dir="{"rtl" if language == "he" else "ltr"}" ' in html
    for settled, direction in (("en", "ltr"), ("ar", "rtl")):
        look = Look(language=settled)
        html = compose_email(Renderer(FILES), "hello", {**CONTEXT, "contact": contact}, look).html
        assert f'<html lang="{settled}" dir="{direction}" ' in html


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        (SUBJECT, " {{ '' }} ", "is empty"),
        (TEXT, "", "is empty"),
        (HTML, "\n", "is empty"),
        (HTML, "<script>alert(1)</script>", "holds a <script>"),
        (HTML, "<form action='https://x.example'></form>", "holds a <form>"),
        (HTML, "<p onclick='x()'>x</p>", 'holds "onclick"'),
        (HTML, "<a href='javascript:alert(1)'>x</a>", 'links to "javascript:alert(1)"'),
        (HTML, "<a href='{{ contact.site }}'>x</a>", 'links to "data:text/html,x"'),
        (HTML, "<a href='/relative'>x</a>", 'links to "/relative"'),
        (HTML, "<a href=''>x</a>", 'links to ""'),
        (HTML, "<img src='x.png'>", 'links to "x.png"'),
    ],
)
def test_compose_email_refuses(path: str, source: str, message: str) -> None:
    """What nobody should get is found before it is queued."""
    context = {**CONTEXT, "contact": {"name": "Ann", "site": "data:text/html,x"}}
    with pytest.raises(RenderError) as caught:
        compose_email(Renderer({**FILES, path: source}), "hello", context)
    assert caught.value.place == f"{path}:1"
    assert message in caught.value.message


def test_compose_email_derives_the_text_where_none_is_written() -> None:
    """With the footer, the address and the link under it, as under a written one."""
    files = {path: text for path, text in FILES.items() if path != TEXT}
    email = compose_email(Renderer(files), "hello", CONTEXT, Look(address="1 Main Street"))
    with pytest.raises(RenderError, match="has no words to derive a text part from"):
        compose_email(Renderer({**files, HTML: "<img src='https://x.example/l.png'>"}), "hello", CONTEXT)
    assert email.text == (
        "Hello Ann <b> Bcc: eve@x.example\n\nGo (https://x.example/?a=1&b=2)\n\n-- \n"
        "Acme Inc., Main Street\n1 Main Street\nUnsubscribe: https://acme.example/unsubscribe/token\n"
    )


def test_compose_email_hides_its_preheader_in_the_page() -> None:
    """Mail programs show it beside the subject; the text part does not repeat it."""
    files = {**FILES, preheader_path("hello"): "For {{ contact.name }}\n"}
    email = compose_email(Renderer(files), "hello", CONTEXT)
    hidden = email.html.split("<body")[1].split("<table")[0]
    assert "For Ann &lt;b&gt; Bcc: eve@x.example" in hidden
    assert "display: none" in hidden
    assert "For Ann" not in email.text
    assert "preheader" not in compose_email(Renderer(FILES), "hello", CONTEXT).html.split("<body")[1]


def test_compose_email_wears_the_brand() -> None:
    """Colours, logo and address of the settings; the logo says its name while pictures are off."""
    look = Look(
        colours=Colours(accent="#7a1f5c"),
        logo=Logo(url="https://acme.example/l.png?a=1&b=2", alt='Acme "Inc."', width=120),
        address="1 Main Street <HQ>",
    )
    html = compose_email(Renderer(FILES), "hello", CONTEXT, look).html.split("<body")[1]
    assert 'src="https://acme.example/l.png?a=1&amp;b=2"' in html
    assert 'alt="Acme &quot;Inc.&quot;"' in html
    assert "1 Main Street &lt;HQ&gt;" in html
    assert "#7a1f5c" in html
    assert "#0f5bd3" not in html


def test_compose_email_draws_buttons() -> None:
    """A cell with a colour of its own, for programs that know no other; escaped, and checked as a link."""
    files = {**FILES, HTML: "<p>x</p>{{ contact.name | button('https://x.example/?a=1&b=2') }}"}
    html = compose_email(Renderer(files), "hello", CONTEXT).html
    cell, _, link = html.split('<td class="button"')[1].partition("<a")
    assert "background-color: #0f5bd3" in cell
    assert 'href="https://x.example/?a=1&amp;b=2"' in link
    assert "Ann &lt;b&gt;" in link
    text = {**FILES, TEXT: "{{ 'Open' | button('https://x.example/') }}"}
    assert compose_email(Renderer(text), "hello", CONTEXT).text.startswith("Open: https://x.example/\n")
    with pytest.raises(RenderError, match="links to"):
        compose_email(Renderer({**FILES, HTML: "{{ 'x' | button('javascript:x') }}"}), "hello", CONTEXT)


def test_compose_email_needs_its_layout() -> None:
    """A missing layout is named."""
    with pytest.raises(RenderError, match="_layout"):
        compose_email(Renderer({k: v for k, v in FILES.items() if k != LAYOUT}), "hello", CONTEXT)


def test_shipped_email_templates_compose() -> None:
    """Every shipped email renders for somebody of whom little is known."""
    files = {str(each.relative_to(ROOT)): each.read_text("utf-8") for each in ROOT.glob("templates/**/*.j2")}
    names = {each.parent.name for each in ROOT.glob("templates/emails/*/subject.txt.j2")}
    context = {
        **CONTEXT,
        "account": {"name": "Customer"},
        "subscription": {"usage": 80, "limit": 100, "plan": None},
        "csm": None,
    }
    assert names
    for name in names:
        assert compose_email(Renderer(files), name, context).subject


def test_shipped_templates_can_be_read() -> None:
    """No template of the repository has a mistake that shows without values."""
    files = {str(each.relative_to(ROOT)): each.read_text("utf-8") for each in ROOT.glob("templates/**/*.j2")}
    renderer = Renderer(files)
    assert [str(problem) for path in files if (problem := renderer.check(path))] == []
