"""The report of a run: one page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from synreduce.errors import printable
from synreduce.plotting.figures import figures_of
from synreduce.plotting.filters import Truth
from synreduce.plotting.style import house_style, render
from synreduce.result import STATUS_MEANINGS, open_result, score_notes
from synreduce.result.schema_fit import METRICS
from synreduce.storage import publish_text

if TYPE_CHECKING:
    import xarray as xr

    from synreduce.result import Result

_MOST_FAILURES = 200
_CAPTIONS = {
    "filters": "Spatial and temporal filters of the synapse groups. Thick: first split, with 95 % "
    "confidence interval; thin: other splits.",
    "kernels": "Space x time filter of the merged model, first split.",
    "scores": "How well the models tell samples with a spike from samples without one. Where the "
    "score that made the spikes is known, its AUROC is the ceiling.",
    "response": "From weighted net input to spikes: nonlinearity, penalty after a spike, and "
    "predicted against observed probability.",
    "searches": "How fits were found. Left: the objective falls to its final value. Right: least "
    "cosine between the kernel of the best restart and the others.",
}


def write_report(result_path: Path | str, output: Path | str, truth: Truth | None = None) -> None:
    """Write the report of a result.

    Parameters
    ----------
    result_path : Path or str
        ``merged.h5``.
    output : Path or str
        HTML file to be written or replaced.
    truth : mapping of str to ndarray, optional
        Filters the data were made with, see :func:`synreduce.plotting.plot_result`.

    Raises
    ------
    DataError
        If the file is no result.
    ResourceError
        If there is no space.
    """
    environment = Environment(
        loader=PackageLoader("synreduce.plotting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    with open_result(result_path) as result:
        page = environment.get_template("report_template.html").render(_facts(result, truth))
    publish_text(Path(output), page)


def _facts(result: Result, truth: Truth | None) -> dict[str, Any]:
    dataset, provenance = result.dataset, result.provenance
    sizes = dataset.sizes
    return {
        "title": printable(dataset.attrs["title"]),
        "complete": provenance.complete,
        "summary": f"{sizes['spatial']} spatial x {sizes['temporal']} temporal chunks, "
        f"{sizes['split']} splits; written by {dataset.attrs['software']} "
        f"{dataset.attrs['software_version']}.",
        "metrics": [name.replace("_", " ") for name in METRICS],
        "scores": list(_score_rows(dataset)),
        "score_notes": score_notes(dataset),
        "figures": list(_figures(dataset, truth)),
        "statuses": _statuses(dataset),
        "failures": [
            {name: printable(value) for name, value in vars(failed).items()}
            for failed in provenance.failures[:_MOST_FAILURES]
        ],
        "n_failures": len(provenance.failures),
        "missing": [printable(chunk) for chunk in provenance.missing_chunks],
        "configuration": "\n".join(
            printable(line) for line in provenance.configuration.split("\n")
        ),
        "configuration_digest": provenance.configuration_digest,
        "provenance": [
            ("content digest", dataset.attrs["content_digest"]),
            *((f"database {printable(name)}", mark) for name, mark in provenance.inputs.items()),
            *((f"seed: {printable(name)}", seed) for name, seed in provenance.seeds.items()),
            *provenance.package_versions.items(),
        ],
    }


def _figures(dataset: xr.Dataset, truth: Truth | None) -> Iterator[dict[str, str]]:
    with house_style():
        for name, figure in figures_of(dataset, truth):
            image = base64.b64encode(render(figure, "png")).decode("ascii")
            yield {"image": image, "caption": _CAPTIONS[name]}


def _score_rows(dataset: xr.Dataset) -> Iterator[dict[str, Any]]:
    for level in dataset["level"].to_numpy():
        for split in dataset["split"].to_numpy():
            for subset in dataset["subset"].to_numpy():
                chosen = dataset[list(METRICS)].sel(level=level, split=split, subset=subset)
                means = [_mean(chosen[name].to_numpy()) for name in METRICS]
                if np.isfinite(means).any():
                    cells = [f"{mean:.4f}" if np.isfinite(mean) else "" for mean in means]
                    yield {"level": level, "split": split, "subset": subset, "cells": cells}


def _mean(values: Any) -> float:  # noqa: ANN401 (an array of any shape)
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _statuses(dataset: xr.Dataset) -> list[tuple[str, int]]:
    values, counts = np.unique(dataset["status"].to_numpy(), return_counts=True)
    return [
        (STATUS_MEANINGS[value], int(count)) for value, count in zip(values, counts, strict=True)
    ]
