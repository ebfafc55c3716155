"""Slack's Web API and Teams workflows, against servers on loopback that answer as their makers describe.

Slack: docs.slack.dev, method chat.postMessage, 2025. Teams: learn.microsoft.com, "Create incoming webhooks
with Workflows", and the Adaptive Cards schema 1.4.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.exchange import exchange_to
from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown
from connectors.slack import SlackApiConnector
from connectors.teams import TeamsConnector, card
from tests.integration.http_servers import reply, webhook
from tests.integration.mail_servers import certificate, scripted_smtp
from tests.integration.outbox_book import NOW

TOKEN = "xoxb-sEcReT-token"


def said(**document: Any) -> str:
    """Slack's answer with 200."""
    return reply("200 OK", json.dumps(document))


def post(port: int, text: str = "Hi", token: str = TOKEN) -> Outcome:
    """One message by the Web API."""
    connector = SlackApiConnector(token, 1.0, url=f"http://127.0.0.1:{port}/api/", allow_private=True)
    return connector.send(text, "#cs", "key-1", NOW)


def test_api_posts_to_the_channel_with_the_token() -> None:
    """The method, the bearer and JSON, as Slack asks."""
    with webhook(said(ok=True, ts="1503435956.000247", channel="C123")) as server:
        assert post(server.port, "Käse <https://x.example|x>") == Delivered(
            "message 1503435956.000247 in C123"
        )
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/chat.postMessage HTTP/1.1\r\n")
    assert f"authorization: Bearer {TOKEN}".encode().lower() in head.lower()
    assert json.loads(body) == {"channel": "#cs", "text": "Käse <https://x.example|x>"}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (said(ok=False, error="channel_not_found"), Failed("Slack answered channel_not_found")),
        (said(ok=False, error="is_archived"), Failed("Slack answered is_archived")),
        (said(ok=False, error="invalid_auth"), Retry("Slack answered invalid_auth", is_outage=True)),
        (said(ok=False, error="token_expired"), Retry("Slack answered token_expired", is_outage=True)),
        (
            said(ok=False, error="rate_limited"),
            Retry("Slack answered rate_limited", timedelta(seconds=30), is_outage=True),
        ),
        (said(ok=False, error="service_unavailable"), Retry("Slack answered service_unavailable")),
        (said(ok=False, error="fatal_error"), Unknown("Slack answered fatal_error")),
        (said(ok=False, error="internal_error"), Unknown("Slack answered internal_error")),
        (said(ok=False, error=f"bad {TOKEN}\n"), Failed("Slack answered bad ***")),
        (
            reply("429 Too Many", '{"ok":false,"error":"ratelimited"}', "Retry-After: 7\n"),
            Retry(
                'Slack answered 429 {"ok":false,"error":"ratelimited"}', timedelta(seconds=7), is_outage=True
            ),
        ),
        (reply("503 Down"), Retry("Slack answered 503", is_outage=True)),
        (reply("404 Not Found"), Failed("Slack answered 404")),
        (reply("302 Found", "", "Location: http://127.0.0.1:1/\n"), Failed("Slack answered 302")),
    ],
)
def test_api_says_what_an_answer_means(answer: str, outcome: Outcome) -> None:
    """Its errors by name, its statuses by number, and the token never."""
    with webhook(answer) as server:
        assert post(server.port) == outcome
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body", ["", "ok", "[]", "null", '{"ok": 1}', '{"ok": false}', "[" * 50_000, '{"ok": tr']
)
def test_api_does_not_know_what_is_not_its_document(body: str) -> None:
    """A captive portal says 200 as well."""
    with webhook(reply("200 OK", body)) as server:
        assert isinstance(post(server.port), Unknown)


def test_api_reads_a_long_answer_to_its_end() -> None:
    """Slack repeats the message in its answer."""
    with webhook(said(ok=True, ts="1", channel="C", message={"text": "x" * 40_000})) as server:
        assert post(server.port) == Delivered("message 1 in C")


@pytest.mark.parametrize("token", ["", " ", "a\nb", "tökén"])
def test_api_refuses_what_is_no_token(token: str) -> None:
    """At the start, without repeating it."""
    with pytest.raises(ValueError, match=r"^the token must be one line of ordinary characters$"):
        SlackApiConnector(token)


