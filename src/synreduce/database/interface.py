"""What every activation database can be asked, whether it is one file or several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synreduce.database.bins import Bins
from synreduce.database.grouping import Assignment, Grouping, assign
from synreduce.database.model import ActivationEvents, CountArray, FloatArray, Group, SpikeTimes
from synreduce.database.names import NameTable, SynapseTypeTable
from synreduce.errors import DataError, Problem
from synreduce.suggestions import did_you_mean

DEFAULT_BIN_UM = 50.0

Groups = Grouping | Sequence[str | Group] | None


class Database(ABC):
    """Activations and spike times of many trials.

    Handles of files are opened when they are needed; a database can be pickled and is opened
    again where it is unpickled.

    Attributes
    ----------
    groups : tuple of Group
        Groups of synapses and their signs.
    synapse_types : SynapseTypeTable
        Types and their groups; empty for databases that hold only counts.
    dendrite_labels : NameTable
        Labels that occur.
    start_ms, duration_ms : float
        Begin and end of the record.
    layouts : frozenset of str
        ``events``, ``counts`` or both.
    distance_edges : ndarray of float64 or None
        Edges of the stored counts, um.
    time_bin_ms : float or None
        Width of the time bins of the stored counts.
    largest_distance_um : float
        Largest soma distance of an activation; for counts, the last edge.
    n_events : int or None
        Activations in all; None for databases that hold only counts.
    fingerprint : str
        Digest of the content: equal for equal trials, spikes and activations.
    """

    groups: tuple[Group, ...]
    synapse_types: SynapseTypeTable
    dendrite_labels: NameTable
    start_ms: float
    duration_ms: float
    layouts: frozenset[str]
    distance_edges: FloatArray | None
    time_bin_ms: float | None
    largest_distance_um: float
    n_events: int | None
    fingerprint: str

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    @abstractmethod
    def name(self) -> str:
        """Name for messages: the file or files."""

    @property
    @abstractmethod
    def n_trials(self) -> int:
        """Number of trials."""

    @property
    @abstractmethod
    def trial_ids(self) -> npt.NDArray[np.str_]:
        """Names of the trials, shape (n_trials,)."""

    @property
    @abstractmethod
    def spike_times(self) -> SpikeTimes:
        """Spike times of all trials."""

    @property
    @abstractmethod
    def truth(self) -> dict[str, npt.NDArray[Any]] | None:
        """Ground truth of an example; None for other databases."""

    @property
    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Where the data come from."""

    @abstractmethod
    def close(self) -> None:
        """Close all files and let go of names and spikes; they are read again when needed."""

    def _forget(self) -> None:
        for name in ("trial_ids", "spike_times"):
            vars(self).pop(name, None)

    @abstractmethod
    def _events(
        self,
        first: int,
        stop: int,
        window: tuple[float, float],
        distance: tuple[float, float],
        columns: Collection[str] | None,
    ) -> ActivationEvents: ...

    @abstractmethod
    def _counts(
        self, grouping: Grouping, groups: Sequence[Group], first: int, stop: int, bins: Bins
    ) -> dict[str, CountArray]: ...

    def events(
        self,
        t0: float | None = None,
        t1: float | None = None,
        trials: slice = slice(None),
        distance: tuple[float, float] = (0.0, np.inf),
        columns: Collection[str] | None = None,
    ) -> ActivationEvents:
        """Read the activations of a window of time and a range of distance.

        Only the tiles that touch them are read.

        Parameters
        ----------
        t0, t1 : float, optional
            Half-open window ``[t0, t1)`` in ms; by default the whole record.
        trials : slice
            Which trials; steps of 1.
        distance : tuple of float
            Half-open range of soma distance, um.
        columns : collection of str, optional
            Optional columns to read; by default all that are stored.

        Returns
        -------
        ActivationEvents
            ``trial`` counts from 0 at the first trial of the slice. Within a trial the order is
            not specified.

        Raises
        ------
        DataError
            If the database holds only counts.
        """
        if "events" not in self.layouts:
            what = "holds binned counts only, no single activations"
            raise DataError(Problem("no-events", self.name, what, "import the source as events"))
        first, stop = self._trial_range(trials)
        window = (-np.inf if t0 is None else t0, np.inf if t1 is None else t1)
        return self._events(first, stop, window, distance, columns)

    def counts(
        self,
        groups: Groups = None,
        distance_edges: npt.ArrayLike | None = None,
        t0: float | None = None,
        t1: float | None = None,
        trials: slice = slice(None),
        *,
        distance_bins: npt.ArrayLike | None = None,
        time_bin_ms: float = 1.0,
        beyond: str = "drop",
    ) -> dict[str, CountArray]:
        """Count activations in bins of time and soma distance.

        Parameters
        ----------
        groups : Grouping or sequence of str, optional
            Names of stored groups, or a rule; by default all stored groups.
        distance_edges : array_like or int, optional
            Edges in um, or a number of bins of 50 um. By default the edges of the stored counts,
            or as many bins of 50 um as it takes.
        t0, t1 : float, optional
            Half-open window ``[t0, t1)`` in ms within the record; by default the whole record.
        trials : slice
            Which trials; steps of 1.
        distance_bins : array_like or int, optional
            Another name of `distance_edges`.
        time_bin_ms : float, default: 1.0
            Width of a time bin; the window must be a multiple of it.
        beyond : {"drop", "clip", "refuse"}
            What happens to activations at and beyond the last distance edge: not counted, counted
            in the last bin, or an error.

        Returns
        -------
        dict of str to ndarray, shape (trials, time bins, distance bins)
            In the smallest unsigned integer type that holds all counts. Groups that never occur
            and trials without activations are zeros.

        Raises
        ------
        DataError
            If the window leaves the record, or stored counts cannot be turned into these bins.
        """
        edges = distance_bins if distance_edges is None else distance_edges
        record = (self.start_ms, self.duration_ms)
        wanted_edges = self.resolve_edges(edges)
        bins = Bins.of(self.name, record, wanted_edges, (t0, t1), width=time_bin_ms, beyond=beyond)
        grouping, wanted = self._wanted(groups)
        first, stop = self._trial_range(trials)
        return self._counts(grouping, wanted, first, stop, bins)

    def resolve_groups(self, groups: Groups = None) -> tuple[Group, ...]:
        """Return the groups, with their signs, that `counts` would return.

        Parameters
        ----------
        groups : Grouping or sequence of str, optional
            As in `counts`.

        Returns
        -------
        tuple of Group
        """
        return self._wanted(groups)[1]

    def assignment(self, grouping: Grouping) -> Assignment:
        """Apply a grouping to the types and labels of this database.

        Parameters
        ----------
        grouping : Grouping
            The rule.

        Returns
        -------
        Assignment
        """
        if "events" not in self.layouts and grouping.criteria != ("group",):
            what = f"stored counts know groups only, not {grouping.by!r}"
            raise DataError(Problem("no-events", self.name, what, "import the source as events"))
        return assign(grouping, self.groups, self.synapse_types, self.dendrite_labels)

    def _wanted(self, groups: Groups) -> tuple[Grouping, tuple[Group, ...]]:
        if groups is None or isinstance(groups, Grouping):
            grouping = groups or Grouping()
            return grouping, self.assignment(grouping).groups
        stored = {group.name: group for group in self.groups}
        names = [item.name if isinstance(item, Group) else item for item in groups]
        problems = [
            Problem("unknown-group", self.name, f"no group '{name}'", did_you_mean(name, stored))
            for name in names
            if name not in stored
        ]
        if problems:
            raise DataError(problems)
        return Grouping(), tuple(stored[name] for name in names)

    def _trial_range(self, trials: slice) -> tuple[int, int]:
        first, stop, step = trials.indices(self.n_trials)
        if step != 1:
            message = "trials: a slice with steps of 1"
            raise ValueError(message)
        return first, max(first, stop)

    def resolve_edges(self, edges: npt.ArrayLike | None = None) -> FloatArray:
        """Return the distance edges that `counts` would use, um.

        Parameters
        ----------
        edges : array_like or int, optional
            As `distance_edges` of `counts`.

        Returns
        -------
        ndarray of float64, shape (n_bins + 1,)
        """
        if edges is None and self.distance_edges is not None:
            return self.distance_edges
        if edges is None:
            edges = int(self.largest_distance_um // DEFAULT_BIN_UM) + 1
        if np.ndim(edges) == 0:
            return DEFAULT_BIN_UM * np.arange(int(np.asarray(edges)) + 1, dtype=np.float64)
        return np.asarray(edges, np.float64)
