"""What lets a long fit be interrupted and continued, without the solver knowing how."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Continuation:
    """Values of the objective that are known already, and whether there is time for more.

    A search without gradients is a black box, but what it asks for next follows from the values it
    was told. Telling it again what an interrupted attempt was told brings it to the same place,
    without a pass over the data; from there on it is the same search, and ends in the same result.

    This class knows nothing and never runs out of time: a fit that is made in one go. Whoever can
    remember derives from it.
    """

    @property
    def earlier_seconds(self) -> float:
        """Time that earlier attempts spent, s."""
        return 0.0

    def recall(self, point: FloatArray) -> float | None:
        """Look up the value of the next evaluation.

        Parameters
        ----------
        point : numpy.ndarray, shape (n_parameters,)
            Where the objective is to be evaluated.

        Returns
        -------
        float or None
            None if the evaluation has to be made.
        """
        del point
        return None

    def record(self, point: FloatArray, value: float) -> None:
        """Remember an evaluation that was made.

        Parameters
        ----------
        point : numpy.ndarray, shape (n_parameters,)
            Where.
        value : float
            The objective there.
        """

    def require_time(self) -> None:
        """Go on only if there is time for another evaluation.

        Raises
        ------
        OutOfTimeError
            If there is not; what was recorded is safe by then.
        """
