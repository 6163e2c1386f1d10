"""The whole chain in one process, with the same functions and numbers as the workflow."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synreduce.configuration import (
    Configuration,
    configuration_from_mapping,
    load_configuration,
)
from synreduce.execution import Engine, open_engine
from synreduce.pipeline.batches import run_batches
from synreduce.pipeline.check import write_check
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.fit_batches import fit_chunks
from synreduce.pipeline.inputs import with_database
from synreduce.pipeline.merge_run import merge_chunks
from synreduce.pipeline.paths import RunPaths
from synreduce.pipeline.projecting import project_chunks
from synreduce.result import Result, merge_run_record, open_result, record_job

if TYPE_CHECKING:
    from synreduce.configuration.resources import ResourcesSettings

_MOST_THREADS = 4
"""More threads of one process mostly wait for each other's Python; processes do not."""

ConfigurationLike = Configuration | Mapping[str, Any] | Path | str


def fit_to_file(
    database: Path, configuration: Configuration, output: Path, *, n_workers: int | None = None
) -> Result:
    """Project, fit and merge all chunks of a run; write the result and its table of scores.

    Parameters
    ----------
    database : Path
        Activation database, in place of the configured ones.
    configuration : Configuration
        The run.
    output : Path
        The merged file; ``scores.csv`` and ``run.json`` are written beside it, under its name.
    n_workers : int, optional
        Dask workers on each node, each a process of its own, but for one alone. Default: threads of
        this process, as many as ``resources.threads`` says or there are cores, up to four.

    Returns
    -------
    Result
        The merged file, opened.

    Raises
    ------
    InputError
        With every problem found, before anything is fitted.
    """
    # MPI ranks that work for the first one go no further than this.
    with _engine(n_workers, configuration.resources) as engine:
        _fit_to_file(with_database(configuration, database), Path(output), engine)
    return open_result(output)


def _engine(n_workers: int | None, resources: ResourcesSettings) -> AbstractContextManager[Engine]:
    if n_workers is not None:
        return open_engine(n_workers, resources)
    is_here = resources.engine == "local" and resources.scheduler is None
    usual = min(_MOST_THREADS, len(os.sched_getaffinity(0))) if is_here else 1
    return open_engine(resources.threads or usual, resources, in_threads=True)


def _fit_to_file(run: Configuration, output: Path, engine: Engine) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
        paths = RunPaths(Path(folder))
        write_check(run, paths)
        checked = CheckedRun.open(run, paths)
        with record_job(paths.jobs, "fit", "all"):
            for batch in run_batches(run):
                project_chunks(checked, batch.chunks, engine)
                fit_chunks(checked, batch.chunks, engine)
            merge_chunks(checked, engine)
        merge_run_record(paths.run_record, paths.jobs)
        for source, target in (
            (paths.scores, output.with_suffix(".scores.csv")),
            (paths.run_record, output.with_suffix(".run.json")),
            (paths.merged, output),
        ):
            source.replace(target)


def fit(
    database: Path | str, configuration: ConfigurationLike, *, n_workers: int | None = None
) -> Result:
    """Run the whole chain in one process; the result lies in a temporary folder.

    Parameters
    ----------
    database : Path or str
        Activation database.
    configuration : Configuration, path of a configuration file, or mapping
        The run.
    n_workers : int, optional
        As for `fit_to_file`.

    Returns
    -------
    Result
        Its folder is removed when it is closed; `fit_to_file` keeps the files.

    Raises
    ------
    InputError
        With every problem found, before anything is fitted.
    """
    run = _as_configuration(configuration)
    folder = tempfile.TemporaryDirectory(prefix="synreduce-")
    try:
        output = Path(folder.name) / "merged.h5"
        result = fit_to_file(Path(database), run, output, n_workers=n_workers)
    except BaseException:
        folder.cleanup()
        raise
    result.call_on_close(folder.cleanup)
    return result


def _as_configuration(given: ConfigurationLike) -> Configuration:
    if isinstance(given, Configuration):
        return given
    if isinstance(given, Mapping):
        return configuration_from_mapping(given)
    return load_configuration(given)
