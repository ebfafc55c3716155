"""The running service: one process with scheduler, delivery, API, console and, on trial, a mailbox."""

import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from connectors.inbox import Inbox, InboxError
from engine.admit.holds import release_holds
from engine.api.app import create_app
from engine.api.service import Service
from engine.console.openid_pages import provider_of
from engine.decider import Decider
from engine.delivering import STOP_SECONDS, now, open_deliverer, stop_delivering, turns
from engine.explain import explanations
from engine.explanation.document import Explanation
from engine.first_start import (
    FirstPeople,
    FirstToken,
    data_folder,
    first_people,
    first_token,
    has_sample,
)
from engine.listening import listen, port_of
from engine.mailbox.receiver import MailboxReceiver
from engine.match.choice import open_matcher
from engine.match.matcher import DurableMatcher, Matcher
from engine.outbox.deliver import Deliverer
from engine.returns.reading import check_secret, inbox_of, read_inbox, seconds_between, soft_limit
from engine.sample.life import live
from engine.schedule import Schedule, Work
from engine.settings import Settings
from engine.state.migrate import DatabaseUnusableError, migrated
from engine.web_server import WebServer
from engine.wiring import with_console_port, with_mailbox_port

log = logging.getLogger(__name__)


class ServiceFailedError(Exception):
    """The service could not go on; its log has why."""


@dataclass(frozen=True)
class Parts:
    """What the service is made of, before anything of it runs."""

    database: Engine
    settings: Settings
    decider: Decider
    matcher: Matcher
    deliverer: Deliverer
    inbox: Inbox | None


def serve(
    settings: Settings, say: Callable[[str], None], greet: Callable[[Settings, FirstToken], None]
) -> bool:
    """Run the service until KeyboardInterrupt, then stop what was started, last things first.

    `say` takes what there is to know on the way, `greet` where it runs and how to sign in. Returns whether
    everything under way could be finished. Raises AddressRefusedError, before anything has started, when a
    port is taken; ServiceFailedError when the web server ends by itself.
    """
    console = settings.console
    with ExitStack() as stack:
        listening = stack.enter_context(listen(console.host, console.port, "the console", "console.port"))
        settings = with_console_port(settings, port_of(listening))
        _refuse_taken_mailbox(settings)
        stopped = _Stopped()
        with suppress(KeyboardInterrupt):
            parts, token = _assemble(settings, stack, say)
            _run(parts, token, listening, stack, stopped, greet)
        say("Stopping.")
    return stopped.is_clean


@dataclass
class _Stopped:
    """How the stop went."""

    is_clean: bool = True


def _assemble(settings: Settings, stack: ExitStack, say: Callable[[str], None]) -> tuple[Parts, FirstToken]:
    database = _open_database(settings.database_url)
    stack.callback(database.dispose)
    token = first_token(database, data_folder(settings.database_url), now())
    settings = _open_mailbox(settings, stack)
    matcher = open_matcher(settings)
    stack.callback(matcher.close)
    decider = Decider(database, settings, settings.catalogue(), matcher)
    if settings.sample.enabled:
        decider.fill(now(), say)
        token = replace(token, people=_sample_people(database, settings))
    deliverer = open_deliverer(database, settings, stack)
    inbox = inbox_of(settings.email)
    return Parts(database, settings, decider, matcher, deliverer, inbox), token


def _sample_people(database: Engine, settings: Settings) -> FirstPeople | None:
    """Nobody in a book of somebody's own, which has none of the sample's people."""
    if not has_sample(database):
        return None
    return first_people(database, data_folder(settings.database_url), settings.console.public_url, now())


def _open_database(url: str) -> Engine:
    try:
        return migrated(url)
    except DatabaseUnusableError as error:
        sentence = str(error)
        raise ServiceFailedError(f"{sentence[:1].upper()}{sentence[1:]}.") from error


def _run(
    parts: Parts,
    token: FirstToken,
    listening: socket.socket,
    stack: ExitStack,
    stopped: _Stopped,
    greet: Callable[[Settings, FirstToken], None],
) -> None:
    schedule = Schedule(_work(parts), parts.settings.tick_seconds)
    web = WebServer(create_app(_service(parts, schedule)), listening, parts.settings.console.proxies)
    stack.callback(_stop, schedule, web, parts, stopped)
    web.start()
    schedule.start()
    greet(parts.settings, token)
    web.wait()
    raise ServiceFailedError("The web server has ended; the log above says why.")


