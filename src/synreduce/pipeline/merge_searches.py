"""Variables of the merged file that tell how fits were found: restarts and trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synreduce.pipeline.merge_records import SearchRecord
from synreduce.pipeline.variables import Variables
from synreduce.result import stored_agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.pipeline.merge_records import MergeTask, WindowMerge
    from synreduce.result import StoredFit
    from synreduce.solvers import SolverOptions

LONGEST_TRACE = 100
"""Points of a trace in the merged file; files of fits hold every point."""


def search_record(
    chosen: StoredFit | None,
    fits: Sequence[StoredFit],
    solvers: Mapping[str, SolverOptions],
    bases: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> SearchRecord | None:
    """Compare the restarts behind a chosen fit.

    Parameters
    ----------
    chosen : StoredFit or None
        The fit of one chunk and split.
    fits : sequence of StoredFit
        All fits of that chunk and split.
    solvers : mapping of str to SolverOptions
        Options by name.
    bases : (ndarray (K, n_bins), ndarray (L, width))
        Spatial and temporal basis functions of the chunk.

    Returns
    -------
    SearchRecord or None
        None where nothing was chosen.
    """
    if chosen is None:
        return None
    restarts = [fit for fit in fits if fit.key()[:3] == chosen.key()[:3]]
    options = solvers[chosen.solver]
    found = stored_agreement(restarts, bases, options.agreement)
    return SearchRecord(options.restarts, len(restarts), found)


def thinned_trace(
    trace: NDArray[np.float64], most: int = LONGEST_TRACE
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Reduce a trace to few points: dense where a search begins, sparse where it ends.

    Parameters
    ----------
    trace : ndarray, shape (n,)
        Objective after each iteration or evaluation.
    most : int
        Points to keep at most.

    Returns
    -------
    number : ndarray of int, shape (m,)
        Positions kept, the first and the last among them; all if there are few enough.
    lowest : ndarray, shape (m,)
        Smallest objective up to there.

    Examples
    --------
    >>> number, lowest = thinned_trace(np.array([5.0, 3.0, 4.0, 1.0]), most=3)
    >>> number.tolist(), lowest.tolist()
    ([0, 1, 3], [5.0, 3.0, 1.0])
    """
    if trace.size <= most:
        number = np.arange(trace.size)
    else:
        number = np.unique(np.geomspace(1, trace.size, most).round().astype(np.int64)) - 1
    return number, np.fmin.accumulate(trace)[number] if trace.size else trace


def search_variables(task: MergeTask, merge: WindowMerge) -> dict[str, NDArray[Any]]:
    """Fill the variables about restarts and traces of the chosen fit of every spatial chunk.

    Parameters
    ----------
    task : MergeTask
        Temporal chunk and split.
    merge : WindowMerge
        What was merged there.

    Returns
    -------
    dict of str to ndarray
    """
    cell = ("spatial",)
    arrays = Variables(task.sizes)
    for name in ("n_restarts_asked", "n_restarts", "n_restarts_agreeing"):
        arrays.integer(name, *cell)
    for name in ("restart_cosine", "restart_spread"):
        arrays.real(name, *cell)
    for name in ("objective_trace", "objective_trace_number"):
        arrays.real(name, *cell, "iteration")
    for where, (fit, search) in enumerate(zip(merge.chosen, merge.searches, strict=True)):
        if fit is None or search is None:
            continue
        arrays["n_restarts_asked"][where] = search.n_asked
        arrays["n_restarts"][where] = search.n_made
        arrays["n_restarts_agreeing"][where] = search.agreement.n_agreeing
        arrays["restart_cosine"][where] = search.agreement.cosine
        arrays["restart_spread"][where] = search.agreement.spread
        number, lowest = thinned_trace(fit.trace)
        arrays["objective_trace_number"][where, : number.size] = number
        arrays["objective_trace"][where, : number.size] = lowest
    return arrays
