"""JSON hazards are refused with words, never with a crash."""

from decimal import Decimal

import pytest

from engine.api.strict_json import DEEPEST, StrictJsonError, parse


def test_parse_reads_every_number_as_a_decimal() -> None:
    """No binary fraction slips in."""
    assert parse(b'{"a": 0.1, "b": 12, "c": [true, null, "x"]}') == {
        "a": Decimal("0.1"),
        "b": Decimal(12),
        "c": [True, None, "x"],
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": Infinity}', "Infinity is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number is longer than 64 characters"),
        (b'{"a": 1e99999999999999999999}', "is not a number that can be kept"),
        (b'{"a": 1, "a": 2}', 'the key "a" is given twice'),
        (b'{"a": {"b": 1, "b": 1}}', 'the key "b" is given twice'),
        (b'{"a": "x\\u0000y"}', "NUL"),
        (b'{"x\\u0000y": 1}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), "nested deeper"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "nested deeper"),
    ],
)
def test_parse_refuses_hazards_with_the_reason(body: bytes, words: str) -> None:
    """Each hazard is named."""
    with pytest.raises(StrictJsonError, match=words):
        parse(body)


def test_parse_takes_whole_characters_beyond_the_basic_plane() -> None:
    """A pair of surrogates is one character."""
    assert parse(b'["\\ud83d\\ude80"]') == ["\U0001f680"]
