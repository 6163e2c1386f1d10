"""A result in a screenful of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import printable
from synreduce.result.schema import STATUS_MEANINGS
from synreduce.result.schema_uncertainty import DETERMINATIONS, INTERVAL_METHODS
from synreduce.result.score_notes import score_notes

if TYPE_CHECKING:
    import xarray as xr

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
    dataset = result.dataset
    return [
        *_heading(result, dataset),
        "",
        *_scores(dataset),
        "",
        *_windows(dataset),
        *_failures(result),
    ]


def _heading(result: Result, dataset: xr.Dataset) -> list[str]:
    provenance = result.provenance
    sizes = dataset.sizes
    groups = ", ".join(
        f"{name} ({'excites' if sign > 0 else 'inhibits'})"
        for name, sign in zip(
            dataset["group"].to_numpy(), dataset["group_sign"].to_numpy(), strict=True
        )
    )
    distance = (float(dataset["soma_distance_start"][0]), float(dataset["soma_distance_stop"][-1]))
    state = "complete" if provenance.complete else "NOT COMPLETE"
    if provenance.missing_chunks:
        state += f", {len(provenance.missing_chunks)} chunks missing"
    inputs = ", ".join(f"{name} ({mark[:12]})" for name, mark in provenance.inputs.items())
    facts = {
        "schema": "{schema_name} {schema_version}, written by {software} {software_version}".format(
            **dataset.attrs
        ),
        "state": f"{state}; content {str(dataset.attrs['content_digest'])[:12]}, configuration "
        f"{provenance.configuration_digest[:12]}",
        "input": inputs,
        "groups": groups,
        "filters": f"{distance[0]:g} to {distance[1]:g} um in {sizes['soma_distance']} bins x "
        f"{sizes['lag']} ms; {sizes['spatial_basis']} x {sizes['temporal_basis']} basis functions",
        "grid": f"{sizes['spatial']} spatial x {sizes['temporal']} temporal chunks, "
        f"{sizes['split']} splits",
        "fits": _status_counts(dataset),
        **_restarts(dataset),
        "certainty": _certainty(dataset),
        **_sampling(dataset),
    }
    lines = [printable(f"{result.path}: {dataset.attrs['title']}")]
    return lines + [printable(f"  {name:<12}{text}") for name, text in facts.items()]


def _restarts(dataset: xr.Dataset) -> dict[str, str]:
    """Say how restarts agreed, if there were any."""
    if "n_restarts" not in dataset or int(dataset["n_restarts_asked"].max()) < 2:
        return {}
    made, asked = int(dataset["n_restarts"].sum()), int(dataset["n_restarts_asked"].sum())
    low, _ = _extremes(dataset["restart_cosine"].to_numpy())
    spread = _extremes(dataset["restart_spread"].to_numpy())[1]
    skipped = f", {asked - made} not needed" if asked > made else ""
    text = f"{made} of {asked} made{skipped}; cosine of kernels from {low:.4f}"
    return {"restarts": f"{text}, objectives within {spread:.1g}"}


def _sampling(dataset: xr.Dataset) -> dict[str, str]:
    """Say what part of the samples was fitted, if not all of them."""
    if "negative_fraction" not in dataset:
        return {}
    fraction, efficiency = (
        _mean(dataset[name].to_numpy()) for name in ("negative_fraction", "sampling_efficiency")
    )
    if fraction == 1.0:
        return {}
    text = f"{fraction:.1%} of the training samples without a spike were fitted; precision of "
    return {"sampling": f"{text}weights about {efficiency:.0%} of that of a fit of all"}


def _status_counts(dataset: xr.Dataset) -> str:
    values, counts = np.unique(dataset["status"].to_numpy(), return_counts=True)
    named = dict(zip(values.tolist(), counts.tolist(), strict=True))
    return ", ".join(f"{named[value]} {STATUS_MEANINGS[value]}" for value in sorted(named))


def _certainty(dataset: xr.Dataset) -> str:
    """Say where intervals come from and how many weights the data leave open."""
    parts = []
    if "filter_interval" in dataset:
        methods = np.unique(dataset["filter_interval"].to_numpy()).tolist()
        names = [INTERVAL_METHODS[value] for value in methods if INTERVAL_METHODS[value] != "none"]
        parts.append(f"intervals by {' and '.join(names)}" if names else "no intervals")
    if "weight_determined" in dataset:
        flags = dataset["weight_determined"].to_numpy()
        known = int(np.count_nonzero(flags != DETERMINATIONS.index("unknown")))
        n_open = int(np.count_nonzero(flags == DETERMINATIONS.index("undetermined")))
        if known:
            parts.append(f"{n_open:,} of {known:,} weights not determined by the data")
    return "; ".join(parts) or "unknown"


def _scores(dataset: xr.Dataset) -> list[str]:
    subset = "test" if "test" in dataset["subset"] else str(dataset["subset"].to_numpy()[0])
    heading = f"{subset + ' scores':<22}" + "".join(f"{title:>15}" for _, title, _ in _METRICS)
    lines = [heading]
    for level in dataset["level"].to_numpy():
        values = [
            _mean(dataset[name].sel(level=level, subset=subset).to_numpy())
            for name, _, _ in _METRICS
        ]
        cells = (
            f"{pattern.format(value) if np.isfinite(value) else '-':>15}"
            for (_, _, pattern), value in zip(_METRICS, values, strict=True)
        )
        lines.append(f"  {level:<20}" + "".join(cells))
    return lines + [f"  {note}" for note in score_notes(dataset, subset)]


def _windows(dataset: xr.Dataset) -> list[str]:
    subset = "test" if "test" in dataset["subset"] else str(dataset["subset"].to_numpy()[0])
    level = "merged" if "merged" in dataset["level"] else str(dataset["level"].to_numpy()[0])
    auroc = dataset["auroc"].sel(level=level, subset=subset)
    names = dataset["temporal"].to_numpy()
    shown = np.unique(np.linspace(0, names.size - 1, min(names.size, _MOST_ROWS)).astype(int))
    lines = [f"{'window':<24}{'samples':>12}{'with spike':>12}{'AUROC (' + level + ')':>18}"]
    for position in shown:
        cell = {"temporal": position}
        values = auroc.isel(cell).to_numpy()
        n_samples, n_positive = (
            int(dataset[name].isel(cell).max()) for name in ("n_samples", "n_positive")
        )
        low, high = _extremes(values)
        score = f"{_mean(values):.4f}" if np.isfinite(values).any() else "-"
        spread = f"  {low:.4f} to {high:.4f} over splits" if high > low else ""
        lines.append(f"  {names[position]:<22}{n_samples:>12,}{n_positive:>12,}{score:>18}{spread}")
    if names.size > shown.size:
        lines.append(f"  ... {names.size - shown.size} more windows between these")
    return lines


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