def greeting(settings: Settings, token: FirstToken) -> list[str]:
    """Where the console is and how to sign in. Secrets are shown on the start that made them, never again."""
    lines = [f"Tminus runs at {settings.console.public_url}"]
    if token.people is not None:
        lines += [
            f"Sign in as {token.people.emails[0]}, once: {token.people.link}",
            f"Or as {', '.join(token.people.emails)} with the password {token.people.password}",
            f"They are kept in {token.people.file}.",
        ]
    if token.token:
        lines += [
            f"{'Programs sign' if token.people else 'Sign'} in with this token: {token.token}",
            f"It is kept in {token.file}; delete that when it is safe elsewhere.",
        ]
    elif token.file.exists():
        lines.append(f"Sign in with the token in {token.file}, or make another: tminus token NAME")
    else:
        lines.append("Sign in with your token, or make another: tminus token NAME")
    return [*lines, "Ctrl-C stops it."]


def _work(parts: Parts) -> Work:
    def live_on(at: datetime) -> None:
        live(parts.database, parts.decider.library.catalogue, at)

    sample, inbox = parts.settings.sample, parts.settings.email.inbox
    return Work(
        now=now,
        tick=parts.decider.tick,
        lanes=turns(parts.deliverer),
        recover=parts.deliverer.recover,
        is_due=parts.decider.is_due,
        live=live_on if sample.enabled and sample.live else None,
        inbox=_inbox_turn(parts.database, parts.settings, parts.inbox),
        inbox_seconds=seconds_between(inbox) if inbox else 0.0,
    )


def _inbox_turn(database: Engine, settings: Settings, inbox: Inbox | None) -> Callable[[], bool] | None:
    """Reads what came to the mailbox. Where it cannot be read, the log says so in a line."""
    check_secret(settings.email)
    soft = soft_limit(settings.email)
    if inbox is None:
        return None

    def turn() -> bool:
        try:
            return read_inbox(database, inbox, soft, now()).total() > 0
        except InboxError as error:
            log.warning("The mailbox cannot be read and will be tried again: %s.", error)
            return False

    return turn


def _service(parts: Parts, schedule: Schedule) -> Service:
    def status() -> dict[str, Any]:
        return {"scheduler_alive": schedule.is_alive, "last_tick_at": parts.decider.last_tick_at}

    def release(ids: Sequence[str], by: str) -> int:
        return release_holds(parts.database, ids, by=by, at=now())

    def told(name: str, account: str | None, subject: str | None, at: datetime) -> list[Explanation]:
        library = parts.decider.library
        return explanations(parts.database, library, name, at, account=account, subject=subject)

    return Service(
        database=parts.database,
        settings=parts.settings,
        catalogue=parts.decider.library.catalogue,
        wake=schedule.wake,
        now=now,
        playbooks=parts.decider.playbooks,
        problems=lambda: parts.decider.library.problems,
        status=status,
        explanations=told,
        release=release,
        openid=provider_of(parts.settings),
        mailbox=mailbox_folder(parts.settings) if parts.settings.mailbox.enabled else None,
    )


def _refuse_taken_mailbox(settings: Settings) -> None:
    mailbox = settings.mailbox
    if mailbox.enabled and mailbox.smtp_port:
        listen(mailbox.host, mailbox.smtp_port, "the mailbox", "mailbox.smtp_port").close()


def mailbox_folder(settings: Settings) -> Path:
    """Where the local mailbox keeps what it got."""
    return data_folder(settings.database_url) / "mailbox"


def _open_mailbox(settings: Settings, stack: ExitStack) -> Settings:
    """Start to receive; the settings with the port the mailbox has."""
    mailbox = settings.mailbox
    if not mailbox.enabled:
        return settings
    receiver = MailboxReceiver(mailbox_folder(settings), mailbox.host, mailbox.smtp_port, mailbox.keep, now)
    port = receiver.start()
    stack.callback(receiver.stop)
    return with_mailbox_port(settings, port)


def _stop(schedule: Schedule, web: WebServer, parts: Parts, stopped: _Stopped) -> None:
    web.end()
    cuts = [parts.inbox.close] if parts.inbox is not None else []
    stopped.is_clean = stop_delivering(parts.deliverer, schedule.stop, cuts)
    if not stopped.is_clean:
        log.warning("What was under way is left as it is; the next start takes it up.")
        _end_workers(parts.matcher)
    web.has_ended(STOP_SECONDS)


def _end_workers(matcher: Matcher) -> None:
    """End the workers even while a tick still waits for their answer."""
    if isinstance(matcher, DurableMatcher):
        for pid in matcher.worker_pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
