"""Synapse types of SONATA edges, and the group that each belongs to.

A type is named after the source cell, ``<label>_<population>``, the label being the first of the
node attributes ``mtype``, ``pop_name`` and ``cell_type``; without any it is the population.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synreduce.database import SynapseType
from synreduce.errors import DataError, Problem
from synreduce.importers.groups import EXCITATORY, INHIBITORY, SynapseTypeRules, unknown_type
from synreduce.importers.options import ImportOptions
from synreduce.importers.sonata_edges import Synapses
from synreduce.importers.sonata_nodes import LABELS, NodePopulation

_EXCITATORY_FROM = 100
_GROUPS = (None, EXCITATORY, INHIBITORY)


@dataclass(frozen=True)
class TypedSynapses:
    """Synapse types of one edge population.

    Parameters
    ----------
    code : ndarray of int64, shape (n,)
        Type of each synapse, -1 for a type that the user leaves out.
    kinds : tuple of SynapseType
        Per code.
    """

    code: NDArray[np.int64]
    kinds: tuple[SynapseType, ...]


class TypeRules:
    """Which group a synapse belongs to, in the order that the format prescribes.

    The user's map (synapse type, label, population, then regular expressions); ``syn_type_id`` of
    the edge; ``synapse_class``, then ``ei`` of the source cell; the default lists of cell types.

    Parameters
    ----------
    options : ImportOptions
    """

    def __init__(self, options: ImportOptions) -> None:
        self._rules = SynapseTypeRules.from_options(options)
        self._map: Mapping[str, str] = dict(options.type_map)
        self._group_of_name: dict[str, str] = {}

    def classify(self, synapses: Synapses, source: NodePopulation) -> TypedSynapses:
        """Name the type of every synapse and find its group.

        Parameters
        ----------
        synapses : Synapses
        source : NodePopulation
            The source cells.

        Returns
        -------
        TypedSynapses

        Raises
        ------
        DataError
            If no rule knows the group of some types; it names them.
        """
        labels, label_of_row = _labels(source)
        rows = source.rows(synapses.source_id)
        told = _group_of_edges(synapses, source, rows)
        keys, member = np.unique(label_of_row[rows] * len(_GROUPS) + told, return_inverse=True)
        code_of_key = np.full(len(keys), -1, dtype=np.int64)
        kinds: list[SynapseType] = []
        problems: list[Problem] = []
        for number, key in enumerate(keys):
            label, group = labels[key // len(_GROUPS)], _GROUPS[key % len(_GROUPS)]
            name = f"{label}_{source.name}" if label else source.name
            aliases = tuple(dict.fromkeys((name, label or source.name, source.name)))
            if any(self._rules.is_dropped(alias) for alias in aliases):
                continue
            decided = self._mapped(aliases) or group or self._rules.group_of(name)
            if decided is None:
                n_rows = int((member == number).sum())
                problems.append(unknown_type(name, f"edges {synapses.population}", n_rows))
                continue
            code_of_key[number] = len(kinds)
            column = source.name if label else ""
            unique = self._unambiguous(name, decided)
            kinds.append(SynapseType(unique, decided, label or source.name, column))
        if problems:
            raise DataError(problems)
        return TypedSynapses(code_of_key[member], tuple(kinds))

    def _mapped(self, aliases: tuple[str, ...]) -> str | None:
        exact = [self._map[alias] for alias in aliases if alias in self._map]
        patterns = (
            group
            for pattern, group in self._map.items()
            if any(re.fullmatch(pattern, alias) for alias in aliases)
        )
        return exact[0] if exact else next(patterns, None)

    def _unambiguous(self, name: str, group: str) -> str:
        """Tell apart synapses of one source type that belong to different groups."""
        if self._group_of_name.setdefault(name, group) == group:
            return name
        self._group_of_name[f"{name}:{group}"] = group
        return f"{name}:{group}"


def _labels(source: NodePopulation) -> tuple[list[str], NDArray[np.int64]]:
    found = np.full(len(source.ids), "", dtype=object)
    for name in reversed(LABELS):
        column = source.texts[name]
        found[column.known] = column.values[column.known]
    labels = sorted(set(found))
    code = {label: number for number, label in enumerate(labels)}
    return labels, np.array([code[label] for label in found], dtype=np.int64)


def _group_of_edges(
    synapses: Synapses, source: NodePopulation, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Index into `_GROUPS` of what the files say about each synapse."""
    of_node = np.zeros(len(source.ids), dtype=np.int64)
    for name in ("ei", "synapse_class"):
        words = [str(word).upper() if word else "" for word in source.texts[name].values]
        told = np.array([_group_of_word(word) for word in words], dtype=np.int64)
        of_node = np.where(told > 0, told, of_node)
    receptor = synapses.numbers["syn_type_id"]
    told_by_edge = np.where(receptor.values >= _EXCITATORY_FROM, 1, 2)
    usable = receptor.known & np.isfinite(receptor.values)
    return np.where(usable, told_by_edge, of_node[rows] if len(of_node) else 0)


def _group_of_word(word: str) -> int:
    return {"E": 1, "EXC": 1, "I": 2, "INH": 2}.get(word, 0)
