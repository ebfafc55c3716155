"""A preview says what a step would say to whom, and what speaks against it, and changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from sqlalchemy import Engine
from typer.testing import CliRunner

from engine.authoring.preview import NothingToPreviewError, Preview, preview
from engine.cli.preview_command import preview as command
from engine.cli.shell import Shell
from engine.conditions.catalogue import Kind
from engine.explain import NothingToExplainError
from tests.builders import START, Company, account, at, company, entry

PLAYBOOK = """
playbook: slide
owner: cs
subject: account
when: {field: account.health, drops_below: 40, recovers_at: 50}
steps:
  - id: call
    day: 0
    task: {to: csm_manager, title: "Call {{ account.name }}", template: guide, outcomes: [reached, silent]}
    escalate: {after: 3d, to: cs_ops}
  - {id: mail, day: 1, email: {to: [champion, any], template: hello, topic: tips}}
  - {id: post, day: 1, message: {via: slack, to: "#cs", template: note}}
"""
HEALTHY = {"name": "Acme", "health": 30, "csm": "dana", "timezone": "Europe/Berlin"}
KIM: dict[str, Any] = {"name": "Kim Lee", "role": "champion", "status": "active", "email": "kim@acme.example"}
LAYOUT = '<html lang="en"><body>{{ body }}<a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>'

Look = Callable[..., Preview]


@pytest.fixture
def shop(sqlite_database: Engine, tmp_path: Path) -> Company:
    """A company with one playbook, an account with a champion, and both connectors."""
    guide = tmp_path / "templates" / "tasks" / "guide.md.j2"
    guide.parent.mkdir(parents=True)
    guide.write_text("Ask why health is {{ account.health }}.", encoding="utf-8")
    built = company(sqlite_database, tmp_path, [])
    write(built, "emails/_layout.html.j2", LAYOUT)
    (tmp_path / "rules" / "slide.yaml").write_text(PLAYBOOK, encoding="utf-8")
    connectors = {"email": {"kind": "smtp", "host": "mail"}, "slack": {"kind": "slack", "url": "http://x"}}
    built.library.settings = type(built.library.settings)(
        **{**built.library.settings.model_dump(), "connectors": connectors}
    )
    built.library.refresh()
    built.take(account(START, **HEALTHY), entry(Kind.CONTACT, "kim", START, **KIM))
    return built


@pytest.fixture
def look(shop: Company) -> Look:
    """Previews a step for acme two hours later, after some changes to files and to the champion."""

    def see(step: str, files: dict[str, str] | None = None, **contact: Any) -> Preview:
        for path, text in (files or {}).items():
            write(shop, path, text)
        shop.library.refresh()
        if contact:
            shop.take(entry(Kind.CONTACT, "kim", at("2026-03-02 13:00"), **contact))
        return preview(shop.database, shop.library, "slide", step, "acme", at("2026-03-02 14:00"))

    return see


def write(built: Company, path: str, text: str) -> None:
    """Write a template."""
    (built.library.settings.templates / path).write_text(text, encoding="utf-8")


def test_preview_of_a_task_says_who_gets_it_and_why(look: Look) -> None:
    """Every role that was asked, the words, and the local due date."""
    found = look("call")
    assert found.problems == ()
    assert (found.to, found.title, found.text) == ("max", "Call Acme", "Ask why health is 30.")
    assert found.why == ("csm_manager: the manager of csm is max (Max)",)
    assert found.facts == {
        "role": "csm_manager",
        "due": "2026-03-03",
        "priority": "50",
        "outcomes": "reached, silent",
        "escalates": "after 3d to team:cs_ops (cs_ops)",
    }


def test_preview_of_a_task_follows_the_fallbacks(shop: Company, look: Look) -> None:
    """Down to the shared queue."""
    shop.take(account(at("2026-03-02 12:30"), csm=None))
    found = look("call")
    assert found.to == "team:cs_ops"
    assert found.why == (
        "csm_manager: the manager of csm names nobody, so cs_ops is asked",
        "cs_ops: names nobody, so its shared queue gets it",
    )


def test_preview_of_an_email_has_headers_and_every_part(look: Look) -> None:
    """As the connector builds it, but for the link to unsubscribe, which does nothing."""
    found = look("mail")
    assert found.problems == ()
    assert (found.to, found.title) == ("kim@acme.example", "Hello Acme")
    assert found.why == ("champion: Kim Lee, champion",)
    assert found.facts["To"] == "kim@acme.example"
    assert found.facts["List-Unsubscribe"] == "<http://127.0.0.1:8025/unsubscribe/preview>"
    assert found.facts["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Hello Kim Lee, it is 2 March 2026." in (found.text or "")
    assert "<p>Hello Kim Lee" in (found.html or "")


CHOOSE = (
    PLAYBOOK
    + """\
  - id: pick
    day: 2
    choose:
      - {if: {field: account.health, above: 90}, message: {via: slack, to: "#cs", template: note}}
      - {if: {field: account.health, below: 35}, task: {to: csm, title: "Call {{ account.name }}"}}
