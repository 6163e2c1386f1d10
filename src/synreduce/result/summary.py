"""A result in a screenful of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import printable
from synreduce.result.identity import damage_named
from synreduce.result.schema import SCHEMA_NAME, SCHEMA_VERSION, STATUS_MEANINGS
from synreduce.result.schema_uncertainty import DETERMINATIONS, INTERVAL_METHODS
from synreduce.result.score_notes import score_notes
from synreduce.result.stored_variables import StoredVariables
from synreduce.storage import open_hdf5

if TYPE_CHECKING:
    from synreduce.result.reader import Result

_MOST_ROWS = 8
_MOST_FAILURES = 5
_METRICS = (
    ("auroc", "AUROC", "{:.4f}"),
    ("log_loss", "log loss", "{:.4f}"),
    ("bits_per_spike", "bits/spike", "{:.3f}"),
    ("brier", "Brier", "{:.4f}"),
    ("average_precision", "av. precision", "{:.4f}"),
)


def summary_lines(result: Result) -> list[str]:
    """Describe a result for people.

    Parameters
    ----------
    result : Result
        An open result.

    Returns
    -------
    list of str
        About 30 lines: what it is, what was fitted, how well it does, what failed.
    """
    with damage_named(result.path), open_hdf5(result.path, SCHEMA_NAME, SCHEMA_VERSION) as file:
        stored = StoredVariables(file)
        return [
            *_heading(result, stored),
            "",
            *_scores(result, stored),
            "",
            *_windows(stored),
            *_failures(result),
        ]


def _heading(result: Result, stored: StoredVariables) -> list[str]:
    provenance = result.provenance
    sizes = stored.sizes
    groups = ", ".join(
        f"{name} ({'excites' if sign > 0 else 'inhibits'})"
        for name, sign in zip(stored.labels("group"), stored.values("group_sign"), strict=True)
    )
    distance = (stored.values("soma_distance_start")[0], stored.values("soma_distance_stop")[-1])
    state = "complete" if provenance.complete else "NOT COMPLETE"
    if provenance.missing_chunks:
        state += f", {len(provenance.missing_chunks)} chunks missing"
    inputs = ", ".join(f"{name} ({mark[:12]})" for name, mark in provenance.inputs.items())
    facts = {
        "schema": "{} {}, written by {} {}".format(
            *(
                stored.attribute(name)
                for name in ("schema_name", "schema_version", "software", "software_version")
            )
        ),
        "state": f"{state}; content {stored.attribute('content_digest')[:12]}, configuration "
        f"{provenance.configuration_digest[:12]}",
        "input": inputs,
        "groups": groups,
        "filters": f"{distance[0]:g} to {distance[1]:g} um in {sizes['soma_distance']} bins x "
        f"{sizes['lag']} ms; {sizes['spatial_basis']} x {sizes['temporal_basis']} basis functions",
        "grid": f"{sizes['spatial']} spatial x {sizes['temporal']} temporal chunks, "
        f"{sizes['split']} splits",
        "fits": _status_counts(stored),
        **_restarts(stored),
        "certainty": _certainty(stored),
        **_sampling(stored),
    }
    lines = [printable(f"{result.path}: {stored.attribute('title')}")]
    return lines + [printable(f"  {name:<12}{text}") for name, text in facts.items()]


def _restarts(stored: StoredVariables) -> dict[str, str]:
    """Say how restarts agreed, if there were any."""
    if "n_restarts" not in stored or int(stored.values("n_restarts_asked").max()) < 2:
        return {}
    made, asked = (
        int(stored.values("n_restarts").sum()),
        int(stored.values("n_restarts_asked").sum()),
    )
    low, _ = _extremes(stored.values("restart_cosine"))
    spread = _extremes(stored.values("restart_spread"))[1]
    skipped = f", {asked - made} not needed" if asked > made else ""
    text = f"{made} of {asked} made{skipped}; cosine of kernels from {low:.4f}"
    return {"restarts": f"{text}, objectives within {spread:.1g}"}


def _sampling(stored: StoredVariables) -> dict[str, str]:
    """Say what part of the samples was fitted, if not all of them."""
    if "negative_fraction" not in stored:
        return {}
    fraction, efficiency = (
        _mean(stored.values(name)) for name in ("negative_fraction", "sampling_efficiency")
    )
    if fraction == 1.0:
        return {}
    text = f"{fraction:.1%} of the training samples without a spike were fitted; precision of "
    return {"sampling": f"{text}weights about {efficiency:.0%} of that of a fit of all"}


def _status_counts(stored: StoredVariables) -> str:
    values, counts = np.unique(stored.values("status"), return_counts=True)
    named = dict(zip(values.tolist(), counts.tolist(), strict=True))
    return ", ".join(f"{named[value]} {STATUS_MEANINGS[value]}" for value in sorted(named))


def _certainty(stored: StoredVariables) -> str:
    """Say where intervals come from and how many weights the data leave open."""
    parts = []
    if "filter_interval" in stored:
        methods = np.unique(stored.values("filter_interval")).tolist()
        names = [INTERVAL_METHODS[value] for value in methods if INTERVAL_METHODS[value] != "none"]
        parts.append(f"intervals by {' and '.join(names)}" if names else "no intervals")
    if "weight_determined" in stored:
        flags = stored.values("weight_determined")
        known = int(np.count_nonzero(flags != DETERMINATIONS.index("unknown")))
        n_open = int(np.count_nonzero(flags == DETERMINATIONS.index("undetermined")))
        if known:
            parts.append(f"{n_open:,} of {known:,} weights not determined by the data")
    return "; ".join(parts) or "unknown"


def _scores(result: Result, stored: StoredVariables) -> list[str]:
    subset = _preferred(stored, "subset", "test")
    heading = f"{subset + ' scores':<22}" + "".join(f"{title:>15}" for _, title, _ in _METRICS)
    lines = [heading]
    for level in stored.labels("level"):
        values = [_mean(stored.values(name, level=level, subset=subset)) for name, _, _ in _METRICS]
        cells = (
            f"{pattern.format(value) if np.isfinite(value) else '-':>15}"
            for (_, _, pattern), value in zip(_METRICS, values, strict=True)
        )
        lines.append(f"  {level:<20}" + "".join(cells))
    if "truth" not in stored.labels("level") and "auroc_baseline" not in stored:
        return lines
    return lines + [f"  {note}" for note in score_notes(result.dataset, subset)]


def _windows(stored: StoredVariables) -> list[str]:
    subset = _preferred(stored, "subset", "test")
    level = _preferred(stored, "level", "merged")
    names = stored.labels("temporal")
    shown = np.unique(np.linspace(0, len(names) - 1, min(len(names), _MOST_ROWS)).astype(int))
    lines = [f"{'window':<24}{'samples':>12}{'with spike':>12}{'AUROC (' + level + ')':>18}"]
    for position in shown.tolist():
        values = stored.values("auroc", level=level, subset=subset, temporal=position)
        n_samples, n_positive = (
            int(stored.values(name, temporal=position).max())
            for name in ("n_samples", "n_positive")
        )
        low, high = _extremes(values)
        score = f"{_mean(values):.4f}" if np.isfinite(values).any() else "-"
        spread = f"  {low:.4f} to {high:.4f} over splits" if high > low else ""
        lines.append(f"  {names[position]:<22}{n_samples:>12,}{n_positive:>12,}{score:>18}{spread}")
    if len(names) > shown.size:
        lines.append(f"  ... {len(names) - shown.size} more windows between these")
    return lines


def _preferred(stored: StoredVariables, dimension: str, label: str) -> str:
    labels = stored.labels(dimension)
    return label if label in labels else labels[0]


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _extremes(values: NDArray[np.float64]) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (np.nan, np.nan)


def _failures(result: Result) -> list[str]:
    failures = result.failures
    if not failures:
        return []
    lines = ["", f"cells without weights: {len(failures)}"]
    lines += [
        printable(f"  {failed.chunk} {failed.split}: {failed.status}: {failed.reason}")
        for failed in failures[:_MOST_FAILURES]
    ]
    if len(failures) > _MOST_FAILURES:
        lines.append(f"  ... and {len(failures) - _MOST_FAILURES} more")
    return lines
