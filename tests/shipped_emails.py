"""Every email that ships, written for people of all kinds and sent over SMTP as the service sends it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from engine.authoring.lint_people import actions_of
from engine.outbox.by_hand import requeue
from engine.outbox.deliver import deliver_batch
from engine.outbox.entry import close_connectors
from engine.outbox.wiring import open_connectors
from engine.permit.unsubscribe import unsubscribe_links
from engine.render.email import LAYOUT, RenderedEmail, compose_email
from engine.render.templates import Renderer
from engine.rulebook import read_rules
from engine.rulefile.model import EmailAction
from engine.settings import Settings, load_settings
from engine.state.database import writing
from engine.state.tables import Account, Contact, Outbox, Run
from tests.dkim_check import PRIVATE_KEY
from tests.integration.mail_servers import real_smtp
from tests.integration.outbox_book import NOW, change, contact_row, outbox_row, run_row
from tests.unit.rehearsal.test_shipped import BARE, RICH

ROOT = Path(__file__).parents[1]
DKIM = {"domain": "acme.example", "selector": "tminus1", "key": PRIVATE_KEY}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e{{ 7*7 }}\r\nBcc: eve@x.example"


def _named(account: str, contact: str, **more: Any) -> dict[str, Any]:
    return {
        **RICH,
        "account": {**RICH["account"], "name": account},
        "contact": {**RICH["contact"], "name": contact, **more},
        "csm": {**RICH["csm"], "name": contact},
    }


READERS: Mapping[str, dict[str, Any]] = {
    "bare": BARE,
    "rich": RICH,
    "arabic": _named("شركة النور للتجارة", "فاطمة الزهراء", locale="ar"),
    "hebrew": _named("חברת הדוגמה בע״מ", "נועה לוי", locale="he_IL.UTF-8"),
    "chinese": _named("北京示例科技有限公司", "王小明", locale="zh-Hans-CN"),
    "combining": _named(
        "Compan\u0303i\u0301a Zo\u0308e\u0323 ﷽ 𝕎𝕚𝕕𝕖", "Nguye\u0302\u0303n Thi\u0323 A\u0301nh"
    ),
    "emoji": _named("Rocket 🚀 Labs 👩🏽\u200d💻", "Zoë 👨\u200d👩\u200d👧\u200d👦 O’Neil 🇨🇭"),
    "long": _named("Donaudampfschifffahrtsgesellschaft" * 4, "Wolfeschlegelsteinhausenbergerdorff" * 3),
    "hostile": _named(HOSTILE, HOSTILE, locale='"><script>'),
}
"""Names for accounts and people, and how much is known of them."""


@dataclass(frozen=True)
class Sent:
    """One email as it was written and as it arrived."""

    playbook: str
    step: str
    topic: str
    reader: str
    written: RenderedEmail
    content: bytes
    again: bytes
    """The same, sent a second time an hour later."""


def written_emails(settings: Settings, links: Any) -> Iterator[tuple[str, str, str, str, RenderedEmail]]:
    """Playbook, step, topic and reader of every email that ships, and what was written."""
    rules = read_rules(settings, settings.catalogue())
    layout = {LAYOUT: (ROOT / LAYOUT).read_text(encoding="utf-8")}
    for playbook in rules.playbooks:
        renderer = Renderer({**rules.files[playbook.name], **layout})
        for step, action in actions_of(playbook):
            if isinstance(action, EmailAction):
                for reader, context in READERS.items():
                    given = {
                        **context,
                        "brand": settings.email.brand,
                        "footer": settings.email.footer,
                        "unsubscribe_url": links.url("c1", action.topic),
                    }
                    mail = compose_email(renderer, action.template, given, settings.email.look)
                    yield playbook.name, step, action.topic, reader, mail


def shipped_settings(port: int) -> Settings:
    """The configuration that ships, with a key to sign with and nothing to hold emails back."""
    found = load_settings(ROOT / "config.yaml")
    smtp = {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "concurrency": 1}
    plain = found.model_dump()
    email = {**plain["email"], "dkim": DKIM, "caps": {"person": [], "account": []}}
    return Settings(
        rules=ROOT / "rules",
        templates=ROOT / "templates",
        roles=plain["roles"],
        email=email,
        connectors={"email": smtp},
        console={"public_url": "https://tminus.acme.example"},
    )


def send_shipped(database: Engine) -> list[Sent]:
    """Every shipped email for every reader, handed twice to a real server."""
    with real_smtp() as (port, server):
        settings = shipped_settings(port)
        written = list(written_emails(settings, unsubscribe_links(database, settings.console.public_url)))
        ids = _put(database, written)
        for hour in range(2):
            now = NOW + timedelta(hours=hour)
            connectors = open_connectors(settings, database)
            try:
                report = deliver_batch(database, connectors, settings, now=now, owner="t", limit=len(ids))
            finally:
                close_connectors(connectors)
            assert report.delivered == len(ids), report
            if not hour:
                for each in ids:
                    change(database, Outbox, each, state="discarded", finished_at=NOW)
                    requeue(database, each, now, by="dana")
        first, second = server.contents[: len(ids)], server.contents[len(ids) :]
    return [Sent(*each, one, other) for each, one, other in zip(written, first, second, strict=True)]


def _put(database: Engine, written: list[Any]) -> list[str]:
    """One outbox row each, in the order in which they are claimed."""
    rows = []
    for number, (playbook, step, topic, reader, mail) in enumerate(written):
        row = outbox_row(f"{number:04}{playbook}{step}{reader}", 1)
        rows.append(
            row
            | {
                "playbook": playbook,
                "step": step,
                "topic": topic,
                "available_at": NOW,
                "subject": mail.subject,
            }
            | {"payload": {"html": mail.html, "text": mail.text}}
        )
    with writing(database) as connection:
        connection.execute(insert(Account), [{"id": "a1", "name": "A"}])
        connection.execute(insert(Run), [run_row("r1")])
        connection.execute(insert(Contact), [contact_row(1)])
        connection.execute(insert(Outbox), rows)
    return [str(row["id"]) for row in rows]
