"""Evaluation: scores, nonlinearity, post-spike penalty and the reduced model itself."""

from synreduce.evaluation.calibration import (
    Calibration,
    CalibrationCurve,
    calibrate,
    calibration_curve,
)
from synreduce.evaluation.intervals import (
    AurocDifference,
    Interval,
    auroc_difference,
    delong_covariance,
    delong_interval,
)
from synreduce.evaluation.isi_penalty import (
    LONGEST_ISI_MS,
    IsiPenalty,
    estimate_isi_penalty,
    no_penalty,
    published_isi_boundary,
)
from synreduce.evaluation.model import ReducedModel, milliseconds_since_spike, spike_raster
from synreduce.evaluation.nonlinearity import (
    MOST_KNOTS,
    LookupPoints,
    Nonlinearity,
    estimate_nonlinearity,
    published_points,
)
from synreduce.evaluation.permutation import (
    PermutationBaseline,
    permutation_baseline,
    split_baseline,
)
from synreduce.evaluation.scores import (
    SCORE_COLUMNS,
    SUBSETS,
    ScoredModel,
    ScoreRow,
    as_records,
    score_table_rows,
    share_of_ceiling,
    with_baseline,
)

__all__ = [
    "LONGEST_ISI_MS",
    "MOST_KNOTS",
    "SCORE_COLUMNS",
    "SUBSETS",
    "AurocDifference",
    "Calibration",
    "CalibrationCurve",
    "Interval",
    "IsiPenalty",
    "LookupPoints",
    "Nonlinearity",
    "PermutationBaseline",
    "ReducedModel",
    "ScoreRow",
    "ScoredModel",
    "as_records",
    "auroc_difference",
    "calibrate",
    "calibration_curve",
    "delong_covariance",
    "delong_interval",
    "estimate_isi_penalty",
    "estimate_nonlinearity",
    "milliseconds_since_spike",
    "no_penalty",
    "permutation_baseline",
    "published_isi_boundary",
    "published_points",
    "score_table_rows",
    "share_of_ceiling",
    "spike_raster",
    "split_baseline",
    "with_baseline",
]
