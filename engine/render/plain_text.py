"""The text part of an email, derived from its HTML."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_BLOCKS = frozenset(("p", "div", "table", "ul", "ol", "h1", "h2", "h3", "h4", "blockquote", "pre", "hr"))
_LINES = frozenset(("br", "li", "tr"))
_UNSEEN = frozenset(("head", "style", "title", "template"))
_INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200d\u2060\ufeff]")


def plain_text(html: str) -> str:
    """What `html` says: its paragraphs, `- ` or a number before items, `words (url)` for links."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.written).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


@dataclass
class _List:
    """A list that is being read; `number` is None in one without numbers."""

    number: int | None


@dataclass
class _Link:
    """A link that is being read, and where in the text it began."""

    url: str
    start: int


@dataclass
class _Reader(HTMLParser):
    """Writes down what a person would read."""

    written: list[str] = field(default_factory=list)
    lists: list[_List] = field(default_factory=list)
    links: list[_Link] = field(default_factory=list)
    unseen: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a paragraph, a line, an item or a link; a picture says what stands for it."""
        given = {name: value or "" for name, value in attrs}
        self.unseen += tag in _UNSEEN
        if tag in _BLOCKS and not (self.lists and tag in ("ul", "ol")):
            self._break("\n\n")
        elif tag in _LINES:
            self._break("\n")
        elif tag in ("td", "th"):
            self._write(" ")
        if tag in ("ul", "ol"):
            self.lists.append(_List(_start(given) if tag == "ol" else None))
        elif tag == "li":
            self._write(self._mark())
        elif tag == "a":
            self.links.append(_Link(given.get("href", ""), len(self.written)))
        elif tag == "img":
            self._write(given.get("alt", ""))

    def handle_endtag(self, tag: str) -> None:
        """End what began."""
        self.unseen -= tag in _UNSEEN and self.unseen > 0
        if tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        elif tag == "a" and self.links:
            self._end_link(self.links.pop())
        if tag in _BLOCKS and not self.lists:
            self._break("\n\n")

    def handle_data(self, data: str) -> None:
        """Words; line breaks of the source mean nothing."""
        self._write(re.sub(r"\s+", " ", _INVISIBLE.sub("", data)))

    def _mark(self) -> str:
        if not self.lists or self.lists[-1].number is None:
            return "- "
        number = self.lists[-1].number
        self.lists[-1].number = number + 1
        return f"{number}. "

    def _end_link(self, link: _Link) -> None:
        words = "".join(self.written[link.start :]).strip()
        address = re.sub(r"^(mailto|tel):", "", link.url)
        if address and address not in (words, f"https://{words}", f"http://{words}"):
            self._write(f" ({address})" if words else address)

    def _break(self, text: str) -> None:
        if not self.unseen:
            self.written.append(text)

    def _write(self, text: str) -> None:
        if text and not self.unseen:
            self.written.append(text)


def _start(given: dict[str, str]) -> int:
    text = given.get("start", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
