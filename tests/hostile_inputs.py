"""Files and templates written to do harm, as a careless or hostile person could put among the rules."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
GOOD = (ROOT / "tests/contract/bad_rules/good.yaml").read_text(encoding="utf-8")
HEAD = "playbook: a\nowner: me\nsubject: account\n"
STEPS = "steps: [{id: s, day: 0, task: {to: csm, title: x}}]\n"
WHEN = "when: {field: account.health, below: 40}\n"
LARGEST = 260_000
"""Characters that just fit into a rule file."""


def _long(large: int, head: str, line: str, tail: str = "") -> str:
    """As many numbered lines as fit."""
    lines, size = [head], len(head) + len(tail)
    for index in range(1_000_000):
        one = line.format(index)
        size += len(one)
        if size > large:
            break
        lines.append(one)
    return "".join([*lines, tail])


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


def _chain(uses: int) -> str:
    lines = ["conditions:", "  c0: {event: x, within: 1d}"]
    lines += [f"  c{n}: {{all: [{', '.join([f'{{condition: c{n - 1}}}'] * uses)}]}}" for n in range(1, 40)]
    return "\n".join(lines)


def rule_files(large: int) -> dict[str, bytes]:
    """Hostile files of the rules folder by name; many of them have about `large` characters."""
    long = partial(_long, large)
    found: dict[str, str | bytes] = {
        "nothing": "",
        "ten megabytes": b"a: b\n" * 2_000_000,
        "ten megabytes of one text": b"a: '" + b"x" * 10_000_000 + b"'",
        "random bytes": bytes(range(256)) * 400,
        "a NUL": GOOD.replace("Usage", "Us\0age"),
        "a byte order mark": "\ufeff" + GOOD,
        "another encoding": GOOD.encode("utf-16"),
        "a lone surrogate": GOOD.replace("Usage", "\ud800"),
        "right to left": GOOD.replace("Usage", "\u202e\u2066x"),
        "combining marks": GOOD.replace("Usage", "e" + "\u0301" * 400),
        "Windows line ends": GOOD.replace("\n", "\r\n"),
        "old Mac line ends": GOOD.replace("\n", "\r"),
        "tabs": GOOD.replace("  ", "\t"),
        "tabs alone": "\t" * large,
        "10,000 brackets": "[" * 10_000,
        "10,000 braces": "{a: " * 10_000,
        "10,000 dashes": "- " * 10_000,
        "10,000 question marks": "? " * 10_000,
        "brackets in a condition": HEAD + "when: " + "{all: [" * 5_000,
        "brackets side by side": HEAD + "when: [" + "[]," * (large // 3 - 50) + "]",
        "commas": "[" + "," * (large - 5),
        "colons": ":" * large,
        "colons with blanks": ": " * (large // 2),
        "ampersands": "&" * large,
        "an alias bomb": _bomb(),
        "anchors": long("a:\n", "- &a{0} x\n"),
        "aliases": long("a:\n- &a x\n", "- *a\n"),
        "merge keys": long("base: &b {x: 1}\n", "k{0}: {{<<: *b}}\n"),
        "tags": long("", "k{0}: !!python/object/apply:os.system [x]\n"),
        "a tag without end": "- !<" + "x" * large,
        "comments": long("", "# {0}\n"),
        "a comment": "#" + "x" * large,
        "a quote that never ends": HEAD + 'title: "' + "x " * (large // 2 - 50),
        "escapes": HEAD + 'title: "' + "\\x41" * (large // 4 - 50) + '"\n',
        "wrong escapes": HEAD + 'title: "\\UFFFFFFFF"\n',
        "a text over many lines": HEAD + "title: |\n" + "  x\n" * (large // 4 - 50),
        "a key that never ends": "x" * large,
        "blanks": " " * large + "x",
        "blank lines": "\n" * large,
        "keys": long("", "k{0}: 1\n"),
        "keys at once": "{" + ", ".join(f"k{index}: 1" for index in range(large // 13)) + "}",
        "one key over and over": long("", "owner: x\n"),
        "misspelt keys": long(HEAD, "ownr{0}: x\n"),
        "misspelt fields": long(HEAD + "when:\n  any:\n", "    - {{field: account.helth_{0}, below: 1}}\n"),
        "steps": long(HEAD + WHEN + "steps:\n", "  - {{id: s{0}, day: 0, task: {{to: csm, title: x}}}}\n"),
        "one step over and over": long(
            HEAD + WHEN + "steps:\n", "  - {{id: s, day: 0, task: {{to: csm, title: x}}}}\n"
        ),
        "steps one after another": long(
            HEAD + WHEN + "steps:\n  - {id: s0, day: 0, task: {to: csm, title: x}}\n",
            "  - {{id: t{0}, after: t{0} + 1d, task: {{to: csm, title: x}}}}\n",
        ),
        "conditions": long(HEAD + STEPS + "when:\n  all:\n", "    - {{field: account.health, below: {0}}}\n"),
        "values": HEAD
        + STEPS
        + "when: {field: account.name, in: ["
        + ", ".join(map(str, range(40_000)))
        + "]}\n",
        "exits": long(
            HEAD + WHEN + STEPS + "exit:\n",
            "  - {{outcome: o{0}, when: {{field: account.health, above: 1}}}}\n",
        ),
        "a huge number": HEAD + STEPS + "when: {field: account.health, below: " + "9" * (large // 2) + "}\n",
        "a huge exponent": HEAD + STEPS + "when: {field: account.health, below: 1e999999999}\n",
        "a huge duration": HEAD + STEPS + WHEN + "for: " + "9" * (large // 2) + "d\n",
        "a pattern of stars": HEAD + STEPS + "when: {field: account.name, matches: '" + "*a" * 240 + "'}\n",
        "a long name": HEAD.replace("a\n", "a" * (large // 2) + "\n", 1) + STEPS + WHEN,
        "titles of brackets": long(
            HEAD + WHEN + "steps:\n", "  - {{id: s{0}, day: 0, task: {{to: csm, title: '{{{{ ((((((((x'}}}}\n"
        ),
        "shared conditions without end": _chain(20),
        "shared conditions in a row": long(
            "conditions:\n  c: {event: x, within: 1d}\n", "  c{0}: {{condition: c}}\n"
        ),
        "a circle of shared conditions": long("conditions:\n", "  c{0}: {{condition: c{0}}}\n"),
        "parameters": long(
            "blueprint: b\nparameters:\n", "  p{0}: {{type: number, min: 1}}\n", "subject: account\n"
        ),
        "a blueprint of itself": "use: b\nblueprint: b\nparameters: {use: {type: text}}\nsubject: account\n",
        "a blueprint deep in itself": "blueprint: b\nparameters: {p: {type: text}}\nwhen: "
        + "{all: [" * 5_000
        + "{param: p}"
        + "]}" * 5_000,
        "a blueprint that nobody gives its values": "use: nowhere\nwith:\n" + long("", "  k{0}: 1\n"),
        "text for wider characters": GOOD.encode("utf-32"),
        "placeholders": long(
            "blueprint: b\nparameters: {p: {type: text}}\nwhen:\n  all:\n", "    - {{param: p}}\n"
        ),
    }
    return {
        name: text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        for name, text in found.items()
    }


TEMPLATES: Mapping[str, str] = {
    "a loop without end": "{% for a in range(1000000000) %}x{% endfor %}",
    "loops within loops": "{% for a in range(1000) %}" * 6 + "x" + "{% endfor %}" * 6,
    "a range too long to count": "{% for a in range(1000000000000000000000000) %}x{% endfor %}",
    "a long text": "{{ 'a' * 1000000000 }}",
    "a text that doubles": "{% set ns = 'a' %}" + "{% set ns = ns ~ ns %}" * 60 + "{{ ns }}",
    "a list that doubles": "{% set ns = [1] %}" + "{% set ns = ns + ns %}" * 60 + "{{ ns }}",
    "a power": "{{ 9**9**9**9 }}",
    "a product": "{% set n = 1000000000000000000000000 %}" + "{% set n = n * n %}" * 40 + "{{ n }}",
    "a shift by formatting": "{{ '%0999999999d' % 1 }}",
    "a width": "{{ '{:999999999}'.format(1) }}",
    "a centred text": "{{ 'a' | center(10**9) }}",
    "an indented text": "{{ 'a\n' * 1000 | indent(10**6) }}",
    "a wrapped text": "{{ ('a' * 30000) | wordwrap(1) }}",
    "replacing": "{{ ('a' * 1000) | replace('a', 'b' * 1000) | replace('b', 'c' * 1000) }}",
    "batches": "{{ range(10000) | list | batch(1, 'x' * 1000) | list }}",
    "slices": "{{ range(10000) | slice(10**9) | list }}",
    "sorting": "{% for a in range(10000) %}{{ range(10000) | sort }}{% endfor %}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "a loop that calls itself": "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "an include of itself": "{% include 'title' %}",
    "an import of itself": "{% import 'title' as t %}{{ t }}",
    "a parent that is itself": "{% extends 'title' %}",
    "a call block": "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}x{% endcall %}",
    "a way out": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "a way out by a filter": "{{ [1] | map(attribute='__class__') | list }}",
    "the globals": "{{ self._TemplateReference__context }}{{ cycler }}{{ lipsum(n=10**6) }}",
    "brackets": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "lists within lists": "{{ " + "[" * 5_000 + "]" * 5_000 + " }}",
    "sums": "{{ " + "1+" * 20_000 + "1 }}",
    "nots": "{{ " + "not " * 10_000 + "1 }}",
    "filters in a row": "{{ 'a'" + " | upper" * 5_000 + " }}",
    "attributes in a row": "{{ account" + ".a" * 20_000 + " }}",
    "blocks": "{% if 1 %}" * 3_000 + "{% endif %}" * 3_000,
    "a number too long": "{{ " + "9" * 60_000 + " }}",
    "braces": "{{" * 30_000,
    "a comment that never ends": "{#" + "x" * 60_000,
    "raw text that never ends": "{% raw %}" + "{{ x }}" * 9_000,
    "a template too long": "x" * 100_000,
    "dashes": "{%-" * 20_000,
    "blanks before a tag": " " * 60_000 + "{%- x",
    "escaping": "{{ ('<&>' * 10000) | e | e | e | e }}",
    "links": "{{ ('http://a.' * 3000) | urlize }}",
    "tags to strip": "{{ ('<' * 30000) | striptags }}",
    "JSON": "{% for a in range(1000) %}{{ range(10000) | list | tojson }}{% endfor %}",
    "joining": "{{ range(10000) | join('x' * 30000) }}",
    "long variables": "{{ " + "x" * 60_000 + " }}",
    "many variables": " ".join(f"{{{{ account.x{n} | default('') }}}}" for n in range(1_500)),
}
