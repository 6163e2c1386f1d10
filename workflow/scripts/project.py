from synreduce.pipeline.jobs import job
from synreduce.pipeline.projecting import project_batch

# Dask starts its workers from this file too; only the job itself may run what follows.
if __name__ == "__main__":
    batch = snakemake.wildcards.batch
    with job("project", snakemake.config, snakemake.log[0], batch) as configuration:
        project_batch(configuration, batch, n_workers=snakemake.threads)
