from synreduce.pipeline.jobs import job
from synreduce.pipeline.merge_run import merge_run

with job("merge", snakemake.config, snakemake.log[0]) as configuration:
    merge_run(configuration, n_workers=snakemake.threads)
