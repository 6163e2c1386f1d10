from synreduce.pipeline.check import write_check
from synreduce.pipeline.jobs import job
from synreduce.pipeline.paths import RunPaths

# Dask starts its workers from this file too; only the job itself may run what follows.
if __name__ == "__main__":
    with job("check", snakemake.config, snakemake.log[0]) as configuration:
        write_check(configuration, RunPaths.of(configuration))
