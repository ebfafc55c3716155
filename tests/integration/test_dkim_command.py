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
    (made,) = json.loads(run(tmp_path, config, "--json").stdout)
    assert (made["name"], made["type"], made["value"]) == (
        "tminus1._domainkey.acme.example",
        "TXT",
        "".join(strings),
    )
    assert set(read_tags(made["value"])) == {"v", "k", "p"}


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_dkim_makes_a_key_that_signs(tmp_path: Path, kind: str) -> None:
    """For its owner alone to read, and never in place of another."""
    key = tmp_path / "keys" / "dkim.pem"
    made = run(tmp_path, EMAIL, "--new", str(key), "--kind", kind)
    assert made.exit_code == 0, made.output
    assert key.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in made.output
    config = f"{EMAIL}  dkim: {{domain: acme.example, selector: s1, key: {key}}}\n"
    assert f"v=DKIM1; k={kind}; p=" in run(tmp_path, config).stdout
    before = key.read_text()
    again = run(tmp_path, config, "--new", str(key))
    assert (again.exit_code, key.read_text()) == (2, before)
    assert "is there already" in again.stderr


def test_dkim_shows_a_record_for_each_key(tmp_path: Path) -> None:
    """With a second signature of the other kind; two of one kind are refused, as is one name for both."""
    for name, kind in (("a", "rsa"), ("b", "ed25519"), ("c", "rsa")):
        run(tmp_path, EMAIL, "--new", str(tmp_path / f"{name}.pem"), "--kind", kind)

    def with_second(selector: str, name: str) -> Any:
        second = f"second: {{selector: {selector}, key: {tmp_path}/{name}.pem}}"
        first = f"domain: acme.example, selector: s1, key: {tmp_path}/a.pem"
        return run(tmp_path, f"{EMAIL}  dkim: {{{first}, {second}}}\n", "--json")

    records = json.loads(with_second("s2", "b").stdout)
    assert [each["name"].partition(".")[0] for each in records] == ["s1", "s2"]
    assert ["k=rsa" in records[0]["value"], "k=ed25519" in records[1]["value"]] == [True, True]
    assert "both keys are rsa" in with_second("s2", "c").stderr
    assert "second.selector must differ" in with_second("S1", "b").stderr


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
