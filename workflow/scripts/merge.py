from synreduce.pipeline.jobs import job
from synreduce.pipeline.merge_run import merge_run

# Dask starts its workers from this file too; only the job itself may run what follows.
if __name__ == "__main__":
    with job("merge", snakemake.config, snakemake.log[0]) as configuration:
        merge_run(configuration, n_workers=snakemake.threads)
