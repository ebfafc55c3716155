"""What an explanation says of any instant is what the engine held then: random rules, random histories."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.explain import explain
from engine.explanation.document import Explanation
from engine.explanation.judgement import Answer
from engine.judging import TickReport
from engine.state import tables
from tests.builders import Company, Fresh, company
from tests.histories import PLAYBOOKS, at_random, play, random_history
from tests.rule_makers import random_playbooks

Pair = tuple[str, str]
"""A playbook and a subject of it."""

NOTHING_OPEN = {Answer.EXCLUDED, Answer.UNKNOWN, Answer.DOES_NOT_HOLD, Answer.NO_MOMENT}
KEPT = {Answer.LAPSED, Answer.HAS_RUN, Answer.OWED, Answer.EXISTING}


@dataclass
class Held:
    """What the engine held of a pair when a tick was done."""

    runs: set[str] = field(default_factory=set)
    """The open ones."""
    stretch: Any = None
    moments: list[Any] = field(default_factory=list)
    """Those owed a run."""


class Witness(Company):
    """Writes down after every tick what the engine holds of every pair."""

    seen: dict[datetime, dict[Pair, Held]]

    def tick(self, when: datetime) -> TickReport:
        """One pass, and a look at what came of it."""
        report = super().tick(when)
        found: dict[Pair, Held] = {}
        for kind, model in KINDS.items():
            for playbook in self.library.rules.playbooks:
                if playbook.subject == kind:
                    found.update({(playbook.name, row.id): Held() for row in self.rows(model)})
        for run in self.runs(state="open"):
            found[run.playbook, run.subject_id].runs.add(run.id)
        for episode in self.episodes():
            if episode.state == "resolved":
                continue
            held = found[episode.playbook, episode.subject_id]
            if episode.key.startswith(("on@", "on[")):
                held.moments.append(episode)
            else:
                held.stretch = episode
        self.seen[when] = found
        return report


KINDS = {"account": tables.Account, "contact": tables.Contact, "subscription": tables.Subscription}


def witness(database: Engine, folder: Path, playbooks: tuple[str, ...]) -> Witness:
    """The same company, with a witness."""
    plain = company(database, folder, playbooks)
    found = Witness(plain.database, plain.library, plain.ticker)
    found.seen = {}
    return found


def disagreement(held: Held, told: Explanation) -> str | None:
    """Why the explanation is not what the engine held; None when it is."""
    answer = told.judged.answer
    if held.runs:
        shown = {each["id"] for each in told.runs if each["ended_at"] is None}
        return None if answer is Answer.RUNS and shown == held.runs else f"{held.runs} run"
    if answer is Answer.RUNS:
        return "nothing runs"
    if held.moments:
        owed = {each.owed for each in held.moments}
        return None if answer is Answer.OWED and told.judged.owed in owed else f"moments are owed: {owed}"
    if held.stretch is None:
        return None if answer in NOTHING_OPEN and told.verdict is not True else "no stretch is open"
    return _stretch_disagreement(held.stretch, told)


def _stretch_disagreement(stretch: Any, told: Explanation) -> str | None:
    answer = told.judged.answer
    if stretch.lapsed_at is not None:
        wanted = {Answer.LAPSED} if told.verdict is False else KEPT
        return None if answer in wanted and told.verdict is not True else "the stretch has lapsed"
    if told.verdict is False:
        return "a stretch is open"
    if stretch.owed is not None:
        is_same = told.judged.owed == stretch.owed or told.verdict is None
        return None if answer is Answer.OWED and is_same else f"the start is owed: {stretch.owed}"
    wanted = Answer.HAS_RUN
    if stretch.state == "pending":
        wanted = Answer.PENDING
    elif stretch.opened_at is None:
        wanted = Answer.EXISTING
    return None if answer is wanted else f"the answer is {wanted}"


def compare(mine: Witness, random: Random, most: int) -> Counter[Answer]:
    """Ask about pairs at ticks long after, `most` of them, those first of which something was held."""
    answers: Counter[Answer] = Counter()
    asked = [(when, *each) for when, found in mine.seen.items() for each in found.items()]
    random.shuffle(asked)
    asked.sort(key=lambda each: each[2] == Held())
    for when, (playbook, subject), held in asked[: most * 2 // 3] + asked[-most // 3 :]:
        told = explain(mine.database, mine.library, playbook, subject, when)
        fault = disagreement(held, told)
        if fault is not None:
            raise AssertionError((playbook, subject, when, fault, told.conclusion, told, held))
        answers[told.judged.answer] += 1
    return answers


def told_of(
    seed: int, database: Engine, folder: Path, *, days: int, ticks: int, most: int
) -> Counter[Answer]:
    """The answers about one history of the playbooks that use everything."""
    history = random_history(seed, days=days)
    mine = witness(database, folder, PLAYBOOKS)
    play(mine, history, at_random(seed, history, ticks))
    return compare(mine, Random(seed), most)


def test_explanations_are_what_the_engine_held(fresh: Fresh, tmp_path: Path) -> None:
    """Late data, silences, mutes, holds: of any instant of the past the explanation says what was held."""
    answers: Counter[Answer] = Counter()
    for seed in range(4):
        answers += told_of(seed, fresh(), tmp_path, days=9, ticks=4, most=150)
    rare = {Answer.NOT_LIVE, Answer.HOLDS}
    assert set(answers) >= set(Answer) - rare


def test_explanations_are_what_the_engine_held_on_postgresql(
    postgresql_database: Engine, tmp_path: Path
) -> None:
    """The same there."""
    assert told_of(5, postgresql_database, tmp_path, days=4, ticks=2, most=60).total() == 60


def told_of_made(seed: int, database: Engine, folder: Path, *, days: int, ticks: int, most: int) -> None:
    """Ask about random playbooks over a random history."""
    history = random_history(seed, days=days)
    mine = witness(database, folder, tuple(random_playbooks(seed, 12)))
    play(mine, history, at_random(seed, history, ticks))
    compare(mine, Random(seed), most)


@pytest.mark.parametrize("seed", range(700, 702))
def test_explanations_of_random_playbooks_are_what_the_engine_held(
    seed: int, fresh: Fresh, tmp_path: Path
) -> None:
    """Whatever the conditions and keys, the explanation's verdict is the engine's decision."""
    told_of_made(seed, fresh(), tmp_path, days=6, ticks=3, most=120)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(800, 900))
def test_explanations_of_many_random_playbooks_are_what_the_engine_held(
    seed: int, fresh: Fresh, tmp_path: Path
) -> None:
    """More of the above."""
    told_of_made(seed, fresh(), tmp_path, days=9, ticks=6, most=400)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(600, 630))
def test_explanations_are_what_the_engine_held_for_long(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """More of the above."""
    told_of(seed, fresh(), tmp_path, days=18, ticks=30, most=3_000)
