from pathlib import Path

from synreduce.examples import write_example
from synreduce.pipeline.jobs import job, logger

# Dask starts its workers from this file too; only the job itself may run what follows.
if __name__ == "__main__":
    with job("example", snakemake.config, snakemake.log[0]) as configuration:
        example = configuration.example
        report = write_example(
            example.kind,
            Path(snakemake.output[0]),
            example.trials,
            example.seed,
            processes=snakemake.threads,
        )
        for line in report.lines():
            logger.info("%s", line)
