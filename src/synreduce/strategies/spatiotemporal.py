"""Spatiotemporal raised cosines: pairs of a spatial and a temporal filter per group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from synreduce.design import FeatureLayout, Term
from synreduce.strategies.base import Strategy, StrategyOptions
from synreduce.strategies.factors import FactorModel


class SpatiotemporalOptions(StrategyOptions):
    """Options of the spatiotemporal raised-cosine strategy."""

    kind: Literal["spatiotemporal_raised_cosine"] = "spatiotemporal_raised_cosine"
    rank: Annotated[int, Field(ge=1)] | Literal["full"] = 1
    """Pairs of filters per group: 1 is the separable model, "full" leaves the kernel free."""


class SpatiotemporalRaisedCosine(Strategy):
    """The score of a sample is the sum over groups of spatial x temporal filter on its input.

    Parameters
    ----------
    options : SpatiotemporalOptions, optional
        Rank and name.

    Examples
    --------
    >>> strategy = SpatiotemporalRaisedCosine()
    >>> strategy.layout(["EXC", "INH"], 6, 20).n_features
    240
    """

    kind: ClassVar[str] = "spatiotemporal_raised_cosine"
    Options: ClassVar[type[StrategyOptions]] = SpatiotemporalOptions
    provides: ClassVar[frozenset[str]] = frozenset({"score", "likelihood", "class_moments"})

    def layout(self, groups: Sequence[str], n_spatial: int, n_temporal: int) -> FeatureLayout:
        """One term per group.

        Parameters
        ----------
        groups : sequence of str
            Names of the synapse groups.
        n_spatial, n_temporal : int
            Numbers of basis functions.

        Returns
        -------
        FeatureLayout
        """
        return FeatureLayout([Term(name, n_spatial, n_temporal) for name in groups])

    def model(self, layout: FeatureLayout) -> FactorModel:
        """Matrices of the rank chosen.

        Parameters
        ----------
        layout : FeatureLayout
            Columns of the design.

        Returns
        -------
        FactorModel
        """
        options = self.options
        rank = options.rank if isinstance(options, SpatiotemporalOptions) else 1
        return FactorModel(layout, rank)
