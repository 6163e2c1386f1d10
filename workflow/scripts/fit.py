from synreduce.pipeline.fit_batches import fit_batch
from synreduce.pipeline.jobs import job

# Dask starts its workers from this file too; only the job itself may run what follows.
if __name__ == "__main__":
    batch = snakemake.wildcards.batch
    with job("fit", snakemake.config, snakemake.log[0], batch) as configuration:
        fit_batch(configuration, batch, n_workers=snakemake.threads)
