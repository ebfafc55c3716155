"""Templates: what they can say, what they are refused, and how much they may do."""

import time
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.render.filters import FILTERS, TESTS
from engine.render.templates import LONGEST_LINE, Renderer, RenderError

CONTEXT: dict[str, Any] = {
    "account": {
        "name": "Ätna & <Sons>",
        "arr": Decimal("120000.000000"),
        "health": Decimal("35.50"),
        "timezone": "Europe/Berlin",
        "last_active_at": datetime(2026, 3, 1, 23, 30, tzinfo=UTC),
        "strategic": True,
        "custom": {"region": "EMEA", "tier": None},
    },
    "contact": {"name": None, "email": "ann@x.example"},
    "champion": None,
    "tickets": [{"subject": "b", "n": 2}, {"subject": "a", "n": 1}],
    "today": date(2026, 3, 3),
}
RENDERER = Renderer({})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ account.arr | money }}", "$120,000"),
        ("{{ 1234.5 | money }}", "$1,234.50"),
        ("{{ -5 | money('€') }}", "-€5"),
        ("{{ account.arr }}", "120000"),
        ("{{ account.health }}", "35.5"),
        ("{{ account.health | percent }}", "35.5%"),
        ("{{ account.health | percent(0) }}", "36%"),
        ("{{ 1234567.25 | number }}", "1,234,567.25"),
        ("{{ 1234567.25 | number(1) }}", "1,234,567.2"),
        ("{{ today }}", "3 March 2026"),
        ("{{ today | date }}", "3 March 2026"),
        ("{{ '2026-01-31' | date }}", "31 January 2026"),
        ("{{ account.last_active_at | date }}", "2 March 2026"),
        ("{{ account.strategic }}", "yes"),
        ("{{ account.custom.region }}", "EMEA"),
        ("{{ account['name'] }}", "Ätna & <Sons>"),
        ("{{ champion.name | default(account.name) }}", "Ätna & <Sons>"),
        ("{{ contact.name | default('there') }}", "there"),
        ("{{ account.nothing | default('?') }}", "?"),
        ("{{ nothing | d('?') }}", "?"),
        ("{% if contact.name %}{{ contact.name }}{% else %}you{% endif %}", "you"),
        ("{% if contact.name is defined %}1{% else %}2{% endif %}", "2"),
        ("{% if champion is none %}1{% endif %}", "1"),
        ("{% if account.custom.tier == none %}1{% endif %}", "1"),
        ("{% for t in tickets %}{{ loop.index }}:{{ t.subject }} {% endfor %}", "1:b 2:a"),
        ("{{ tickets | map('subject') | sort | join(', ') }}", "a, b"),
        ("{{ tickets | where('n', 2) | length }}", "1"),
        ("{{ tickets | sum('n') }} of {{ tickets | length }}", "3 of 2"),
        ("{{ [3, 1, 2] | max }}{{ [3, 1, 2] | min }}", "31"),
        ("{{ account.name.split()[0] | upper }}", "ÄTNA"),
        ("{{ 'a b' | title }} {{ 'x' ~ 1 ~ account.health }}", "A B x135.5"),
        ("{{ account.arr * 0.5 + 1 }}", "60001"),
        ("{{ (10 / 4) | round(1) }} {{ 7 // 2 }} {{ 7 % 2 }}", "2.5 3 1"),
        ("{{ 'a-b' | replace('-', '+') }} {{ 'abcdef' | truncate(4) }}", "a+b abc…"),
        ("{{ 'a b/c' | urlencode }}", "a%20b%2Fc"),
        ("{% set x = 2 %}{% for i in range(x) %}{{ i }}{% endfor %}", "01"),
        ("a\r\nBcc: x\x00\x85\u2028b", "a Bcc: x b"),
        ("{{ 'x' if account.health < 40 else 'y' }}", "x"),
    ],
)
def test_line_says(source: str, expected: str) -> None:
    """Values, filters, choices and loops; the same in every locale."""
    assert RENDERER.line(source, CONTEXT) == expected


