"""Canonical form of filters: one representative of all that give the same order of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synreduce.errors import InputError, Problem
from synreduce.strategies.factors import singular_pairs

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CanonicalForm:
    """Filters and weights with the freedom of scale removed.

    Parameters
    ----------
    spatial_weight, temporal_weight : dict of str to numpy.ndarray, shapes (R, K) and (R, L)
        Weights of the basis functions per group.
    spatial_filter, temporal_filter : dict of str to numpy.ndarray, shapes (R, bins) and (R, width)
        Superposed filters per group. Filter 0 is the leading pair.
    score_factor : float
        Canonical score = score_factor x score of the weights given; positive, so the order of
        samples is unchanged.
    reference : str
        Group whose leading spatial filter has largest magnitude 1.
    """

    spatial_weight: dict[str, FloatArray]
    temporal_weight: dict[str, FloatArray]
    spatial_filter: dict[str, FloatArray]
    temporal_filter: dict[str, FloatArray]
    score_factor: float
    reference: str


def canonical_form(
    parameters: Mapping[str, tuple[ArrayLike, ArrayLike]],
    spatial: ArrayLike,
    temporal: ArrayLike,
    signs: Mapping[str, int] | None = None,
    reference: str | None = None,
) -> CanonicalForm:
    """Scale filters as published, for any set of groups.

    Each temporal filter is scaled so that its point of largest magnitude is +1 for groups that
    excite and -1 for groups that inhibit, the factor moves into the spatial weights, and all
    spatial filters are divided by the largest magnitude of the reference group's spatial filter.

    Parameters
    ----------
    parameters : mapping of str to (spatial weights, temporal weights)
        Shapes (K,) and (L,), or (R, K) and (R, L) for R pairs per group. Several pairs are first
        made the singular pairs of the group's kernel, strongest first, so that any way of writing
        the same kernel has the same canonical form; the reference is the leading pair.
    spatial : array_like, shape (K, bins)
        Spatial basis functions.
    temporal : array_like, shape (L, width)
        Temporal basis functions.
    signs : mapping of str to int, optional
        +1 or -1 per group; groups not named count as +1.
    reference : str, optional
        Group that sets the scale; default ``EXC`` if present, else the first.

    Returns
    -------
    CanonicalForm
        A group whose weights are all zero stays zero; with a zero reference filter, or weights that
        are NaN, the scale is NaN.

    Raises
    ------
    InputError
        If the reference is no group, or a sign is not +1 or -1.

    Notes
    -----
    The kernel (spatial x temporal filter) of every group is `score_factor` times the one given.
    """
    space, time = np.asarray(spatial, np.float64), np.asarray(temporal, np.float64)
    chosen = _reference_group(parameters, signs or {}, reference)
    weights: dict[str, tuple[FloatArray, FloatArray]] = {}
    for name, (spatial_weights, temporal_weights) in parameters.items():
        pair = (
            np.atleast_2d(np.asarray(spatial_weights, np.float64)),
            np.atleast_2d(np.asarray(temporal_weights, np.float64)),
        )
        pair = pair if pair[0].shape[0] == 1 else _separate_pairs(*pair, space, time)
        weights[name] = _scale_temporal(*pair, time, (signs or {}).get(name, 1))
    largest = float(np.max(np.abs(weights[chosen][0][0] @ space)))
    factor = 1.0 / largest if largest > 0.0 else float("nan")
    spatial_weight = {name: pair[0] * factor for name, pair in weights.items()}
    temporal_weight = {name: pair[1] for name, pair in weights.items()}
    return CanonicalForm(
        spatial_weight,
        temporal_weight,
        {name: array @ space for name, array in spatial_weight.items()},
        {name: array @ time for name, array in temporal_weight.items()},
        factor,
        chosen,
    )


def _reference_group(
    groups: Mapping[str, object], signs: Mapping[str, int], reference: str | None
) -> str:
    default = "EXC" if "EXC" in groups else next(iter(groups))
    chosen = default if reference is None else reference
    problems = [
        Problem("bad-sign", f"group '{name}'", f"sign {sign!r}", "give +1 or -1")
        for name, sign in signs.items()
        if sign not in (1, -1)
    ]
    if chosen not in groups:
        fix = f"name one of {', '.join(groups)}"
        problems.append(Problem("unknown-group", "reference", f"'{chosen}' is no group", fix))
    if problems:
        raise InputError(problems)
    return chosen


def _separate_pairs(
    spatial_weights: FloatArray, temporal_weights: FloatArray, space: FloatArray, time: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Weights of the singular pairs of the kernel, in the metric of the filters themselves."""
    kernel = space.T @ (spatial_weights.T @ temporal_weights) @ time
    n_pairs = spatial_weights.shape[0]
    left, right = singular_pairs(kernel, min(n_pairs, *kernel.shape))
    if left.shape[0] < n_pairs:
        missing = n_pairs - left.shape[0]
        left = np.pad(left, ((0, missing), (0, 0)))
        right = np.pad(right, ((0, missing), (0, 0)))
    return left @ np.linalg.pinv(space), right @ np.linalg.pinv(time)


def _scale_temporal(
    spatial_weights: FloatArray, temporal_weights: FloatArray, time: FloatArray, sign: int
) -> tuple[FloatArray, FloatArray]:
    filters = temporal_weights @ time
    peak = filters[np.arange(filters.shape[0]), np.argmax(np.abs(filters), axis=1)]
    scale = np.where(peak == 0.0, 1.0, sign * peak)[:, None]
    return spatial_weights * scale, temporal_weights / scale


def standard_reference(groups: Sequence[str]) -> str:
    """Name the group that sets the scale when none is given.

    Parameters
    ----------
    groups : sequence of str
        Names of the groups in order.

    Returns
    -------
    str

    Examples
    --------
    >>> standard_reference(["INH", "EXC"]), standard_reference(["VPM", "L4ss"])
    ('EXC', 'VPM')
    """
    return _reference_group(dict.fromkeys(groups), {}, None)
