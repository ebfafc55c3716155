"""Reports for build servers."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element, fromstring

from engine.rehearsal.compare import Difference
from engine.rehearsal.junit import as_junit
from engine.rehearsal.report import Failure, Report, Result
from engine.rehearsal.script import Rehearsal
from engine.rulefile.problem import Problem

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FILE = "rules/slump.test.yaml"
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors", "disabled"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time", "file", "line"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
}
"""What the schema of Jenkins' xUnit plugin allows, of which readers make use."""
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error"},
    "failure": set(),
    "error": set(),
}


def result(name: str, *failures: Failure) -> Result:
    """A test on line 7 that took 20 ms."""
    return Result(Rehearsal(name, FILE, 7, 5, NOON, (), (), (), ()), failures, 0.02)


def check(element: Element) -> None:
    """Every element and attribute is one that readers know."""
    assert set(element.attrib) <= ATTRIBUTES[element.tag]
    for child in element:
        assert child.tag in CHILDREN[element.tag]
        check(child)


FAILED = result(
    'a <wish> & a "dream"',
    Failure(FILE, 9, 3, NOON, (Difference("starts", ("- 1", "+ 0")),), why=("It does not run: no.",)),
    Failure(FILE, 12, 3, NOON, message="step \x00 has no open task"),
)


def test_junit_has_a_suite_for_each_file_and_a_case_for_each_test() -> None:
    """Counts and times add up, and nothing is there that a reader could stumble on."""
    broken = Report("rules/other.test.yaml", problems=(Problem("rules/other.yaml", 4, 2, "unknown key"),))
    root = fromstring(as_junit([Report(FILE, (result("fine"), FAILED)), broken]))
    check(root)
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")
    assert root.get("time") == "0.040"
    first, second = root
    assert (first.get("name"), first.get("tests"), first.get("failures")) == (FILE, "2", "1")
    assert (second.get("tests"), second.get("errors")) == ("1", "1")
    assert [each.get("name") for each in first] == ["fine", 'a <wish> & a "dream"']
    fine = first[0]
    assert (fine.get("classname"), fine.get("file"), fine.get("line")) == ("rules.slump", FILE, "7")
    assert (fine.get("time"), len(fine)) == ("0.020", 0)


def test_junit_shows_differences_and_reasons() -> None:
    """A failure has one sentence as its message and all as its text; what XML cannot hold is replaced."""
    (failure,) = fromstring(as_junit([Report(FILE, (FAILED,))])).iter("failure")
    assert failure.get("message") == "rules/slump.test.yaml:9: starts not as expected"
    assert failure.text is not None
    assert "      - 1\n      + 0\n    why:\n      It does not run: no." in failure.text
    assert "step \N{REPLACEMENT CHARACTER} has no open task" in failure.text


def test_junit_tells_why_a_file_could_not_be_used() -> None:
    """The error has the place and the mend of every problem."""
    problems = (Problem("a.yaml", 1, 2, "first"), Problem("a.yaml", 3, 4, "second"))
    (error,) = fromstring(as_junit([Report("a.test.yaml", problems=problems)])).iter("error")
    assert error.get("message") == "a.yaml:1:2: first"
    assert error.text == "a.yaml:1:2: first\na.yaml:3:4: second"
