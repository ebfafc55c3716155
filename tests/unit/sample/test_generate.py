"""The sample book: the same each time, believable, and lively towards its end."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from engine.clock.zones import zone
from engine.conditions.catalogue import BUILT_IN, Kind
from engine.sample.customers import TERM, Story
from engine.sample.generate import customers, generate
from engine.sample.happening import Happening, happened_at
from engine.sample.words import company
from engine.state.accept import accepted_values, fields_of
from engine.state.ingest import Entry, EventEntry

END = datetime(2026, 6, 17, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def book() -> list[Happening]:
    """The book a fresh start generates."""
    return list(generate(320, 2026, END))


def _entries(book: list[Happening], kind: Kind) -> list[Entry]:
    return [each for each in book if isinstance(each, Entry) and each.kind is kind]


def _recent(book: list[Happening]) -> list[Happening]:
    return [each for each in book if happened_at(each) > END - timedelta(days=14)]


def test_generate_gives_the_same_book_for_the_same_arguments() -> None:
    """Two books of one seed are equal; another seed gives another."""
    assert list(generate(20, 7, END)) == list(generate(20, 7, END))
    assert list(generate(20, 7, END)) != list(generate(20, 8, END))


def test_generate_knows_nothing_after_the_end(book: list[Happening]) -> None:
    """No entry or event lies after the end, and each was recorded when it was so."""
    assert max(map(happened_at, book)) <= END
    for each in book:
        assert each.recorded_at == happened_at(each)


def test_generate_reaches_back_as_far_as_asked(book: list[Happening]) -> None:
    """The history covers eighteen months, or fewer days when fewer are wanted."""
    assert min(map(happened_at, book)) == END - timedelta(days=548)
    assert min(map(happened_at, generate(40, 1, END, history_days=20))) >= END - timedelta(days=20)


def test_generate_writes_each_customer_in_order_of_time(book: list[Happening]) -> None:
    """Within an account nothing goes back in time."""
    last: dict[str, datetime] = {}
    for each in book:
        assert happened_at(each) >= last.get(each.account_id, happened_at(each))
        last[each.account_id] = happened_at(each)


def test_generate_uses_only_values_that_ingest_accepts(book: list[Happening]) -> None:
    """Every value fits its field in the catalogue."""
    fields = {kind: fields_of(BUILT_IN, kind) for kind in Kind}
    for each in book:
        if isinstance(each, Entry):
            accepted_values(BUILT_IN, each.kind, fields[each.kind], each.values)


def test_generate_names_every_event_once(book: list[Happening]) -> None:
    """Event ids are unique, so none is taken for a repetition."""
    ids = [each.id for each in book if isinstance(each, EventEntry)]
    assert len(ids) == len(set(ids))


def test_generate_mixes_segments_and_places(book: list[Happening]) -> None:
    """About 12 % high, 33 % low and 55 % tech touch, on five continents."""
    found = [each for each, _ in customers(320, 2026, END)]
    segments = Counter(each.segment for each in found)
    assert 34 <= segments["high_touch"] <= 43
    assert 98 <= segments["low_touch"] <= 113
    assert {each.place.timezone.split("/")[0] for each in found} >= {"America", "Europe", "Asia", "Africa"}
    for each in found:
        zone(each.place.timezone)


def test_generate_reaches_nobody_real(book: list[Happening]) -> None:
    """Every address lies in a reserved domain and is plain ASCII."""
    emails = [str(each.values["email"]) for each in _entries(book, Kind.CONTACT) if "email" in each.values]
    assert len(emails) > 900
    assert all(re.fullmatch(r"[a-z.-]+@customer-\d{5}\.example", each) for each in emails)


def test_generate_spreads_high_touch_renewals(book: list[Happening]) -> None:
    """Some high-touch contracts renew within 120 days, most of them later."""
    high = [each for each, _ in customers(320, 2026, END) if each.segment == "high_touch"]
    soon = [each for each in high if each.renews_on <= END.date() + timedelta(days=120)]
    assert 8 <= len(soon) <= 18
    assert all(END.date() < each.renews_on <= END.date() + TERM for each in high)


def test_generate_chains_terms_without_gaps(book: list[Happening]) -> None:
    """Each term begins on the day the one before it ended, and only one is active at the end."""
    begun = [each for each in _entries(book, Kind.SUBSCRIPTION) if "renews_on" in each.values]
    by_account: dict[str, list[Entry]] = {}
    for each in begun:
        by_account.setdefault(each.account_id, []).append(each)
    left = {each.id for each, _ in customers(320, 2026, END) if each.left_on}
    for account_id, terms in by_account.items():
        for one, following in pairwise(terms):
            assert following.values["started_on"] == one.values["renews_on"]
        renewal = terms[-1].values["renews_on"]
        assert isinstance(renewal, date)
        assert account_id in left or renewal > END.date()


def test_generate_lets_a_few_customers_slip_at_the_end(book: list[Happening]) -> None:
    """Between 5 and 20 fall below 40 in the last two weeks: enough to see, too few for a guard."""
    health: dict[str, Decimal] = {}
    fallen = set()
    for each in _entries(book, Kind.ACCOUNT):
        value = each.values.get("health")
        if isinstance(value, Decimal):
            before = health.get(each.account_id)
            if before and before >= 40 > value and each.effective_at > END - timedelta(days=14):
                fallen.add(each.account_id)
            health[each.account_id] = value
    assert 5 <= len(fallen) <= 20


def test_generate_lets_a_few_champions_leave_at_the_end(book: list[Happening]) -> None:
    """Between 3 and 12 champions depart in the last two weeks."""
    roles = {each.id: each.values["role"] for each in _entries(book, Kind.CONTACT) if "role" in each.values}
    left = [
        each
        for each in _recent(book)
        if isinstance(each, Entry)
        and each.values.get("status") == "departed"
        and roles[each.id] == "champion"
    ]
    assert 3 <= len(left) <= 12


def test_generate_lets_a_few_customers_outgrow_their_plan(book: list[Happening]) -> None:
    """Between 5 and 15 cross 80 % of their limit in the last two weeks."""
    share: dict[str, Decimal] = {}
    limits = {each.id: Decimal(each.limit) for each, _ in customers(320, 2026, END)}
    crossed = set()
    for each in _entries(book, Kind.SUBSCRIPTION):
        used = each.values.get("usage")
        if isinstance(used, Decimal):
            before, now = share.get(each.account_id), used / limits[each.account_id]
            if before and before < Decimal("0.8") <= now and each.effective_at > END - timedelta(days=14):
                crossed.add(each.account_id)
            share[each.account_id] = now
    assert 5 <= len(crossed) <= 15


def test_generate_lets_a_few_customers_go_silent(book: list[Happening]) -> None:
    """Between 5 and 15 tech-touch customers passed their fourteenth silent day in the last week."""
    last = {each.account_id: happened_at(each) for each in book if isinstance(each, EventEntry)}
    tech = [
        each for each, _ in customers(320, 2026, END) if each.segment == "tech_touch" and not each.left_on
    ]
    silent = [each for each in tech if timedelta(days=14) <= END - last[each.id] <= timedelta(days=21)]
    assert 5 <= len(silent) <= 15


def test_generate_keeps_recent_stories_rare_in_a_large_book() -> None:
    """Ten times the customers have about as many recent stories, so that a guard is not tripped."""
    stories = Counter(each.story for each, _ in customers(3_200, 1, END, history_days=5))
    assert stories[Story.DECLINES] <= 20
    assert stories[Story.CHURNED] > 100


def test_company_gives_no_name_twice() -> None:
    """Twenty thousand customers have twenty thousand names."""
    assert len({company(index) for index in range(20_000)}) == 20_000


def test_company_goes_on_beyond_its_words() -> None:
    """A hundred thousand are still told apart."""
    assert len({company(index) for index in range(100_000)}) == 100_000
