"""Reads the parameter files of published reduced models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synreduce.importers.files import read_text, refuse

_FILTERS = {"s_exc": "EXC", "s_inh": "INH", "t_exc": "EXC", "t_inh": "INH"}
_FIX = "give a reduced_model_parameters file of the published archive"


@dataclass(frozen=True)
class PublishedModel:
    """Filters and tables of a published reduced model (doi:10.7910/DVN/QV7JIF).

    Parameters
    ----------
    spatial : mapping of str to ndarray, shape (n_bins,)
        Group -> weight of each soma-distance bin, nearest first.
    temporal : mapping of str to ndarray, shape (width,)
        Group -> weight of each lag in ms; the last entry is the millisecond itself.
    net_input, spike_probability : ndarray or None
        The nonlinearity: probability of a spike at each (whole, ascending) weighted net input.
    since_spike_ms, isi_penalty : ndarray or None
        What is added to the net input after a spike; times are negative and ascend.
    """

    spatial: Mapping[str, npt.NDArray[np.float64]]
    temporal: Mapping[str, npt.NDArray[np.float64]]
    net_input: npt.NDArray[np.float64] | None = None
    spike_probability: npt.NDArray[np.float64] | None = None
    since_spike_ms: npt.NDArray[np.float64] | None = None
    isi_penalty: npt.NDArray[np.float64] | None = None

    def weighted_net_input(
        self, counts: Mapping[str, npt.NDArray[Any]], time_ms: int
    ) -> npt.NDArray[np.float64]:
        """Weighted net input of a millisecond.

        Parameters
        ----------
        counts : mapping of str to ndarray, shape (n_trials, n_ms, n_bins)
            Group -> counts from 0 ms; bins beyond those of the filter are not used.
        time_ms : int
            The millisecond ``[time_ms, time_ms + 1)``; the window ends with it.

        Returns
        -------
        ndarray of float64, shape (n_trials,)

        Raises
        ------
        ValueError
            If the window begins before 0 ms or ends after the counts.
        """
        total: npt.NDArray[np.float64] = np.zeros(len(next(iter(counts.values()))))
        for group, kernel in self.temporal.items():
            start, stop = time_ms + 1 - len(kernel), time_ms + 1
            if start < 0 or stop > counts[group].shape[1]:
                message = f"window [{start}, {stop}) ms leaves the counts"
                raise ValueError(message)
            space = self.spatial[group]
            window = counts[group][:, start:stop, : len(space)].astype(np.float64)
            total += np.einsum("tmb,m,b->t", window, kernel, space)
        return total


def read_published_model(path: Path) -> PublishedModel:
    """Read a ``reduced_model_parameters`` file.

    Parameters
    ----------
    path : Path
        JSON with ``spatiotemporal_filters`` and, in full files, ``nonlinearity`` and
        ``ISI_penalty``, whose keys are numbers written as text.

    Returns
    -------
    PublishedModel

    Raises
    ------
    DataError
        If the file is not JSON, a filter is missing or a value is no number.
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise refuse(path, "bad-json", f"not JSON ({error})", _FIX) from None
    filters = content.get("spatiotemporal_filters") if isinstance(content, dict) else None
    missing = [name for name in _FILTERS if not isinstance(filters, dict) or name not in filters]
    if missing or not isinstance(filters, dict):
        what = f"spatiotemporal_filters lacks {', '.join(missing)}"
        raise refuse(path, "no-filters", what, _FIX)
    values = {name: _numbers(filters[name], f"{path} {name}") for name in _FILTERS}
    for kind in ("s", "t"):
        if len(values[f"{kind}_exc"]) != len(values[f"{kind}_inh"]):
            what = f"{kind}_exc and {kind}_inh have different lengths"
            raise refuse(path, "wrong-shape", what, _FIX)
    net_input, probability = _table(content.get("nonlinearity"), f"{path} nonlinearity")
    since_spike, penalty = _table(content.get("ISI_penalty"), f"{path} ISI_penalty")
    return PublishedModel(
        spatial={_FILTERS[name]: values[name] for name in ("s_exc", "s_inh")},
        temporal={_FILTERS[name]: values[name] for name in ("t_exc", "t_inh")},
        net_input=net_input,
        spike_probability=probability,
        since_spike_ms=since_spike,
        isi_penalty=penalty,
    )


def _numbers(values: object, where: str) -> npt.NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        raise refuse(where, "not-numbers", "is no list of finite numbers", _FIX)
    return numbers


def _table(
    table: object, where: str
) -> tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64] | None]:
    """Read an object from numbers written as text to numbers, sorted by number."""
    if table is None:
        return None, None
    if not isinstance(table, dict):
        raise refuse(where, "not-a-table", "is no object", _FIX)
    keys, values = _numbers(list(table), where), _numbers(list(table.values()), where)
    order = np.argsort(keys)
    return keys[order], values[order]