"""
)


def test_preview_of_branches_shows_the_one_that_would_be_taken(shop: Company, look: Look) -> None:
    """Another one when it is named; where none would be, it says so and shows the first."""
    (shop.library.settings.rules / "slide.yaml").write_text(CHOOSE, encoding="utf-8")
    found = look("pick")
    assert (found.action, found.title, found.problems) == ("task", "Call Acme", ())
    instant = at("2026-03-02 14:00")
    other = preview(shop.database, shop.library, "slide", "pick", "acme", instant, branch=1)
    assert (other.action, other.problems) == ("message", ())
    shop.take(account(at("2026-03-02 13:00"), health=38))
    none = look("pick")
    assert none.action == "message"
    assert none.problems == (
        "no branch is true (1: health is 38 (not above 90); 2: health is 38 (not below 35)), "
        "so the step would be skipped; branch 1 is shown",
    )


EFFECTS = (
    PLAYBOOK
    + """\
  - {id: lift, day: 2, update: {account.health: 60, account.plan: "Of {{ csm.name }}", account.ae: null}}
  - {id: tell, day: 2, record: {event: told, properties: {why: "{{ run.reason }}", n: 2}}}
  - {id: copy, day: 2, update: {account.plan: {field: account.industry}}}
"""
)


def test_preview_of_a_change_shows_what_would_become_so(shop: Company, look: Look) -> None:
    """Old and new values, or what the event carries; and why it cannot be done."""
    (shop.library.settings.rules / "slide.yaml").write_text(EFFECTS, encoding="utf-8")
    lift, tell, copied = look("lift"), look("tell"), look("copy")
    assert (lift.action, lift.problems) == ("update", ())
    assert lift.facts == {
        "account.health": "30 → 60",
        "account.plan": "missing → Of Dana",
        "account.ae": "missing → missing",
    }
    assert (tell.action, tell.title, tell.facts["n"]) == ("record", "told", "2")
    assert tell.facts["why"].startswith("health")
    assert copied.problems == ("industry is missing, so plan was left as it is",)


@pytest.mark.parametrize(
    ("step", "branch", "said"), [("pick", 3, "the branches 1 to 2"), ("call", 1, "has no branches")]
)
def test_preview_refuses_a_branch_that_is_not_there(
    shop: Company, look: Look, step: str, branch: int, said: str
) -> None:
    """With what there is."""
    (shop.library.settings.rules / "slide.yaml").write_text(CHOOSE, encoding="utf-8")
    look("pick")
    with pytest.raises(NothingToPreviewError, match=said):
        preview(shop.database, shop.library, "slide", step, "acme", at("2026-03-02 14:00"), branch=branch)


def test_preview_of_a_message_names_channel_and_reason(look: Look) -> None:
    """The reason is that of a run that begins now."""
    found = look("post")
    assert (found.to, found.problems) == ("#cs", ())
    assert found.text == "Acme: health is 30 (dropped below 40, recovers at 50)"


def test_preview_within_a_run_has_the_run_s_own_reason(shop: Company, look: Look) -> None:
    """A run that is under way is what its templates speak of."""
    shop.tick(START)
    shop.take(account(at("2026-03-02 12:10"), health=60), account(at("2026-03-02 12:20"), health=20))
    shop.tick(at("2026-03-02 12:30"))
    shop.take(account(at("2026-03-02 12:40"), health=10))
    assert look("post").text == "Acme: health is 20 (dropped below 40, recovers at 50)"


@pytest.mark.parametrize(
    ("step", "files", "contact", "problem"),
    [
        ("call", {"tasks/guide.md.j2": "x\n{{ account.helth }}"}, {},
         'templates/tasks/guide.md.j2:2: there is no "account.helth" (did you mean "health"?)'),
        ("post", {"messages/note.txt.j2": "{{ acount.name }}"}, {},
         'templates/messages/note.txt.j2:1: there is no "acount"'),
        ("post", {"messages/note.txt.j2": " "}, {}, "templates/messages/note.txt.j2:1: is empty"),
        ("mail", {"emails/hello/body.txt.j2": ""}, {},
         "templates/emails/hello/body.txt.j2:1: is empty; an email needs a subject, a text and an HTML body"),
        ("mail", {"emails/hello/body.html.j2": "{{ nothing }}"}, {},
         'templates/emails/hello/body.html.j2:1: there is no "nothing"'),
        ("mail", {"emails/hello/subject.txt.j2": "x" * 79}, {},
         "the subject has 79 characters; mail programs cut it, so keep it to 78"),
        ("mail", {"emails/_layout.html.j2": "{{ body }}"}, {},
         "the HTML has no unsubscribe link; put {{ unsubscribe_url }} into templates/emails/_layout.html.j2"),
        ("mail", {"emails/hello/body.html.j2": '<a href="https:///offer">x</a>'}, {},
         'the link "https:///offer" leads nowhere'),
        ("mail", {"emails/hello/body.html.j2": '<a href="#">x</a>'}, {},
         'templates/emails/hello/body.html.j2:1: links to "#"; a link begins with https:// or mailto:'),
        ("mail", {}, {"consent": "withdrawn"}, "not to be sent: the contact has withdrawn consent"),
        ("mail", {}, {"email": "kim at acme"}, "not to be sent: the contact's email address is not valid"),
        ("mail", {}, {"status": "departed"},
         "no active contact with an email address in the role champion or any"),
    ],
)  # fmt: skip
def test_preview_reports_a_problem(
    look: Look, step: str, files: dict[str, str], contact: dict[str, Any], problem: str
) -> None:
    """Everything that would keep it from being done well."""
    assert problem in look(step, files, **contact).problems


def test_preview_reports_every_part_that_fails(look: Look) -> None:
    """Not only the first."""
    broken = {f"emails/hello/{part}.j2": "{{ nothing }}" for part in ("subject.txt", "body.txt", "body.html")}
    assert len(look("mail", broken).problems) == 3


def test_preview_still_shows_an_email_nobody_has_an_address_for(look: Look) -> None:
    """What is written can be read while the address is being found."""
    found = look("mail", email=None)
    assert found.why == (
        "champion: nobody active with an address",
        "any active contact: nobody active with an address",
    )
    assert found.title == "Hello Acme"
    assert "not to be sent: the contact has no email address" in found.problems


def test_preview_reports_a_connector_that_is_not_configured(shop: Company, look: Look) -> None:
    """Before the first message is lost to it."""
    shop.library.settings = shop.library.settings.model_copy(update={"connectors": {}})
    missing = "there is no connector {}; add it under connectors: in config.yaml"
    assert look("post").problems == (missing.format('"slack"'),)
    assert look("mail").problems == (missing.format('"email"'),)


def test_preview_refuses_names_it_does_not_know(shop: Company) -> None:
    """With those it does."""
    at_noon = at("2026-03-02 14:00")
    with pytest.raises(NothingToPreviewError, match=r'no sound playbook "slid" \(did you mean "slide"\?\)'):
        preview(shop.database, shop.library, "slid", "call", "acme", at_noon)
    with pytest.raises(NothingToPreviewError, match='no step "cal"; its steps are: call, mail, post'):
        preview(shop.database, shop.library, "slide", "cal", "acme", at_noon)
    with pytest.raises(NothingToExplainError, match='no account "globex"'):
        preview(shop.database, shop.library, "slide", "call", "globex", at_noon)
    with pytest.raises(NothingToPreviewError, match="account acme was not known at"):
        preview(shop.database, shop.library, "slide", "call", "acme", at("2026-03-01 00:00"))


@pytest.fixture
def run(shop: Company, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command over the company's database."""
    app = typer.Typer()

    class Open(Shell):
        settings = shop.library.settings  # type: ignore[assignment]

    @app.callback()
    def main(ctx: typer.Context) -> None:
        ctx.obj = Open(None, lambda _url: shop.database)

    app.command("preview")(command)
    options = ["--account", "acme", "--at", "2026-03-02T14:00:00Z"]
    return lambda *arguments: CliRunner().invoke(app, ["preview", *arguments, *options])


