"""The signed webhook against a real HTTP server on loopback."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.outcome import Delivered, Failed, Retry, Unknown
from connectors.route import is_public
from connectors.webhook import WebhookConnector, signature
from tests.integration.http_servers import PATH, reply, webhook
from tests.integration.outbox_book import NOW

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = '{"name":"Käse & Söhne"}'


def post(url: str, secret: str | None = SECRET, timeout: float = 1.0) -> object:
    """One post that may go to this machine."""
    return WebhookConnector(url, secret, timeout, allow_private=True).send(BODY, "key-1", NOW)


def test_send_posts_the_document_signed() -> None:
    """Anybody with the secret can prove who wrote it, and pass over a repetition."""
    with webhook(reply("200 OK", "ok")) as server:
        assert post(server.url) == Delivered("200 ok")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.decode().splitlines()[1:])
    cased = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
    stamp = str(int(NOW.timestamp()))
    signed = hmac.new(KEY, b"key-1." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    assert json.loads(body) == {"name": "Käse & Söhne"}
    assert (headers["idempotency-key"], headers["webhook-id"]) == ("key-1", "key-1")
    assert headers["webhook-timestamp"] == stamp
    assert cased["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"127.0.0.1:{server.port}"


def test_signature_is_that_of_the_standard() -> None:
    """The example that Standard Webhooks gives for its signatures."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_receivers_library_takes_what_is_sent_and_nothing_altered() -> None:
    """The library that receivers use verifies the headers and the body as they came over the wire."""
    with webhook(reply("200 OK", "ok")) as server:
        connector = WebhookConnector(server.url, SECRET, 1.0, allow_private=True)
        assert connector.send(BODY, "key-1", datetime.now(UTC)) == Delivered("200 ok")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    headers = {
        name.lower(): value
        for name, value in (line.split(": ", 1) for line in head.decode().splitlines()[1:])
    }
    assert Webhook(SECRET).verify(body.decode(), headers) == {"name": "Käse & Söhne"}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.decode().replace("Käse", "Kase"), headers)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply("204 No Content"), Delivered("204")),
        (reply("400 Bad", "no"), Failed("the webhook answered 400 no")),
        (reply("302 Found", "", "Location: http://127.0.0.1:1/\n"), Failed("the webhook answered 302")),
        (
            reply("429 Slow", "", "Retry-After: 30\n"),
            Retry("the webhook answered 429", timedelta(seconds=30), is_outage=True),
        ),
        (reply("425 Early"), Retry("the webhook answered 425")),
        (reply("503 Down"), Retry("the webhook answered 503", is_outage=True)),
        (reply("400 Bad", f"see {PATH}"), Failed("the webhook answered 400 see /***")),
    ],
)
def test_send_says_what_came_of_it(answer: str, outcome: object) -> None:
    """Delivered, later or never; no redirect is followed and no secret repeated."""
    with webhook(answer) as server:
        assert post(server.url, secret=None) == outcome
    assert len(server.requests) == 1
    assert b"webhook-signature" not in server.requests[0].lower()


@pytest.mark.parametrize(
    ("answer", "how"), [("", "hangs"), ("HTTP/1.1 200 OK\nX-Slow: ", "drips"), ("HTTP/1.1 2", "drips")]
)
def test_send_does_not_wait_for_ever(answer: str, how: str) -> None:
    """Neither for an answer that does not come, nor for one that comes in drops."""
    with webhook(answer, **{how: True}) as server:
        assert post(server.url, timeout=0.3) == Unknown("the webhook did not answer in time")


def test_send_without_a_server_is_an_outage() -> None:
    """Nothing was sent, so it is tried again."""
    with webhook(reply("200 OK")) as server:
        url = server.url
    found = post(url)
    assert isinstance(found, Retry)
    assert found.is_outage


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"]
)
def test_send_to_this_machine_is_refused(host: str) -> None:
    """Whichever way it is written; nothing reaches the server."""
    with webhook(reply("200 OK")) as server:
        found = WebhookConnector(f"http://{host}:{server.port}/").send(BODY, "key-1", NOW)
    assert server.requests == []
    assert isinstance(found, Failed)
    assert "not public" in found.reason


def test_send_is_refused_where_one_of_several_addresses_is_private() -> None:
    """A name that answers now this, now that, gains nothing: the address checked is the one used."""

    async def two(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    found = WebhookConnector("https://hook.example/", resolve=two).send(BODY, "key-1", NOW)
    assert isinstance(found, Failed)


def test_send_to_a_name_that_is_not_there_is_tried_again() -> None:
    """A name server may come back."""

    async def nothing(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    found = WebhookConnector("https://hook.example/", resolve=nothing).send(BODY, "key-1", NOW)
    assert found == Retry("the webhook has no address", is_outage=True)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:0a00:0001::", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::5db8:d822", True),
    ],
)
def test_is_public_sees_through_every_form(address: str, expected: bool) -> None:
    """Private, link-local, shared, multicast and translated addresses."""
    assert is_public(ip_address(address)) is expected


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("ftp://hook.example", None),
        ("https://", None),
        ("https://hook.example", "0123456789abcdef0123456789abcdef"),
        ("https://hook.example", "whsec_c2hvcnQ="),
        ("https://hook.example", "whsec_***"),
    ],
)
def test_connector_refuses_what_cannot_work(url: str, secret: str | None) -> None:
    """At the start of the service, and without repeating the secret."""
    with pytest.raises(ValueError, match=r"the webhook|the secret") as found:
        WebhookConnector(url, secret)
    assert secret is None or secret not in str(found.value)
