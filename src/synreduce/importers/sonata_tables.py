"""Attributes of SONATA nodes and edges: the HDF5 value, else the row of the table of types."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from synreduce.importers.files import refuse

_MISSING_TEXTS = frozenset({"", "NULL"})


@dataclass(frozen=True)
class TypeTable:
    """Table of node or edge types.

    Parameters
    ----------
    name : str
        File name, for messages.
    rows : dict of int to dict of str to str
        Type id -> column -> text; missing values are left out.
    """

    name: str = ""
    rows: dict[int, dict[str, str]] = field(default_factory=dict)


def read_type_table(path: Path | None, key: str) -> TypeTable:
    """Read a table of types: fields separated by one space, double quotes, ``NULL`` for missing.

    Parameters
    ----------
    path : Path or None
        CSV file; None gives an empty table.
    key : str
        Column of the type ids, ``node_type_id`` or ``edge_type_id``.

    Returns
    -------
    TypeTable

    Raises
    ------
    DataError
        If the table lacks the key column, or a row is cut or repeats a type.
    """
    if path is None:
        return TypeTable()
    try:
        text = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise refuse(path, "bad-type-table", "not text") from None
    lines = csv.reader(text, delimiter=" ", quotechar='"', skipinitialspace=True)
    heading: list[str] | None = None
    rows: dict[int, dict[str, str]] = {}
    for number, line in enumerate(lines, start=1):
        fields = line[:-1] if line and not line[-1] else line  # a space at the end of the line
        if not fields:
            continue
        where = f"{path}:{number}"
        if heading is None:
            heading = fields
            if key not in heading:
                fix = "separate the fields by one space"
                raise refuse(where, "bad-type-table", f"no column {key}", fix)
            continue
        if len(fields) != len(heading):
            what = f"{len(fields)} fields, expected {len(heading)}"
            raise refuse(where, "bad-type-table", what)
        row = dict(zip(heading, fields, strict=True))
        _add_row(rows, row, key, where)
    return TypeTable(path.name, rows)


def _add_row(rows: dict[int, dict[str, str]], row: dict[str, str], key: str, where: str) -> None:
    try:
        number = int(row.pop(key))
    except ValueError:
        raise refuse(where, "bad-type-table", f"{key} is not a whole number") from None
    if number in rows:
        raise refuse(where, "bad-type-table", f"{key} {number} appears twice")
    rows[number] = {name: value for name, value in row.items() if value not in _MISSING_TEXTS}


@dataclass(frozen=True)
class Column:
    """One attribute of some rows.

    Parameters
    ----------
    values : ndarray, shape (n,)
        float64 or object (text).
    known : ndarray of bool, shape (n,)
        Which rows have the attribute; the others hold NaN or None.
    """

    values: NDArray[Any]
    known: NDArray[np.bool_]


def whole_numbers(group: h5py.Group, name: str, n_rows: int | None = None) -> NDArray[np.int64]:
    """Read a one-dimensional dataset of whole numbers.

    Parameters
    ----------
    group : h5py.Group
    name : str
    n_rows : int, optional
        Values that there must be.

    Returns
    -------
    ndarray of int64

    Raises
    ------
    DataError
        If the dataset is missing, of another shape or not of whole numbers.
    """
    where = f"{Path(group.file.filename).name}:{group.name}/{name}"
    dataset = group.get(name)
    if not isinstance(dataset, h5py.Dataset):
        raise refuse(where, "missing-dataset", "no such dataset")
    if dataset.ndim != 1 or dataset.dtype.kind not in "iu":
        what = f"{dataset.dtype} of shape {dataset.shape}, expected a list of whole numbers"
        raise refuse(where, "bad-dataset", what)
    if n_rows is not None and len(dataset) != n_rows:
        raise refuse(where, "bad-dataset", f"{len(dataset)} values, expected {n_rows}")
    return np.asarray(dataset[()]).astype(np.int64)


class AttributeTable:
    """Attributes of the rows of one node or edge population.

    Parameters
    ----------
    population : h5py.Group
        ``/nodes/<population>`` or ``/edges/<population>``, open while the table is used.
    kind : {"node", "edge"}
    types : TypeTable
    n_rows : int
        Nodes or edges of the population.
    """

    def __init__(self, population: h5py.Group, kind: str, types: TypeTable, n_rows: int) -> None:
        self._population, self._types, self._n_rows = population, types, n_rows
        self._where = f"{Path(population.file.filename).name}:{population.name}"
        self._type_ids = self._index(f"{kind}_type_id")
        self._group_ids = self._index(f"{kind}_group_id")
        self._group_rows = self._index(f"{kind}_group_index")

    def _index(self, name: str) -> NDArray[np.int64] | None:
        if name not in self._population:
            return None
        return whole_numbers(self._population, name, self._n_rows)

    def names(self) -> set[str]:
        """Names of all attributes that some row has."""
        found = {name for row in self._types.rows.values() for name in row}
        for group in self._groups():
            found |= {name for name in self._population[group] if not name.startswith("@")}
        return found

    def numbers(self, name: str, rows: NDArray[np.int64]) -> Column:
        """Numeric attribute of some rows.

        Parameters
        ----------
        name : str
            Attribute.
        rows : ndarray of int64, shape (n,)
            Row numbers within the population.

        Returns
        -------
        Column
            float64; NaN in a known row comes from the file.

        Raises
        ------
        DataError
            If the attribute is not numeric or has too few values.
        """
        column = Column(np.full(len(rows), np.nan), np.zeros(len(rows), dtype=bool))
        for group in self._groups():
            if name in self._population[group]:
                dataset = self._dataset(group, name)
                if dataset.dtype.kind not in "iufb":
                    where = f"{self._where}/{group}/{name}"
                    raise refuse(where, "bad-attribute", "not numeric")
                self._fill(column, np.asarray(dataset[()], dtype=np.float64), group, name, rows)
        self._fill_from_types(column, name, rows, numeric=True)
        return column

    def texts(self, name: str, rows: NDArray[np.int64]) -> Column:
        """Text attribute of some rows, given directly or as an index into ``@library``.

        Parameters
        ----------
        name : str
            Attribute.
        rows : ndarray of int64, shape (n,)
            Row numbers within the population.

        Returns
        -------
        Column
            Objects of type str.

        Raises
        ------
        DataError
            If an index lies outside the library or the attribute has too few values.
        """
        column = Column(np.full(len(rows), None, dtype=object), np.zeros(len(rows), dtype=bool))
        for group in self._groups():
            if name in self._population[group]:
                self._fill(column, self._words(group, name), group, name, rows)
        self._fill_from_types(column, name, rows, numeric=False)
        return column

    def _groups(self) -> list[str]:
        names = [name for name in self._population if name.isdecimal()]
        return names if self._group_ids is not None else [name for name in names if name == "0"]

    def _dataset(self, group: str, name: str) -> h5py.Dataset:
        dataset = self._population[group][name]
        if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1:
            where = f"{self._where}/{group}/{name}"
            raise refuse(where, "bad-attribute", "not a one-dimensional dataset")
        return dataset

    def _words(self, group: str, name: str) -> NDArray[np.object_]:
        dataset = self._dataset(group, name)
        library = self._population[group].get("@library")
        if dataset.dtype.kind in "iu" and library is not None and name in library:
            words = np.asarray(library[name].asstr()[()], dtype=object)
            index = np.asarray(dataset[()]).astype(np.int64)
            self._check_index(index, len(words), f"{group}/@library/{name}")
            return np.asarray(words[index], dtype=object)
        if h5py.check_string_dtype(dataset.dtype) is None:
            return np.array([str(value) for value in dataset[()]], dtype=object)
        return np.asarray(dataset.asstr()[()], dtype=object)

    def _fill(
        self, column: Column, values: NDArray[Any], group: str, name: str, rows: NDArray[np.int64]
    ) -> None:
        mine = np.ones(len(rows), dtype=bool)
        if self._group_ids is not None:
            mine = self._group_ids[rows] == int(group)
        index = rows[mine] if self._group_rows is None else self._group_rows[rows[mine]]
        self._check_index(index, len(values), f"{group}/{name}")
        column.values[mine] = values[index]
        column.known[mine] = True

    def _check_index(self, index: NDArray[np.int64], size: int, name: str) -> None:
        if index.size and not (index.min() >= 0 and index.max() < size):
            what = f"values {index.min()} to {index.max()} are wanted, there are {size}"
            where = f"{self._where}/{name}"
            raise refuse(where, "bad-attribute", what)

    def _fill_from_types(
        self, column: Column, name: str, rows: NDArray[np.int64], *, numeric: bool
    ) -> None:
        if self._type_ids is None:
            return
        types = self._type_ids[rows]
        for number, row in self._types.rows.items():
            if name in row:
                mine = (types == number) & ~column.known
                column.values[mine] = self._number(row[name], name) if numeric else row[name]
                column.known[mine] = True

    def _number(self, text: str, name: str) -> float:
        try:
            return float(text)
        except ValueError:
            where = f"{self._types.name} {name}"
            raise refuse(where, "bad-attribute", f"not a number: {text!r}") from None
