"""The web server, and whose word it takes for where a request comes from."""

from collections.abc import Sequence

import httpx
import pytest
from fastapi import FastAPI, Request

from engine.listening import listen, port_of
from engine.web_server import WebServer


def _app() -> FastAPI:
    app = FastAPI()

    @app.get("/from")
    def where(request: Request) -> str:
        return request.client.host if request.client else ""

    return app


@pytest.mark.parametrize(
    ("proxies", "host"),
    [
        ((), "127.0.0.1"),
        (("192.0.2.1",), "127.0.0.1"),
        (("127.0.0.1",), "198.51.100.7"),
        (("127.0.0.0/8",), "198.51.100.7"),
    ],
)
def test_only_a_proxy_is_believed(proxies: Sequence[str], host: str) -> None:
    """What the visitor wrote before it into the header is not."""
    with listen("127.0.0.1", 0, "the test", "port") as listening:
        server = WebServer(_app(), listening, proxies)
        server.start()
        headers = {"X-Forwarded-For": "10.0.0.1, 198.51.100.7"}
        assert httpx.get(f"http://127.0.0.1:{port_of(listening)}/from", headers=headers).json() == host
        server.end()
        assert server.has_ended(10)
