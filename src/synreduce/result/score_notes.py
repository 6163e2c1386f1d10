"""What the scores of a result mean: against the known truth, and against chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synreduce.evaluation.scores import share_of_ceiling

if TYPE_CHECKING:
    import xarray as xr

_CHECKED_LEVELS = ("merged", "consensus")


def score_notes(dataset: xr.Dataset, subset: str = "test") -> list[str]:
    """Say what share of the explainable was reached, and what chance would give.

    Parameters
    ----------
    dataset : xarray.Dataset
        A result.
    subset : str, default: "test"
        Side of the split.

    Returns
    -------
    list of str
        Sentences for people, means over splits and temporal chunks; none where neither the truth
        is known nor a baseline was asked for.
    """
    if subset not in dataset["subset"]:
        return []
    chosen = dataset.sel(subset=subset)
    levels = [level for level in _CHECKED_LEVELS if level in dataset["level"]]
    notes = [_share(chosen, level) for level in levels if "truth" in dataset["level"]]
    notes += [_chance(chosen, level) for level in levels if "auroc_baseline" in dataset]
    return [note for note in notes if note]


def _share(chosen: xr.Dataset, level: str) -> str:
    """Shares of the gains of the generating score over knowing nothing."""
    area, ceiling = (_mean(chosen, "auroc", name) for name in (level, "truth"))
    gain, most = (_mean(chosen, "bits_per_spike", name) for name in (level, "truth"))
    shares = {
        f"AUROC above chance ({ceiling:.4f})": share_of_ceiling(area, ceiling),
        f"bits per spike ({most:.3f})": gain / most if most > 0 else np.nan,
    }
    known = [f"{share:.1%} of its {name}" for name, share in shares.items() if np.isfinite(share)]
    return f"{level} against the true score: {' and '.join(known)}" if known else ""


def _chance(chosen: xr.Dataset, level: str) -> str:
    mean, most = (_mean(chosen, name, level) for name in ("auroc_baseline", "auroc_baseline_95"))
    values = chosen["auroc_p_value"].sel(level=level).to_numpy()
    values = values[np.isfinite(values)]
    if not values.size:
        return ""
    largest = f"p {values.max():.2g}" + (" at most" if values.size > 1 else "")
    return (
        f"{level}: AUROC with outcomes exchanged between trials {mean:.4f}, 95 % below "
        f"{most:.4f}; {largest}"
    )


def _mean(chosen: xr.Dataset, name: str, level: str) -> float:
    values = chosen[name].sel(level=level).to_numpy()
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
