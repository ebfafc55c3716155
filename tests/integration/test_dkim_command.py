"""`tminus dkim` as a person and a script use it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from tests.dkim_check import PRIVATE_KEY, read_tags

EMAIL = "email:\n  sender: Acme <success@acme.example>\n"


def run(tmp_path: Path, config: str, *arguments: str) -> Any:
    """The command with this configuration."""
    file = tmp_path / "config.yaml"
    file.write_text(config)
    return CliRunner().invoke(app, ["--config", str(file), "dkim", *arguments])


def test_dkim_prints_the_record_to_publish(tmp_path: Path) -> None:
    """As a zone file takes it, in strings of at most 255 characters, and as JSON."""
    key = tmp_path / "dkim.pem"
    key.write_text(PRIVATE_KEY)
    config = f"{EMAIL}  dkim: {{domain: Acme.example, selector: tminus1, key: {key}}}\n"
    shown = run(tmp_path, config)
    assert shown.exit_code == 0
    assert shown.stdout.startswith('tminus1._domainkey.acme.example. IN TXT ( "v=DKIM1; k=rsa; p=MII')
    strings = shown.stdout.split('"')[1::2]
    assert max(map(len, strings)) <= 255
    made = json.loads(run(tmp_path, config, "--json").stdout)
    assert (made["name"], made["type"], made["value"]) == (
        "tminus1._domainkey.acme.example",
        "TXT",
        "".join(strings),
    )
    assert set(read_tags(made["value"])) == {"v", "k", "p"}


@pytest.mark.parametrize(
    ("dkim", "message"),
    [
        ("", "there is no email.dkim in the settings"),
        ("  dkim: {domain: acme.example, selector: s, key: missing.pem}\n", "email.dkim.key: is neither"),
        ("  dkim: {domain: localhost, selector: s, key: x}\n", 'email.dkim.domain: Value error, "localhost"'),
        (
            "  dkim: {domain: acme.example, selector: a b, key: x}\n",
            'email.dkim.selector: Value error, "a b"',
        ),
    ],
)
def test_dkim_says_what_is_missing(tmp_path: Path, dkim: str, message: str) -> None:
    """With the setting's name and the mend."""
    shown = run(tmp_path, EMAIL + dkim)
    assert shown.exit_code == 2
    assert message in shown.stderr
