"""What all writers of a database share: opening, tables, fingerprint, verification, publication."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

import synreduce
from synreduce.database.content import content_fingerprint, extras_digest, verify_part
from synreduce.database.model import Group, SpikeTimes
from synreduce.database.names import NameTable, SynapseTypeTable
from synreduce.database.schema import LAYOUTS, SCHEMA_NAME, SCHEMA_VERSION, TITLE
from synreduce.database.tables import write_extras, write_groups, write_trials, write_types
from synreduce.errors import DataError, Problem
from synreduce.storage import ChunkStream, streaming_hdf5
from synreduce.suggestions import did_you_mean


class Recording(ABC):
    """A database while it is written: nothing is visible before the ``with`` block ends well.

    Parameters
    ----------
    path : str or Path
        The database.
    groups : sequence of Group
        Groups of synapses and their signs.
    start_ms, duration_ms : float
        Begin and end of the record.
    synapse_types : SynapseTypeTable
        May grow while writing.
    dendrite_labels : NameTable
        May grow while writing.
    provenance : mapping
        Where the data come from: what JSON can hold. May be changed until the block ends.
    truth : mapping of str to ndarray
        Ground truth of an example. May be changed until the block ends.
    layout : {"events", "counts"}
        What will be written.
    level : int, default: 1
        Compression level of zlib, for events.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        groups: Sequence[Group],
        start_ms: float,
        duration_ms: float,
        synapse_types: SynapseTypeTable,
        dendrite_labels: NameTable,
        provenance: Mapping[str, Any] | None,
        truth: Mapping[str, npt.NDArray[Any]] | None,
        layout: str,
        level: int = 1,
    ) -> None:
        self.path = Path(path)
        self.groups = tuple(groups)
        self.start_ms, self.duration_ms = float(start_ms), float(duration_ms)
        self.synapse_types, self.dendrite_labels = synapse_types, dendrite_labels
        self.provenance = dict(provenance or {})
        self.truth = dict(truth or {})
        self._level = level
        self._trial_ids: dict[str, None] = {}
        self._spike_times: list[npt.NDArray[np.float64]] = []
        self._stack = ExitStack()
        self.file: h5py.File = None
        self._check_definition(layout)

    @property
    def n_trials(self) -> int:
        """Trials given so far."""
        return len(self._trial_ids)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # Several BLAS threads would compete with those that compress.
            stack.enter_context(threadpool_limits(1, "blas"))
            streamed = stack.enter_context(
                streaming_hdf5(
                    self.path,
                    verify=lambda part: verify_part(part, self.path),
                    copy_of=self._copy_of(),
                )
            )
            self.file = streamed.hdf5
            self.stream = stack.enter_context(ChunkStream(self._level, streamed.raise_if_failed))
            self._begin()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack.pop_all():
            if not self._trial_ids:
                raise DataError(Problem("no-trials", str(self.path), "no trial was given"))
            self._finish_layouts()
            self.stream.drain()
            self._write_tables()

    def _copy_of(self) -> Path | None:
        return None

    @abstractmethod
    def _begin(self) -> None:
        """Lay out the file, or take up what is there."""

    @abstractmethod
    def _finish_layouts(self) -> None:
        """Store what is still in memory."""

    def _add_trials(
        self, trial_ids: Sequence[str], spike_times: Sequence[npt.ArrayLike]
    ) -> list[Problem]:
        problems = trial_problems(self.path, trial_ids, spike_times, self._trial_ids)
        if not problems:
            self._trial_ids.update(dict.fromkeys(map(str, trial_ids)))
            self._spike_times.extend(np.asarray(times, np.float64).ravel() for times in spike_times)
        return problems

    def _write_tables(self) -> None:
        file, spikes = self.file, SpikeTimes.from_lists(self._spike_times)
        write_trials(file, list(self._trial_ids), spikes)
        write_groups(file, self.groups)
        write_types(file, self.synapse_types, self.dendrite_labels, self.groups)
        write_extras(file, self.provenance, self.truth)
        file.attrs.update(
            {
                "schema_name": SCHEMA_NAME,
                "schema_version": SCHEMA_VERSION,
                "title": TITLE,
                "software": "synreduce",
                "software_version": synreduce.__version__,
                "layouts": [name for name in LAYOUTS if name in file],
                "n_trials": self.n_trials,
                "start_ms": self.start_ms,
                "duration_ms": self.duration_ms,
            }
        )
        file.attrs["fingerprint"] = content_fingerprint(file)
        file.attrs["extras_digest"] = extras_digest(file)

    def _check_definition(self, layout: str) -> None:
        where, problems = str(self.path), []
        if layout not in LAYOUTS:
            hint = did_you_mean(layout, LAYOUTS)
            problems.append(Problem("bad-layout", where, f"layout '{layout}'", hint))
        names = [group.name for group in self.groups]
        if not names or len(set(names)) < len(names):
            problems.append(Problem("bad-groups", where, f"groups {names}", "name each once"))
        if any("/" in name or name in {".", ".."} or not name.isprintable() for name in names):
            what = f"groups {names}: names may not hold '/' or control characters"
            problems.append(Problem("bad-groups", where, what))
        if not (np.isfinite(self.start_ms) and np.isfinite(self.duration_ms)):
            problems.append(Problem("bad-duration", where, "begin or end of the record unknown"))
        elif self.duration_ms <= self.start_ms:
            what = f"record from {self.start_ms} to {self.duration_ms} ms"
            problems.append(Problem("bad-duration", where, what, "give an end after the begin"))
        if problems:
            raise DataError(problems)


def trial_problems(
    path: Path,
    trial_ids: Sequence[str],
    spike_times: Sequence[npt.ArrayLike],
    known: Mapping[str, None],
) -> list[Problem]:
    """Find out what is wrong with ids and spike times of new trials.

    Parameters
    ----------
    path : Path
        For messages.
    trial_ids : sequence of str
        Of the new trials.
    spike_times : sequence of array_like
        One per trial, ms.
    known : mapping
        Ids of earlier trials.

    Returns
    -------
    list of Problem
    """
    where, problems = str(path), []
    if len(trial_ids) != len(spike_times):
        what = f"{len(trial_ids)} trial ids, {len(spike_times)} lists of spike times"
        return [Problem("unequal-lengths", where, what)]
    seen = set()
    for trial, times in zip(trial_ids, spike_times, strict=True):
        if not trial or "\0" in trial:
            problems.append(Problem("bad-trial-id", where, f"trial id {trial!r}"))
        if trial in known or trial in seen:
            problems.append(Problem("duplicate-trial", where, f"trial '{trial}' appears twice"))
        seen.add(trial)
        if not np.isfinite(np.asarray(times, np.float64)).all():
            what = f"trial '{trial}' has a spike time that is no number"
            problems.append(Problem("bad-spike-time", where, what))
    return problems
