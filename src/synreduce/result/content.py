"""What goes into a merged file, as plain records, and its check against the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import ArtefactError, Problem
from synreduce.result.schema import DIMENSIONS, Variable
from synreduce.result.schema_variables import VARIABLES
from synreduce.suggestions import did_you_mean

_DTYPES: dict[str, type[np.generic]] = {"real": np.float64, "integer": np.int64, "flag": np.int8}


@dataclass(frozen=True)
class FailedChunk:
    """A cell of the grid without usable weights.

    Parameters
    ----------
    chunk : str
        Chunk, ``<spatial>/<temporal>``.
    split : str
        Split.
    status : str
        One of :data:`synreduce.result.schema.STATUS_MEANINGS`.
    reason : str
        What happened, for people.
    """

    chunk: str
    split: str
    status: str
    reason: str


@dataclass(frozen=True)
class Provenance:
    """What a merged file was made from; nothing that differs from run to run.

    Parameters
    ----------
    configuration : str
        Resolved configuration, YAML.
    configuration_digest : str
        Its digest.
    inputs : mapping of str to str
        Content fingerprint of each database, by its id.
    seeds : mapping of str to int
        Root seed, and seeds of splits by name.
    package_versions : mapping of str to str
        Versions of the packages that computed the numbers.
    complete : bool
        Whether every chunk of the grid was there.
    missing_chunks : sequence of str
        Ids of the chunks that were not.
    failures : sequence of FailedChunk
        Cells without usable weights.
    """

    configuration: str = ""
    configuration_digest: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    package_versions: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    missing_chunks: Sequence[str] = ()
    failures: Sequence[FailedChunk] = ()


@dataclass(frozen=True)
class MergedContent:
    """The numbers of a merged file.

    Parameters
    ----------
    coordinates : mapping of str to array or sequence of str
        Coordinate of every dimension that occurs; see ``DIMENSIONS`` of the schema.
    variables : mapping of str to array
        Values, in the dimensions the schema gives them. Required variables that are absent here
        are written as NaN (integers as 0).
    flag_meanings : mapping of str to sequence of str
        Names behind the values 0, 1, ... of ``strategy``, ``solver`` and ``merge``.
    provenance : Provenance
        What the result was made from.
    title : str
        One line for people.
    """

    coordinates: Mapping[str, NDArray[Any] | Sequence[str]]
    variables: Mapping[str, NDArray[Any]]
    flag_meanings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    provenance: Provenance = field(default_factory=Provenance)
    title: str = "Reduced model inferred with synreduce"


def meanings_of(entry: Variable, content: MergedContent) -> tuple[str, ...]:
    """Say what the values of a flag mean.

    Parameters
    ----------
    entry : Variable
        The flag.
    content : MergedContent
        Gives the names where the schema does not.

    Returns
    -------
    tuple of str
        Meaning of the values 0, 1, ...
    """
    return entry.meanings or tuple(content.flag_meanings.get(entry.name, ()))


def dtype_of(entry: Variable) -> type[np.generic]:
    """Say as what type a variable is stored.

    Parameters
    ----------
    entry : Variable
        The variable.

    Returns
    -------
    type
        float64, int64 or int8.
    """
    return _DTYPES[entry.kind]


def array_of(entry: Variable, content: MergedContent) -> NDArray[Any]:
    """Give the values of a variable of the content as they are stored.

    Parameters
    ----------
    entry : Variable
        The variable.
    content : MergedContent
        Checked content.

    Returns
    -------
    ndarray
        float64, int64 or int8.
    """
    return np.ascontiguousarray(content.variables[entry.name], dtype=dtype_of(entry))


def check_content(where: str, content: MergedContent) -> None:
    """Refuse content that the schema does not know or that does not fit together.

    Parameters
    ----------
    where : str
        File to be written, for messages.
    content : MergedContent
        What is to be written.

    Raises
    ------
    ArtefactError
        With every unknown name, wrong shape, wrong type and missing coordinate.
    """
    found = [*_coordinate_problems(content), *_variable_problems(content), *_flag_problems(content)]
    if found:
        raise ArtefactError(Problem(code, f"{where}:/{name}", what) for code, name, what in found)


_Found = tuple[str, str, str]


def _coordinate_problems(content: MergedContent) -> list[_Found]:
    known = {entry.name: entry for entry in DIMENSIONS}
    found = [
        (
            "unknown-dimension",
            name,
            f"the schema has no such dimension; {did_you_mean(name, known)}",
        )
        for name in sorted(set(content.coordinates) - set(known))
    ]
    for name, entry in known.items():
        if name not in content.coordinates:
            if entry.required:
                found.append(("missing-coordinate", name, "no coordinate given"))
            continue
        values = content.coordinates[name]
        if len(values) == 0:
            found.append(("empty-coordinate", name, "a dimension needs at least one point"))
        elif entry.kind == "text":
            found += _label_problems(name, [str(value) for value in values])
        elif np.asarray(values).ndim != 1 or np.asarray(values).dtype.kind not in "iuf":
            found.append(("bad-coordinate", name, "a coordinate is a list of numbers"))
    return found


def _label_problems(name: str, labels: list[str]) -> list[_Found]:
    found = []
    if len(set(labels)) != len(labels):
        found.append(("repeated-label", name, f"labels must differ, found {labels}"))
    if any("\x00" in label or not label for label in labels):
        found.append(("bad-label", name, f"labels must be text, found {labels}"))
    return found


def _variable_problems(content: MergedContent) -> list[_Found]:
    known = {entry.name: entry for entry in VARIABLES}
    sizes = {name: len(values) for name, values in content.coordinates.items()}
    found = []
    for name, values in content.variables.items():
        if name not in known:
            what = f"the schema has no such variable; {did_you_mean(name, known)}"
            found.append(("unknown-variable", name, what))
            continue
        dimensions = known[name].dimensions
        expected = tuple(sizes.get(axis, -1) for axis in dimensions)
        shape, kind = np.shape(values), np.asarray(values).dtype.kind
        if shape != expected:
            axes = ", ".join(
                f"{axis}={size}" for axis, size in zip(dimensions, expected, strict=True)
            )
            found.append(("wrong-shape", name, f"shape {shape}, expected ({axes})"))
        if kind not in ("iufb" if known[name].kind == "real" else "iub"):
            found.append(("wrong-type", name, f"type {np.asarray(values).dtype} is refused"))
    return found


def _flag_problems(content: MergedContent) -> list[_Found]:
    found = []
    for entry in VARIABLES:
        if entry.kind != "flag" or entry.name not in content.variables:
            continue
        meanings = meanings_of(entry, content)
        values = np.asarray(content.variables[entry.name])
        # a value of -1 stands for "no choice was made" where the names come with the content
        lowest = 0 if entry.meanings else -1
        if not meanings or any(len(meaning.split()) != 1 for meaning in meanings):
            found.append(("bad-meanings", entry.name, f"meanings must be words, found {meanings}"))
        elif values.size and (values.min() < lowest or values.max() >= len(meanings)):
            found.append(("bad-flag", entry.name, f"values beyond the meanings {meanings}"))
    return found
