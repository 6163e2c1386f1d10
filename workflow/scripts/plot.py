from pathlib import Path

from synreduce.pipeline.jobs import job
from synreduce.plotting import plot_result

# Dask starts its workers from this file too; only the job itself may run what follows.
if __name__ == "__main__":
    with job("plot", snakemake.config, snakemake.log[0]):
        plot_result(Path(snakemake.input[0]), Path(snakemake.output[0]).parent)