def test_line_is_cut_at_a_reasonable_length() -> None:
    """A title stays a title."""
    assert len(RENDERER.line("x" * 5000, {})) == LONGEST_LINE


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ account.helth }}", 'there is no "account.helth" (did you mean "health"?)'),
        ("{% if account.helth %}{% endif %}", 'there is no "account.helth" (did you mean "health"?)'),
        ("{{ acount.health }}", 'there is no "acount"'),
        ("{{ contact.name }}", '"contact.name" is missing; write {{ contact.name | default("…") }}'),
        ("{{ contact.name | upper }}", '"contact.name" is missing'),
        ("{{ contact.name ~ '!' }}", '"contact.name" is missing'),
        ("{{ contact.name + 1 }}", '"contact.name" is missing'),
        ("{{ champion.name }}", '"champion.name" is missing'),
        ("{% for x in champion.tickets %}{% endfor %}", '"champion.tickets" is missing'),
        ("{{ 'a' in champion.name }}", '"champion.name" is missing'),
        ("{{ account }}", "cannot print a whole record"),
        ("{{ tickets }}", "cannot print a list; print one of its values, or join a list"),
        ("{{ account.name | money }}", '"money" wants a number, not "Ätna & <Sons>"'),
        ("{{ account.strategic | number }}", '"number" wants a number, not yes or no'),
        ("{{ account.name | date }}", '"date" wants a date'),
        ("{{ account.health | dat }}", 'there is no filter "dat" (did you mean "date"?)'),
        ("{{ account.health is odds }}", 'there is no test "odds" (did you mean "odd"?)'),
        ("{% if 1 %}{{ 1 | nope }}{% endif %}", 'there is no filter "nope"'),
        ("{{ 1 / 0 }}", "divides by zero"),
        ("{{ account.arr / 0 }}", "divides by zero"),
        ("{{ account.arr * 0 / 0 }}", "calculates something that has no result"),
        ("{{ 'x'.strip('" + "a" * 101 + "') }}", "a method takes texts of at most 100 characters"),
        ("{{ account.name + 1 }}", 'cannot calculate text "+" number; join texts with "~"'),
        ("{{ today - today }}", "cannot subtract dates"),
        ("{% for x in account.name %}{% endfor %}", "loops over something that is no list"),
        ("{{ [tickets] }}", "puts a list into a list"),
        ("{{ tickets | sort }}", "sorts something that has no order"),
        ("{{ tickets | sum }}", "sums something that is no number"),
        ("{% if %}", "Expected an expression"),
        ("{{ account.name", "unexpected end of template"),
    ],
)
def test_line_refuses_with_a_reason(source: str, message: str) -> None:
    """A mistake is told with its place and what to do."""
    with pytest.raises(RenderError) as caught:
        RENDERER.line(source, CONTEXT, "rules/x.yaml:7")
    assert caught.value.place == "rules/x.yaml:7:1"
    assert message in caught.value.message


def test_render_names_the_line_of_the_mistake() -> None:
    """Also when it only shows with the values."""
    renderer = Renderer(
        {"templates/tasks/x.md.j2": "one\ntwo\n{% if true %}\n{{ account.nmae }}\n{% endif %}"}
    )
    with pytest.raises(RenderError, match=r'^templates/tasks/x\.md\.j2:4: there is no "account\.nmae"'):
        renderer.render("templates/tasks/x.md.j2", CONTEXT)


def test_render_names_a_template_that_does_not_exist() -> None:
    """Told, not a KeyError."""
    with pytest.raises(RenderError, match=r"templates/tasks/y\.md\.j2: there is no such template"):
        Renderer({}).render("templates/tasks/y.md.j2", {})


def test_check_reads_without_values() -> None:
    """A broken template is found when its playbook is loaded."""
    renderer = Renderer({"a.j2": "{{ x", "b.j2": "{{ x }}"})
    assert str(renderer.check("a.j2")).startswith("a.j2:1: unexpected end of template")
    assert renderer.check("b.j2") is None
    assert str(renderer.check("c.j2")) == "c.j2: there is no such template"
    assert renderer.check_line("{{ x | mony }}") is not None


def test_render_escapes_html_but_not_text() -> None:
    """Only templates of HTML are escaped."""
    source = "{{ account.name }}{{ account.name ~ '<' }}"
    renderer = Renderer({"a.html.j2": source, "a.txt.j2": source})
    assert "<Sons>" in renderer.render("a.txt.j2", CONTEXT)
    assert renderer.render("a.html.j2", CONTEXT).count("&lt;") == 3


