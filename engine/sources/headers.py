"""Whether the files of a folder are those a mapping speaks of."""

from collections.abc import Sequence
from pathlib import Path

from engine.rulefile.problem import Problem, in_order, nearest, quote
from engine.sources.csv_source import BadRow, read_records
from engine.sources.mapping import FileRule, Mapping
from engine.sources.parse_mapping import MappingError

Header = tuple[str, ...]


def read_headers(mapping: Mapping, folder: Path) -> dict[str, Header]:
    """The header of every file the mapping names. Raises MappingError for missing files and columns."""
    problems: list[Problem] = []
    headers: dict[str, Header] = {}
    for rule in mapping.files:
        try:
            header = _header(rule, folder)
        except ValueError as error:
            problems.append(Problem(mapping.file, rule.line, rule.place, str(error)))
            continue
        headers[rule.file] = header
        problems.extend(_missing(mapping.file, rule, header))
    if problems:
        raise MappingError(in_order(problems))
    return headers


def _header(rule: FileRule, folder: Path) -> Header:
    """The first record. Raises ValueError saying why there is none."""
    path = folder / rule.file
    if not path.is_file():
        raise ValueError(f"there is no file {quote(rule.file)} in {folder}{_similar(rule.file, folder)}")
    try:
        with path.open("rb") as stream:
            if stream.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                raise ValueError(f"{rule.file} is UTF-16 text; save it as UTF-8")
            stream.seek(0)
            records = read_records(stream, rule.file, delimiter=rule.delimiter, encoding=rule.encoding)
            first = next(records, None)
    except OSError as error:
        raise ValueError(f"{rule.file} cannot be read: {error.strerror}") from error
    if first is None:
        raise ValueError(f"{rule.file} is empty; it needs a line with the names of the columns")
    if isinstance(first, BadRow):
        raise ValueError(f"{rule.file} has no readable header: {first.reason}")
    return first.cells


def _similar(name: str, folder: Path) -> str:
    found = nearest(name, [each.name for each in folder.glob("*.csv")])
    return f" (did you mean {quote(found)}?)" if found else ""


def _missing(file: str, rule: FileRule, header: Sequence[str]) -> list[Problem]:
    problems = []
    for column in rule.columns:
        if header.count(column.name) == 1:
            continue
        if column.name in header:
            message = f"{rule.file} has {header.count(column.name)} columns {quote(column.name)}"
        else:
            near = nearest(column.name, header)
            hint = f" (did you mean {quote(near)}?)" if near else ""
            message = f"{rule.file} has no column {quote(column.name)}{hint}"
        problems.append(Problem(file, column.line, column.place, message))
    return problems
