"""The tasks of a merge: one per temporal chunk and split, made one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synreduce.chunks import Chunk
from synreduce.merging import ChunkBasis
from synreduce.pipeline.inputs import RunBases, WindowSamples, open_databases
from synreduce.pipeline.merge_records import ChunkFiles, MergeTask, WindowSplit
from synreduce.pipeline.scoring import BaselineRequest
from synreduce.pipeline.truth import known_truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synreduce.chunks import Split, TemporalRange
    from synreduce.database import Database
    from synreduce.pipeline.checked_run import CheckedRun
    from synreduce.solvers import SolverOptions
    from synreduce.strategies import StrategyOptions


@dataclass(frozen=True)
class _Place:
    """A temporal chunk and split, before it is a task."""

    window: TemporalRange
    samples: WindowSamples
    split: Split


class MergeTasks:
    """The tasks of a merge, in the order of windows and splits.

    Parameters
    ----------
    run : CheckedRun
        The run.
    groups : dict of str to int
        Groups and their signs, in the order of the designs' terms.
    sizes : dict of str to int
        Length of every dimension of the merged file.
    """

    def __init__(self, run: CheckedRun, groups: dict[str, int], sizes: dict[str, int]) -> None:
        self._run, self._groups, self._sizes = run, groups, sizes
        self._bases = RunBases.of(run.configuration)
        self._definitions = run.configuration.split_definitions()
        self.trained_trials: dict[str, NDArray[np.bool_]] = {}
        """Trials that trained any window so far, by split, where whole trials train or test."""

    def __iter__(self) -> Iterator[MergeTask]:
        configuration = self._run.configuration
        strategies: dict[str, StrategyOptions] = {
            item.name: item for item in configuration.strategies
        }
        solvers: dict[str, SolverOptions] = {item.name: item for item in configuration.solvers}
        with open_databases(configuration) as database:
            truth = database.truth
            for place in self._places(database):
                split, samples = place.split, place.samples
                self._note_trained(split, samples.n_targets)
                yield MergeTask(
                    **vars(self._window_split(place)),
                    isi=samples.isi.ravel(),
                    min_isi_ms=self._definitions[split.name].min_isi_ms,
                    groups=self._groups,
                    strategies=strategies,
                    solvers=solvers,
                    method=configuration.merge.spatial,
                    choose_by=configuration.merge.choose_by,
                    allow_partial=configuration.merge.allow_partial,
                    cache_bytes=configuration.resources.cache_bytes,
                    truth=known_truth(truth, place.window),
                    resampling=samples.resampling(split, configuration),
                )

    def window_splits(self) -> Iterator[WindowSplit]:
        """Every temporal chunk and split, without what only merging needs.

        Yields
        ------
        WindowSplit
            In the order of the tasks.
        """
        with open_databases(self._run.configuration) as database:
            yield from map(self._window_split, self._places(database))

    def _places(self, database: Database) -> Iterator[_Place]:
        configuration = self._run.configuration
        for window in configuration.grid().temporal:
            samples = WindowSamples.of(database, window)
            for split in samples.splits(configuration):
                yield _Place(window, samples, split)

    def _window_split(self, place: _Place) -> WindowSplit:
        configuration = self._run.configuration
        return WindowSplit(
            temporal=place.window.name,
            split=place.split,
            n_targets=place.samples.n_targets,
            files=self._files(place.window),
            temporal_basis=self._bases.temporal,
            sizes=self._sizes,
            baseline=BaselineRequest(configuration.seed, configuration.scores.permutations),
        )

    def _files(self, window: TemporalRange) -> tuple[ChunkFiles, ...]:
        run, bases = self._run, self._bases
        chunks = (Chunk(space, window) for space in run.configuration.grid().spatial)
        return tuple(
            ChunkFiles(
                name=chunk.spatial.name,
                design=run.paths.design(chunk),
                fits=run.paths.fits(chunk),
                design_identity=run.design_identity(chunk),
                fits_identity=run.fits_identity(chunk),
                basis=ChunkBasis(
                    bases.bins(chunk.spatial), bases.spatial[:, bases.bins(chunk.spatial)]
                ),
            )
            for chunk in chunks
        )

    def _note_trained(self, split: Split, n_targets: int) -> None:
        if self._definitions[split.name].kind == "trials":
            mask = split.mask("train").reshape(-1, n_targets).any(axis=1)
            self.trained_trials[split.name] = (
                self.trained_trials.get(split.name, np.zeros_like(mask)) | mask
            )