def test_render_keeps_values_from_pinging_a_channel() -> None:
    """In chat, a customer's name cannot become a mention; the template's own links stay."""
    renderer = Renderer({"templates/messages/x.txt.j2": "<https://x.example|see> {{ name }}"})
    assert renderer.render("templates/messages/x.txt.j2", {"name": "<!channel> & co"}) == (
        "<https://x.example|see> &lt;!channel&gt; &amp; co"
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ account.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ account['__class__'] }}",
        "{{ account.name.format(1) }}",
        "{{ account.name.encode }}",
        "{{ account.name.join(tickets) }}",
        "{{ account.items() }}",
        "{{ today.strftime('%Y') }}",
        "{{ loop }}",
        "{{ self }}",
        "{{ self.__init__ }}",
        "{{ range.__self__ }}",
        "{{ cycler('a').next() }}",
        "{{ lipsum() }}",
        "{{ namespace(a=1) }}",
        "{{ _x }}",
        "{{ '%s' % account.name }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ account.name | attr('__class__') }}",
        "{{ account.name | safe }}",
        "{{ tickets | map(attribute='__class__') | list }}",
        "{{ tickets | tojson }}",
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% extends 'x' %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% block a %}{{ self.a() }}{% endblock %}",
        "{% filter upper %}x{% endfilter %}",
        "{% set x %}y{% endset %}",
        "{% autoescape false %}{% endautoescape %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% for x in [1] %}{{ loop._iterator }}{% endfor %}",
        "{{ {'a': 1} }}",
    ],
)
def test_line_reaches_nothing_but_its_values(source: str) -> None:
    """Python, other templates and unbounded constructs are out of reach."""
    with pytest.raises(RenderError):
        RENDERER.line(source, CONTEXT)


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(9999) %}{% for j in range(9999) %}{{ i }}{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) if i < 0 %}{% endfor %}" * 40,
        "{% for i in range(9999) %}{{ range(9999) | map('x') | length }}{% endfor %}",
        "{% for i in range(9999) %}{% set x = range(9999) | sort %}{% endfor %}",
        "{{ range(10 * 10 * 1000 * 1000) | length }}",
        "{% set x = range(9999) | list %}{% for i in range(9999) %}{% if x == x %}{% endif %}{% endfor %}",
        "{% set x = range(9999) | list %}{% for i in x %}{% if x is eq(x) %}{% endif %}{% endfor %}",
        "{% set x = 'Ä' * 30000 %}{% set y = [" + "x," * 9000 + "] %}{{ (y | sort | length) * 'a' }}",
        "{{ range(99999999999999999999) | length }}",
        "{{ 'a' * 999999999 }}",
        "{{ [1] * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% set x = 99 %}" + "{% set x = x * x %}" * 60 + "{{ x }}",
        "{% set x = 'aaaaaaaa' %}" + "{% set x = x ~ x %}" * 60,
        "{% set x = 'aaaaaaaa' %}" + "{% set x = x + x %}" * 60,
        "{% set x = [1] %}" + "{% set x = x + x %}" * 60,
        "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
        "{% set x = 'a' * 30000 %}{{ x | replace('a', x) }}",
        "{% set x = 'a' * 30000 %}" + "{{ x | upper }}" * 300,
        "{% set x = 'a' * 30000 %}{% for i in range(9999) %}{% if x in x %}{% endif %}{% endfor %}",
        "{% set x = 'a' * 30000 %}{{ (x.split('') | join(x)) }}",
        "{% set x = ('a ' * 9000).split() %}{{ x | join('b' * 9000) }}",
        "{% for i in range(9999) %}" + "x" * 1000 + "{% endfor %}",
        "{{ 1.5 | round(999999999) }}",
        "{{ 1.5 | number(999999999) }}",
        "{{ '1e999999999' | number }}",
        "{{ 1e400 }}",
        "{{ 'x' | truncate(5, 5, 5, 5) }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "9" * 6000 + " }}",
        "{% if 1 %}" * 200 + "{% endif %}" * 200,
        "{% for i in [1] %}" * 40 + "{% endfor %}" * 40,
        "x" * 70_000,
        "{{ " + "1 + " * 20_000 + "1 }}",
        "{{ " + "not " * 20_000 + "1 }}",
        "{{ a" + ".a" * 30_000 + " }}",
    ],
)
def test_line_stops_what_would_never_end(source: str) -> None:
    """Loops, growth and nesting run into a bound long before a second has passed."""
    started = time.process_time()
    with pytest.raises(RenderError):
        RENDERER.line(source, CONTEXT)
    assert time.process_time() - started < 3


def test_render_stops_at_the_largest_output() -> None:
    """256 thousand characters, markup escapes included."""
    renderer = Renderer({"a.html.j2": "{% for i in range(9) %}{{ x }}{% endfor %}"})
    with pytest.raises(RenderError, match="prints more than 262,144 characters"):
        renderer.render("a.html.j2", {"x": "<" * 20_000})


@pytest.mark.parametrize("name", sorted([*FILTERS, *TESTS]))
def test_each_filter_and_test_is_documented(name: str) -> None:
    """In docs/templates.md, by its name."""
    text = (Path(__file__).parents[3] / "docs" / "templates.md").read_text(encoding="utf-8")
    assert f"`{name}`" in text


_PIECE = st.sampled_from(
    [
        *(
            "{{ ",
            " }}",
            "{% for x in ",
            " %}",
            "{% endfor %}",
            "{% if ",
            "{% else %}",
            "{% endif %}",
            "{% set y = ",
        ),
        *(
            "account",
            ".name",
            ".arr",
            "contact",
            "tickets",
            "x",
            "y",
            "today",
            "champion",
            "[1, 2]",
            "range(9)",
            "'ab'",
        ),
        *(
            " | ",
            " ~ ",
            " + ",
            " * ",
            " == ",
            " in ",
            " is ",
            " not ",
            " and ",
            "(",
            ")",
            "[",
            "]",
            ", ",
            "3",
            "0.5",
        ),
        *(f" | {name}" for name in FILTERS),
        *(f" is {name}" for name in TESTS),
    ]
)


@given(st.lists(_PIECE, max_size=14).map("".join))
def test_line_renders_or_refuses_whatever_is_written(source: str) -> None:
    """Nothing but a RenderError ever comes out of a template."""
    for text in (source, f"{{{{ {source} }}}}"):
        with suppress(RenderError):
            RENDERER.line(text, CONTEXT)
