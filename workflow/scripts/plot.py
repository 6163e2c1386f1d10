from pathlib import Path

from synreduce.pipeline.jobs import job
from synreduce.plotting import plot_result

with job("plot", snakemake.config, snakemake.log[0]):
    plot_result(Path(snakemake.input[0]), Path(snakemake.output[0]).parent)
