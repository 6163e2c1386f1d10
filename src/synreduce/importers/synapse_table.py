"""Synapse activations of one trial, as the simulator writes them: one line per synapse.

The text is parsed by column (Arrow's C++ reader, exact floats). Whenever that meets anything
unusual, `synreduce.importers.synapse_rows` reads the same text row by row and says what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as arrow_compute
import pyarrow.csv as arrow_csv

INTEGERS = npt.NDArray[np.int64]
FLOATS = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TextColumn:
    """A text column with few different values.

    Parameters
    ----------
    names : tuple of str
        The different values.
    codes : ndarray of int64, shape (n_rows,)
        Row -> position in `names`.
    """

    names: tuple[str, ...]
    codes: INTEGERS


COLUMN: TypeAlias = TextColumn | INTEGERS | FLOATS


@dataclass(frozen=True)
class ParsedColumns:
    """A table with a list of times in every row.

    Parameters
    ----------
    columns : dict of str to TextColumn or ndarray
        Field -> values, one per row.
    n_times : ndarray of int64, shape (n_rows,)
        Times in each row.
    times : ndarray of float64
        All times, row after row, in ms.
    """

    columns: dict[str, COLUMN]
    n_times: INTEGERS
    times: FLOATS


@dataclass(frozen=True)
class SynapseTable:
    """Activated synapses of one trial or of several.

    Parameters
    ----------
    synapse_type, dendrite_label : TextColumn
        Per row.
    synapse_id : ndarray of int64 or None
        Number of the synapse within its type; None in the oldest files.
    soma_distance : ndarray of float64
        Path length to the soma in um.
    section_id, section_point : ndarray of int64
        Place on the morphology.
    n_times : ndarray of int64
        Activations of each row.
    times : ndarray of float64, shape (sum of n_times,)
        Activation times in ms, row after row.
    """

    synapse_type: TextColumn
    synapse_id: INTEGERS | None
    soma_distance: FLOATS
    section_id: INTEGERS
    section_point: INTEGERS
    dendrite_label: TextColumn
    n_times: INTEGERS
    times: FLOATS

    @property
    def n_rows(self) -> int:
        """Number of activated synapses."""
        return len(self.soma_distance)

    def row_of_times(self) -> INTEGERS:
        """Row that each activation belongs to.

        Returns
        -------
        ndarray of int64, shape (n_activations,)
        """
        return np.repeat(np.arange(self.n_rows), self.n_times)


# field -> heading in the file
FIELD_HEADINGS = {
    "synapse_type": "synapse type",
    "synapse_id": "synapse ID",
    "soma_distance": "soma distance",
    "section_id": "section ID",
    "section_point": "section pt ID",
    "dendrite_label": "dendrite label",
    "times": "activation times",
}
PRESYNAPTIC_HEADINGS = {
    "cell_type": "presynaptic cell type",
    "cell_id": "cell ID",
    "times": "spike times",
}
OPTIONAL_FIELDS = frozenset({"synapse_id"})
TEXT_FIELDS = frozenset({"synapse_type", "dendrite_label", "cell_type"})
INTEGER_FIELDS = frozenset({"synapse_id", "section_id", "section_point", "cell_id"})
FLOAT_FIELDS = frozenset({"soma_distance"})

_CATEGORY = pa.dictionary(pa.int32(), pa.string())
_ARROW_TYPES = (
    dict.fromkeys(TEXT_FIELDS, _CATEGORY)
    | dict.fromkeys(INTEGER_FIELDS, pa.int64())
    | dict.fromkeys(FLOAT_FIELDS, pa.float64())
    | {"times": pa.string()}
)


def parse_columns(text: bytes, order: tuple[str, ...]) -> ParsedColumns | None:
    """Parse a table of known columns, if nothing about it is unusual.

    Parameters
    ----------
    text : bytes
        The whole file; its first line is the heading.
    order : tuple of str
        Field of each column, ``times`` among them.

    Returns
    -------
    ParsedColumns or None
        None if the text needs a closer look.
    """
    if not text.endswith(b"\n"):
        return None
    if text.count(b"\n") == 1:
        return _no_rows(order)
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            arrow_csv.ReadOptions(
                use_threads=False,
                skip_rows=1,
                column_names=list(order),
                block_size=len(text) + 1,
            ),
            arrow_csv.ParseOptions(delimiter="\t", quote_char=False, ignore_empty_lines=False),
            arrow_csv.ConvertOptions(
                column_types={field: _ARROW_TYPES[field] for field in order},
                null_values=[],
                strings_can_be_null=False,
            ),
        )
        counts, times = _split_times(table["times"].combine_chunks())
    except pa.ArrowException:
        return None
    columns = {field: _column(table[field]) for field in order if field != "times"}
    return ParsedColumns(columns, counts, times)


def _split_times(texts: pa.StringArray) -> tuple[INTEGERS, FLOATS]:
    """Turn ``"1.5,2.0,"`` per row into counts and one array; the last comma is optional."""
    lists = arrow_compute.split_pattern(texts, ",")
    pieces = lists.flatten()
    counts = np.asarray(arrow_compute.list_value_length(lists), dtype=np.int64)
    last = np.cumsum(counts) - 1
    lengths = np.asarray(arrow_compute.binary_length(pieces))
    kept = np.ones(len(pieces), dtype=bool)
    kept[last[lengths[last] == 0]] = False
    counts -= lengths[last] == 0
    return counts, np.asarray(pieces.filter(pa.array(kept)).cast(pa.float64()), dtype=np.float64)


def _column(column: pa.ChunkedArray) -> COLUMN:
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = values.chunk(0)
    if not pa.types.is_dictionary(values.type):
        return np.asarray(values)
    names = tuple(values.dictionary.to_pylist())
    return TextColumn(names, np.asarray(values.indices, dtype=np.int64))


def _no_rows(order: tuple[str, ...]) -> ParsedColumns:
    no_codes = np.empty(0, dtype=np.int64)
    columns: dict[str, COLUMN] = {}
    for field in order:
        if field in TEXT_FIELDS:
            columns[field] = TextColumn((), no_codes)
        elif field != "times":
            columns[field] = no_codes if field in INTEGER_FIELDS else np.empty(0)
    return ParsedColumns(columns, no_codes, np.empty(0))
