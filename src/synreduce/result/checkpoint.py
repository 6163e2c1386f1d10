"""Checkpoints: what attempts at the fits of a chunk leave behind until the chunk is done.

A fit that is at work leaves the values of its objective (``<fit>.values``), one that is finished
its record (``<fit>.h5``). Both appear only after some seconds, so quick fits touch no disk, and all
go when the file of the chunk's fits is there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import InputError, OutOfTimeError, Problem, ResourceError
from synreduce.result.fits_file import read_fits, write_fits
from synreduce.result.identity import ArtefactIdentity
from synreduce.result.stored_fit import StoredFit
from synreduce.solvers import Continuation
from synreduce.storage import publish_bytes

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
FitKey = tuple[str, str, str, int]
"""Strategy, solver, split, restart."""

BEGUN = "checkpointed"
"""Code of the problem of a fit that ran out of time and can be continued."""

WRITE_INTERVAL_S = 5.0
"""A killed fit loses at most this much work, and one that took less is not kept by itself."""

_WRITING_SHARE = 0.02
"""Part of the time that writing may take: files that grow are written less often."""

_RECORD = np.dtype([("value", "<f8"), ("check", "<u8")])


class FitCheckpoint(Continuation):
    """Values of the objective of one fit, in a file that is always complete.

    Every value carries a digest of its number, its point and itself. A value is used only where
    that fits, so a search that takes another path than the recorded one (another version of its
    package), or a damaged file, costs evaluations and never changes a result.

    Parameters
    ----------
    path : Path
        The file; it appears after the first seconds of work.
    identity : str
        Digest of what decides the fit; the file of another one is not used.
    stop_at : float, optional
        When to stop, s since 1970.
    """

    def __init__(self, path: Path, identity: str, stop_at: float | None = None) -> None:
        self._path, self._identity, self._stop_at = path, identity, stop_at
        self._known, self._earlier_seconds = _read(path, identity)
        self._values = [float(value) for value in self._known["value"]]
        self._checks = [int(check) for check in self._known["check"]]
        self._position = 0
        self._began = self._written = time.monotonic()
        self._pause = WRITE_INTERVAL_S

    @property
    def earlier_seconds(self) -> float:
        """Time that earlier attempts spent, s."""
        return self._earlier_seconds

    @property
    def n_evaluations(self) -> int:
        """Evaluations recorded so far, those of earlier attempts included."""
        return len(self._values)

    def recall(self, point: FloatArray) -> float | None:
        """Look up the value of the next evaluation.

        Parameters
        ----------
        point : numpy.ndarray, shape (n_parameters,)
            Where the objective is to be evaluated.

        Returns
        -------
        float or None
            None if it is not known.
        """
        if self._position == len(self._values):
            return None
        value = self._values[self._position]
        if _check(self._position, point, value) != self._checks[self._position]:
            logger.warning("%s: used up to evaluation %d only", self._path, self._position)
            del self._values[self._position :], self._checks[self._position :]
            return None
        self._position += 1
        return value

    def record(self, point: FloatArray, value: float) -> None:
        """Remember an evaluation; every few seconds all of them are written.

        Parameters
        ----------
        point : numpy.ndarray, shape (n_parameters,)
            Where.
        value : float
            The objective there.
        """
        self._values.append(value)
        self._checks.append(_check(self._position, point, value))
        self._position += 1
        if time.monotonic() - self._written >= self._pause:
            self.write()

    def require_time(self) -> None:
        """Go on only before the time to stop.

        Raises
        ------
        OutOfTimeError
            After all values were written.
        """
        if self._stop_at is None or time.time() < self._stop_at:
            return
        if self._values:
            self.write()
            code, what = BEGUN, f"checkpointed after {self.n_evaluations} evaluations"
        else:
            code, what = "out-of-time", "starts afresh with the next attempt"
        raise OutOfTimeError(Problem(code, self._path.stem, f"out of time, {what}"))

    def write(self) -> None:
        """Write what is known. Where that fails the fit goes on, and could not be continued."""
        begun = time.monotonic()
        records = np.empty(len(self._values), dtype=_RECORD)
        records["value"], records["check"] = self._values, self._checks
        seconds = self._earlier_seconds + begun - self._began
        header = json.dumps({"identity": self._identity, "seconds": round(seconds, 3)})
        try:
            publish_bytes(self._path, header.encode() + b"\n" + records.tobytes())
        except ResourceError as error:
            logger.warning("no checkpoint: %s", error)
        self._written = time.monotonic()
        self._pause = max(WRITE_INTERVAL_S, (self._written - begun) / _WRITING_SHARE)


def _check(number: int, point: FloatArray, value: float) -> int:
    content = struct.pack("<qd", number, value) + np.ascontiguousarray(point, "<f8").tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _read(path: Path, identity: str) -> tuple[NDArray[np.void], float]:
    """Read the records of a checkpoint and the time spent; none if it is of no use."""
    try:
        header, _, content = path.read_bytes().partition(b"\n")
        facts = json.loads(header)
        if facts["identity"] == identity:
            whole = len(content) - len(content) % _RECORD.itemsize
            return np.frombuffer(content[:whole], dtype=_RECORD), float(facts["seconds"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s: cannot be read (%s), the fit starts afresh", path, error)
    return np.empty(0, dtype=_RECORD), 0.0


@dataclass(frozen=True)
class CheckpointFolder:
    """Checkpoints of all fits of a chunk.

    Parameters
    ----------
    folder : Path
        It appears with the first checkpoint.
    identity : ArtefactIdentity
        What the fits are made from; checkpoints of others are not used.
    stop_at : float, optional
        When fits have to stop, s since 1970.
    """

    folder: Path
    identity: ArtefactIdentity
    stop_at: float | None = field(default=None, compare=False)

    def begun(self, key: FitKey) -> FitCheckpoint:
        """Take up a fit where an earlier attempt left it.

        Parameters
        ----------
        key : (str, str, str, int)
            Strategy, solver, split, restart.

        Returns
        -------
        FitCheckpoint
            Empty if there was none.
        """
        path = self._file(key, "values")
        return FitCheckpoint(path, f"{self.identity.chunk} {self.identity.digest}", self.stop_at)

    def finished(self, key: FitKey) -> StoredFit | None:
        """Look up a fit that an earlier attempt finished.

        Parameters
        ----------
        key : (str, str, str, int)
            Strategy, solver, split, restart.

        Returns
        -------
        StoredFit or None
            None if there is none of this identity.
        """
        path = self._file(key, "h5")
        if not path.exists():
            return None
        try:
            (fit,) = read_fits(path, self.identity)
        except (InputError, ValueError):
            return None
        return fit if fit.key() == key else None

    def keep(self, fit: StoredFit) -> None:
        """Keep a finished fit, if it took long enough to be worth it.

        Parameters
        ----------
        fit : StoredFit
            The fit.
        """
        if fit.seconds < WRITE_INTERVAL_S:
            return
        try:
            write_fits(self._file(fit.key(), "h5"), self.identity, [fit])
        except ResourceError as error:
            logger.warning("not kept by itself: %s", error)
            return
        self._file(fit.key(), "values").unlink(missing_ok=True)

    def counts(self) -> tuple[int, int]:
        """Count what is there.

        Returns
        -------
        (int, int)
            Fits that were finished, and fits that were begun.
        """
        return len(list(self.folder.glob("*.h5"))), len(list(self.folder.glob("*.values")))

    def remove(self) -> None:
        """Remove all checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, key: FitKey, suffix: str) -> Path:
        return self.folder / f"{'+'.join(map(str, key))}.{suffix}"
