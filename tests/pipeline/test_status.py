"""What `synreduce status` says: from files, and from Slurm where it answers."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from synreduce.cli.main import main
from synreduce.configuration import configuration_from_mapping
from synreduce.execution.slurm_queue import SlurmQueue
from synreduce.pipeline.batches import chunk_file, run_batches, write_batch_record
from synreduce.pipeline.checked_run import CheckedRun
from synreduce.pipeline.paths import RunPaths
from synreduce.pipeline.status import StageStatus, StatusReader
from synreduce.pipeline.status_text import status_lines
from synreduce.storage import this_process

BATCHES = [f"d0000-1500_t0{100 + k}-0{101 + k}" for k in range(6)]
GONE = {**asdict(this_process()), "started": 1}


class FakeRun:
    """A run of six chunks, one per job, of which only files and records exist."""

    def __init__(self, folder: Path) -> None:
        self.start = folder
        self.configuration = configuration_from_mapping(
            {
                "run": "grid",
                "databases": [{"id": "db", "path": "database.h5"}],
                "chunks": {
                    "temporal": [{"start_ms": 100, "stop_ms": 106, "chunk_ms": 1}],
                    "per_job": 1,
                },
            }
        )
        self.paths = RunPaths(folder / "results" / "grid")
        self.paths.jobs.mkdir(parents=True)
        mapping = self.configuration.model_dump(mode="json")
        self.paths.configuration.write_text(json.dumps(mapping), encoding="utf-8")
        self.paths.inputs.write_text('{"fingerprint": "f"}', encoding="utf-8")
        self.batches = {batch.name: batch for batch in run_batches(self.configuration)}

    def done(self, stage: Any, *batches: str, seconds: float = 40.0) -> None:
        """Leave the files of finished jobs."""
        identities = CheckedRun.open(self.configuration, self.paths).identities
        for batch in batches:
            path = chunk_file(self.paths, stage, self.batches[batch].chunks[0])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"content")
            write_batch_record(self.paths, stage, self.batches[batch], identities)
            self.record(stage, batch, "done", seconds=seconds)

    def record(self, stage: str, batch: str, outcome: str, **changed: Any) -> None:
        """Leave the record of a job that began two minutes ago."""
        begun = datetime.now(UTC) - timedelta(seconds=120)
        record = {
            "stage": stage, "batch": batch, "attempt": 1, "host": "n1", "slurm_job_id": "",
            "process": {**asdict(this_process()), "machine": "elsewhere"},
            "started": begun.isoformat(), "outcome": outcome, "notes": {}, "seconds": 0.0,
            "log": f"logs/grid/{stage}/{batch}.log", **changed,
        }  # fmt: skip
        name = f"{stage}_{batch}_{record['attempt']}.json"
        (self.paths.jobs / name).write_text(json.dumps(record), encoding="utf-8")

    def read(self) -> tuple[dict[str, StageStatus], str]:
        status = StatusReader(self.paths.folder, SlurmQueue()).read()
        text = "\n".join(status_lines(status))
        return {stage.name: stage for stage in status.stages}, text


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRun:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return FakeRun(tmp_path)


def put_program(run: FakeRun, name: str, text: str) -> None:
    path = run.start / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def counts(stage: StageStatus) -> tuple[int, int, int, int]:
    waiting = stage.n_waiting + stage.n_queued
    return stage.n_done, stage.n_running, waiting, len(stage.failed)


def test_every_job_is_done_running_waiting_or_failed(run: FakeRun) -> None:
    run.done("project", *BATCHES)
    run.done("fit", *BATCHES[:2])
    run.record("fit", BATCHES[2], "running")
    run.record("fit", BATCHES[3], "stopped by ResourceError", notes={"error": "disk full\nmore"})
    run.record("fit", BATCHES[4], "running", process=GONE)
    stages, text = run.read()
    assert counts(stages["project"]) == (6, 0, 0, 0)
    assert counts(stages["fit"]) == (2, 1, 1, 2)
    assert counts(stages["merge"]) == (0, 0, 1, 0)
    assert stages["fit"].n_chunks_done == 2
    assert f"fit {BATCHES[3]}: disk full\n    log: logs/grid/fit/{BATCHES[3]}.log" in text
    assert f"fit {BATCHES[4]}: ended without a word" in text


def test_a_new_attempt_takes_the_place_of_a_failed_one(run: FakeRun) -> None:
    run.record("fit", BATCHES[0], "stopped by MemoryError")
    run.record("fit", BATCHES[0], "running", attempt=2)
    stages, text = run.read()
    assert counts(stages["fit"]) == (0, 1, 5, 0)
    assert "attempt 2" in text


def test_a_chunk_whose_file_was_lost_waits_again(run: FakeRun) -> None:
    run.done("fit", *BATCHES[:2])
    chunk_file(run.paths, "fit", run.batches[BATCHES[0]].chunks[0]).unlink()
    assert counts(run.read()[0]["fit"]) == (1, 0, 5, 0)


def test_the_time_left_says_what_it_is_based_on(run: FakeRun) -> None:
    run.done("project", *BATCHES)
    for batch, seconds in zip(BATCHES, (30.0, 50.0, 34.0), strict=False):
        run.done("fit", batch, seconds=seconds)
    begun = (datetime.now(UTC) - timedelta(seconds=10)).isoformat()
    for batch in BATCHES[3:5]:
        run.record("fit", batch, "running", started=begun)
    stages, text = run.read()
    remaining = stages["fit"].remaining
    assert remaining is not None
    assert remaining.basis == "median 34 s of 3 finished jobs x 3 left / 2 at once"
    # Three jobs of 34 s, of which two have had 10 s, two at a time.
    assert remaining.seconds == pytest.approx((3 * 34 - 20) / 2, abs=2)
    assert remaining.basis in text


def test_slurm_says_what_waits_and_how_jobs_ended(run: FakeRun) -> None:
    run.record("fit", BATCHES[0], "running", slurm_job_id="11")
    run.record("fit", BATCHES[1], "running", slurm_job_id="12")
    run.record("fit", BATCHES[2], "running", slurm_job_id="13")
    log = run.start / ".snakemake" / "slurm_logs" / "rule_fit" / BATCHES[1] / "12.log"
    log.parent.mkdir(parents=True)
    log.touch()
    comment = "rule_fit_wildcards_"
    put_program(
        run,
        "squeue",
        f"""printf '%s\\n' \\
