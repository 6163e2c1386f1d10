"""The formats that can be imported, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from synreduce.errors import ConfigurationError, Problem
from synreduce.importers.options import ImportOptions
from synreduce.importers.report import ImportReport
from synreduce.suggestions import did_you_mean

ImportFunction = Callable[[Sequence[Path], Path, ImportOptions], ImportReport]


@dataclass(frozen=True)
class Importer:
    """One format: its name, a sentence for help texts, and where its function lives.

    Parameters
    ----------
    name : str
        Name on the command line.
    summary : str
        What the format is and which sources it takes.
    module, function : str
        Imported only when used, because some formats need heavy libraries.
    """

    name: str
    summary: str
    module: str
    function: str

    def load(self) -> ImportFunction:
        """Import the module and return the function.

        Returns
        -------
        callable
            ``function(sources, output, options) -> ImportReport``.
        """
        found = getattr(importlib.import_module(self.module), self.function)
        return cast(ImportFunction, found)


IMPORTERS: dict[str, Importer] = {
    importer.name: importer
    for importer in (
        Importer(
            "isf-simrun",
            "raw simulation output: folders with synapse tables and voltage traces",
            "synreduce.importers.isf_simrun",
            "import_isf_simrun",
        ),
        Importer(
            "isf-db",
            "database folder of the in silico framework (parquet and npz keys)",
            "synreduce.importers.isf_db",
            "import_isf_db",
        ),
        Importer(
            "counts",
            "published arrays: binned counts (npz) and spike times (csv)",
            "synreduce.importers.counts",
            "import_counts",
        ),
        Importer(
            "sonata",
            "SONATA circuit and spikes (BMTK, Neurodamus)",
            "synreduce.importers.sonata",
            "import_sonata",
        ),
    )
}


def run_import(
    name: str, sources: Sequence[Path], output: Path, options: ImportOptions | None = None
) -> ImportReport:
    """Import files of one format into an activation database.

    Parameters
    ----------
    name : str
        A key of `IMPORTERS`.
    sources : sequence of Path
        Folders or files, as the format has them.
    output : Path
        The database to write. It appears complete or not at all.
    options : ImportOptions, optional
        Named choices; the defaults refuse whatever does not fit.

    Returns
    -------
    ImportReport

    Raises
    ------
    ConfigurationError
        For an unknown format name or no source.
    DataError
        For files that do not hold what the format promises; all of them at once.
    """
    if name not in IMPORTERS:
        raise ConfigurationError(
            Problem(
                "unknown-format", "import", f"no format '{name}'", did_you_mean(name, IMPORTERS)
            )
        )
    if not sources:
        raise ConfigurationError(
            Problem("no-source", f"import {name}", "no file or folder given", "name at least one")
        )
    paths = [Path(source) for source in sources]
    return IMPORTERS[name].load()(paths, Path(output), options or ImportOptions())
