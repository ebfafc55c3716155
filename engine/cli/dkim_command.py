"""`tminus dkim`: keys that sign emails, and the DNS records by which receivers check the signatures."""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from connectors.dkim_signing import DkimSigner, new_key
from engine.cli.shell import JsonOption, Shell
from engine.outbox.correspondence import check_addresses, dkim_signer
from engine.settings import ConfigError

_LONGEST_STRING = 255
"""Bytes of one string of a TXT record: RFC 1035, section 3.3.14."""


class KeyKind(StrEnum):
    """What can be made."""

    RSA = "rsa"
    ED25519 = "ed25519"


def dkim(
    ctx: typer.Context,
    new: Annotated[Path | None, typer.Option(help="Make a private key in this new file.")] = None,
    kind: Annotated[
        KeyKind, typer.Option(help="Of the new key. Every receiver knows rsa, some know ed25519.")
    ] = KeyKind.RSA,
    json: JsonOption = False,
) -> None:
    """Show the DNS records to publish, so that receivers can check the signatures of emails."""
    shell: Shell = ctx.obj
    if new is not None:
        _make(shell, new, kind, json)
        return
    records = _signer(shell).records()
    if json:
        shell.print_json([{"name": name, "type": "TXT", "value": text} for name, text in records])
        return
    for name, text in records:
        strings = " ".join(f'"{each}"' for each in re.findall(f".{{1,{_LONGEST_STRING}}}", text))
        typer.echo(f"{name}. IN TXT ( {strings} )")
        shell.say(
            f'Publish it under {name}; where one field takes the whole value, without the quotes: "{text}"'
        )


def _make(shell: Shell, file: Path, kind: KeyKind, json: bool) -> None:
    """Write a new key for nobody but its owner to read; a key that is there already stays."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        shell.refuse(f"{file} is there already; a key in use must not be lost, so name another file")
    except OSError as error:
        shell.refuse(f"{file} cannot be written: {error.strerror}")
    with os.fdopen(opened, "w", encoding="ascii") as stream:
        stream.write(new_key(kind.value))
    if json:
        shell.print_json({"file": str(file), "kind": kind.value})
        return
    typer.echo(f"{file} holds a new {kind.value} key. Keep it secret.")
    where = f"selector: {kind.value}1, key: {file}"
    shell.say(f"Name it, say as email: {{dkim: {{domain: acme.example, {where}}}}}; then run tminus dkim.")


def _signer(shell: Shell) -> DkimSigner:
    """What the settings have emails signed with."""
    try:
        check_addresses(shell.settings.email)
        signer = dkim_signer(shell.settings.email)
    except ConfigError as error:
        shell.refuse(str(error))
    if signer is None:
        shell.refuse(
            "Emails are not signed: there is no email.dkim in the settings. Make a key with "
            "tminus dkim --new var/dkim.pem, and name it: "
            "email: {dkim: {domain: acme.example, selector: tminus1, key: var/dkim.pem}}"
        )
    return signer
