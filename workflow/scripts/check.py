from synreduce.pipeline.check import write_check
from synreduce.pipeline.jobs import job
from synreduce.pipeline.paths import RunPaths

with job("check", snakemake.config, snakemake.log[0]) as configuration:
    write_check(configuration, RunPaths.of(configuration))
