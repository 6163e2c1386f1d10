"""What an activation database holds, as plain records of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synreduce.errors import DataError, Problem

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
