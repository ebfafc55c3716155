"""Every page there is gets visited by the tests that look at all pages."""

import re

import pytest

from tests.website_pages import VARIANTS, addresses, page_paths

GIVEN = {"message_id": ("m1",), "token": ("t1", "t2")}
"""Examples that come with a site."""


@pytest.mark.parametrize("path", page_paths())
def test_page_has_an_address(path: str) -> None:
    """A page whose parameter has no example is named here."""
    shape = re.compile(re.sub(r"{\w+(:path)?}", ".+", path))
    assert [each for each in addresses(GIVEN) if each not in VARIANTS and shape.fullmatch(each)]


def test_page_addresses_say_which_example_is_missing() -> None:
    """With the path and the parameter."""
    with pytest.raises(KeyError, match=r"/mailbox/\{message_id\}: give an example of message_id"):
        addresses({"token": ("t1",)})
