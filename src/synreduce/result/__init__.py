"""Results and the artefacts on the way to them: what is written, and how it is read back."""

from synreduce.result.checkpoint import BEGUN, CheckpointFolder, FitCheckpoint
from synreduce.result.content import FailedChunk, MergedContent, Provenance
from synreduce.result.design_file import DesignWriter, design_writer, verify_design, write_design
from synreduce.result.design_rows import (
    DesignSamples,
    HDF5Rows,
    design_is_current,
    read_layout,
    read_samples,
)
from synreduce.result.fits_file import fits_are_current, read_fits, write_fits
from synreduce.result.identity import ArtefactIdentity
from synreduce.result.merged import verify_result, write_merged
from synreduce.result.merged_writer import MergedWriter, merged_writer
from synreduce.result.model_file import load_model, save_model
from synreduce.result.reader import Result, open_result
from synreduce.result.run_record import JobRecord, merge_run_record, read_jobs, record_job
from synreduce.result.schema import FITTED_STATUSES, LEVELS, STATUS_MEANINGS
from synreduce.result.schema import SCHEMA_NAME as MERGED_SCHEMA
from synreduce.result.schema_uncertainty import DETERMINATIONS, INTERVAL_METHODS
from synreduce.result.score_notes import score_notes
from synreduce.result.scores import ScoreTable, read_scores, write_scores
from synreduce.result.stored_fit import StoredFit, stored_agreement
from synreduce.result.summary import summary_lines

__all__ = [
    "BEGUN",
    "DETERMINATIONS",
    "FITTED_STATUSES",
    "INTERVAL_METHODS",
    "LEVELS",
    "MERGED_SCHEMA",
    "STATUS_MEANINGS",
    "ArtefactIdentity",
    "CheckpointFolder",
    "DesignSamples",
    "DesignWriter",
    "FailedChunk",
    "FitCheckpoint",
    "HDF5Rows",
    "JobRecord",
    "MergedContent",
    "MergedWriter",
    "Provenance",
    "Result",
    "ScoreTable",
    "StoredFit",
    "design_is_current",
    "design_writer",
    "fits_are_current",
    "load_model",
    "merge_run_record",
    "merged_writer",
    "open_result",
    "read_fits",
    "read_jobs",
    "read_layout",
    "read_samples",
    "read_scores",
    "record_job",
    "save_model",
    "score_notes",
    "stored_agreement",
    "summary_lines",
    "verify_design",
    "verify_result",
    "write_design",
    "write_fits",
    "write_merged",
    "write_scores",
]
