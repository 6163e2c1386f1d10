"""Records of a merge: what one window needs, and what it gives to the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from synreduce.result import read_layout
from synreduce.solvers.row_groups import cached_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from synreduce.chunks import Split
    from synreduce.evaluation import CalibrationCurve, IsiPenalty, Nonlinearity, ScoreRow
    from synreduce.merging import ChunkBasis, CorrectedKernel, MergedKernel, MergedModel
    from synreduce.pipeline.scoring import BaselineRequest
    from synreduce.pipeline.truth import KnownTruth
    from synreduce.result import ArtefactIdentity, FailedChunk, StoredFit
    from synreduce.solvers import Agreement, Resampling, SolverOptions
    from synreduce.strategies import StrategyOptions

MetricsByLevel: TypeAlias = "dict[str, dict[str, NDArray[np.float64]]]"


@dataclass(frozen=True)
class ChunkFiles:
    """Files of one spatial chunk and what they must have been made from.

    Parameters
    ----------
    name : str
        Name of the spatial range.
    design, fits : Path
        Files of the chunk; `fits` may be missing.
    design_identity, fits_identity : ArtefactIdentity
        What they must have been made from.
    basis : ChunkBasis
        Spatial basis functions of the chunk.
    """

    name: str
    design: Path
    fits: Path
    design_identity: ArtefactIdentity
    fits_identity: ArtefactIdentity
    basis: ChunkBasis


@dataclass(frozen=True)
class SearchRecord:
    """How the fit of one chunk and split was searched for.

    Parameters
    ----------
    n_asked, n_made : int
        Restarts that the configuration allows, and those that were made.
    agreement : Agreement
        How well they agree.
    """

    n_asked: int
    n_made: int
    agreement: Agreement


@dataclass(frozen=True)
class WindowSplit:
    """One temporal chunk and split.

    Parameters
    ----------
    temporal : str
        Name of the temporal chunk.
    split : Split
        Which samples train.
    n_targets : int
        Target windows per trial.
    files : tuple of ChunkFiles
        One per spatial chunk.
    temporal_basis : ndarray, shape (L, width)
        Temporal basis functions.
    sizes : dict of str to int
        Length of every dimension of the merged file.
    baseline : BaselineRequest
        Permutations of the testing outcomes.
    """

    temporal: str
    split: Split
    n_targets: int
    files: tuple[ChunkFiles, ...]
    temporal_basis: NDArray[np.float64]
    sizes: dict[str, int]
    baseline: BaselineRequest


@dataclass(frozen=True)
class MergeTask(WindowSplit):
    """What it takes to merge the spatial chunks of a temporal chunk and split.

    Parameters
    ----------
    isi : ndarray, shape (n_samples,)
        Time since the last spike before the target window, ms.
    min_isi_ms : float
        Samples with a nearer last spike were left out of the split.
    groups : dict of str to int
        Groups and their signs, in the order of the designs' terms.
    strategies : dict of str to StrategyOptions
        Options of every strategy by name.
    solvers : dict of str to SolverOptions
        Options of every solver by name.
    method, choose_by : str
        How spatial chunks are merged, and by which training score the best fit is chosen.
    allow_partial : bool
        Leave failed chunks out.
    cache_bytes : int
        Rows are kept in memory if they fit; the result is the same if not.
    truth : KnownTruth, optional
        What generated the spikes.
    resampling : Resampling, optional
        Bootstrap replicates wanted.
    """

    isi: NDArray[np.float64]
    min_isi_ms: float
    groups: dict[str, int]
    strategies: dict[str, StrategyOptions]
    solvers: dict[str, SolverOptions]
    method: Literal["sum", "stack", "refine"]
    choose_by: str
    allow_partial: bool
    cache_bytes: int
    truth: KnownTruth | None = None
    resampling: Resampling | None = None

    def is_large(self) -> bool:
        """Tell whether the training samples are more than one worker keeps in memory."""
        sizes = [read_layout(files.design).values() for files in self.files]
        n_features = sum(spatial * temporal for terms in sizes for spatial, temporal in terms)
        return cached_bytes(self.split.fitted.size, n_features) > self.cache_bytes


@dataclass(frozen=True)
class WindowMerge:
    """What merging one temporal chunk and split gave.

    Parameters
    ----------
    fits : tuple of tuple of StoredFit
        All fits of every spatial chunk.
    chosen : tuple of StoredFit or None
        The best fit of every spatial chunk; None where there is none.
    searches : tuple of SearchRecord or None
        How each of them was found.
    model : MergedModel
        The merged model, on the scale of log odds.
    kernel : MergedKernel
        Its space x time filter, on the scale of log odds.
    corrected : CorrectedKernel
        The same without the bias of the penalties.
    scale : float
        Log odds per unit of canonical weighted net input.
    nonlinearity : Nonlinearity
        Spike probability over canonical weighted net input.
    penalty : IsiPenalty
        Post-spike penalty in units of canonical weighted net input.
    calibration, train_calibration : CalibrationCurve
        On test samples, and on training samples.
    rows : tuple of ScoreRow
        Scores of the merged model, and of the truth where it is known.
    n_samples, n_positive : int
        Training samples that were fitted, and those with a spike.
    negative_fraction : float
        Share of the training samples without a spike that were fitted.
    """

    fits: tuple[tuple[StoredFit, ...], ...]
    chosen: tuple[StoredFit | None, ...]
    searches: tuple[SearchRecord | None, ...]
    model: MergedModel
    kernel: MergedKernel
    corrected: CorrectedKernel
    scale: float
    nonlinearity: Nonlinearity
    penalty: IsiPenalty
    calibration: CalibrationCurve
    train_calibration: CalibrationCurve
    rows: tuple[ScoreRow, ...]
    n_samples: int
    n_positive: int
    negative_fraction: float


@dataclass(frozen=True)
class WindowContent:
    """What one temporal chunk and split adds to the result, and no more.

    Parameters
    ----------
    variables : dict of str to ndarray
        Variables of the merged file, without the dimensions ``split`` and ``temporal``.
    metrics : dict of str to (dict of str to ndarray)
        Scores by level, without the dimensions ``level``, ``split`` and ``temporal``.
    kernel : ndarray, shape (n_groups, n_bins, width)
        Merged filter on the scale of log odds, time forward.
    corrected : CorrectedKernel
        The same without the bias of the penalties.
    rows : tuple of ScoreRow
        Scores of all fits and of the merged model, and of the truth where it is known.
    failures : tuple of FailedChunk
        Fits without usable weights.
    """

    variables: dict[str, NDArray[Any]]
    metrics: MetricsByLevel
    kernel: NDArray[np.float64]
    corrected: CorrectedKernel
    rows: tuple[ScoreRow, ...]
    failures: tuple[FailedChunk, ...]
