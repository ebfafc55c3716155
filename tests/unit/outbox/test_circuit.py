"""Circuits and paces: when a connector may be tried, and how fast."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.outcome import Delivered, Failed, Outcome, Retry
from engine.outbox.circuit import FIRST_REST, LONGEST_REST, Circuit
from engine.outbox.lane import Gate
from engine.outbox.pace import Pace

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BLOCKED = Retry("refused", is_outage=True)


def after(*outcomes: Outcome) -> Circuit:
    """A circuit that has seen these, all at once."""
    circuit = Circuit()
    for outcome in outcomes:
        circuit = circuit.after(outcome, NOW)
    return circuit


@pytest.mark.parametrize(
    ("outcomes", "allowed"),
    [
        ([], 10),
        ([BLOCKED], 10),
        ([BLOCKED, BLOCKED], 0),
        ([BLOCKED, Delivered("ok"), BLOCKED], 10),
        ([BLOCKED, Failed("550 no"), BLOCKED], 10),
        ([Retry("451 later"), Retry("451 later")], 10),
    ],
)
def test_circuit_rests_after_two_blocked_tries_in_a_row(outcomes: list[Outcome], allowed: int) -> None:
    """An answer about a message shows that the way is open."""
    assert after(*outcomes).allows(10, NOW) == allowed


def test_circuit_sends_one_ahead_when_it_has_rested() -> None:
    """While that one is under way nobody else goes; its answer decides."""
    circuit = after(BLOCKED, BLOCKED)
    rested = NOW + FIRST_REST
    assert circuit.allows(10, rested - timedelta(seconds=1)) == 0
    assert circuit.allows(10, rested) == 1
    probing = circuit.probing(rested)
    assert probing.allows(10, rested) == 0
    assert probing.after(Delivered("ok"), rested).allows(10, rested) == 10
    assert probing.after(BLOCKED, rested).rests_until == rested + FIRST_REST * 2
    assert probing.released().allows(10, rested) == 1


def test_circuit_rests_ever_longer_up_to_ten_minutes() -> None:
    """Each blocked try doubles the rest."""
    rests = [after(*[BLOCKED] * count).rests_until for count in (2, 3, 4, 20)]
    assert rests == [NOW + FIRST_REST, NOW + FIRST_REST * 2, NOW + FIRST_REST * 4, NOW + LONGEST_REST]


def test_pace_keeps_the_rate_over_any_stretch() -> None:
    """A full bucket goes at once, then it fills evenly; no more than one span's worth gathers."""
    pace = Pace.full(10, timedelta(seconds=1), NOW)
    assert pace.available(NOW) == 10
    pace = pace.taken(10, NOW)
    assert [pace.available(NOW + timedelta(milliseconds=each)) for each in (0, 99, 100, 550)] == [0, 0, 1, 5]
    assert pace.available(NOW + timedelta(hours=1)) == 10
    assert pace.available(NOW - timedelta(hours=1)) == 0, "a clock set back gives nothing"


def test_gate_gives_back_what_was_not_used() -> None:
    """Leave taken for entries that were not there counts for nothing."""
    gate = Gate(Pace.full(5, timedelta(seconds=1), NOW))
    assert gate.admit(10, NOW) == 5
    assert gate.admit(10, NOW) == 0
    gate.give_back(3, NOW)
    assert gate.admit(10, NOW) == 3
