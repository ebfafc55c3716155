"""`tminus consent`: what a person may be written about, and how that came about."""

from typing import Annotated

import typer

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.permit.consent_record import Record, in_words, plain, record_of
from engine.state.database import reading


def consent(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="An email address.")],
    json: JsonOption = False,
) -> None:
    """Show what holds for an address, and every change of it: what, when, by which way, and who."""
    shell: Shell = ctx.obj
    with reading(shell.database) as connection:
        found = record_of(connection, address)
    if not found.is_known:
        shell.refuse(f"nothing is on record about {address}")
    if json:
        shell.print_json(plain(found))
        return
    for line in _lines(found):
        shell.console.print("".join(each if each.isprintable() else " " for each in line), markup=False)


def _lines(found: Record) -> list[str]:
    lines = [found.address]
    if found.suppression is not None:
        row = found.suppression
        why = f": {row.note}" if row.note else ""
        lines.append(f"  suppressed since {format_instant(row.since)} ({row.reason}{why})")
    lines += [f"  opted out of {topic or 'everything'}" for topic in found.topics]
    for each in found.contacts:
        name = f", {each.name}" if each.name else ""
        given = f"consent {each.consent or 'never asked'}"
        lines.append(f"  contact {each.id}{name}, of account {each.account_id}: {given}")
    return [*lines, *(f"{format_instant(each.at)}  {in_words(each)}" for each in found.entries)]
