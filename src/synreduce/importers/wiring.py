"""Checks that a synapse lies at the same place in all trials of one simulation folder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from synreduce.errors import DataError, Problem
from synreduce.importers.synapse_checks import line_of_row
from synreduce.importers.synapse_table import FLOATS, INTEGERS, SynapseTable

_SAME_PLACE_UM = 1e-3
_IDS_PER_TYPE = 2**32


class Wiring:
    """The synapses seen so far in the trials of one folder, which share their wiring files."""

    def __init__(self) -> None:
        self._keys: INTEGERS = np.empty(0, dtype=np.int64)
        self._distances: FLOATS = np.empty(0)
        self._trials: INTEGERS = np.empty(0, dtype=np.int64)
        self._files: list[str] = []

    def check(
        self,
        table: SynapseTable,
        types: INTEGERS,
        name: str,
        place: Callable[[int], str] = line_of_row,
    ) -> None:
        """Compare the synapses of one trial with those of earlier trials.

        Parameters
        ----------
        table : SynapseTable
            Of the trial.
        types : ndarray of int64, shape (n_rows,)
            Code of the synapse type of each row; negative ones are not looked at.
        name : str
            The file, for messages.
        place : callable, optional
            Row number -> its place in the file.

        Raises
        ------
        DataError
            If a synapse has another soma distance than in an earlier trial.
        """
        if table.synapse_id is None:
            return
        self._files.append(name)
        known = (types >= 0) & (table.synapse_id < _IDS_PER_TYPE)
        keys = types[known] * _IDS_PER_TYPE + table.synapse_id[known]
        distances = table.soma_distance[known]
        places = np.searchsorted(self._keys, keys)
        seen = np.zeros(len(keys), dtype=bool)
        inside = places < len(self._keys)
        seen[inside] = self._keys[places[inside]] == keys[inside]
        moved = np.abs(self._distances[places[seen]] - distances[seen]) > _SAME_PLACE_UM
        if moved.any():
            row = int(np.flatnonzero(known)[seen][moved][0])
            known_as = int(places[seen][moved][0])
            where = f"{name}{place(row)} soma distance"
            raise DataError(self._problem(table, row, known_as, int(moved.sum()), where))
        self._remember(keys[~seen], distances[~seen])

    def _problem(
        self, table: SynapseTable, row: int, known_as: int, n_moved: int, where: str
    ) -> Problem:
        number = -1 if table.synapse_id is None else int(table.synapse_id[row])
        synapse_type = table.synapse_type.names[table.synapse_type.codes[row]]
        what = (
            f"synapse ({synapse_type}, {number}) lies at {table.soma_distance[row]} um, but at "
            f"{self._distances[known_as]} um in {self._files[self._trials[known_as]]}"
            f" ({n_moved:,} synapses differ); the wiring differs"
        )
        fix = "import trials of different wiring as separate databases"
        return Problem("wiring-differs", where, what, fix)

    def _remember(self, keys: INTEGERS, distances: FLOATS) -> None:
        trials = np.full(len(keys), len(self._files) - 1)
        all_keys = np.concatenate([self._keys, keys])
        order = np.argsort(all_keys, kind="stable")
        self._keys = all_keys[order]
        self._distances = np.concatenate([self._distances, distances])[order]
        self._trials = np.concatenate([self._trials, trials])[order]
