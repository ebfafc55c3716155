"""What the author's loop costs, and how that grows with the number of playbooks.

    .venv/bin/python -m bench.authoring [--rounds 3] [--counts 10,50,100,200]

`tminus check` and `tminus test`, each in a process of its own, start-up included, over copies of the shipped
playbooks, each with a name, templates and tests of its own. Two peers do the like in the same run. Beside the
check: the same rule files read by PyYAML's C parser and validated by `jsonschema` against the schema of
`tminus schema`, which is what an editor does with them, and knows nothing of templates, names and overlaps.
Beside the test: `pytest` over as many tests that only pass, which is what any developer waits for before a
test does anything. Also the start-up alone: `tminus --help`, and the check of one file.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[1]
COUNTS = (10, 50, 100, 200)
TMINUS = ("-c", "from engine.cli.entry import run; run()")
SCHEMA_CHECK = """
import json, sys, yaml
from pathlib import Path
from jsonschema import Draft202012Validator
schema = json.loads(Path("schema.json").read_text())
validator = Draft202012Validator(schema)
for file in sorted(Path("rules").rglob("*.yaml")):
    if ".test." not in file.name:
        content = yaml.load(file.read_text(), yaml.CSafeLoader)
        list(validator.iter_errors(content))
"""
"""What validates rule files without knowing what they mean."""


@dataclass(frozen=True)
class Cost:
    """What a process took, in seconds."""

    cpu: float
    wall: float


def workplace(folder: Path, count: int) -> int:
    """Write so many playbooks with their templates and tests; the number of tests."""
    shipped = [each for each in sorted((ROOT / "rules").rglob("*.yaml")) if _can_be_renamed(each)]
    (folder / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    tests = 0
    for copy in range(-(-count // len(shipped))):
        _copy_templates(folder, copy)
        for file in shipped[: count - copy * len(shipped)]:
            tests += _copy_playbook(folder, file, copy)
    return tests


def _can_be_renamed(file: Path) -> bool:
    """Whether it is a playbook whose days do not depend on its name, as they do where they are spread."""
    return ".test." not in file.name and "spread:" not in file.read_text(encoding="utf-8")


def _copy_templates(folder: Path, copy: int) -> None:
    """Every template under a name of the copy, with a text that no other copy has."""
    for file in sorted((ROOT / "templates").rglob("*.j2")):
        parts = file.relative_to(ROOT / "templates").parts
        name, text = parts[1], file.read_text(encoding="utf-8")
        if not name.startswith("_"):
            stem, dot, suffix = name.partition(".")
            parts = (parts[0], f"{stem}-{copy}{dot}{suffix}", *parts[2:])
            text += f"{{# copy {copy} #}}"
        _write(folder.joinpath("templates", *parts), text)


def _copy_playbook(folder: Path, file: Path, copy: int) -> int:
    """A playbook with its tests under a name of the copy; the number of its tests."""
    place = folder / file.relative_to(ROOT)
    text = file.read_text(encoding="utf-8")
    text = re.sub(r"^(playbook: \S+)", rf"\1-{copy}", text, flags=re.MULTILINE)
    text = re.sub(r"(template: [\w-]+)", rf"\1-{copy}", text)
    text = re.sub(r"(playbooks: \[[\w-]+)\]", rf"\1-{copy}]", text)
    _write(place.with_name(f"{file.stem}-{copy}.yaml"), _titled(text, copy))
    tests = file.with_name(f"{file.stem}.test.yaml").read_text(encoding="utf-8")
    tests = re.sub(r"(with: .*[\w-]+)\.yaml", rf"\1-{copy}.yaml", tests)
    _write(place.with_name(f"{file.stem}-{copy}.test.yaml"), _titled(tests, copy))
    return len(re.findall(r"^  - name:", tests, flags=re.MULTILINE))


def _titled(text: str, copy: int) -> str:
    """With titles of its own, so that it does not ask for what another copy asks for."""
    return re.sub(r'\b(title: "?)(?=[\w{])', rf"\1No. {copy} ", text)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def cost(arguments: Sequence[str], folder: Path, rounds: int) -> Cost:
    """The median of so many processes in `folder`, after one that leaves compiled modules behind."""
    _once(arguments, folder)
    found = [_once(arguments, folder) for _ in range(rounds)]
    return Cost(statistics.median(each.cpu for each in found), statistics.median(each.wall for each in found))


def _once(arguments: Sequence[str], folder: Path) -> Cost:
    """What one process took. Ends the benchmark where it fails."""
    unwanted = ("TMINUS_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    began, before = perf_counter(), _children()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return Cost(_children() - before, perf_counter() - began)


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def loop(count: int, rounds: int) -> dict[str, Any]:
    """The author's loop over so many playbooks, beside its peers."""
    with TemporaryDirectory(prefix="tminus-bench-") as name:
        folder = Path(name)
        tests = workplace(folder, count)
        check = cost((*TMINUS, "check"), folder, rounds)
        test = cost((*TMINUS, "test"), folder, rounds)
        cost((*TMINUS, "schema", "--output", "schema.json"), folder, 1)
        validation = cost(("-c", SCHEMA_CHECK), folder, rounds)
        empty = "".join(f"def test_{each}():\n    assert True\n\n\n" for each in range(tests))
        (folder / "test_nothing.py").write_text(empty, encoding="utf-8")
        pytest = cost(("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_nothing.py"), folder, rounds)
    return {
        "tests": tests,
        "check": _shown(check),
        "test": _shown(test),
        "check and test": _shown(Cost(check.cpu + test.cpu, check.wall + test.wall)),
        "jsonschema over the same files": _shown(validation),
        "pytest over as many tests that only pass": _shown(pytest),
        "check / jsonschema": round(check.cpu / validation.cpu, 2),
        "test / pytest": round(test.cpu / pytest.cpu, 2),
    }


def start_up(rounds: int) -> dict[str, Any]:
    """What is paid before anything is done."""
    with TemporaryDirectory(prefix="tminus-bench-") as name:
        folder = Path(name)
        workplace(folder, 17)
        one = next((folder / "rules").rglob("nps-survey-0.yaml"))
        return {
            "tminus --help": _shown(cost((*TMINUS, "--help"), folder, rounds)),
            "tminus check of one file": _shown(cost((*TMINUS, "check", str(one)), folder, rounds)),
        }


def _shown(found: Cost) -> dict[str, float]:
    return {"seconds of processor": round(found.cpu, 2), "seconds of wall clock": round(found.wall, 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", default=",".join(map(str, COUNTS)))
    chosen = parser.parse_args()
    found = {
        "start-up": start_up(chosen.rounds),
        "by number of playbooks": {
            count: loop(count, chosen.rounds) for count in map(int, chosen.counts.split(","))
        },
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
