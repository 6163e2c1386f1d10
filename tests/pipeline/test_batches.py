"""Records of batches, which Snakemake sees in place of the files of chunks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synreduce.chunks import Batch
from synreduce.configuration import configuration_from_mapping
from synreduce.pipeline import batches
from synreduce.pipeline.batches import (
    ChunkIdentities,
    chunk_file,
    forget_lost_batches,
    run_batches,
    write_batch_record,
)
from synreduce.pipeline.paths import RunPaths


class FittedRun:
    """A run of three chunks, one per job, of which only files and records of fits exist."""

    def __init__(self, folder: Path) -> None:
        chunks = {"temporal": [{"start_ms": 100, "stop_ms": 103, "chunk_ms": 1}], "per_job": 1}
        databases = [{"id": "db", "path": "database.h5"}]
        mapping = {"run": "grid", "databases": databases, "chunks": chunks}
        self.configuration = configuration_from_mapping(mapping)
        self.paths = RunPaths(folder)
        self.batches = run_batches(self.configuration)
        for batch in self.batches:
            path = self.file(batch)
            path.parent.mkdir(parents=True)
            path.write_bytes(b"content")
            write_batch_record(self.paths, "fit", batch, self.identities)

    @property
    def identities(self) -> ChunkIdentities:
        return ChunkIdentities.of(self.configuration, "fingerprint")

    def file(self, batch: Batch) -> Path:
        return chunk_file(self.paths, "fit", batch.chunks[0])

    def forget(self) -> list[bool]:
        """Forget what is lost; which records are left."""
        forget_lost_batches(self.paths, self.batches, self.identities)
        return [self.paths.batch("fit", batch.name).exists() for batch in self.batches]


@pytest.fixture
def run(tmp_path: Path) -> FittedRun:
    return FittedRun(tmp_path)


def test_batches_are_forgotten_that_lost_a_chunk_and_no_others(run: FittedRun) -> None:
    assert run.forget() == [True, True, True]
    run.file(run.batches[0]).unlink()
    run.file(run.batches[2]).write_bytes(b"cut")
    assert run.forget() == [False, True, False]


def test_a_record_that_another_command_forgets_first_is_no_error(
    run: FittedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost_chunks = batches.lost_chunks

    def lost_and_forgotten_meanwhile(paths: RunPaths, stage: Any, batch: Batch, of: Any) -> Any:
        if lost := lost_chunks(paths, stage, batch, of):
            paths.batch(stage, batch.name).unlink()
        return lost

    run.file(run.batches[0]).unlink()
    monkeypatch.setattr(batches, "lost_chunks", lost_and_forgotten_meanwhile)
    assert run.forget() == [False, True, True]
