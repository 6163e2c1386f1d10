"""Strength of the penalties by cross-validation inside the training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synreduce.solvers.budget import Budget
from synreduce.solvers.first_ridge import first_ridge
from synreduce.solvers.folds import assign_folds
from synreduce.solvers.newton_steps import NewtonFit, Point, local_model, newton_fit
from synreduce.solvers.penalty import PenaltyScale
from synreduce.solvers.records import PenaltyCurve
from synreduce.solvers.training import TrainingData

FloatArray = NDArray[np.float64]

STRENGTHS = tuple(float(f"{10.0 ** (step / 2):.3g}") for step in range(5, -15, -1))
"""Strengths that can be chosen, strong to weak, two per factor of ten."""

_FIRST_SMOOTHNESS = STRENGTHS.index(0.01)
_OFF = len(STRENGTHS)
_REACH, _TRUSTED, _MAX_ROUNDS = 2, 1, 8
_PILOT_ITERATIONS, _PILOT_TOLERANCE = 10, 1e-3

_INDISTINGUISHABLE = 0.5
"""Standard errors of the held-out difference below which the stronger ridge is preferred.

The curve is flat around its minimum, and too weak a ridge recovers the filters worse than one that
is too strong."""

Strengths = tuple[int, int]
"""Positions of ridge and smoothness in `STRENGTHS`; `_OFF` for none."""


@dataclass(frozen=True)
class PenaltyChoice:
    """Strengths and where to start their fit.

    Parameters
    ----------
    ridge, smoothness : float
        Strengths chosen.
    point : Point
        Where to start the fit.
    curve : PenaltyCurve or None
        Held-out loss of every strength tried; None if nothing was to choose or cross-validation was
        not possible.
    """

    ridge: float
    smoothness: float
    point: Point
    curve: PenaltyCurve | None = None


@dataclass
class _Search:
    """Cross-validation of one problem: what is known so far."""

    data: TrainingData
    scale: PenaltyScale
    fixed: tuple[float | None, float | None]
    fold: NDArray[np.int64]
    n_folds: int
    budget: Budget
    losses: dict[Strengths, FloatArray] = field(default_factory=dict)

    def strength(self, position: Strengths) -> tuple[float, float]:
        """Ridge and smoothness at a position."""
        values = (*STRENGTHS, 0.0)
        ridge, smoothness = self.fixed
        return (
            values[position[0]] if ridge is None else ridge,
            values[position[1]] if smoothness is None else smoothness,
        )

    def penalty(self, position: Strengths) -> FloatArray:
        """Penalty matrix at a position."""
        return self.scale.matrix(*self.strength(position))

    def best(self) -> Strengths:
        """Position with the least held-out loss, or the strongest ridge that is hardly worse."""
        least = min(
            self.losses, key=lambda position: (float(self.losses[position].sum()), position)
        )
        stronger = [
            position
            for position, loss in self.losses.items()
            if position[0] < least[0]
            and position[1] == least[1]
            and _mean(loss - self.losses[least])
            <= _INDISTINGUISHABLE * _standard_error(loss - self.losses[least])
        ]
        return min(stronger, default=least)

    def promised_too_much(
        self, before: dict[Strengths, FloatArray], pilot: Strengths, position: Strengths
    ) -> bool:
        """Whether a new pilot is worse than the former one; then what that says nearby stands.

        Where spikes are scarce, a fit to all samples is too sure of itself, and strengths much
        weaker than its own seem better the further they are. The new pilot has shown that for the
        weaker ones, so of what the former said only stronger ones are believed.
        """
        if position not in self.losses or self.losses[position].sum() <= before[pilot].sum():
            return False
        self.losses = {
            place: loss
            for place, loss in before.items()
            if _reach(place, pilot) <= _TRUSTED
            and all(there <= here for there, here in zip(place, pilot, strict=True))
        }
        return True

    def pilot(self, position: Strengths, start: Point) -> NewtonFit:
        """Fit all samples at a position, the curvature apart for each fold."""
        return newton_fit(
            self.data,
            self.penalty(position),
            start,
            self.budget,
            max_iterations=_PILOT_ITERATIONS,
            tolerance=_PILOT_TOLERANCE,
            parts=(self.fold, self.n_folds),
        )

    def explore(self, fit: NewtonFit, position: Strengths) -> None:
        """Held-out loss at positions around a pilot, further as long as it falls."""
        known: dict[Strengths, list[FloatArray]] = {}
        wanted = [position, *self.neighbours(position)]
        if self.fixed[0] is None and position[0] >= 2:
            # Of ridges that cannot be told apart the strongest is taken: look for it.
            wanted.append((position[0] - 2, position[1]))
        while wanted and self.budget.spend():
            self.evaluate(fit, wanted, known)
            least = min(known, key=lambda place: (float(self.losses[place].sum()), place))
            wanted = [
                place
                for place in self.neighbours(least)
                if place not in known and _reach(place, position) <= _REACH
            ]

    def neighbours(self, position: Strengths) -> list[Strengths]:
        """Positions one step away along each axis to be chosen."""
        found: list[Strengths] = []
        for axis in (0, 1):
            values = (position[axis] - 1, position[axis] + 1) if self.fixed[axis] is None else ()
            found += [
                (value, position[1]) if axis == 0 else (position[0], value)
                for value in values
                if 0 <= value < len(STRENGTHS) + axis
            ]
        return found

    def evaluate(
        self,
        fit: NewtonFit,
        positions: Sequence[Strengths],
        known: dict[Strengths, list[FloatArray]],
    ) -> None:
        """Held-out loss at positions near a fit, from its curvature: one pass."""
        model = self.data.problem.model
        share = 1.0 - 1.0 / self.n_folds
        nearest = [
            min([*known, *positions[:earlier]], key=lambda place: (_reach(place, position), place))
            if known or earlier
            else None
            for earlier, position in enumerate(positions)
        ]
        known.update((position, []) for position in positions)
        weights = np.empty((fit.at.size, len(positions), self.n_folds))
        for left_out in range(self.n_folds):
            others = local_model(fit.curvature.without(left_out), fit.at)
            for at, position in enumerate(positions):
                near = nearest[at]
                start = fit.point.vector if near is None else known[near][left_out]
                local = others.penalised(share * self.penalty(position))
                point = local.minimise(model, start, tolerance=1e-6)
                known[position].append(point.vector)
                weights[:, at, left_out] = point.weights(model)
        losses = self.data.held_out_losses(weights, self.fold)
        self.losses.update(zip(positions, losses, strict=True))


def choose_penalty(
    data: TrainingData,
    scale: PenaltyScale,
    start: Point,
    budget: Budget,
    *,
    ridge: float | None,
    smoothness: float | None,
    n_folds: int,
) -> PenaltyChoice:
    """Choose strengths by held-out likelihood.

    Parameters
    ----------
    data : TrainingData
        Training samples.
    scale : PenaltyScale
        Unit of the strengths.
    start : Point
        Where to start.
    budget : Budget
        Evaluations and time allowed.
    ridge, smoothness : float or None
        Strengths that are given; None: to be chosen from `STRENGTHS` (smoothness also 0).
    n_folds : int
        Folds of the cross-validation.

    Returns
    -------
    PenaltyChoice

    Notes
    -----
    A pilot fit to all samples gives the curvature of every fold in the same passes. The fit without
    a fold, at strengths up to a factor of ten away, is the minimum of the other folds' quadratic
    model: one Newton step from the pilot, as in approximate cross-validation (Beirami et
    al. 2017, NeurIPS; Rad & Maleki 2020, J. R. Stat. Soc. B 82:965). Its held-out loss is evaluated
    exactly, step by step away from the pilot for as long as it falls. If the best lies further than
    one step of the grid from the pilot, it becomes the next pilot, for as long as pilots improve.
    Of ridges that the folds can hardly tell apart the strongest is taken.
    """
    if ridge is not None and smoothness is not None:
        return PenaltyChoice(ridge, smoothness, start)
    fold, usable = assign_folds(data.problem, n_folds)
    search = _Search(data, scale, (ridge, smoothness), fold, usable, budget)
    position, point = (_nearest(first_ridge(data, start)), _FIRST_SMOOTHNESS), start
    if usable < 2:
        return PenaltyChoice(*search.strength(position), start)
    pilots: list[Strengths] = []
    while position not in pilots and len(pilots) < _MAX_ROUNDS:
        fit = search.pilot(position, point)
        before = dict(search.losses)
        search.explore(fit, position)
        if pilots and search.promised_too_much(before, pilots[-1], position):
            position = search.best()
            break
        pilots.append(position)
        point = fit.point
        best = search.best() if search.losses else position
        if _reach(best, position) <= _TRUSTED:
            position = best
            break
        position = best
    curve = _curve(search, position) if search.losses else None
    return PenaltyChoice(*search.strength(position), point, curve)


def _nearest(strength: float) -> int:
    return min(range(_OFF), key=lambda position: abs(np.log(STRENGTHS[position] / strength)))


def _reach(first: Strengths, second: Strengths) -> int:
    """Count the steps between two positions, along the axis on which they differ most."""
    return max(abs(first[0] - second[0]), abs(first[1] - second[1]))


def _mean(values: FloatArray) -> float:
    return float(values.mean())


def _standard_error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size))


def _curve(search: _Search, chosen: Strengths) -> PenaltyCurve:
    positions = sorted(search.losses)
    losses = np.array([search.losses[position] for position in positions])
    best = positions.index(chosen)
    n_rows = search.data.n_rows
    spread = np.array([_standard_error(row) for row in losses - losses[best]])
    strengths = np.array([search.strength(position) for position in positions])
    return PenaltyCurve(
        ridge=strengths[:, 0],
        smoothness=strengths[:, 1],
        loss=losses.sum(axis=1) / n_rows,
        standard_error=spread * search.n_folds / n_rows,
        chosen=best,
        n_folds=search.n_folds,
    )
