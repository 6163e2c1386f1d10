"""What the columns of a design mean."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synreduce.errors import InputError, Problem

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """The columns of one group: one per (spatial, temporal) pair of basis functions, C order.

    Parameters
    ----------
    name : str
        Name of the group.
    spatial, temporal : int
        Numbers of basis functions (K, L).
    """

    name: str
    spatial: int
    temporal: int

    @property
    def n_features(self) -> int:
        """Number of columns, K x L."""
        return self.spatial * self.temporal


@dataclass(frozen=True)
class FeatureLayout:
    """The terms of a design, one after the other.

    Parameters
    ----------
    terms : sequence of Term
        In the order of their columns; names are unique.

    Raises
    ------
    InputError
        If two terms share a name or one has no columns.

    Examples
    --------
    >>> layout = FeatureLayout([Term("EXC", 6, 20), Term("INH", 6, 20)])
    >>> layout.n_features, layout.slices["INH"]
    (240, slice(120, 240, None))
    """

    terms: Sequence[Term]

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(self.terms))
        names = [term.name for term in self.terms]
        problems = [
            Problem("bad-layout", f"term '{term.name}'", "it has no columns", "give it functions")
            for term in self.terms
            if term.spatial < 1 or term.temporal < 1
        ]
        if len(set(names)) != len(names) or not names:
            what = f"the terms are named {names}"
            problems.append(Problem("bad-layout", "layout", what, "give each term its own name"))
        if problems:
            raise InputError(problems)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms in order."""
        return tuple(term.name for term in self.terms)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Columns of each term."""
        edges = np.cumsum([0, *(term.n_features for term in self.terms)]).tolist()
        pairs = itertools.pairwise(edges)
        return {
            term.name: slice(start, stop)
            for term, (start, stop) in zip(self.terms, pairs, strict=True)
        }

    @property
    def n_features(self) -> int:
        """Number of columns of all terms."""
        return sum(term.n_features for term in self.terms)

    def matrices(self, theta: FloatArray) -> dict[str, FloatArray]:
        """Cut a weight vector into one matrix per term.

        Parameters
        ----------
        theta : numpy.ndarray, shape (n_features,)
            Flattened weights.

        Returns
        -------
        dict of str to numpy.ndarray, shape (K, L)
        """
        return {
            term.name: np.asarray(theta)[self.slices[term.name]].reshape(
                term.spatial, term.temporal
            )
            for term in self.terms
        }

    def flatten(self, matrices: Mapping[str, FloatArray]) -> FloatArray:
        """Join one matrix per term into a weight vector, the inverse of `matrices`.

        Parameters
        ----------
        matrices : mapping of str to numpy.ndarray, shape (K, L)
            One per term.

        Returns
        -------
        numpy.ndarray, shape (n_features,)
        """
        parts = [np.asarray(matrices[name], dtype=np.float64).ravel() for name in self.names]
        return np.concatenate(parts)