def test_teams_posts_a_card() -> None:
    """202 is how a workflow says that it has begun."""
    with webhook(reply("202 Accepted")) as server:
        sent = TeamsConnector(server.url, 1.0, allow_private=True).send("Hi\nthere", "ignored", "key-1", NOW)
    assert sent == Delivered("202")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    message = json.loads(body)
    assert b"content-type: application/json" in head.lower()
    assert message["type"] == "message"
    assert message["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"
    content = message["attachments"][0]["content"]
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.4")
    assert [block["inlines"][0]["text"] for block in content["body"]] == ["Hi", "there"]


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("plain *text*", [("plain *text*", None)]),
        ("Acme &amp; Söhne &lt;b&gt;", [("Acme & Söhne <b>", None)]),
        (
            "see <https://x.example/a?b=1&amp;c=2|the page>!",
            [("see ", None), ("the page", "https://x.example/a?b=1&c=2"), ("!", None)],
        ),
        ("<https://x.example>", [("https://x.example", "https://x.example")]),
        ("&lt;https://evil.example|here&gt;", [("<https://evil.example|here>", None)]),
        ("[here](https://evil.example)", [("[here](https://evil.example)", None)]),
        ("<javascript:alert(1)|x>", [("<javascript:alert(1)|x>", None)]),
        ("", [(" ", None)]),
    ],
)
def test_card_links_only_what_the_template_linked(line: str, runs: list[tuple[str, str | None]]) -> None:
    """A customer called like a link stays text."""
    (block,) = card(line)["attachments"][0]["content"]["body"]
    found = [(each["text"], each.get("selectAction", {}).get("url")) for each in block["inlines"]]
    assert found == runs


def test_teams_takes_no_card_that_is_too_large() -> None:
    """Told at once, before Teams cuts or refuses it."""
    with webhook(reply("202 Accepted")) as server:
        sent = TeamsConnector(server.url, allow_private=True).send("x" * 30_000, "", "key-1", NOW)
    assert isinstance(sent, Failed)
    assert "Teams takes 28,672" in sent.reason
    assert not server.requests


@pytest.mark.parametrize(
    "connector",
    [
        SlackApiConnector(TOKEN, url="http://127.0.0.1:9"),
        TeamsConnector("http://[::1]:9/workflows/sEcReT"),
        TeamsConnector("http://169.254.169.254/latest"),
    ],
)
def test_chat_goes_to_no_private_address_unasked(connector: Any) -> None:
    """Whoever may write config.yaml by environment reaches nothing inside."""
    sent = connector.send("Hi", "#cs", "key-1", NOW)
    assert isinstance(sent, Failed)
    assert "allow_private" in sent.reason
    assert "sEcReT" not in sent.reason


def test_chat_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy gets the whole address and finds the way; webhooks do without it."""
    with webhook(reply("200 OK", "ok")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        url = "http://hooks.chat.example/services/1"
        assert exchange_to(url, 1.0, through_proxy=True).post(b"{}", {}, NOW) == Delivered("200 ok")
        assert len(proxy.requests) == 1
        assert proxy.requests[0].startswith(b"POST http://hooks.chat.example/services/1 ")

        async def nowhere(host: str, port: int) -> list[str]:
            raise OSError("no such host")

        found = exchange_to(url, 1.0, resolve=nowhere).post(b"{}", {}, NOW)
        assert found == Retry("the webhook has no address", is_outage=True)


def test_exchange_trusts_no_unknown_certificate(tmp_path: Path) -> None:
    """Nothing of the message is sent; with the right trust it is."""
    theirs, ours = certificate(tmp_path)
    with webhook(reply("200 OK", "ok"), tls=theirs) as server:
        url = server.url
        refused = exchange_to(url, 2.0, allow_private=True).post(b"{}", {}, NOW)
        assert isinstance(refused, Retry)
        assert refused.is_outage
        assert "not trusted" in refused.reason
        assert not server.requests
        assert exchange_to(url, 2.0, allow_private=True, tls=ours).post(b"{}", {}, NOW) == Delivered("200 ok")


def test_exchange_tells_when_there_is_no_tls() -> None:
    """A port at which something else answers."""
    with scripted_smtp() as server:
        exchange = exchange_to(f"https://127.0.0.1:{server.port}/", 2.0, allow_private=True)
        found = exchange.post(b"{}", {}, NOW)
    assert found == Retry("the webhook does not speak TLS", is_outage=True)
