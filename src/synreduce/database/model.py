"""What an activation database holds, as plain records of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synreduce.errors import DataError, Problem
from synreduce.suggestions import did_you_mean

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
CountArray = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Group:
    """A set of synapses that share one filter.

    Parameters
    ----------
    name : str
        E.g. ``EXC``.
    sign : int
        +1 if its synapses excite, -1 if they inhibit.
    """

    name: str
    sign: int

    def __post_init__(self) -> None:
        if self.sign not in {1, -1} or not self.name:
            what = f"name {self.name!r}, sign {self.sign}"
            raise DataError(Problem("bad-group", "group", what, "give a name and a sign 1 or -1"))


DEFAULT_GROUPS = (Group("EXC", 1), Group("INH", -1))


@dataclass(frozen=True)
class ActivationEvents:
    """Synapse activations of a block of trials.

    Parameters
    ----------
    trial : ndarray of int64, shape (n_events,)
        Position of the trial within the block, in ascending order.
    time : ndarray of float64, shape (n_events,)
        ms.
    soma_distance : ndarray of float64, shape (n_events,)
        Path length from the soma, um.
    synapse_type : ndarray of int, shape (n_events,)
        Code in the `SynapseTypeTable`.
    synapse_id, section_id, section_point, presynaptic_cell : ndarray of int, optional
        As in the source; None if unknown, -1 for single events where it is unknown.
    dendrite_label : ndarray of int, optional
        Code in the table of labels.
    """

    trial: IntArray
    time: FloatArray
    soma_distance: FloatArray
    synapse_type: npt.NDArray[np.integer[Any]]
    synapse_id: npt.NDArray[np.integer[Any]] | None = None
    section_id: npt.NDArray[np.integer[Any]] | None = None
    section_point: npt.NDArray[np.integer[Any]] | None = None
    dendrite_label: npt.NDArray[np.integer[Any]] | None = None
    presynaptic_cell: npt.NDArray[np.integer[Any]] | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self.columns().items()}
        lengths["trial"] = len(self.trial)
        if len(set(lengths.values())) > 1:
            what = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise DataError(Problem("unequal-lengths", "activation events", what))

    def __len__(self) -> int:
        return len(self.trial)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the known columns by name, without the trial."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        del values["trial"]
        return {name: array for name, array in values.items() if array is not None}

    def take(self, index: npt.NDArray[Any]) -> Self:
        """Select events.

        Parameters
        ----------
        index : ndarray
            Positions or a mask.

        Returns
        -------
        ActivationEvents
        """
        selected = {name: values[index] for name, values in self.columns().items()}
        return replace(self, trial=self.trial[index], **selected)


@dataclass(frozen=True)
class SpikeTimes:
    """Times of a neuron's own action potentials in many trials.

    Parameters
    ----------
    times : ndarray of float64, shape (n_spikes,)
        ms, ascending within a trial, trial after trial.
    pointer : ndarray of int64, shape (n_trials + 1,)
        Spikes of trial i are ``times[pointer[i]:pointer[i + 1]]``.
    """

    times: FloatArray
    pointer: IntArray

    @classmethod
    def from_lists(cls, spike_times: Sequence[npt.ArrayLike]) -> Self:
        """Join one list of times per trial.

        Parameters
        ----------
        spike_times : sequence of array_like
            One per trial, possibly empty, in any order.

        Returns
        -------
        SpikeTimes

        Examples
        --------
        >>> spikes = SpikeTimes.from_lists([[2.0, 1.0], [], [5.5]])
        >>> len(spikes), spikes.of(0).tolist(), spikes.of(1).tolist()
        (3, [1.0, 2.0], [])
        """
        arrays = [np.sort(np.asarray(times, np.float64).ravel()) for times in spike_times]
        pointer = np.zeros(len(arrays) + 1, np.int64)
        np.cumsum([len(times) for times in arrays], out=pointer[1:])
        return cls(np.concatenate(arrays) if arrays else np.empty(0), pointer)

    def __len__(self) -> int:
        return len(self.pointer) - 1

    def of(self, trial: int) -> FloatArray:
        """Return the spike times of one trial, ms."""
        if not -len(self) <= trial < len(self):
            message = f"trial {trial} of {len(self)}"
            raise IndexError(message)
        trial %= len(self)
        return self.times[self.pointer[trial] : self.pointer[trial + 1]]

    def __iter__(self) -> Iterator[FloatArray]:
        return (self.of(trial) for trial in range(len(self)))


class NameTable:
    """Names that are stored as small whole numbers; grows while a database is written.

    Parameters
    ----------
    names : sequence of str
        The first names; code i is the i-th name.

    Examples
    --------
    >>> table = NameTable(["Soma"])
    >>> table.add("Dendrite"), table.add("Soma"), table.names
    (1, 0, ('Soma', 'Dendrite'))
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._codes: dict[str, int] = {}
        for name in names:
            self.add(name)

    def __len__(self) -> int:
        return len(self._codes)

    def __contains__(self, name: object) -> bool:
        return name in self._codes

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of their codes."""
        return tuple(self._codes)

    def add(self, name: str) -> int:
        """Return the code of a name, a new one if the name is new."""
        return self._codes.setdefault(name, len(self._codes))

    def code(self, name: str) -> int:
        """Return the code of a known name.

        Raises
        ------
        DataError
            If the name is unknown.
        """
        if name not in self._codes:
            hint = did_you_mean(name, self._codes)
            raise DataError(Problem("unknown-name", "table of names", f"'{name}' is unknown", hint))
        return self._codes[name]


@dataclass(frozen=True)
class SynapseType:
    """A kind of synapse.

    Parameters
    ----------
    name : str
        ``<cell type>_<column>`` or only ``<cell type>``, e.g. ``L5tt_C2``.
    group : str
        Name of its group.
    cell_type, column : str
        Of the presynaptic cell; the column is empty if unknown.
    """

    name: str
    group: str
    cell_type: str
    column: str


class SynapseTypeTable:
    """Synapse types, their groups and codes; grows while a database is written.

    Parameters
    ----------
    types : sequence of SynapseType
        The first types; code i is the i-th type.

    Examples
    --------
    >>> table = SynapseTypeTable()
    >>> table.add("L5tt_C2", "EXC"), table.add("INH", "INH")
    (0, 1)
    >>> table[0].cell_type, table[0].column, table[1].cell_type, table[1].column
    ('L5tt', 'C2', 'INH', '')
    """

    def __init__(self, types: Sequence[SynapseType] = ()) -> None:
        self._types: list[SynapseType] = []
        self._names = NameTable()
        for kind in types:
            self.add(kind.name, kind.group, kind.cell_type, kind.column)

    def __len__(self) -> int:
        return len(self._types)

    def __getitem__(self, code: int) -> SynapseType:
        return self._types[code]

    def __iter__(self) -> Iterator[SynapseType]:
        return iter(self._types)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of their codes."""
        return self._names.names

    @property
    def groups(self) -> tuple[str, ...]:
        """Group of every type, in the order of their codes."""
        return tuple(kind.group for kind in self._types)

    def code(self, name: str) -> int:
        """Return the code of a known type; raises DataError otherwise."""
        return self._names.code(name)

    def add(
        self, name: str, group: str, cell_type: str | None = None, column: str | None = None
    ) -> int:
        """Return the code of a type, a new one if the type is new.

        Parameters
        ----------
        name : str
            Of the type.
        group : str
            Name of its group.
        cell_type, column : str, optional
            By default what stands before and after the last underscore of the name.

        Returns
        -------
        int

        Raises
        ------
        DataError
            If the type is known with another group.
        """
        if name in self._names:
            code = self._names.code(name)
            known = self._types[code].group
            if known != group:
                what = f"is of group {known} and of group {group}"
                raise DataError(Problem("two-groups", f"synapse type '{name}'", what))
            return code
        before, underscore, after = name.rpartition("_")
        kind = SynapseType(
            name,
            group,
            cell_type if cell_type is not None else (before if underscore else name),
            column if column is not None else (after if underscore else ""),
        )
        self._types.append(kind)
        return self._names.add(name)
