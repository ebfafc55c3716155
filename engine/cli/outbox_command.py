"""`tminus outbox`: what is on its way out, what was given up, and what a person does about it."""

from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import Row

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant, parse_instant
from engine.outbox import browse
from engine.outbox.browse import EntryFilter, EntryState
from engine.outbox.by_hand import CannotCancelError, CannotRequeueError, cancel, requeue, requeue_some
from engine.state.cursor import BadCursorError
from engine.state.database import reading

outbox = typer.Typer(help="Messages on their way out, and those given up.", no_args_is_help=True)

StateOption = Annotated[str | None, typer.Option(help=f"{', '.join(get_args(EntryState))}.")]
ConnectorOption = Annotated[str | None, typer.Option(help="A connector's name.")]
AccountOption = Annotated[str | None, typer.Option(help="An account's id.")]
PlaybookOption = Annotated[str | None, typer.Option(help="A playbook's name.")]
SinceOption = Annotated[str | None, typer.Option(help="Those that ended, or were made, from then on.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids of entries.")]


@outbox.command("list")
def list_(
    ctx: typer.Context,
    state: StateOption = None,
    connector: ConnectorOption = None,
    account: AccountOption = None,
    playbook: PlaybookOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Entries to show.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the list before ended.")] = None,
    json: JsonOption = False,
) -> None:
    """List entries, newest first."""
    shell: Shell = ctx.obj
    wanted = _filter(shell, state, connector, account, playbook, since)
    try:
        with reading(shell.database) as connection:
            found = browse.page(connection, wanted, limit=limit, cursor=cursor)
    except BadCursorError as error:
        shell.refuse(str(error))
    if json:
        items = [browse.entry_json(each) for each in found.entries]
        shell.print_json({"items": items, "next_cursor": found.cursor})
        return
    shell.console.print(_table(found.entries) if found.entries else "nothing of that kind in the outbox")
    if found.cursor:
        shell.say(f"there are more: --cursor {found.cursor}")


@outbox.command("show")
def show(
    ctx: typer.Context,
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an entry.")],
    json: JsonOption = False,
) -> None:
    """Show an entry with its tries: when, how long each took, and what was answered."""
    shell: Shell = ctx.obj
    with reading(shell.database) as connection:
        entry = browse.one(connection, entry_id)
        tries, acts = browse.tries(connection, entry_id), browse.acts(connection, entry_id)
    if entry is None:
        shell.refuse(f'there is no outbox entry "{entry_id}"; see tminus outbox list')
    whole = browse.whole_json(entry, tries, acts)
    if json:
        shell.print_json(whole)
        return
    for line in _lines(whole):
        shell.console.print(Text(_printable(line)))


@outbox.command("retry")
def retry(
    ctx: typer.Context,
    entry_ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All that the options below name.")] = False,
    state: StateOption = None,
    connector: ConnectorOption = None,
    account: AccountOption = None,
    playbook: PlaybookOption = None,
    since: SinceOption = None,
    by: Annotated[str, typer.Option(help="Who sends them again.")] = "operator",
    json: JsonOption = False,
) -> None:
    """Give entries that are discarded or unknown all their tries again. Unknown ones may arrive twice."""
    shell: Shell = ctx.obj
    wanted = _filter(shell, state, connector, account, playbook, since)
    if bool(entry_ids) == everything:
        shell.refuse("name the entries, or give --all with --state")
    if entry_ids and wanted != EntryFilter():
        shell.refuse("--state, --connector, --account, --playbook and --since go with --all")
    now = datetime.now(UTC)
    if everything:
        _say_count(shell, "retried", _requeue_all(shell, wanted, now, by), [], json=json)
        return
    refused = []
    for each in entry_ids or ():
        try:
            requeue(shell.database, each, now, by=by)
        except (LookupError, CannotRequeueError) as error:
            refused.append(str(error.args[0]))
    _say_count(shell, "retried", len(entry_ids or ()) - len(refused), refused, json=json)


@outbox.command("cancel")
def cancel_(
    ctx: typer.Context,
    entry_ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of entries.")],
    by: Annotated[str, typer.Option(help="Who stops them.")] = "operator",
    json: JsonOption = False,
) -> None:
    """Stop entries that wait to be sent."""
    shell: Shell = ctx.obj
    refused = []
    for each in entry_ids:
        try:
            cancel(shell.database, each, datetime.now(UTC), by=by)
        except (LookupError, CannotCancelError) as error:
            refused.append(str(error.args[0]))
    _say_count(shell, "cancelled", len(entry_ids) - len(refused), refused, json=json)


def _filter(
    shell: Shell,
    state: str | None,
    connector: str | None,
    account: str | None,
    playbook: str | None,
    since: str | None,
) -> EntryFilter:
    if state is not None and state not in get_args(EntryState):
        shell.refuse(f'"{state}" is not a state of an entry; use one of {", ".join(get_args(EntryState))}')
    try:
        instant = parse_instant(since) if since else None
    except ValueError as error:
        shell.refuse(f"--since: {error}")
    return EntryFilter(state, connector, account, playbook, instant)  # type: ignore[arg-type]


def _requeue_all(shell: Shell, wanted: EntryFilter, now: datetime, by: str) -> int:
    total = 0
    try:
        while found := requeue_some(shell.database, wanted, now, by=by):
            total += found
    except ValueError as error:
        shell.refuse(str(error))
    return total


def _say_count(shell: Shell, done: str, count: int, refused: list[str], *, json: bool) -> None:
    if json:
        shell.print_json({done: count, "refused": refused})
    else:
        shell.console.print(f"{done} {count} {'entry' if count == 1 else 'entries'}")
        for each in refused:
            shell.say(each)
    if refused:
        raise typer.Exit(1)


def _table(entries: tuple[Row[Any], ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("Id", "State", "Connector", "To", "Subject", "Tries", "Made", "Why"):
        table.add_column(heading, overflow="fold")
    for each in entries:
        cells = (
            *(each.id, each.state, each.connector, each.recipient, each.subject, str(each.attempts)),
            format_instant(each.created_at),
            each.error or "",
        )
        # Text, so that brackets in names are not read as markup.
        table.add_row(*(Text(_printable(cell)) for cell in cells))
    return table


def _lines(whole: dict[str, Any]) -> list[str]:
    facts = (
        "state",
        "connector",
        "recipient",
        "account_id",
        "playbook",
        "step",
        "run_id",
        "subject",
        "topic",
    )
    times = ("created_at", "available_at", "finished_at")
    found = [whole["id"]]
    said = ("error", "receipt", "waits_for")
    found += [f"  {name}: {whole[name]}" for name in (*facts, *times, *said) if whole[name]]
    for each in whole["tries"]:
        lasted = "under way" if each["seconds"] is None else f"{each['seconds']:g} s"
        words = f": {each['answer']}" if each["answer"] else ""
        found.append(f"  try {each['number']} at {each['started_at']}, {lasted}, {each['result']}{words}")
    for each in whole["acts"]:
        words = f": {each['note']}" if each["note"] else ""
        found.append(f"  {each['act']} by {each['by']} at {each['at']}, was {each['was']}{words}")
    return found


def _printable(text: str) -> str:
    """Without control characters, which could command the terminal."""
    return "".join(each if each.isprintable() else " " for each in text)
