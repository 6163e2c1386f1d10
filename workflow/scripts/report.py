from pathlib import Path

from synreduce.result.report import write_report

from synreduce.pipeline.jobs import job

with job("report", snakemake.config, snakemake.log[0]):
    write_report(Path(snakemake.input.merged), Path(snakemake.output[0]))
