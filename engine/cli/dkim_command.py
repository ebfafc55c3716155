"""`tminus dkim`: the DNS record by which receivers check the signatures of emails."""

import re

import typer

from engine.cli.shell import JsonOption, Shell
from engine.outbox.correspondence import check_addresses, dkim_signer
from engine.settings import ConfigError

_LONGEST_STRING = 255
"""Bytes of one string of a TXT record: RFC 1035, section 3.3.14."""


def dkim(ctx: typer.Context, json: JsonOption = False) -> None:
    """Show the DNS record to publish, so that receivers can check the signatures of emails."""
    shell: Shell = ctx.obj
    try:
        check_addresses(shell.settings.email)
        signer = dkim_signer(shell.settings.email)
    except ConfigError as error:
        shell.refuse(str(error))
    if signer is None:
        shell.refuse(
            "Emails are not signed: there is no email.dkim in the settings. Make a key with "
            "openssl genrsa -out var/dkim.pem 2048, and name it: "
            "email: {dkim: {domain: acme.example, selector: tminus1, key: var/dkim.pem}}"
        )
    name, text = signer.record()
    if json:
        shell.print_json({"name": name, "type": "TXT", "value": text})
        return
    strings = " ".join(f'"{each}"' for each in re.findall(f".{{1,{_LONGEST_STRING}}}", text))
    typer.echo(f"{name}. IN TXT ( {strings} )")
    shell.say(f'Publish it under {name}; where one field takes the whole value, without the quotes: "{text}"')
