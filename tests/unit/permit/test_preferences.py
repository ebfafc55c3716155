"""What people choose, how long it holds, and who can see that they did."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from engine.conditions.catalogue import BUILT_IN, Kind
from engine.permit.objections import EVERYTHING, objections, person_keys
from engine.permit.preferences import UnknownPersonError, choose, chosen, opt_in, opt_out
from engine.state.database import reading, writing
from engine.state.ingest import Entry, ingest
from engine.state.tables import ConsentChange, Contact, Event, OptOut, Outbox
from tests.integration.outbox_book import outbox_row

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def book(database: Engine) -> Engine:
    """Ann, who is a contact of two accounts."""
    entries = [Entry(Kind.ACCOUNT, each, each, {"name": each}, NOW, NOW) for each in ("a1", "a2")] + [
        Entry(Kind.CONTACT, "c1", "a1", {"email": "Ann@X.example", "consent": "granted"}, NOW, NOW),
        Entry(Kind.CONTACT, "c2", "a2", {"email": "ann@x.example"}, NOW, NOW),
    ]
    assert not ingest(database, BUILT_IN, entries, source="test").rejected
    return database


def consent(database: Engine) -> str | None:
    """Of the first contact."""
    with reading(database) as connection:
        return connection.scalar(select(Contact.consent).where(Contact.id == "c1"))


def changes(database: Engine) -> list[tuple[str, str, str]]:
    """What is on record."""
    with reading(database) as connection:
        rows = connection.execute(
            select(ConsentChange.change, ConsentChange.topic, ConsentChange.how).order_by(ConsentChange.id)
        ).all()
    return [(row[0], row[1], row[2]) for row in rows]


def events(database: Engine) -> list[tuple[str, str | None, object]]:
    """What playbooks can see."""
    with reading(database) as connection:
        rows = connection.execute(select(Event.name, Event.subject_id, Event.properties)).all()
    return [(row[0], row[1], row[2]) for row in rows]


def test_opt_out_of_a_topic_leaves_the_others(book: Engine) -> None:
    """With an event for playbooks, and a record; consent stays."""
    assert opt_out(book, "c1", "tips", NOW + DAY, "one_click")
    found = chosen(book, "c1")
    assert not found.wants("tips")
    assert found.wants("surveys")
    assert consent(book) == "granted"
    assert changes(book) == [("opted_out", "tips", "one_click")]
    assert events(book) == [("email_unsubscribed", "c1", {"topic": "tips"})]


def test_opt_out_holds_for_the_address_everywhere_and_for_the_person_with_another(book: Engine) -> None:
    """Neither a second account nor a new address gets around it."""
    opt_out(book, "c1", "tips", NOW + DAY, "link")
    assert not chosen(book, "c2").wants("tips")
    moved = Entry(Kind.CONTACT, "c1", "a1", {"email": "ann@new.example"}, NOW + DAY, NOW + DAY)
    ingest(book, BUILT_IN, [moved], source="test")
    assert not chosen(book, "c1").wants("tips")


def test_opt_out_again_changes_nothing(book: Engine) -> None:
    """A second click is as good as the first."""
    assert opt_out(book, "c1", "tips", NOW, "link")
    assert not opt_out(book, "c1", "tips", NOW + DAY, "link")
    assert (len(changes(book)), len(events(book))) == (1, 1)


def test_opt_out_of_everything_withdraws_consent(book: Engine) -> None:
    """So that conditions on consent see it; a way back gives it again."""
    opt_out(book, "c1", EVERYTHING, NOW, "link")
    assert (consent(book), chosen(book, "c1").is_everything) == ("withdrawn", True)
    assert events(book)[0][2] == {"topic": "everything"}
    opt_in(book, "c1", EVERYTHING, NOW + DAY, "preference_page")
    assert (consent(book), chosen(book, "c1").wants("tips")) == ("granted", True)
    assert [each[0] for each in changes(book)] == ["opted_out", "opted_in"]


def test_opt_out_cancels_what_waits_with_the_topic(book: Engine) -> None:
    """At once, and nothing else."""
    rows = [
        outbox_row(f"e{index}", 1) | {"address": address, "topic": topic, "state": state}
        for index, (address, topic, state) in enumerate(
            [
                ("ann@x.example", "tips", "scheduled"),
                ("ann@x.example", "surveys", "available"),
                ("ann@x.example", "tips", "completed"),
                ("bob@x.example", "tips", "available"),
            ]
        )
    ]
    with writing(book) as connection:
        connection.execute(insert(Outbox), rows)
    opt_out(book, "c1", "tips", NOW, "link")
    with reading(book) as connection:
        states = connection.scalars(select(Outbox.state).order_by(Outbox.id)).all()
    assert states == ["cancelled", "available", "completed", "available"]


def test_choose_takes_over_what_is_ticked(book: Engine) -> None:
    """From nothing at all back to one topic, and to none again."""
    opt_out(book, "c1", EVERYTHING, NOW, "link")
    offered = ["tips", "surveys"]
    choose(book, "c1", ["surveys", "made-up"], offered, NOW + DAY)
    found = chosen(book, "c1")
    assert [found.wants(each) for each in offered] == [False, True]
    choose(book, "c1", ["tips"], offered, NOW + 2 * DAY)
    assert [chosen(book, "c1").wants(each) for each in offered] == [True, False]
    choose(book, "c1", [], offered, NOW + 3 * DAY)
    assert chosen(book, "c1").is_everything
    assert consent(book) == "withdrawn"


def test_preferences_say_when_the_person_is_gone(book: Engine) -> None:
    """An erased person's link is no fault of theirs."""
    with pytest.raises(UnknownPersonError, match="no longer known"):
        opt_out(book, "erased", "tips", NOW, "link")
    with pytest.raises(UnknownPersonError):
        choose(book, "erased", [], ["tips"], NOW)


def test_objections_know_a_person_by_address_and_contact(book: Engine) -> None:
    """However the address is written; a stranger has none."""
    opt_out(book, "c1", "tips", NOW, "link")
    with reading(book) as connection:
        assert connection.scalar(select(OptOut.topic).where(OptOut.key == "contact:c1")) == "tips"
        found = objections(connection, person_keys("c9", "ANN@x.example"))
        assert found.opted_out(person_keys("c9", "ANN@x.example"), "tips") == "tips"
        assert found.opted_out(person_keys("c9", "ANN@x.example"), "surveys") is None
        assert objections(connection, person_keys("c9", "bob@x.example")).topics == {}
