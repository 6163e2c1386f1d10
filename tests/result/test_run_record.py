"""Records of jobs: one per attempt, also of jobs that fail; together they are run.json."""

import json

import pytest

from synreduce.result import merge_run_record, read_jobs, record_job


def test_job_leaves_a_record_of_what_it_did(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    with record_job(tmp_path, "fit", "d0000-1500_b001") as job:
        job.done.append("d0000-1500/t0258-0259")
        job.notes["workers"] = 2
    record = json.loads((tmp_path / "fit_d0000-1500_b001_1.json").read_text())
    assert record["outcome"] == "done"
    assert record["slurm_job_id"] == "4711"
    assert record["done"] == ["d0000-1500/t0258-0259"]
    assert record["peak_memory_bytes"] > 1e6
    assert record["host"]
    assert record["started"] <= record["ended"]


def test_failed_job_leaves_a_record_and_the_next_attempt_another(tmp_path):

    def first_attempt():
        with record_job(tmp_path, "fit", "b1") as job:
            job.failed.append("a/b")
            raise MemoryError

    with pytest.raises(MemoryError):
        first_attempt()
    with record_job(tmp_path, "fit", "b1") as job:
        assert job.attempt == 2
    first, second = read_jobs(tmp_path)
    assert first["outcome"] == "stopped by MemoryError"
    assert second["outcome"] == "done"


def test_run_record_sums_up_stages_and_passes_over_broken_files(tmp_path):
    for batch in ("b1", "b2"):
        with record_job(tmp_path / "jobs", "fit", batch) as job:
            job.done += [f"{batch}/1", f"{batch}/2"]
    with record_job(tmp_path / "jobs", "merge", "all"):
        pass
    (tmp_path / "jobs" / "fit_b3_1.json").write_text('{"stage": "fi')
    merge_run_record(tmp_path / "run.json", tmp_path / "jobs", {"run": "example"})
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["run"] == "example"
    assert record["stages"]["fit"]["jobs"] == 2
    assert record["stages"]["fit"]["chunks_done"] == 4
    assert list(record["stages"]) == ["fit", "merge"]
    assert len(record["jobs"]) == 3


def test_name_of_a_batch_cannot_leave_the_folder(tmp_path):
    with record_job(tmp_path / "jobs", "fit", "d0000-1500/../../x"):
        pass
    assert [path.parent.name for path in tmp_path.rglob("*.json")] == ["jobs"]
