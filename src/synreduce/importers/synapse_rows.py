"""Reads tables of the simulator row by row, to say exactly what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from synreduce.importers.problems import FileProblems
from synreduce.importers.synapse_table import (
    COLUMN,
    FLOAT_FIELDS,
    INTEGER_FIELDS,
    OPTIONAL_FIELDS,
    ParsedColumns,
    TextColumn,
)

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_COPY_AGAIN = "copy the file again"


def read_heading(
    text: bytes, headings: Mapping[str, str], problems: FileProblems
) -> tuple[str, ...] | None:
    """Find out which field each column holds, by the names in the first line.

    Parameters
    ----------
    text : bytes
        The whole file.
    headings : mapping of str to str
        Field -> heading.
    problems : FileProblems
        Gets what is wrong.

    Returns
    -------
    tuple of str or None
        Field of each column; None if the heading cannot be used.
    """
    first, _, rest = text.partition(b"\n")
    line = first.decode("utf-8", "replace").rstrip("\r").removeprefix("\ufeff")
    if not line.startswith("#"):
        expected = "# " + "\\t".join(headings.values())
        problems.add(
            "no-heading", ":1", f"no heading, starts with '{line[:40]}'", f"add '{expected}'"
        )
        return None
    names = [name.strip() for name in line[1:].split("\t")]
    fields = {heading.lower(): field for field, heading in headings.items()}
    if len(names) == 1:
        separator = next((mark for mark in ";,|" if mark in line), "spaces")
        what = f"separator looks like '{separator}', expected tabs"
        problems.add("wrong-separator", ":1", what, "export with tabs and without quotes")
        return None
    order = tuple(fields.get(name.lower(), "") for name in names)
    unknown = [name for name, field in zip(names, order, strict=True) if not field]
    missing = [headings[field] for field in headings if field not in {*order, *OPTIONAL_FIELDS}]
    if unknown or missing or len(set(order)) < len(order):
        what = f"columns {', '.join(repr(name) for name in unknown or names)} do not fit"
        if missing:
            what = f"columns missing: {', '.join(missing)}"
        problems.add("wrong-columns", ":1", what, f"name them {', '.join(headings.values())}")
        return None
    return _without_missing_id(order, rest)


def _without_missing_id(order: tuple[str, ...], rest: bytes) -> tuple[str, ...]:
    """Leave out the synapse ID where the heading has it but the lines (oldest files) do not."""
    n_fields = rest.partition(b"\n")[0].count(b"\t") + 1
    oldest = tuple(field for field in order if field != "synapse_id")
    return oldest if rest and n_fields == len(oldest) < len(order) else order


def parse_rows(
    text: bytes, order: tuple[str, ...], headings: Mapping[str, str], problems: FileProblems
) -> ParsedColumns:
    """Parse a table row by row.

    Parameters
    ----------
    text : bytes
        The whole file; its first line is the heading.
    order : tuple of str
        Field of each column.
    headings : mapping of str to str
        Field -> heading, for messages.
    problems : FileProblems
        Gets every mistake, up to its limit.

    Returns
    -------
    ParsedColumns
        Meaningful only if no problem was found.
    """
    reader = _RowReader(order, headings, problems)
    lines = text.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    else:
        reader.cut_line(len(lines), lines.pop())
    for number, line in enumerate(lines[1:], start=2):
        if problems.full:
            break
        reader.line(number, line)
    return reader.table()


class _RowReader:
    """Takes lines, gives columns."""

    def __init__(
        self, order: tuple[str, ...], headings: Mapping[str, str], problems: FileProblems
    ) -> None:
        self.order, self.headings, self.problems = order, headings, problems
        self.values: dict[str, list[str | int | float]] = {field: [] for field in order}
        self.n_times: list[int] = []

    def cut_line(self, number: int, line: bytes) -> None:
        """Report a last line that does not end."""
        n_fields = line.count(b"\t") + 1
        what = "last line has no line end"
        if number > 1:
            what += f" and {n_fields} of {len(self.order)} fields"
        fix = f"{_COPY_AGAIN} (or end the line, if the file is known to be complete)"
        self.problems.add("cut-file", f":{number}", f"{what}; file was cut", fix)

    def line(self, number: int, line: bytes) -> None:
        """Parse one line."""
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            what = f"byte {line[error.start]:#04x} is not UTF-8"
            self.problems.add("not-utf8", f":{number}", what, "save as UTF-8")
            return
        fields = text.removesuffix("\r").split("\t")
        if len(fields) != len(self.order):
            what = f"{len(fields)} fields, expected {len(self.order)}"
            fix = "fields are separated by tabs" if len(fields) == 1 else _COPY_AGAIN
            self.problems.add("wrong-fields", f":{number}", what, fix)
            return
        for field, value in zip(self.order, fields, strict=True):
            if field == "times":
                self._times(number, value)
            else:
                self.values[field].append(self._value(number, field, value))

    def _value(self, number: int, field: str, text: str) -> str | int | float:
        if field in INTEGER_FIELDS or field in FLOAT_FIELDS:
            return self._number(number, self.headings[field], text, integer=field in INTEGER_FIELDS)
        if not text or text[0] in "\"'":
            self._bad(number, self.headings[field], text, "a plain name without quotes")
        return text

    def _times(self, number: int, text: str) -> None:
        pieces = text.split(",")
        if pieces[-1] == "":
            pieces.pop()
        self.n_times.append(len(pieces))
        for position, piece in enumerate(pieces, start=1):
            place = f"{self.headings['times']}, {ordinal(position)} value"
            self.values["times"].append(self._number(number, place, piece))

    def _number(self, number: int, place: str, text: str, *, integer: bool = False) -> float:
        convert = int if integer else float
        try:
            value = convert(text)
        except ValueError:
            decimal_comma = _DECIMAL_COMMA.fullmatch(text)
            fix = "decimal point" if decimal_comma else "a whole number" if integer else "a number"
            self._bad(number, place, text, fix)
            return 0
        if "_" in text:  # Python's own notation, not the simulator's
            self._bad(number, place, text, "a number")
        if integer and abs(value) >= 2**62:
            self._bad(number, place, text, "a number that a program could have written")
            return 0
        return value

    def _bad(self, number: int, place: str, text: str, fix: str) -> None:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        self.problems.add("bad-value", f":{number} {place}", f"'{shown}'", fix)

    def table(self) -> ParsedColumns:
        """Put the columns together."""
        columns: dict[str, COLUMN] = {}
        for field, values in self.values.items():
            if field == "times":
                continue
            if field in INTEGER_FIELDS:
                columns[field] = np.array(values, dtype=np.int64)
            elif field in FLOAT_FIELDS:
                columns[field] = np.array(values, dtype=np.float64)
            else:
                names = tuple(dict.fromkeys(str(value) for value in values))
                code = {name: position for position, name in enumerate(names)}
                codes = np.array([code[str(value)] for value in values], dtype=np.int64)
                columns[field] = TextColumn(names, codes)
        times = np.array(self.values["times"], dtype=np.float64)
        return ParsedColumns(columns, np.array(self.n_times, dtype=np.int64), times)


def ordinal(number: int) -> str:
    """Write an ordinal number.

    Parameters
    ----------
    number : int
        Counted from 1.

    Returns
    -------
    str

    Examples
    --------
    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 22)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd']
    """
    endings = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if number % 100 in (11, 12, 13) else endings.get(number % 10, "th")
    return f"{number}{ending}"
