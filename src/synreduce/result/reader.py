"""Open a result: the merged file as a lazy xarray dataset, with its scores and models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from synreduce.errors import NotFoundInResultError, Problem
from synreduce.evaluation.isi_penalty import IsiPenalty
from synreduce.evaluation.model import ReducedModel
from synreduce.evaluation.nonlinearity import Nonlinearity
from synreduce.result.content import FailedChunk, Provenance
from synreduce.result.identity import damage_named
from synreduce.result.schema import SCHEMA_NAME, SCHEMA_VERSION
from synreduce.result.scores import read_scores
from synreduce.storage import open_hdf5
from synreduce.suggestions import did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


class Result:
    """The result of a run.

    Parameters
    ----------
    path : Path
        The merged file; its table of scores is looked for beside it, as ``<name>.scores.csv`` or
        ``scores.csv``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._dataset: xr.Dataset | None = None
        self._on_close: Callable[[], None] | None = None

    def call_on_close(self, function: Callable[[], None]) -> None:
        """Have something done when the result is closed, such as removing its folder.

        Parameters
        ----------
        function : callable
            Called once, without arguments.
        """
        self._on_close = function

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Result({str(self.path)!r})"

    @property
    def dataset(self) -> xr.Dataset:
        """All variables; values are read from the file when they are used."""
        if self._dataset is None:
            import xarray as xr  # noqa: PLC0415 (half a second, not needed to check a path)

            self._dataset = xr.open_dataset(self.path, engine="h5netcdf")
        return self._dataset

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The table ``scores.csv``."""
        own = self.path.with_suffix(".scores.csv")
        return read_scores(own if own.exists() else self.path.parent / "scores.csv")

    @cached_property
    def provenance(self) -> Provenance:
        """What the result was made from."""
        with damage_named(self.path), open_hdf5(self.path, SCHEMA_NAME, SCHEMA_VERSION) as file:
            group = file["provenance"]
            text = {name: group[name].asstr()[()] for name in group if name != "complete"}
            complete = bool(group["complete"][()])
        parsed: dict[str, Any] = {
            name: json.loads(text[name])
            for name in ("inputs", "seeds", "package_versions", "missing_chunks", "failures")
        }
        return Provenance(
            configuration=text["configuration"],
            configuration_digest=text["configuration_digest"],
            inputs=parsed["inputs"],
            seeds=parsed["seeds"],
            package_versions=parsed["package_versions"],
            complete=complete,
            missing_chunks=tuple(parsed["missing_chunks"]),
            failures=tuple(FailedChunk(**entry) for entry in parsed["failures"]),
        )

    @property
    def failures(self) -> list[FailedChunk]:
        """Cells of the grid without usable weights, with the reason."""
        return list(self.provenance.failures)

    def model(self, window: str | float | None = None, split: str | None = None) -> ReducedModel:
        """Give the reduced model of one temporal chunk, all spatial chunks merged.

        Parameters
        ----------
        window : str or float, optional
            Name of the temporal chunk, or a time in ms inside it. May be left out if there is one.
        split : str, optional
            Name of the split whose training samples the model was fitted on; the first by default.

        Returns
        -------
        ReducedModel

        Raises
        ------
        NotFoundInResultError
            If the result holds no such window or split, or its fit failed.
        """
        windows, splits = self._labels("temporal"), self._labels("split")
        temporal = self._window(window, windows)
        if split is None:
            split = splits[0]
        elif split not in splits:
            raise self._unknown_split(split, splits)
        cell = self.dataset.sel(temporal=temporal, split=split)
        kernel = cell["kernel"].to_numpy()
        if not np.isfinite(kernel).all():
            what = f"the model of window '{temporal}', split '{split}' was not fitted completely"
            fix = "see .failures for the reasons"
            raise NotFoundInResultError(Problem("no-model", str(self.path), what, fix))
        return ReducedModel(
            groups=tuple(self._labels("group")),
            # the file counts lag back from the end of the window; the model runs forward in time
            kernel=np.ascontiguousarray(kernel[..., ::-1]),
            distance_edges=np.append(
                cell["soma_distance_start"].to_numpy(), cell["soma_distance_stop"].to_numpy()[-1]
            ),
            nonlinearity=_nonlinearity(cell),
            penalty=IsiPenalty(cell["isi_penalty"].to_numpy()),
        )

    def close(self) -> None:
        """Close the file."""
        if self._dataset is not None:
            self._dataset.close()
            self._dataset = None
        if self._on_close is not None:
            function, self._on_close = self._on_close, None
            function()

    def _labels(self, name: str) -> list[str]:
        return [str(label) for label in self.dataset[name].to_numpy()]

    def _window(self, window: str | float | None, windows: list[str]) -> str:
        if window is None:
            if len(windows) == 1:
                return windows[0]
            what = "the result holds several windows"
            fix = f"name one with window=...: {_some(windows)}"
            raise NotFoundInResultError(Problem("which-window", str(self.path), what, fix))
        if isinstance(window, str):
            if window not in windows:
                raise self._unknown_window(window, windows)
            return window
        start, stop = (
            self.dataset["temporal_start"].to_numpy(),
            self.dataset["temporal_stop"].to_numpy(),
        )
        holding = np.flatnonzero((start <= window) & (window < stop))
        if holding.size == 0:
            at = f"{window:g} ms"
            raise self._unknown_window(at, windows)
        return windows[int(holding[0])]

    def _unknown_split(self, name: str, known: list[str]) -> NotFoundInResultError:
        what = f"no split '{name}'; {did_you_mean(name, known)}"
        fix = f"use one of: {_some(known)}"
        return NotFoundInResultError(Problem("no-such-split", str(self.path), what, fix))

    def _unknown_window(self, name: str, known: list[str]) -> NotFoundInResultError:
        what = f"no window '{name}'; {did_you_mean(name, known)}"
        fix = f"use one of: {_some(known)}"
        return NotFoundInResultError(Problem("no-such-window", str(self.path), what, fix))


def _some(names: Iterable[str], most: int = 8) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def _nonlinearity(cell: xr.Dataset) -> Nonlinearity:
    net_input, probability = cell["nonlinearity_wni"].to_numpy(), cell["nonlinearity"].to_numpy()
    known = np.isfinite(net_input)
    method = "monotone"
    if "nonlinearity_method" in cell:
        meanings = str(cell["nonlinearity_method"].attrs["flag_meanings"]).split()
        method = meanings[int(cell["nonlinearity_method"])]
    return Nonlinearity(
        net_input[known], probability[known], method=method, rounded=method == "published"
    )


def open_result(path: Path | str) -> Result:
    """Open the result of a run.

    Parameters
    ----------
    path : Path or str
        ``merged.h5``, or the folder of a run that holds one.

    Returns
    -------
    Result
        A context manager; close it when done.

    Raises
    ------
    DataError
        If the file is missing or is no result.
    """
    found = Path(path)
    if found.is_dir() and (found / "merged.h5").exists():
        found = found / "merged.h5"
    with open_hdf5(found, SCHEMA_NAME, SCHEMA_VERSION):
        return Result(found)
