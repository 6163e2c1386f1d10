"""Path length along a dendrite, from a morphology in SWC.

SWC lists points: number, type (1 soma, 2 axon, 3 basal, 4 apical), x, y, z, radius, parent.
Sections begin at the children of the soma and at branch points. The first section of a dendrite
starts at its first own point, a later one at the last point of its parent, so that no length is
counted between the soma and the dendrite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import DataError, Problem
from synreduce.importers.files import require_regular_file

SOMA, AXON, BASAL, APICAL = 1, 2, 3, 4
_MAX_FILE_BYTES = 256 * 2**20
_FLOATS = NDArray[np.float64]


@dataclass(frozen=True)
class Morphology:
    """Sections of one neuron, numbered as BMTK numbers them once the axon is replaced.

    Section 0 is the soma; then all basal sections, then all apical ones, each depth-first in the
    order of the file. Axon sections have no number.

    Parameters
    ----------
    soma_radius_um : float
        Radius of the soma, um.
    starts_um : ndarray of float64, shape (n_sections,)
        Path length from the start of the dendrite to the start of each section, um.
    lengths_um : ndarray of float64, shape (n_sections,)
        Length of each section, um; 0 for the soma.
    types : ndarray of int64, shape (n_sections,)
        SWC type of each section.
    has_axon : bool
        Whether the file holds axon points, i.e. whether another program may number otherwise.
    """

    soma_radius_um: float
    starts_um: _FLOATS
    lengths_um: _FLOATS
    types: NDArray[np.int64]
    has_axon: bool

    @property
    def n_sections(self) -> int:
        """Number of sections, the soma included."""
        return len(self.starts_um)

    def path_distance(self, section: NDArray[np.int64], position: _FLOATS) -> _FLOATS:
        """Path length from the start of the dendrite, the radius of the soma not included.

        Parameters
        ----------
        section : ndarray of int64, shape (n,)
            Section numbers.
        position : ndarray of float64, shape (n,)
            Relative position within the section, 0 to 1.

        Returns
        -------
        ndarray of float64, shape (n,)
            Soma distance in um; 0 on the soma.

        Raises
        ------
        IndexError
            For a section that the morphology does not have.
        """
        section = np.asarray(section, dtype=np.int64)
        if section.size and not (section.min() >= 0 and section.max() < self.n_sections):
            last = self.n_sections - 1
            msg = f"sections {section.min()} to {section.max()}, the morphology has 0 to {last}"
            raise IndexError(msg)
        along: _FLOATS = self.starts_um[section] + position * self.lengths_um[section]
        return along


@dataclass
class _Points:
    """The rows of the file, by position; parents are positions, -1 for a root."""

    types: list[int]
    places: _FLOATS
    radii: list[float]
    parents: list[int]
    children: list[list[int]]


def read_swc(path: Path, soma_radius_um: float | None = None) -> Morphology:
    """Read an SWC file.

    Parameters
    ----------
    path : Path
        The file.
    soma_radius_um : float, optional
        Radius of the soma, for files whose soma is an outline.

    Returns
    -------
    Morphology

    Raises
    ------
    DataError
        If the file is missing, is not SWC, has no soma or unknown or cyclic parents, or describes
        the soma by an outline and no radius is given.
    """
    points = _read_points(path)
    if soma_radius_um is None:
        soma_radius_um = _soma_radius(points, path)
    sections = _sections(points, path)
    order = [
        number for kind in (BASAL, APICAL) for number, it in enumerate(sections) if it[0] == kind
    ]
    soma = np.zeros(1)
    return Morphology(
        soma_radius_um=float(soma_radius_um),
        starts_um=np.concatenate([soma, [sections[number][1] for number in order]]),
        lengths_um=np.concatenate([soma, [sections[number][2] for number in order]]),
        types=np.array([SOMA, *(sections[number][0] for number in order)], dtype=np.int64),
        has_axon=AXON in points.types,
    )


def _refuse(path: Path, what: str, fix: str = "", line: int | None = None) -> DataError:
    where = path.name if line is None else f"{path.name}:{line}"
    return DataError(Problem("bad-morphology", where, what, fix))


def _read_points(path: Path) -> _Points:
    rows: list[tuple[int, list[float]]] = []
    for number, text in enumerate(_lines(path), start=1):
        fields = text.split("#", 1)[0].split()
        if not fields:
            continue
        if len(fields) < 7:
            raise _refuse(path, f"{len(fields)} fields, expected 7", "copy it again", number)
        try:
            values = [float(field) for field in fields[:7]]
        except ValueError:
            raise _refuse(path, f"not a number in {text.strip()!r}", line=number) from None
        if not all(np.isfinite(values)):
            raise _refuse(path, f"value not finite in {text.strip()!r}", line=number)
        rows.append((number, values))
    if not rows:
        raise _refuse(path, "no points", "copy it again")
    return _link(rows, path)


def _lines(path: Path) -> Sequence[str]:
    n_bytes = require_regular_file(path)
    if n_bytes > _MAX_FILE_BYTES:
        raise _refuse(path, f"{n_bytes:,} bytes; no morphology is that large")
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise _refuse(path, "not text, so not SWC") from None


def _link(rows: Sequence[tuple[int, list[float]]], path: Path) -> _Points:
    position: dict[int, int] = {}
    for line, values in rows:
        if int(values[0]) in position:
            raise _refuse(path, f"point {int(values[0])} appears twice", line=line)
        position[int(values[0])] = len(position)
    parents: list[int] = []
    children: list[list[int]] = [[] for _ in rows]
    for index, (line, values) in enumerate(rows):
        parent = int(values[6])
        if parent >= 0 and parent not in position:
            raise _refuse(path, f"parent {parent} is not in the file", line=line)
        parents.append(position[parent] if parent >= 0 else -1)
        if parent >= 0:
            children[position[parent]].append(index)
    return _Points(
        types=[int(values[1]) for _, values in rows],
        places=np.array([values[2:5] for _, values in rows], dtype=np.float64),
        radii=[values[5] for _, values in rows],
        parents=parents,
        children=children,
    )


def _soma_radius(points: _Points, path: Path) -> float:
    soma = [index for index, kind in enumerate(points.types) if kind == SOMA]
    if not soma:
        raise _refuse(path, "no soma (no point of type 1)")
    # three points are the customary way to write a sphere: the centre and two at its surface
    if len(soma) not in (1, 3):
        what = f"the soma is an outline of {len(soma)} points, its radius is not defined"
        raise _refuse(path, what, "give the radius of the soma")
    radius = points.radii[soma[0]]
    if radius <= 0:
        raise _refuse(path, f"soma radius {radius} um")
    return radius


def _sections(points: _Points, path: Path) -> list[tuple[int, float, float]]:
    """Follow every dendrite from the soma; (type, start, length) depth-first in file order."""
    sections: list[tuple[int, float, float]] = []
    visited = sum(kind == SOMA for kind in points.types)
    # last in, first out: pushing children in reverse visits them in the order of the file
    waiting = [(first, -1, 0.0) for first in reversed(list(_first_points(points)))]
    while waiting:
        first, before, start = waiting.pop()
        last, length, n_points = _follow(points, first, before)
        visited += n_points
        sections.append((points.types[first], start, length))
        waiting += [(child, last, start + length) for child in reversed(points.children[last])]
    if visited != len(points.types):
        raise _refuse(path, "some points form a loop or hang below no root")
    return sections


def _first_points(points: _Points) -> Iterable[int]:
    for index, (kind, parent) in enumerate(zip(points.types, points.parents, strict=True)):
        if kind != SOMA and (parent < 0 or points.types[parent] == SOMA):
            yield index


def _follow(points: _Points, first: int, before: int) -> tuple[int, float, int]:
    """Walk from the first point of a section to its last; its last point, length and points."""
    chain = [first]
    while len(points.children[chain[-1]]) == 1:
        following = points.children[chain[-1]][0]
        if points.types[following] != points.types[first]:
            break
        chain.append(following)
    traced = chain if before < 0 else [before, *chain]
    steps = np.diff(points.places[traced], axis=0)
    return chain[-1], float(np.sqrt((steps**2).sum(axis=1)).sum()), len(chain)
