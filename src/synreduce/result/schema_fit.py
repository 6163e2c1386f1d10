"""The variables of the merged file that say how well the model does and how it was fitted."""

from __future__ import annotations

from synreduce.result.schema import STATUS_MEANINGS, Kind, Variable

_CELL = ("split", "temporal", "spatial")
_KNOT = ("split", "temporal", "wni_bin")
_CALIBRATION: tuple[tuple[str, Kind, str], ...] = (
    ("predicted", "real", "mean predicted probability of the {} in the bin"),
    ("observed", "real", "share of the {} in the bin with a spike"),
    ("n_samples", "integer", "{} in the bin"),
)
RESPONSE = (
    Variable(
        "nonlinearity",
        _KNOT,
        "real",
        "1",
        "probability of a spike in the target window given weighted net input",
        required=True,
        comment="at the knots nonlinearity_wni; linear between them, constant beyond; NaN "
        "after the last knot of a temporal chunk",
    ),
    Variable(
        "nonlinearity_wni", _KNOT, "real", "1", "weighted net input at the knot", required=True
    ),
    Variable(
        "nonlinearity_method",
        ("split", "temporal"),
        "flag",
        "1",
        "how the nonlinearity was estimated",
        ("monotone", "published"),
        comment="published: the net input is rounded to whole numbers before the look-up",
    ),
    Variable(
        "isi_penalty",
        ("split", "temporal", "isi"),
        "real",
        "1",
        "subtracted from the weighted net input after a spike",
        required=True,
        comment="infinite where no spike can follow; nothing is subtracted beyond the last value",
    ),
    *(
        Variable(
            f"{prefix}_{name}",
            ("split", "temporal", "probability_bin"),
            kind,
            "1",
            long_name.format(f"{side} samples"),
        )
        for prefix, side in (("calibration", "held-out"), ("calibration_train", "training"))
        for name, kind, long_name in _CALIBRATION
    ),
)

_INTERVAL = "DeLong; samples of one trial may depend on each other; held-out samples only"
_EXCHANGE = "of the fixed score, on subset test; there if scores.permutations asks for it"
METRIC_DIMENSIONS = ("level", "split", "subset", "temporal", "spatial")
METRIC_VARIABLES = tuple(
    Variable(
        name,
        METRIC_DIMENSIONS,
        "real",
        units,
        long_name,
        required=True,
        comment="levels merged and consensus cover all spatial chunks: their one value "
        "stands at each of them",
    )
    for name, units, long_name in (
        ("auroc", "1", "area under the ROC curve"),
        ("log_loss", "nat", "mean negative log likelihood per sample"),
        ("bits_per_spike", "bit", "log likelihood above that of the mean rate, per spike"),
        ("brier", "1", "mean squared error of the predicted probability"),
        ("average_precision", "1", "average precision"),
    )
)
AUROC_FIGURES = tuple(
    Variable(name, METRIC_DIMENSIONS, "real", "1", long_name, comment=comment)
    for name, long_name, comment in (
        ("auroc_low", "lower end of the 95 % interval of the AUROC", _INTERVAL),
        ("auroc_high", "upper end of the 95 % interval of the AUROC", _INTERVAL),
        ("auroc_baseline", "mean AUROC after exchanging outcomes between trials", _EXCHANGE),
        ("auroc_baseline_95", "95 % quantile of the AUROC after such exchanges", _EXCHANGE),
        ("auroc_p_value", "share of such exchanges that reach the AUROC", _EXCHANGE),
    )
)
METRICS = tuple(variable.name for variable in METRIC_VARIABLES)
"""Names of the scores, in the file and in ``scores.csv``."""

_SAMPLING = tuple(
    Variable(
        name, ("split", "temporal"), "real", "1", long_name,
        comment="there if sampling.negatives_per_positive leaves samples out",
    )
    for name, long_name in (
        ("negative_fraction", "share of the training samples without a spike that were fitted"),
        ("sampling_efficiency", "precision of weights relative to a fit of all, small weights"),
    )
)  # fmt: skip
FIT = (
    Variable("status", _CELL, "flag", "1", "outcome of the fit", STATUS_MEANINGS, required=True),
    Variable(
        "n_samples", _CELL, "integer", "1", "training samples that were fitted", required=True
    ),
    Variable("n_positive", _CELL, "integer", "1", "training samples with a spike", required=True),
    *_SAMPLING,
    Variable("n_evaluations", _CELL, "integer", "1", "evaluations of the objective", required=True),
    Variable("n_iterations", _CELL, "integer", "1", "iterations of the solver"),
    Variable("objective", _CELL, "real", "1", "objective at the end of the fit"),
    Variable("condition", _CELL, "real", "1", "condition number of the fit", required=True),
    Variable("effective_degrees_of_freedom", _CELL, "real", "1", "effective degrees of freedom"),
    Variable("ridge", _CELL, "real", "1", "ridge penalty of the fit"),
    Variable("restart", _CELL, "integer", "1", "restart chosen by its score on training trials"),
    Variable(
        "n_restarts",
        _CELL,
        "integer",
        "1",
        "restarts made of the chosen strategy and solver",
        comment="fewer than n_restarts_asked where enough of them agreed",
    ),
    Variable("n_restarts_asked", _CELL, "integer", "1", "restarts that the configuration allowed"),
    Variable(
        "n_restarts_agreeing",
        _CELL,
        "integer",
        "1",
        "restarts that found the kernel and objective of the best one, itself included",
    ),
    Variable(
        "restart_cosine",
        _CELL,
        "real",
        "1",
        "least cosine between the kernel of the best restart and the others",
        comment="NaN if fewer than two have weights",
    ),
    Variable(
        "restart_spread",
        _CELL,
        "real",
        "1",
        "largest less smallest objective of the restarts",
        comment="NaN if fewer than two have weights",
    ),
    Variable(
        "objective_trace",
        (*_CELL, "iteration"),
        "real",
        "1",
        "smallest objective so far as the chosen fit went on",
        comment="at most 100 points, geometrically spaced, first and last included; NaN after "
        "the last. Files of fits hold every point",
    ),
    Variable(
        "objective_trace_number",
        (*_CELL, "iteration"),
        "real",
        "1",
        "iteration, or evaluation of solvers that see scores alone, of the point of the trace",
        comment="counted from 0, the start",
    ),
    Variable("strategy", _CELL, "flag", "1", "strategy of the chosen fit"),
    Variable("solver", _CELL, "flag", "1", "solver of the chosen fit"),
    Variable("merge", ("split", "temporal"), "flag", "1", "how spatial chunks were merged"),
    Variable(
        "merge_ridge",
        ("split", "temporal"),
        "real",
        "1",
        "ridge penalty chosen while merging, on training trials only",
    ),
)
