"""Reports as JUnit XML, as GitLab, Jenkins and others read it.

The elements and attributes are those of the schema that Jenkins' xUnit plugin publishes (junit-10.xsd), with
the `file` and `line` of a case that GitLab links to.
"""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from engine.rehearsal.report import Failure, Report, Result

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def as_junit(reports: Sequence[Report]) -> bytes:
    """One suite for each test file, one case for each test; a file that cannot be used is an error."""
    root = Element("testsuites", name="tminus test")
    for report in reports:
        _suite(root, report)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(each.get(name, "0")) for each in root)))
    root.set("time", _seconds(sum(one.seconds for each in reports for one in each.results)))
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: Element, report: Report) -> None:
    suite = SubElement(
        root,
        "testsuite",
        name=_fit(report.file),
        tests=str(len(report.results) + bool(report.problems)),
        failures=str(sum(not each.passed for each in report.results)),
        errors=str(int(bool(report.problems))),
        skipped="0",
        time=_seconds(sum(each.seconds for each in report.results)),
    )
    for result in report.results:
        _case(suite, report.file, result)
    if report.problems:
        case = _testcase(suite, report.file, "the file can be used", report.problems[0].line, 0)
        told = [str(each) for each in report.problems]
        SubElement(case, "error", message=_fit(told[0]), type="problem").text = _fit("\n".join(told))


def _case(suite: Element, file: str, result: Result) -> None:
    case = _testcase(suite, file, result.test.name, result.test.line, result.seconds)
    if result.failures:
        first = _fit(_headline(result.failures[0]))
        element = SubElement(case, "failure", message=first, type="difference")
        element.text = _fit("\n".join(str(each) for each in result.failures))


def _testcase(suite: Element, file: str, name: str, line: int, seconds: float) -> Element:
    """The class name is the path with dots, which is how these tools group what they show."""
    grouped = file.removesuffix(".test.yaml").strip("/").replace("/", ".")
    return SubElement(
        suite,
        "testcase",
        name=_fit(name),
        classname=_fit(grouped),
        file=_fit(file),
        line=str(line),
        time=_seconds(seconds),
    )


def _headline(failure: Failure) -> str:
    """The first line of a failure: what was wrong in one sentence."""
    if failure.message:
        return failure.message
    about = ", ".join(each.about for each in failure.differences)
    return f"{failure.file}:{failure.line}: {about} not as expected"


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _fit(text: str) -> str:
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)
