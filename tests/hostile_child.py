"""Reads hostile files and renders hostile templates, each in a process of its own, and says what that cost.

    python -m tests.hostile_child files|templates FOLDER < [["name", "hex of the content"], …]

Prints one JSON object a line: name, CPU seconds, growth of the peak memory in megabytes, and what came of it.
"""

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from engine.authoring.lint import lint
from engine.render.templates import Renderer, RenderError
from engine.rulefile.configured import known_to
from engine.rulefile.load import load_rules
from engine.settings import Settings, load_settings
from tests.hostile_inputs import ROOT

ACCOUNT = {"id": "acme", "name": "Acme & Co", "health": 35, "notes": "x" * 10_000}
CONTEXT = {"account": ACCOUNT, "items": list(range(100))}


def read_file(settings: Settings, folder: Path, content: bytes) -> str:
    """Load a rules folder with this file, and look for what is unwise in it."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "a.yaml").write_bytes(content)
    loaded = load_rules(rules, ROOT / "templates", known_to(settings, settings.catalogue()))
    warnings = lint(loaded, settings, settings.catalogue(), {}, datetime(2026, 3, 2, tzinfo=UTC))
    for each in (*loaded.problems, *warnings):
        str(each).encode()
    return f"{len(loaded.playbooks)} playbooks, {len(loaded.problems)} problems"


def render(_settings: Settings, _folder: Path, content: bytes) -> str:
    """Fill a template in, as a text and as HTML."""
    text = content.decode()
    outcomes = []
    for path in ("templates/tasks/a.md.j2", "templates/emails/a/body.html.j2"):
        try:
            outcomes.append(f"{len(Renderer({path: text}).render(path, CONTEXT))} characters")
        except RenderError as error:
            outcomes.append(str(error)[:200])
    return "; ".join(outcomes)


WORK: dict[str, Callable[[Settings, Path, bytes], str]] = {"files": read_file, "templates": render}


def main() -> None:
    """Do each piece of work in a fork."""
    kind, folder = sys.argv[1:]
    settings = load_settings(ROOT / "config.yaml")
    WORK[kind](settings, Path(folder), b"a: b")
    for name, content in json.load(sys.stdin):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            _measure(WORK[kind], settings, Path(folder), name, bytes.fromhex(content))
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"name": name, "seconds": 0, "megabytes": 0, "failure": f"ended with {status}"}))


def _measure(
    work: Callable[[Settings, Path, bytes], str], settings: Settings, folder: Path, name: str, content: bytes
) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    before = _resident()
    began = time.process_time()
    failure = outcome = ""
    try:
        outcome = work(settings, folder, content)
    except BaseException:
        failure = traceback.format_exc()[-2_000:]
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "name": name,
        "seconds": seconds,
        "megabytes": peak - before,
        "outcome": outcome,
        "failure": failure,
    }
    print(json.dumps(found), flush=True)
    os._exit(0)


def _resident() -> float:
    """Megabytes this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


if __name__ == "__main__":
    main()
