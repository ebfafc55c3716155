"""Writes what must not be forgotten: again and again while the database is gone, locked or full."""

import logging
import time
from collections.abc import Callable
from threading import Event

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionError

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Seconds between two tries."""
LAST_TRIES = 8
"""Once there is the wish to stop."""
_HOPELESS = DataError, IntegrityError, NotSupportedError, ProgrammingError
"""What no waiting mends."""


def insist(write: Callable[[], None], sign: Callable[[], None], stopping: Event) -> None:
    """Have the database take something, however long it is gone; `sign` is called while it waits.

    A commit whose answer was lost is written twice, so `write` must do the same when it is done again. Raises
    the database's error where waiting cannot mend it, and soon after it has been asked to stop.
    """
    wait, tries_left = FIRST_WAIT, LAST_TRIES
    while True:
        try:
            return write()
        except (DBAPIError, NoConnectionError) as error:
            if isinstance(error, _HOPELESS) or not tries_left:
                raise
        if wait == FIRST_WAIT:
            log.warning("The database does not take what came of deliveries; it is kept and tried again.")
        sign()
        if stopping.wait(wait):
            tries_left -= 1
            time.sleep(FIRST_WAIT)
        wait = min(wait * 2, LONGEST_WAIT)
