"""Circuits and paces: when a connector may be tried, and how fast."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown
from engine.outbox.circuit import FIRST_REST, LONGEST_REST, Circuit
from engine.outbox.gate import Gate, Leave
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
        ([Unknown("hung up after the message"), Unknown("hung up after the message")], 0),
        ([Unknown("hung up after the message"), Delivered("ok"), BLOCKED], 10),
    ],
)
def test_circuit_rests_after_two_blocked_tries_in_a_row(outcomes: list[Outcome], allowed: int) -> None:
    """An answer about a message shows that the way is open; silence after one does not."""
    assert after(*outcomes).allows(10, NOW) == allowed


def test_circuit_sends_one_ahead_when_it_has_rested() -> None:
    """While that one is under way nobody else goes; its answer decides."""
    circuit = after(BLOCKED, BLOCKED)
    rested = NOW + FIRST_REST
    assert circuit.allows(10, rested - timedelta(seconds=1)) == 0
    assert circuit.allows(10, rested) == 1
    probing = circuit.probing()
    assert probing.allows(10, rested) == 0
    assert probing.after(Delivered("ok"), rested).allows(10, rested) == 10
    assert probing.after(BLOCKED, rested).rests_until == rested + FIRST_REST * 2
    assert probing.released().allows(10, rested) == 1


def test_circuit_rests_ever_longer_up_to_ten_minutes() -> None:
    """Each blocked try that was sent ahead doubles the rest."""
    circuit, rests = after(BLOCKED, BLOCKED), []
    for _ in range(7):
        assert circuit.rests_until is not None
        rests.append(circuit.rests_until - NOW)
        circuit = circuit.probing().after(BLOCKED, NOW)
    assert rests == [*(FIRST_REST * 2**each for each in range(5)), LONGEST_REST, LONGEST_REST]


def test_circuit_learns_nothing_from_tries_that_began_before_the_rest() -> None:
    """Ten that fail together make one rest, and not the tenth of a row; one that arrives ends it."""
    circuit = after(*[BLOCKED] * 10)
    assert circuit.rests_until == NOW + FIRST_REST
    assert circuit.after(Delivered("ok"), NOW).allows(10, NOW) == 10


@pytest.mark.parametrize(("asked", "rest"), [(0, 1), (45, 45), (86400, 600)])
def test_circuit_rests_as_long_as_the_other_side_asks(asked: int, rest: int) -> None:
    """At once, so that the rest of the queue does not use up its tries; for a second to ten minutes."""
    circuit = after(Retry("429", timedelta(seconds=asked), is_outage=True))
    assert circuit.rests_until == NOW + timedelta(seconds=rest)


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
    assert gate.admit(10, NOW) == Leave(5)
    assert gate.admit(10, NOW) == Leave(0)
    gate.give_back(Leave(5), 3, NOW)
    assert gate.admit(10, NOW) == Leave(3)


def test_gate_lets_only_the_one_sent_ahead_make_room_for_another() -> None:
    """What other lanes give back while it is under way sends no second one ahead."""
    gate = Gate(circuit=after(BLOCKED, BLOCKED))
    rested = NOW + FIRST_REST
    probe = gate.admit(10, rested)
    assert probe == Leave(1, is_probe=True)
    gate.give_back(Leave(10), 4, rested)
    assert gate.admit(10, rested) == Leave(0)
    gate.give_back(probe, 1, rested)
    assert gate.admit(10, rested) == Leave(1, is_probe=True)
