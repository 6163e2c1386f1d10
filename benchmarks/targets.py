"""What the comparison of methods has to show, as questions to the fits of one data set."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.measured_fits import FILTERS, Fit
from benchmarks.peers import FULL, PUBLISHED, RANK_1, SCIKIT
from benchmarks.record import Page

TRIALS = 40_000
GAIN, SPEED_UP, LOSS, SHARE, COSINE = 0.004, 100.0, 0.001, 0.5, 0.99

Found = dict[str, Fit]
"""Fits of one data set by method."""


@dataclass(frozen=True)
class Question:
    """A figure of one data set and what its median over seeds has to be."""

    text: str
    methods: frozenset[str]
    figure: Callable[[Found], float]
    digits: int
    target: float
    at_most: bool = False

    def ask(self, found: list[Found]) -> tuple[str, ...]:
        """A row: every seed, the median, the target and whether it is met."""
        values = [self.figure(fits) for fits in found]
        middle = statistics.median(values)
        met = (operator.le if self.at_most else operator.ge)(middle, self.target)
        return (
            self.text,
            ", ".join(f"{value:.{self.digits}f}" for value in values),
            f"{middle:.{self.digits}f}",
            f"at {'most' if self.at_most else 'least'} {self.target:g}",
            "met" if met else "**missed**",
        )


def _of_three(figure: str) -> str:
    return f"{figure} of {len(PUBLISHED)} COBYLA starts"


def _cosine(place: int) -> Question:
    return Question(
        f"cosine of the {FILTERS[place]} filter to the planted one, rank 1",
        frozenset({RANK_1}),
        lambda fits: fits[RANK_1].cosines[place],
        4,
        COSINE,
    )


AGAINST_PUBLISHED = (
    Question(
        f"AUROC of rank 1 minus {_of_three('the best')} (best on test)",
        frozenset({RANK_1, *PUBLISHED}),
        lambda fits: fits[RANK_1].auroc - max(fits[name].auroc for name in PUBLISHED),
        4,
        GAIN,
    ),
    Question(
        f"{_of_three('CPU seconds')} over those of rank 1",
        frozenset({RANK_1, *PUBLISHED}),
        lambda fits: sum(fits[name].processor for name in PUBLISHED) / fits[RANK_1].processor,
        0,
        SPEED_UP,
    ),
)
AGAINST_SCIKIT = (
    Question(
        "AUROC of full rank minus that of scikit-learn (better of two algorithms)",
        frozenset({FULL, *SCIKIT}),
        lambda fits: fits[FULL].auroc - max(fits[name].auroc for name in SCIKIT),
        4,
        -LOSS,
    ),
    Question(
        "CPU seconds of full rank over those of scikit-learn (faster of two)",
        frozenset({FULL, *SCIKIT}),
        lambda fits: fits[FULL].processor / min(fits[name].processor for name in SCIKIT),
        3,
        SHARE,
        at_most=True,
    ),
)
RECOVERY = tuple(_cosine(place) for place in range(len(FILTERS)))


def verdicts(page: Page, found: list[Found]) -> None:
    """Compare the fits of every seed with the targets."""
    if not found:
        return
    table = page.table(
        f"Against the targets, {TRIALS:,} trials",
        ("question", "per seed", "median", "target", "on the median"),
    )
    planted = bool(next(iter(found[0].values())).cosines)
    questions = (*AGAINST_PUBLISHED, *AGAINST_SCIKIT, *(RECOVERY if planted else ()))
    for question in questions:
        if question.methods <= set(found[0]):
            table.add(*question.ask(found))
