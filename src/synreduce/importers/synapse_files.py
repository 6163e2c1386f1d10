"""Reads one synapse or presynaptic-spike file of the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from synreduce.errors import DataError
from synreduce.importers.files import read_text
from synreduce.importers.problems import FileProblems
from synreduce.importers.synapse_rows import parse_rows, read_heading
from synreduce.importers.synapse_table import (
    FIELD_HEADINGS,
    FLOATS,
    INTEGERS,
    PRESYNAPTIC_HEADINGS,
    ParsedColumns,
    SynapseTable,
    TextColumn,
    parse_columns,
)


@dataclass(frozen=True)
class PresynapticTable:
    """Spikes of the presynaptic cells in one trial; only cells that spiked are listed.

    Parameters
    ----------
    cell_type : TextColumn
        Per row.
    cell_id : ndarray of int64
        Number of the cell within its type.
    n_times : ndarray of int64
        Spikes of each cell.
    times : ndarray of float64
        Spike times in ms, cell after cell.
    """

    cell_type: TextColumn
    cell_id: INTEGERS
    n_times: INTEGERS
    times: FLOATS


def parse_synapses(text: bytes, name: str) -> SynapseTable:
    """Parse the text of a synapse activation file.

    Parameters
    ----------
    text : bytes
        Heading, then one line per activated synapse: 7 fields separated by tabs (6 in the oldest
        files, without synapse ID), the last one times separated by commas.
    name : str
        The file, for messages.

    Returns
    -------
    SynapseTable

    Raises
    ------
    DataError
        With the rows and fields that cannot be read.
    """
    parsed = _parse(text, name, FIELD_HEADINGS)
    columns = parsed.columns
    return SynapseTable(
        synapse_type=cast(TextColumn, columns["synapse_type"]),
        synapse_id=cast(INTEGERS | None, columns.get("synapse_id")),
        soma_distance=cast(FLOATS, columns["soma_distance"]),
        section_id=cast(INTEGERS, columns["section_id"]),
        section_point=cast(INTEGERS, columns["section_point"]),
        dendrite_label=cast(TextColumn, columns["dendrite_label"]),
        n_times=parsed.n_times,
        times=parsed.times,
    )


def read_synapses(path: Path) -> SynapseTable:
    """Read a synapse activation file, ``.csv`` or ``.csv.gz``.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    SynapseTable

    Raises
    ------
    DataError
        If the file is missing, cut or malformed.
    """
    return parse_synapses(read_text(path), str(path))


def read_presynaptic_cells(path: Path) -> PresynapticTable:
    """Read a file of presynaptic spikes, ``.csv`` or ``.csv.gz``.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    PresynapticTable

    Raises
    ------
    DataError
        If the file is missing, cut or malformed.
    """
    parsed = _parse(read_text(path), str(path), PRESYNAPTIC_HEADINGS)
    return PresynapticTable(
        cell_type=cast(TextColumn, parsed.columns["cell_type"]),
        cell_id=cast(INTEGERS, parsed.columns["cell_id"]),
        n_times=parsed.n_times,
        times=parsed.times,
    )


def _parse(text: bytes, name: str, headings: Mapping[str, str]) -> ParsedColumns:
    problems = FileProblems(name)
    order = read_heading(text, headings, problems)
    if order is None:
        raise DataError(problems.found)
    parsed = parse_columns(text, order)
    if parsed is None:
        parsed = parse_rows(text, order, headings, problems)
        if problems.found:
            raise DataError(problems.found)
    return parsed
