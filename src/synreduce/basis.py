"""Raised-cosine basis functions on the integer grid of bins or milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synreduce.errors import InputError, Problem


@dataclass(frozen=True)
class RaisedCosineBasis:
    r"""Raised cosines over a logarithmically warped axis.

    Function i on the grid :math:`\tau = 0 \dots width - 1` is
    :math:`f_i = 0.5 \cos(a \ln(\tau + c) - \phi_i) + 0.5` where the argument lies strictly inside
    :math:`(-\pi, \pi)` and exactly 0 elsewhere (Pillow et al. 2008, Nature 454:995).

    Parameters
    ----------
    steepness : float
        a, positive: how fast the functions widen.
    offset : float
        c, positive: how linear the start of the axis is, in grid steps.
    phases : sequence of float
        One phase per function, in radians.
    width : int
        Number of grid points (distance bins, or ms of the window).
    reversed : bool, default: False
        Turn the functions round, so that resolution is finest at the end of the axis. A temporal
        window ends at lag 0, so temporal bases are reversed.

    Raises
    ------
    InputError
        If a parameter is outside its range, all problems at once.

    Examples
    --------
    >>> basis = RaisedCosineBasis(steepness=2.0, offset=1.0, phases=[1.0], width=80)
    >>> basis.matrix[0, :5].round(6).tolist()
    [0.770151, 0.963156, 0.682472, 0.399787, 0.198172]
    """

    steepness: float
    offset: float
    phases: Sequence[float]
    width: int
    reversed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "phases", tuple(float(phase) for phase in self.phases))
        problems = [
            Problem("bad-basis", f"basis.{name}", f"{value!r} is not {rule}", f"give {rule}")
            for name, value, valid, rule in (
                ("steepness", self.steepness, self.steepness > 0, "a positive number"),
                ("offset", self.offset, self.offset > 0, "a positive number"),
                ("width", self.width, self.width >= 1, "at least one grid point"),
                ("phases", self.phases, len(self.phases) > 0, "at least one phase"),
                (
                    "phases",
                    self.phases,
                    bool(np.all(np.isfinite(self.phases))),
                    "a list of finite numbers",
                ),
            )
            if not valid
        ]
        if problems:
            raise InputError(problems)

    @property
    def n_functions(self) -> int:
        """Number of basis functions."""
        return len(self.phases)

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """All functions, shape (n_functions, width), read-only."""
        grid = np.arange(self.width, dtype=np.float64)
        argument = self.steepness * np.log(grid + self.offset) - np.asarray(self.phases)[:, None]
        values = np.where(np.abs(argument) < np.pi, 0.5 * np.cos(argument) + 0.5, 0.0)
        if self.reversed:
            values = values[:, ::-1]
        values = np.ascontiguousarray(values)
        values.flags.writeable = False
        return values

    def superpose(self, weights: ArrayLike) -> NDArray[np.float64]:
        """Add the functions up with weights: a filter.

        Parameters
        ----------
        weights : array_like, shape (n_functions,) or (..., n_functions)
            Weight of each function.

        Returns
        -------
        numpy.ndarray, shape (width,) or (..., width)

        Raises
        ------
        InputError
            If the number of weights is not the number of functions.
        """
        weight_array = np.asarray(weights, dtype=np.float64)
        if weight_array.ndim == 0 or weight_array.shape[-1] != self.n_functions:
            raise InputError(
                Problem(
                    "bad-weights",
                    "basis.superpose",
                    f"weights of shape {weight_array.shape} for {self.n_functions} functions",
                    f"give {self.n_functions} weights along the last axis",
                )
            )
        return weight_array @ self.matrix
