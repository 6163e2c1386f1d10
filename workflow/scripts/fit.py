from synreduce.pipeline.fitting import fit_batch
from synreduce.pipeline.jobs import job

batch = snakemake.wildcards.batch
with job("fit", snakemake.config, snakemake.log[0], batch) as configuration:
    fit_batch(configuration, batch, n_workers=snakemake.threads)
