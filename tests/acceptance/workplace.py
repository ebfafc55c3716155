"""Running the installed command as a person would, in a folder of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("tminus")


@dataclass(frozen=True)
class Workplace:
    """An empty folder with a configuration that points at the shipped playbooks."""

    folder: Path
    environment: dict[str, str]

    def tminus(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run one command to its end and return what it printed."""
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode in codes, f"tminus {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command prints for machines."""
        return json.loads(self.tminus(*arguments, "--json"))

    def configure(self, **changes: Any) -> None:
        """Replace whole sections of the shipped configuration."""
        yaml = YAML()
        path = self.folder / "config.yaml"
        content = yaml.load(path.read_text(encoding="utf-8"))
        content.update(changes)
        with path.open("w", encoding="utf-8") as out:
            yaml.dump(content, out)