def everything(database: Engine) -> str:
    """The whole database as text."""
    connection: Any = database.raw_connection()
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()


def test_preview_command_prints_and_writes_html_and_nothing_else(
    run: Callable[..., Result], shop: Company, tmp_path: Path
) -> None:
    """The file is for a browser; the database stays as it was."""
    before = everything(shop.database)
    result = run("slide", "mail", "--html", str(tmp_path / "mail.html"))
    assert result.exit_code == 0, result.output
    assert result.output.startswith(
        "email of slide/mail for acme at 2026-03-02T14:00:00Z\nto: kim@acme.example\n"
    )
    assert "Subject: Hello Acme\n" in result.output
    assert "Hello Kim Lee, it is 2 March 2026." in result.output
    assert "<p>Hello Kim Lee" in (tmp_path / "mail.html").read_text(encoding="utf-8")
    assert everything(shop.database) == before


def test_preview_command_opens_the_html_in_a_browser(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a file of its own when none is named."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert run("slide", "mail", "--open").exit_code == 0
    page = Path(opened[0].removeprefix("file://"))
    assert "<p>Hello Kim Lee" in page.read_text(encoding="utf-8")
    page.unlink()


def test_preview_command_ends_with_one_where_there_is_a_problem(
    run: Callable[..., Result], shop: Company
) -> None:
    """In words, and for machines."""
    write(shop, "messages/note.txt.j2", "{{ account.helth }}")
    result = run("slide", "post")
    assert result.exit_code == 1
    assert "problem: templates/messages/note.txt.j2:1: there is no" in result.output
    printed = json.loads(run("slide", "post", "--json").output)
    assert (printed["action"], printed["text"], len(printed["problems"])) == ("message", None, 1)


def test_preview_command_refuses_an_unknown_step(run: Callable[..., Result]) -> None:
    """Wrong use, not a problem of the playbook."""
    result = run("slide", "cal")
    assert result.exit_code == 2
    assert 'has no step "cal"' in result.output
