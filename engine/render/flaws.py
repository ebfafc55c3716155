"""What is unwise in an email that could be sent all the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from engine.colour import LEAST_CONTRAST, Rgb, as_hex, contrast, read_colour

CLIPPED_AT = 102 * 1024
"""Bytes of HTML after which Gmail cuts an email and hides its end, the link to unsubscribe among it."""

SHORT_SUBJECT = 60
"""Characters of a subject that a phone shows."""

LONGEST_SUBJECT = 78
"""Characters of a subject that a line of a message should hold: RFC 5322, section 2.1.1."""

_LARGE = 24.0
"""Pixels from which less contrast is enough (WCAG 2.1, "large scale"): 18 points."""
_LARGE_CONTRAST = 3.0

_VOID = frozenset(("area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))
_SILENT = frozenset(("head", "style", "title"))
_EMPTY_WORDS = frozenset(
    ("click here", "click", "here", "this", "this link", "link", "more", "read more", "learn more", "go")
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something unwise, and words of the template near which it stands."""

    message: str
    near: str = ""


def subject_flaws(subject: str) -> Iterator[Flaw]:
    """A subject that is cut where it is read."""
    length = len(subject)
    if length > LONGEST_SUBJECT:
        yield Flaw(
            f"the subject has {length} characters; mail programs cut it, so keep it to {LONGEST_SUBJECT}"
        )
    elif length > SHORT_SUBJECT:
        yield Flaw(f"the subject has {length} characters; phones show about {SHORT_SUBJECT} of them")


def html_flaws(html: str) -> tuple[Flaw, ...]:
    """Everything unwise in a whole page with its styles inlined, each once."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    size = len(html.encode("utf-8", "surrogatepass"))
    if size > CLIPPED_AT:
        reader.found.append(
            Flaw(f"the HTML has {size // 1024} kB; Gmail cuts it at {CLIPPED_AT // 1024} kB, footer and all")
        )
    return tuple(dict.fromkeys(reader.found))


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that has not ended, and how its words look."""

    tag: str
    colour: Rgb | None
    background: Rgb | None
    size: float
    is_hidden: bool


@dataclass
class _Reader(HTMLParser):
    """Reads a page and notes what is unwise."""

    found: list[Flaw] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    link: list[str] | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the element itself, and keep how its words look."""
        given = {name: value or "" for name, value in attrs}
        if tag == "html" and not given.get("lang", "").strip():
            self.found.append(Flaw('the page says no language; write <html lang="{{ language }}">', "<html"))
        if tag == "img":
            self._look_at_picture(given)
        if tag == "a" and "href" in given:
            self.link = []
        if tag not in _VOID:
            self.stack.append(_opened(tag, given, self.stack[-1] if self.stack else None))

    def handle_endtag(self, tag: str) -> None:
        """Forget what has ended, and judge a link by its words."""
        if tag == "a" and self.link is not None:
            self._look_at_link(" ".join("".join(self.link).split()))
            self.link = None
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index].tag == tag:
                del self.stack[index:]
                return

    def handle_data(self, data: str) -> None:
        """Judge whether words can be told from what they stand on."""
        if self.link is not None:
            self.link.append(data)
        around = self.stack[-1] if self.stack else None
        if around is None or around.is_hidden or not data.strip():
            return
        front, back = around.colour, around.background
        if front is None or back is None:
            return
        needed = _LARGE_CONTRAST if around.size >= _LARGE else LEAST_CONTRAST
        ratio = contrast(front, back)
        if ratio < needed:
            words = data.strip()
            message = (
                f'"{words[:40]}" can hardly be read: {as_hex(front)} on {as_hex(back)} '
                f"has a contrast of {ratio:.1f} to 1, and needs {needed:g}"
            )
            self.found.append(Flaw(message, words[:20]))

    def _look_at_picture(self, given: dict[str, str]) -> None:
        if "alt" not in given:
            source = given.get("src", "")
            self.found.append(
                Flaw(
                    f'the picture "{source[-60:]}" has no alt text, and says nothing while pictures are off; '
                    'write what it shows, or alt="" for mere decoration',
                    source[-20:],
                )
            )
        if self.link is not None:
            self.link.append(given.get("alt", ""))

    def _look_at_link(self, words: str) -> None:
        if not words:
            self.found.append(Flaw("a link has no words to click on", "<a href"))
        elif words.lower().strip(" .!…»›>→") in _EMPTY_WORDS:
            self.found.append(
                Flaw(f'the link "{words}" does not say where it leads; name what is there', words)
            )


def _opened(tag: str, given: dict[str, str], parent: _Open | None) -> _Open:
    style = dict(re.findall(r"([a-z-]+)\s*:\s*([^;]+)", given.get("style", "").lower()))
    background = style.get("background-color") or style.get("background") or given.get("bgcolor")
    colour = style.get("color")
    hidden = style.get("display", "").startswith("none") or tag in _SILENT
    return _Open(
        tag,
        _colour(colour) if colour else (parent.colour if parent else None),
        _colour(background) if background else (parent.background if parent else None),
        _pixels(style.get("font-size"), parent.size if parent else 16.0),
        hidden or (parent is not None and parent.is_hidden),
    )


def _colour(text: str) -> Rgb | None:
    return read_colour(text.replace("!important", ""))


def _pixels(text: str | None, inherited: float) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)px", (text or "").strip())
    return float(found[1]) if found else inherited
