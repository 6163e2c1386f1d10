"""Counts activations in bins while they are imported (the counts layout)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from synreduce.database import ActivationEvents
from synreduce.errors import ConfigurationError, Problem
from synreduce.importers.options import ImportOptions


class EventBinner:
    """Sorts activations into bins of soma distance and milliseconds.

    Parameters
    ----------
    options : ImportOptions
        `distance_bin_um`, `distance_max_um` and what happens beyond.

    Raises
    ------
    ConfigurationError
        If the width does not divide the range.

    Examples
    --------
    >>> binner = EventBinner(ImportOptions(distance_max_um=200.0))
    >>> binner.edges
    array([  0.,  50., 100., 150., 200.])
    """

    def __init__(self, options: ImportOptions) -> None:
        width, stop = options.distance_bin_um, options.distance_max_um
        n_bins = round(stop / width) if width > 0 and np.isfinite(stop) else 0
        if n_bins < 1 or abs(n_bins * width - stop) > 1e-9 * stop:
            what = f"distance_max_um {stop:g} is no multiple of distance_bin_um {width:g}"
            raise ConfigurationError(Problem("bad-bins", "counts layout", what, "choose others"))
        self.edges = np.arange(n_bins + 1) * width
        self._choice = options.on_beyond_last_bin
        self._n_beyond = 0
        self._farthest = 0.0

    @property
    def refused(self) -> bool:
        """Whether activations lie where the user did not allow them."""
        return self._choice == "refuse" and self._n_beyond > 0

    @property
    def dropped(self) -> dict[str, int]:
        """What was left out, or counted elsewhere: reason -> number."""
        if not self._n_beyond:
            return {}
        place = f"activations at or beyond {self.edges[-1]:g} um"
        reason = f"{place} (counted in the last bin)" if self._choice == "clip" else place
        return {reason: self._n_beyond}

    def problems(self) -> list[Problem]:
        """Describe activations beyond the last edge, if the user allows none.

        Returns
        -------
        list of Problem
        """
        if not self.refused:
            return []
        what = (
            f"{self._n_beyond:,} activations or more lie at or beyond the last edge "
            f"{self.edges[-1]:g} um, the farthest seen at {self._farthest:g} um"
        )
        fix = "on_beyond_last_bin: drop or clip, or a larger distance_max_um"
        return [Problem("beyond-last-bin", "soma distance", what, fix)]

    def keep(self, events: ActivationEvents) -> ActivationEvents:
        """Treat activations beyond the last edge as the user chose.

        Parameters
        ----------
        events : ActivationEvents
            Of a block of trials.

        Returns
        -------
        ActivationEvents
        """
        beyond = events.soma_distance >= self.edges[-1]
        if not beyond.any():
            return events
        self._n_beyond += int(beyond.sum())
        self._farthest = max(self._farthest, float(events.soma_distance.max()))
        if self._choice != "clip":
            return events.take(~beyond)
        last = float(np.nextafter(self.edges[-1], 0.0))
        clipped = np.minimum(events.soma_distance, last)
        return dataclasses.replace(events, soma_distance=clipped)

    def counts(
        self,
        events: ActivationEvents,
        group_of_type: Sequence[str],
        groups: Sequence[str],
        n_trials: int,
        n_ms: int,
    ) -> dict[str, npt.NDArray[np.int64]]:
        """Count the activations of a block of trials.

        Parameters
        ----------
        events : ActivationEvents
            What `keep` returned.
        group_of_type : sequence of str
            Type code -> group.
        groups : sequence of str
            All groups.
        n_trials, n_ms : int
            Size of the result.

        Returns
        -------
        dict of str to ndarray, shape (n_trials, n_ms, n_bins)
        """
        n_bins = len(self.edges) - 1
        shape = (n_trials, n_ms, n_bins)
        bins = np.searchsorted(self.edges, events.soma_distance, side="right") - 1
        cells = np.ravel_multi_index(
            (events.trial, np.floor(events.time).astype(np.int64), bins), shape
        )
        names = np.asarray(group_of_type)[events.synapse_type] if len(events) else np.empty(0, str)
        return {
            group: np.bincount(cells[names == group], minlength=n_trials * n_ms * n_bins).reshape(
                shape
            )
            for group in groups
        }
