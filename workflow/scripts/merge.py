from synreduce.pipeline.merge_run import merge_run

from synreduce.pipeline.jobs import job

with job("merge", snakemake.config, snakemake.log[0]) as configuration:
    merge_run(configuration, n_workers=snakemake.threads)
