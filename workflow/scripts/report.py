from pathlib import Path

from synreduce.pipeline.jobs import job
from synreduce.plotting.report import write_report

# Dask starts its workers from this file too; only the job itself may run what follows.
if __name__ == "__main__":
    with job("report", snakemake.config, snakemake.log[0]):
        write_report(Path(snakemake.input.merged), Path(snakemake.output[0]))
