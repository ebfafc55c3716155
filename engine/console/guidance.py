"""A task's guidance, written as Markdown, as HTML that can do no harm.

Headings, lists, check lists, quotes, tables, bold and code. HTML, links and images do not pass:
addresses stay text.
"""

import re

from markdown_it import MarkdownIt
from markupsafe import Markup

_LEFT_OUT = ["image", "link", "autolink", "html_inline", "html_block", "reference"]
_MARKDOWN = MarkdownIt("js-default", {"html": False, "linkify": False}).enable("table").disable(_LEFT_OUT)

# Text cannot contain these: its angle brackets and quotation marks are escaped.
_UNCHECKED = re.compile(r"<li>(\n?<p>)?\[ \] ")
_CHECKED = re.compile(r"<li>(\n?<p>)?\[[xX]\] ")
_ALIGNMENT = re.compile(r' style="text-align:\w+"')


def guidance(text: str) -> Markup:
    """The guidance as safe HTML."""
    html = _MARKDOWN.render(text)
    html = _UNCHECKED.sub(r'<li class="check">\1☐ ', html)
    html = _CHECKED.sub(r'<li class="check">\1☑ ', html)
    return Markup(_ALIGNMENT.sub("", html))
