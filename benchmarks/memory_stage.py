"""One stage of a run in a process of its own, as the workflow starts it, for `memory_budget`."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(stage: str, configuration_file: str, workers: int) -> None:
    from synreduce.configuration import configuration_from_mapping
    from synreduce.pipeline.batches import run_batches
    from synreduce.pipeline.paths import RunPaths

    content = json.loads(Path(configuration_file).read_text(encoding="utf-8"))
    run = configuration_from_mapping(content)
    if stage == "check":
        from synreduce.pipeline.check import write_check

        write_check(run, RunPaths.of(run))
    elif stage == "project":
        from synreduce.pipeline.projecting import project_batch

        for batch in run_batches(run):
            project_batch(run, batch.name, n_workers=workers)
    elif stage == "fit":
        from synreduce.pipeline.fit_batches import fit_batch

        for batch in run_batches(run):
            fit_batch(run, batch.name, n_workers=workers)
    elif stage == "merge":
        from synreduce.pipeline.merge_run import merge_run

        merge_run(run, n_workers=workers)


# Dask starts its workers from this file too; only the stage itself may run what follows.
if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
