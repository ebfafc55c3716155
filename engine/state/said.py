"""What sources have said of a field, apart from what playbooks have made of it.

A source that merely repeats what sources last said of a field is no news, whatever a playbook has set the
field to in between. What is new is written, even where a playbook has set the very same. So which words
count never depends on how far playbooks had got when they came in.
"""

from collections.abc import Iterable, Sequence

from engine.health.model import SOURCE
from engine.state.chain import Link, fold
from engine.state.given import news

PLAYBOOK = "playbook:"
"""What the source of a change begins with that a playbook has brought about; its name follows."""


def new_words(stored: Iterable[Link], links: Sequence[Link]) -> list[Link]:
    """Those of `links` that say something new beside what sources have said, and those of playbooks.

    `stored` is the whole chain of the field. Where no playbook is in it, all of them: folding them onto the
    chain tells what is new.
    """
    stored = list(stored)
    if not any((each.source or "").startswith(PLAYBOOK) for each in stored):
        return list(links)
    said = [each for each in links if _is_said(each)]
    heard = fold([*(each for each in stored if _is_said(each)), *said])
    return news(links, said, heard)


def _is_said(link: Link) -> bool:
    """Whether a source from outside says it, rather than a playbook or the model of health."""
    return link.source is None or not (link.source.startswith(PLAYBOOK) or link.source == SOURCE)
