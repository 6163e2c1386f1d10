"""Importers: other programs' files in, an activation database out."""

from __future__ import annotations

from synreduce.importers.options import ImportOptions
from synreduce.importers.registry import IMPORTERS, run_import
from synreduce.importers.report import ImportReport

__all__ = ["IMPORTERS", "ImportOptions", "ImportReport", "run_import"]
