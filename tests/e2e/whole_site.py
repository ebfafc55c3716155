"""A console with something behind every address, and two tabs to see it: a visitor's and a stranger's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import APIResponse, Browser, Page, Response
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.mailbox.store import store_chat, store_email
from engine.permit.suppression import suppress
from engine.permit.unsubscribe import sign_token, unsubscribe_key
from engine.state.database import writing
from tests.e2e.page_check import HEIGHT, unfold
from tests.e2e.served import served
from tests.website import make_service
from tests.website_book import HOSTILE, NOW, seed
from tests.website_pages import addresses


@dataclass(frozen=True)
class WholeSite:
    """A console, all its addresses, and a tab of somebody who is signed in and of somebody who is not."""

    url: str
    addresses: list[str]
    visitor: Page
    stranger: Page

    def pages(self, width: int) -> Iterator[tuple[str, Page, Response]]:
        """Every page in turn, seen by a stranger where that is possible; what is no page is left out."""
        for address in self.addresses:
            is_public = _is_page(self.stranger.request.get(self.url + address, max_redirects=0))
            tab = self.stranger if is_public else self.visitor
            if is_public or _is_page(tab.request.get(self.url + address, max_redirects=0)):
                tab.set_viewport_size({"width": width, "height": HEIGHT})
                answer = tab.goto(self.url + address)
                assert answer is not None
                unfold(tab)
                yield address, tab, answer


@contextmanager
def whole_site(browser: Browser, database: Engine, folder: Path, text: str = HOSTILE) -> Iterator[WholeSite]:
    """The console over the seeded book; `text` is what arrived in its mailbox and what a bounce said."""
    seed(database)
    with writing(database) as connection:
        suppress(connection, "priya@acme.example", "bounced", NOW, why=text)
    arrived = f"From: {text} <a@acme.example>\r\nTo: p@x.example\r\nSubject: {text}\r\n\r\n{text}\r\n"
    messages = (
        store_email(folder, arrived.encode(), NOW, 9),
        store_chat(folder, text, text, NOW),
    )
    link = sign_token(unsubscribe_key(database), "c1", "care")
    with served(create_app(make_service(database, mailbox=folder))) as url:
        tabs = [browser.new_context(reduced_motion="reduce").new_page() for _ in range(2)]
        tabs[0].goto(f"{url}/sign-in?token={create_token(database, text[:200], NOW)}")
        yield WholeSite(url, addresses({"message_id": messages, "token": (link, "wrong")}), *tabs)
        for tab in tabs:
            tab.context.close()


def _is_page(answer: APIResponse) -> bool:
    """Whether a person looks at what is there, and not a program or a frame that runs no script."""
    is_frame = "sandbox" in answer.headers.get("content-security-policy", "")
    return answer.headers.get("content-type", "").startswith("text/html") and not is_frame