'11|RUNNING|None|n1|{run.start}|{comment}{BATCHES[0]}' \\
'14|PENDING|Resources||{run.start}|{comment}{BATCHES[3]}' \\
'15|RUNNING|None|n2|{run.start}|{comment}{BATCHES[4]}' \\
'16|PENDING|Priority||/another/run|{comment}{BATCHES[5]}' \\
'17|RUNNING|None|n3|{run.start}|some other job'""",
    )
    put_program(
        run,
        "sacct",
        "printf '12|FAILED\\n12.batch|FAILED\\n12.0|OUT_OF_MEMORY\\n13|CANCELLED by 0\\n'",
    )
    stages, text = run.read()
    # 11 runs, 15 is about to begin; 14 is in the queue, 16 belongs to another run.
    assert counts(stages["fit"]) == (0, 2, 2, 2)
    assert stages["fit"].n_queued == 1
    assert "1 job (Resources)" in text
    assert f"fit {BATCHES[1]}: Slurm job 12 needed more memory than it was given" in text
    assert f"rule_fit/{BATCHES[1]}/12.log" in text
    assert f"fit {BATCHES[2]}: Slurm job 13 was cancelled" in text


@pytest.mark.parametrize("squeue", ["exec /bin/sleep 60", "echo 'cannot connect' >&2; exit 1"])
def test_slurm_is_not_waited_for(
    run: FakeRun, squeue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synreduce.execution.slurm_queue._ANSWER_WITHIN_S", 0.2)
    run.record("fit", BATCHES[0], "running", slurm_job_id="11")
    put_program(run, "squeue", squeue)
    stages, text = run.read()
    assert counts(stages["fit"]) == (0, 1, 5, 0)
    assert "Slurm did not answer" in text


def test_watching_ends_when_the_run_is_complete(
    run: FakeRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.done("project", *BATCHES)
    run.done("fit", *BATCHES)
    monkeypatch.setattr("time.sleep", lambda _: run.paths.merged.touch())
    assert main(["status", str(run.paths.folder), "--watch", "5"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("run grid in") == 2
    assert "\x1b" not in shown
    assert shown.rstrip().endswith(f"complete: {run.paths.merged}")


def test_ctrl_c_ends_watching_without_a_trace(
    run: FakeRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    assert main(["status", str(run.paths.folder), "--watch"]) == 0
    assert capsys.readouterr().err == ""


def test_a_folder_without_a_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", str(tmp_path)]) != 0
    assert "holds no run of synreduce" in capsys.readouterr().err
