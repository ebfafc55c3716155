"""What rules cost to read, to compile and to evaluate, and how that grows with their number and length.

    .venv/bin/python -m bench.rules [--rounds 3]

Evaluation: microseconds of one rule for one account, with 1 to 500 rules, by the reference evaluator and by
durable-rules, beside a bare comparison of two numbers in Python. Compilation: rule sets of durable-rules with
their self-test, for 50 and 500 playbooks. Checking: one file of 500 to 10,000 lines, and 50 files of 100
lines, beside a bare YAML parse of the same text.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import partial
from time import process_time
from typing import Any

from ruamel.yaml import YAML

from engine.conditions.catalogue import BUILT_IN
from engine.conditions.evaluate import evaluate
from engine.conditions.tree import Condition
from engine.match.compile import MOST_CONDITIONS
from engine.match.question import question
from engine.match.requests import Asked
from engine.match.samples import SyntheticView
from engine.match.self_test import failure
from engine.match.shard import Shard
from engine.rulefile.known import Known
from engine.rulefile.model import Guard
from engine.rulefile.parse_playbook import Parsed, parse_playbook

COUNTS = (1, 10, 50, 500)
ACCOUNTS = 200
KNOWN = Known(BUILT_IN, ["csm"], Guard(25, timedelta(hours=1)))


def rule_file(number: int, steps: int) -> str:
    """A sound playbook of its own thresholds, with so many steps of seven lines."""
    head = f"""\
playbook: bench-{number}
title: Bench {number}
owner: ops
subject: account
audience: {{field: account.segment, in: [high_touch, low_touch]}}
when:
  all:
    - {{field: account.health, below: {10 + number % 80}}}
    - any:
        - {{field: account.adoption, below: {5 + number % 90}}}
        - {{field: account.arr, at_least: {1000 + number}}}
steps:
"""
    one = """\
  - id: step-{0}
    day: {1}
    if: {{field: account.health, below: 50}}
    task:
      to: csm
      title: "Call {{{{ account.name }}}}"
      due: 2bd
"""
    return head + "".join(one.format(index, index % 90) for index in range(steps))


def parsed(text: str) -> Parsed:
    """The file read and checked."""
    found = parse_playbook("bench.yaml", text, KNOWN, templates=lambda path: None)
    assert found.playbook is not None, found.problems
    return found


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median processor time of `work`."""
    found = []
    for _ in range(rounds):
        began = process_time()
        work()
        found.append(process_time() - began)
    return statistics.median(found)


def conditions(count: int) -> dict[str, Condition]:
    """What so many playbooks ask."""
    found = {}
    for number in range(count):
        playbook = parsed(rule_file(number, 1)).playbook
        assert playbook is not None
        assert playbook.when is not None
        found[playbook.name] = playbook.when
    return found


def accounts() -> list[SyntheticView]:
    """Accounts spread over the thresholds."""
    return [
        SyntheticView(
            values={
                "account.health": Decimal(index % 100),
                "account.adoption": Decimal(index * 7 % 100),
                "account.arr": Decimal(index * 13 % 3000),
            }
        )
        for index in range(ACCOUNTS)
    ]


def shards(found: Mapping[str, Condition]) -> list[tuple[Shard, Mapping[str, Condition]]]:
    """The rule sets of so many conditions."""
    names = list(found)
    parts = [names[start : start + MOST_CONDITIONS] for start in range(0, len(names), MOST_CONDITIONS)]
    split = [{name: found[name] for name in part} for part in parts]
    return [(Shard(f"bench{id(split)}_{index}", part), part) for index, part in enumerate(split)]


Asking = list[tuple[Shard, list[Asked]]]


def asking(asked: Mapping[str, Condition], views: list[SyntheticView]) -> Asking:
    """What every rule set is asked about these accounts."""
    return [
        (
            shard,
            [
                (rule, question(rule, "", condition, view, None).facts)
                for rule, condition in part.items()
                for view in views
            ],
        )
        for shard, part in shards(asked)
    ]


def by_reference(asked: Mapping[str, Condition], views: list[SyntheticView]) -> None:
    """Every rule for every account."""
    for condition in asked.values():
        for view in views:
            evaluate(condition, view)


def by_durable_rules(questions: Asking) -> None:
    """Every rule set its questions."""
    for shard, each in questions:
        shard.answers(each)


def by_hand(count: int, views: list[SyntheticView]) -> None:
    """The least that so many rules could cost: one comparison for each account."""
    limit = Decimal(40)
    for _ in range(count):
        for view in views:
            _ = view.values["account.health"] < limit  # type: ignore[operator]


def evaluation(rounds: int) -> dict[int, Any]:
    """Microseconds of one rule for one account."""
    views, table = accounts(), {}
    for count in COUNTS:
        asked = conditions(count)
        few = views[: max(1, 2_000 // count)]
        reference = seconds(partial(by_reference, asked, views), rounds) / (count * len(views))
        bare = seconds(partial(by_hand, count, views), rounds) / (count * len(views))
        durable = seconds(partial(by_durable_rules, asking(asked, few)), rounds) / (count * len(few))
        table[count] = {
            "reference, microseconds": round(reference * 1_000_000, 2),
            "durable-rules, microseconds": round(durable * 1_000_000, 1),
            "reference / one bare comparison": round(reference / bare, 1),
        }
    return table


def compile_and_test(asked: Mapping[str, Condition]) -> None:
    """Make every rule set and let it prove itself."""
    for shard, part in shards(asked):
        found = failure(shard, part)
        assert found is None, found


def compilation(rounds: int) -> dict[int, Any]:
    """Seconds to compile and self-test."""
    return {
        count: {"seconds": round(seconds(partial(compile_and_test, conditions(count)), rounds), 2)}
        for count in (50, 500)
    }


def read_all(texts: list[str]) -> None:
    """Every file read and checked."""
    for text in texts:
        parsed(text)


def parse_bare(texts: list[str]) -> None:
    """Every file only parsed, by a YAML parser in Python."""
    for text in texts:
        for _ in YAML(typ="safe", pure=True).parse(text):
            pass


def checking(rounds: int) -> dict[str, Any]:
    """Milliseconds a line, beside a bare parse of the same text."""
    texts = {
        "one file of 500 lines": [rule_file(0, 70)],
        "one file of 1,000 lines": [rule_file(0, 141)],
        "one file of 5,000 lines": [rule_file(0, 712)],
        "one file of 10,000 lines": [rule_file(0, 1427)],
        "50 files of 100 lines": [rule_file(number, 12) for number in range(50)],
    }
    table = {}
    for name, files in texts.items():
        lines = sum(text.count("\n") for text in files)
        ours, bare = seconds(partial(read_all, files), rounds), seconds(partial(parse_bare, files), rounds)
        table[name] = {
            "lines": lines,
            "seconds": round(ours, 2),
            "milliseconds a line": round(ours * 1000 / lines, 3),
            "check / bare YAML parse": round(ours / bare, 2),
        }
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found = {
        "evaluation of one rule, by number of rules": evaluation(rounds),
        "compilation and self-test, by number of playbooks": compilation(rounds),
        "checking": checking(rounds),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
