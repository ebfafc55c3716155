"""Run as a process: reads a mailbox, and kills itself before a chosen commit.

python -m tests.integration.killed_reading URL PORT COMMIT
"""

import sys
from datetime import timedelta

from connectors.inbox import Inbox
from engine.returns.reading import read_inbox
from engine.returns.take import SoftLimit
from engine.state.database import open_database
from tests.integration.imap_server import PASSWORD, USER
from tests.integration.killed_deliverer import die_at
from tests.integration.outbox_book import NOW


def main(url: str, port: str, number: str) -> None:
    """Read what is new, as far as it goes."""
    database = open_database(url)
    die_at(database, "before", int(number))
    inbox = Inbox("127.0.0.1", USER, PASSWORD, int(port), "none")
    read_inbox(database, inbox, SoftLimit(3, timedelta(days=30)), NOW, most=1000)


if __name__ == "__main__":
    main(*sys.argv[1:])
