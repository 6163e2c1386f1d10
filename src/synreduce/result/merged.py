"""Write and verify the merged file: HDF5 that is also netCDF-4, same content, same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from synreduce.result.content import MergedContent, check_content
from synreduce.result.identity import damage_named
from synreduce.result.merged_writer import merged_writer
from synreduce.result.schema import SCHEMA_NAME, SCHEMA_VERSION
from synreduce.storage import open_hdf5, verify_seal


def write_merged(path: Path | str, content: MergedContent) -> str:
    """Write a merged file in one step: complete or not at all.

    Parameters
    ----------
    path : Path or str
        File to be written or replaced.
    content : MergedContent
        What it holds.

    Returns
    -------
    str
        The digest of the content, as stored in the root attribute ``content_digest``.

    Raises
    ------
    ArtefactError
        If the content does not fit the schema, or reads back differently.
    ResourceError
        If there is no space.
    """
    check_content(str(path), content)
    with merged_writer(path, replace(content, variables={})) as writer:
        writer.put(content.variables)
        return writer.finish(content.provenance)


def verify_result(path: Path | str) -> str:
    """Recompute the digest of a merged file.

    Parameters
    ----------
    path : Path or str
        A merged file.

    Returns
    -------
    str
        The digest.

    Raises
    ------
    ArtefactError
        If the content is not the content that was written.
    DataError
        If the file is no merged file.
    """
    with damage_named(path), open_hdf5(path, SCHEMA_NAME, SCHEMA_VERSION) as file:
        return verify_seal(file)
