"""Writes docs/faults.md from the rows that the tests prove. Run it from anywhere; it takes no options."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.faults import Fault, inbox_table, table  # noqa: E402
from tests.faults_http import HTTP_FAULTS, HTTP_KINDS  # noqa: E402
from tests.faults_imap import IMAP_FAULTS, SECTION  # noqa: E402
from tests.faults_smtp_talk import SMTP_FAULTS  # noqa: E402

DOCUMENT = ROOT / "docs" / "faults.md"
ROWS = (*SMTP_FAULTS, *HTTP_FAULTS, *IMAP_FAULTS)

_HEAD = f"""\
# What can go wrong on the way out, and what follows

Written by `tools/write_fault_table.py` from the rows that the tests prove, {len(ROWS)} of them. In
each a real server does what the row says to a message that comes out of the outbox; then the server is
mended. Proven of every row besides what it shows: the message behind it is sent once, what is tried again
is sent once more and no further, what is unknown or given up is not sent again (with
`email.on_unknown: stop`), and no password, token or address stands in anything that is kept. Why it is so
stands in [connectors.md](connectors.md).

*Tried again* means later each time, up to `email.max_attempts`. Where *the way counts as blocked* a second
one like it has the connector rest; where the other side says how long to stay away, the first one does.
SERVER stands for host and port, or for what a reason calls the other side. Rows with ¹ are proven with
{", ".join(f"`{each}`" for each in HTTP_KINDS)}, or those of them they can happen to; the others
over HTTP with `webhook`. Those about a large message are proven by `make soak`, all others by `make test`.
"""

_AGAIN_LATER = "each is sent once; what came of it is kept, and noted when the trouble is over"
_TROUBLES = "`test_delivery_troubles.py`"
_OURS = (
    ("SQLite is locked by another process while messages are sent", _AGAIN_LATER, _TROUBLES),
    ("the disk of SQLite is full: a limit on files, and a small disk filled up", _AGAIN_LATER, _TROUBLES),
    ("PostgreSQL is out of reach: all connections cut, new ones refused", _AGAIN_LATER, _TROUBLES),
    ("PostgreSQL is stopped, and started again", _AGAIN_LATER, f"{_TROUBLES}, by `make soak`"),
    (
        "the database is gone when entries are claimed, or leases renewed",
        "nothing is sent meanwhile; claims and signs of life go on when it is back",
        _TROUBLES,
    ),
    (
        "the answer to a commit is lost",
        "what was claimed is handed back; what came of a message is written again, to the same end",
        _TROUBLES,
    ),
    (
        "the machine sleeps longer than a lease, and another process takes over",
        "what had not been begun is sent by the other alone; what was being sent is of unknown fate",
        _TROUBLES,
    ),
    (
        "the service is stopped while a server hangs",
        "what had not been begun goes back at once; the try under way is cut, and goes again or is unknown",
        "`test_delivery_stop.py`",
    ),
    (
        "the name service hangs",
        "as where the server is silent, within the same time",
        "`test_delivery_stop.py`",
    ),
    (
        "a deliverer is killed at a commit, or the service at any moment",
        "nothing is lost; only what was being sent is of unknown fate",
        "`test_delivery_kills.py`, `test_service_kills.py`",
    ),
    ("several processes deliver from one database", "everything is sent once", "`test_delivery.py`"),
)


def document() -> str:
    """The text of docs/faults.md."""
    sections = dict.fromkeys(each.section for each in ROWS)
    return "\n".join([_HEAD, *map(_section, sections), _our_side()])


def _section(name: str) -> str:
    rows: list[Fault] = [each for each in ROWS if each.section == name]
    return f"## {name}\n\n{(inbox_table if name == SECTION else table)(rows)}\n"


def _our_side() -> str:
    rows = "\n".join(f"| {what} | {follows} | {proof} |" for what, follows, proof in _OURS)
    return f"## Our own side\n\n| what happens | what follows | proven in |\n|---|---|---|\n{rows}\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
