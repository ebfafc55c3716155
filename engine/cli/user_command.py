"""`tminus user`: who may sign in to the console, and what they may do there."""

from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.state.database import reading
from engine.users.access import Access
from engine.users.links import link_address, make_link
from engine.users.passwords import set_password
from engine.users.users import (
    KnownUser,
    UserError,
    add_user,
    disable_user,
    enable_user,
    find_user,
    list_users,
    set_access,
)

user = typer.Typer(help="Who may sign in to the console.", no_args_is_help=True)

WhoArgument = Annotated[str, typer.Argument(metavar="WHO", help="An email address, or a person's id.")]


@user.command("add")
def add(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    access: Annotated[Access, typer.Option(help="What they may do.")] = Access.CSM,
    name: Annotated[str | None, typer.Option(help="What they are called; for a new person.")] = None,
    person: Annotated[
        str | None, typer.Option(help="Id of the person; else whoever has the address.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Let somebody sign in."""
    shell: Shell = ctx.obj
    try:
        made = add_user(shell.database, email, access, datetime.now(UTC), name=name, person_id=person)
    except UserError as error:
        _refuse(shell, error)
    _give_link(shell, made, json)


@user.command("list")
def list_(ctx: typer.Context, json: JsonOption = False) -> None:
    """Show who may sign in, and what they may do."""
    shell: Shell = ctx.obj
    with reading(shell.database) as connection:
        found = list_users(connection)
    if json:
        shell.print_json([_plain(each) for each in found])
        return
    for each in found:
        last = f"last {format_instant(each.signed_in_at)}" if each.signed_in_at else "never signed in"
        state = "disabled" if each.is_disabled else last
        shell.console.print(f"{each.email}  {each.access}  {each.name}  {state}", markup=False)
    if not found:
        shell.console.print("nobody yet; add somebody with: tminus user add EMAIL")


@user.command("access")
def change_access(
    ctx: typer.Context,
    who: WhoArgument,
    access: Annotated[Access, typer.Argument(help="What they may do from now on.")],
    json: JsonOption = False,
) -> None:
    """Change what somebody may do; they have to sign in again."""
    shell: Shell = ctx.obj
    found = _found(shell, who)
    try:
        set_access(shell.database, found.person_id, access)
    except UserError as error:
        _refuse(shell, error)
    _tell(shell, _found(shell, who), f"{found.email} is {access} now", json)


@user.command("password")
def password(ctx: typer.Context, who: WhoArgument, json: JsonOption = False) -> None:
    """Give somebody a password, asked for twice; they are signed out everywhere."""
    shell: Shell = ctx.obj
    found = _found(shell, who)
    given = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    try:
        set_password(shell.database, found.person_id, given, datetime.now(UTC))
    except UserError as error:
        _refuse(shell, error)
    _tell(shell, _found(shell, who), f"{found.email} has a new password", json)


@user.command("link")
def link(ctx: typer.Context, who: WhoArgument, json: JsonOption = False) -> None:
    """Make a link that signs somebody in once, within three days, to choose a new password."""
    shell: Shell = ctx.obj
    _give_link(shell, _found(shell, who), json)


@user.command("disable")
def disable(ctx: typer.Context, who: WhoArgument, json: JsonOption = False) -> None:
    """Let somebody sign in no more, and sign them out at once."""
    shell: Shell = ctx.obj
    found = _found(shell, who)
    try:
        disable_user(shell.database, found.person_id, datetime.now(UTC))
    except UserError as error:
        _refuse(shell, error)
    _tell(shell, _found(shell, who), f"{found.email} can sign in no more", json)


@user.command("enable")
def enable(ctx: typer.Context, who: WhoArgument, json: JsonOption = False) -> None:
    """Let somebody sign in again who was disabled."""
    shell: Shell = ctx.obj
    found = _found(shell, who)
    enable_user(shell.database, found.person_id)
    _tell(shell, _found(shell, who), f"{found.email} may sign in again", json)


def _give_link(shell: Shell, found: KnownUser, as_json: bool) -> None:
    code = make_link(shell.database, found.person_id, datetime.now(UTC))
    address = link_address(shell.settings.console.public_url, code)
    if as_json:
        shell.print_json({**_plain(found), "link": address})
        return
    words = f"{found.email} may sign in as {found.access}, once within three days by this link:"
    shell.console.print(f"{words}\n{address}", markup=False)


def _found(shell: Shell, who: str) -> KnownUser:
    try:
        return find_user(shell.database, who)
    except UserError as error:
        _refuse(shell, error)


def _refuse(shell: Shell, error: UserError) -> NoReturn:
    shell.refuse(f"{error}.")


def _tell(shell: Shell, found: KnownUser, words: str, as_json: bool) -> None:
    if as_json:
        shell.print_json(_plain(found))
    else:
        shell.console.print(words, markup=False)


def _plain(each: KnownUser) -> dict[str, object]:
    return {
        "person_id": each.person_id,
        "name": each.name,
        "email": each.email,
        "access": each.access.value,
        "has_password": each.has_password,
        "created_at": format_instant(each.created_at),
        "signed_in_at": format_instant(each.signed_in_at) if each.signed_in_at else None,
        "disabled_at": format_instant(each.disabled_at) if each.disabled_at else None,
    }
