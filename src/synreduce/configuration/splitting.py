"""Sections about splits into train and test."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from synreduce.chunks import GROUPINGS, SplitDefinition
from synreduce.configuration.fields import Count, Name, NotNegative, Positive, Section
from synreduce.suggestions import did_you_mean

Fraction = Annotated[float, Field(gt=0, lt=1)]
Folds = Annotated[int, Field(ge=2)]


def _checked_grouping(text: str) -> str:
    if text in GROUPINGS:
        return text
    try:
        n_groups = re.compile(text).groups
    except re.error as error:
        message = f"{text!r} is no regular expression: {error}"
        raise ValueError(message) from error
    if n_groups != 1:
        message = (
            f"{text!r} is neither {' nor '.join(GROUPINGS)} nor a regular expression with one "
            f"group in parentheses; {did_you_mean(text, GROUPINGS)}"
        )
        raise ValueError(message)
    return text


Grouping = Annotated[str, AfterValidator(_checked_grouping)]


class SplitSettings(Section):
    """What all kinds of splits share."""

    kind: str
    name: Name = "random"
    """Name in results; repeats and folds add `_1`, `_2` ..."""
    stratify: bool = True
    """Divide units with and without spikes separately, so that both sides have their share."""
    min_isi_ms: NotNegative = 0.0
    """Leave out samples whose last spike is nearer than this, ms."""

    @abstractmethod
    def definitions(self) -> dict[str, SplitDefinition]:
        """List the splits that this section makes, by name."""


class TrialsSplitSettings(SplitSettings):
    """Whole trials train or test."""

    kind: Literal["trials"]
    """Whole trials on one side."""
    train_fraction: Fraction = 0.7
    """Share of trials that trains; not used with `folds`."""
    repeats: Count = 1
    """Number of independent splits of this kind."""
    folds: Folds | None = None
    """Cross-validation: as many splits, each trial tests in one of them."""
    group_by: Grouping | None = None
    """Trials stay together that share their `database`, their `folder` (trial id up to the last
    slash), or what the group of a regular expression matches in the trial id."""

    @model_validator(mode="before")
    @classmethod
    def _folds_or_repeats(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("folds") is not None:
            for other in ("repeats", "train_fraction"):
                if values.get(other) not in {None, cls.model_fields[other].default}:
                    message = f"give either folds or {other}, not both"
                    raise ValueError(message)
        return values

    def definitions(self) -> dict[str, SplitDefinition]:
        """List the splits that this section makes, by name.

        Returns
        -------
        dict of str to SplitDefinition
        """
        shared = {
            "kind": "trials",
            "train_fraction": self.train_fraction,
            "stratify": self.stratify,
            "min_isi_ms": self.min_isi_ms,
            "group_by": self.group_by,
        }
        return _numbered(self.name, shared, self.folds, self.repeats)


class BlocksSplitSettings(SplitSettings):
    """Blocks of time train or test, for trials that are few and long."""

    kind: Literal["blocks"]
    """Blocks of time on one side, for trials that are few and long."""
    name: Name = "blocks"
    """Name in results; folds add `_1`, `_2` ..."""
    block_ms: Positive = 300.0
    """Length of a block, ms, counted from the first target window."""
    folds: Folds = 5
    """Cross-validation: as many splits, each block tests in one of them."""
    assignment: Literal["shuffled", "round_robin"] = "shuffled"
    """How blocks get their fold: seeded with spikes spread evenly, or in turn along time."""
    shared_between_trials: bool = True
    """Whether the same blocks test in every trial, as for cells that share their stimulus."""
    gap_ms: NotNegative | None = None
    """Training samples nearer than this to a testing block are left out, ms. Default: the width
    of the input window, so that no training sample sees input of a testing one."""

    def definitions(self) -> dict[str, SplitDefinition]:
        """List the splits that this section makes, by name.

        Returns
        -------
        dict of str to SplitDefinition
        """
        shared = {
            "kind": "blocks",
            "stratify": self.stratify,
            "min_isi_ms": self.min_isi_ms,
            "block_ms": self.block_ms,
            "assignment": self.assignment,
            "shared_between_trials": self.shared_between_trials,
            "gap_ms": self.gap_ms,
        }
        return _numbered(self.name, shared, self.folds, 1)


def _numbered(
    name: str, shared: dict[str, object], folds: int | None, repeats: int
) -> dict[str, SplitDefinition]:
    if folds is not None:
        return {
            f"{name}_{fold + 1}": SplitDefinition(**shared, folds=folds, fold=fold, family=name)  # type: ignore[arg-type]
            for fold in range(folds)
        }
    if repeats == 1:
        return {name: SplitDefinition(**shared)}  # type: ignore[arg-type]
    return {f"{name}_{index + 1}": SplitDefinition(**shared) for index in range(repeats)}  # type: ignore[arg-type]


SplitChoice = Annotated[TrialsSplitSettings | BlocksSplitSettings, Field(discriminator="kind")]


class MinimumPositivesSettings(Section):
    """Fewest samples with a spike, and fewest without, in each subset; fewer are not fitted."""

    train: Count = 10
    """In the training samples."""
    test: Count = 2
    """In the testing samples; from 2 on, each half of them needs one."""


class SamplingSettings(Section):
    """Which training samples are fitted; scores are of all samples."""

    negatives_per_positive: Positive | None = None
    """Case-control sampling: training samples without a spike that are fitted per sample with one,
    drawn at random; the intercept is corrected exactly. 5 to 10 make fits faster and filters
    somewhat noisier. Default: all."""
