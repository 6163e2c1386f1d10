"""Example databases, written once to `results/benchmark_data/`, which git ignores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FOLDER = Path("results/benchmark_data")
PUBLISHED_FILTERS = Path("../shared/data/isf_reduced_model/filters_example.json")

# Nonlinearity of the published model, as read off its figure: 0 below a net input of 22, 0.5 at 34,
# 1 from about 45.
PUBLISHED_SLOPE, PUBLISHED_MIDDLE = 0.4, 34.0


def example_database(kind: str, trials: int, seed: int = 1) -> Path:
    """Path of an example database in the counts layout; it is written if it is not there.

    `kind` is one of the package's examples, or `published`: the planted example with the filters
    of a published reduced model.
    """
    path = FOLDER / f"{kind}_{trials}_{seed}.h5"
    if not path.exists():
        from synreduce.examples import write_example

        FOLDER.mkdir(parents=True, exist_ok=True)
        print(f"writing {path}", flush=True)
        if kind == "published":
            _write_published(path, trials, seed)
        else:
            write_example(kind, path, trials, seed)
    return path


def _write_published(path: Path, trials: int, seed: int) -> None:
    from synreduce.examples import write_planted_example
    from synreduce.examples.planted import PlantedFilters, PlantedModel

    if not PUBLISHED_FILTERS.exists():
        message = f"{PUBLISHED_FILTERS} is missing: this example needs the shared data"
        raise SystemExit(message)
    given = json.loads(PUBLISHED_FILTERS.read_text(encoding="utf-8"))["spatiotemporal_filters"]
    filters = {
        group: PlantedFilters(
            np.array(given[f"s_{group.lower()}"]), np.array(given[f"t_{group.lower()}"])
        )
        for group in ("EXC", "INH")
    }
    intercept = -PUBLISHED_SLOPE * PUBLISHED_MIDDLE
    model = PlantedModel(slope=PUBLISHED_SLOPE, intercept=intercept, filters=filters)
    write_planted_example(path, trials, seed, model=model)
