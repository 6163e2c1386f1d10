from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from synreduce.errors import SynreduceError
from synreduce.execution.slurm_left_jobs import end_left_jobs, slurm_run_ids
from synreduce.execution.slurm_plugin import mend_slurm_plugin
from synreduce.pipeline.controller import take_control
from synreduce.pipeline.workflow import WorkflowRun


def open_run():
    """Validate the configuration and the databases before any job starts."""
    try:
        return WorkflowRun.open(
            workflow.configfiles,
            config,
            default=Path(workflow.basedir) / "config" / "examples" / "example.yaml",
            main_process=workflow.is_main_process,
        )
    except SynreduceError as error:
        raise WorkflowError(str(error)) from None


RUN = open_run()
# Scripts receive the validated configuration, never the user's YAML.
config.clear()
config.update(RUN.configuration_mapping)


def control_run(logs):
    """Refuse a run that another process controls; take care of what a killed one left."""

    def end_jobs_of(left):
        end_left_jobs(slurm_run_ids(left), logger.warning)

    # First of all: who is refused must not harm the other's jobs either.
    mend_slurm_plugin()
    try:
        take_control(RUN.paths.controller, logs, end_jobs_of)
    except SynreduceError as error:
        raise WorkflowError(str(error)) from None


onstart:
    control_run(log)


wildcard_constraints:
    batch="[A-Za-z0-9_.-]+",
    figure="[a-z_]+",


def job_threads():
    # A cluster job sees all cores of its node, given to it or not. `workflow.cores` is an error
    # where no number of cores was given.
    is_cluster_job = workflow.remote_exec
    return RUN.threads(None if is_cluster_job else workflow.resource_settings.cores)


def memory_of(stage):
    """Memory in MB that a job of a stage asks for; more with every attempt."""

    def estimate(wildcards, attempt, threads):
        return RUN.memory_mb(stage, wildcards.get("batch"), attempt, threads)

    return estimate


def runtime_of(stage):
    """Minutes that a job of a stage asks for; more with every attempt."""

    def estimate(wildcards, attempt):
        return RUN.runtime_minutes(stage, wildcards.get("batch"), attempt)

    return estimate


def several_nodes():
    """What the Slurm plugin is asked for where a job starts workers on nodes of its own."""
    resources = RUN.configuration.resources
    if resources.nodes == 1:
        return {}
    # With `mpi` the plugin leaves it to the job to start tasks; a task per node holds its workers.
    return {"mpi": "srun", "nodes": resources.nodes, "tasks": resources.nodes}


def identity_of(stage):
    """What a batch is made from; a change makes Snakemake run it again."""

    def identity(wildcards):
        return RUN.batch_identity(stage, wildcards.batch)

    return identity
