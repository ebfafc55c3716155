"""`tminus user`, `tminus token` and `tminus tokens`: who comes in, and with what, from the command line."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import typer
from sqlalchemy import Engine
from typer.testing import CliRunner

from engine.api.tokens import list_tokens, token_digest, used_token
from engine.cli.shell import Shell
from engine.cli.token_command import token, tokens
from engine.cli.user_command import user
from engine.users.access import Permission
from engine.users.links import use_link
from engine.users.passwords import check_password
from engine.users.users import find_user

EMAIL = "dana@ours.example"


@pytest.fixture
def run(sqlite_database: Engine) -> Any:
    """Runs a command over an empty database."""
    app = typer.Typer()

    @app.callback()
    def shell(context: typer.Context) -> None:
        context.obj = Shell(None, lambda _url: sqlite_database)

    app.add_typer(user, name="user")
    app.command("token")(token)
    app.add_typer(tokens, name="tokens")
    return lambda *arguments, **more: CliRunner().invoke(app, [*arguments], env={"COLUMNS": "200"}, **more)


def test_user_add_prints_a_link_that_signs_in_once(run: Any, sqlite_database: Engine) -> None:
    """The list shows who there is."""
    assert "nobody yet" in run("user", "list").stdout
    made = run("user", "add", "Dana@ours.example", "--access", "ops", "--name", "Dana Whitfield")
    assert "dana@ours.example may sign in as ops, once within three days by this link:" in made.stdout
    code = made.stdout.strip().rpartition("code=")[2]
    assert use_link(sqlite_database, code, datetime.now(UTC)) == EMAIL
    listed = run("user", "list").stdout
    assert "dana@ours.example  ops  Dana Whitfield  never signed in" in listed
    (found,) = json.loads(run("user", "list", "--json").stdout)
    assert (found["email"], found["access"], found["has_password"]) == (EMAIL, "ops", False)


def test_user_link_ends_the_one_before(run: Any, sqlite_database: Engine) -> None:
    """JSON has it too."""
    first = json.loads(run("user", "add", EMAIL, "--json").stdout)["link"]
    second = json.loads(run("user", "link", EMAIL, "--json").stdout)["link"]
    now = datetime.now(UTC)
    assert use_link(sqlite_database, first.partition("code=")[2], now) is None
    assert use_link(sqlite_database, second.partition("code=")[2], now) == EMAIL


def test_user_password_is_asked_for_twice_and_never_shown(run: Any, sqlite_database: Engine) -> None:
    """A weak one is refused with the reason."""
    run("user", "add", EMAIL)
    given = "four zebras by the river"
    done = run("user", "password", EMAIL, input=f"{given}\n{given}\n")
    assert (done.exit_code, given in done.output) == (0, False)
    assert check_password(sqlite_database, EMAIL, given) == EMAIL
    weak = run("user", "password", EMAIL, input="short\nshort\n")
    assert (weak.exit_code, "at least 12 characters" in weak.stderr) == (2, True)


def test_user_access_disable_and_enable(run: Any, sqlite_database: Engine) -> None:
    """By address or by id."""
    run("user", "add", EMAIL)
    assert "is viewer now" in run("user", "access", EMAIL, "viewer").stdout
    assert "can sign in no more" in run("user", "disable", EMAIL).stdout
    assert "disabled" in run("user", "list").stdout
    assert "may sign in again" in run("user", "enable", EMAIL).stdout
    assert not find_user(sqlite_database, EMAIL).is_disabled


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "no address"), "not an email address"),
        (("add", EMAIL), "can sign in already"),
        (("add", "x@ours.example", "--person", "nobody"), 'no person "nobody"'),
        (("add", "x@ours.example", "--access", "king"), "king"),
        (("access", "nobody", "csm"), 'nobody signs in as "nobody"'),
        (("access", EMAIL, "csm"), "only admin"),
        (("disable", EMAIL), "only admin"),
        (("link", "nobody"), 'nobody signs in as "nobody"'),
    ],
)
def test_user_commands_say_why_nothing_was_done(run: Any, arguments: tuple[str, ...], words: str) -> None:
    """With exit code 2."""
    run("user", "add", EMAIL, "--access", "admin")
    refused = run("user", *arguments)
    assert (refused.exit_code, words in refused.stderr) == (2, True)


def test_token_is_made_for_its_scopes_and_its_time(run: Any, sqlite_database: Engine) -> None:
    """Without any it may do everything, for as long as nobody revokes it."""
    made = json.loads(
        run("token", "feed", "--scope", "data", "--scope", "read", "--days", "30", "--json").stdout
    )
    found = used_token(sqlite_database, token_digest(made["token"]), datetime.now(UTC))
    assert found is not None
    assert found.scopes == {Permission.DATA, Permission.READ}
    assert found.expires_at is not None
    run("token", "laptop")
    every = next(each for each in list_tokens(sqlite_database) if each.name == "laptop")
    assert (every.scopes, every.expires_at) == (set(Permission), None)
    assert run("token", "odd", "--scope", "everything").exit_code == 2


def test_tokens_are_listed_and_revoked_by_id(run: Any, sqlite_database: Engine) -> None:
    """The list never has the token."""
    assert "no token is in use" in run("tokens", "list").stdout
    made = json.loads(run("token", "feed", "--scope", "data", "--json").stdout)["token"]
    listed = run("tokens", "list").stdout
    assert "feed  data  never used" in listed
    assert made not in listed
    (known,) = json.loads(run("tokens", "list", "--json").stdout)
    assert "the token of feed is revoked" in run("tokens", "revoke", known["id"]).stdout
    refused = run("tokens", "revoke", known["id"])
    assert (refused.exit_code, "no token in use has the id" in refused.stderr) == (2, True)
    assert "revoked" in run("tokens", "list", "--all").stdout
