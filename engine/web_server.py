"""The web server in a thread of its own, over a socket that is already listening."""

import logging
import socket
import threading
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI

log = logging.getLogger(__name__)

GRACE_SECONDS = 2
"""How long open requests may take to end."""


class WebServer:
    """Serves one application until it is stopped. Signals stay with the main thread."""

    def __init__(self, app: FastAPI, listening: socket.socket, proxies: Sequence[str] = ()) -> None:
        """`proxies` are believed when they say, in X-Forwarded-For, where a request comes from."""
        self._listening = listening
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="tminus-web", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        self._thread.start()

    def wait(self) -> None:
        """Return when the server has ended. A KeyboardInterrupt comes through."""
        while self._thread.is_alive():
            self._thread.join(1.0)

    def end(self) -> None:
        """Take no further requests. Returns at once."""
        self._server.should_exit = True

    def has_ended(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for open requests; whether it is over."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
        except (Exception, SystemExit):
            log.exception("The web server failed.")
