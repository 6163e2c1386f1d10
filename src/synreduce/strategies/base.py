"""What a strategy is: it says which terms a design has and what the parameters mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from synreduce.design import FeatureLayout
from synreduce.strategies.factors import FactorModel


class StrategyOptions(BaseModel):
    """Options that all strategies share. The subclass adds its ``kind``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = ""
    """Name in results; empty: the kind."""


class Strategy(ABC):
    """Turns the data of a chunk into a design.

    Parameters
    ----------
    options : StrategyOptions, optional
        Of the class `Options`; default: its defaults.
    """

    kind: ClassVar[str]
    Options: ClassVar[type[StrategyOptions]]
    provides: ClassVar[frozenset[str]]
    """Capabilities that its problems offer to solvers, see `synreduce.solvers`."""

    def __init__(self, options: StrategyOptions | None = None) -> None:
        self.options = self.Options() if options is None else options

    @property
    def name(self) -> str:
        """Name in results."""
        return self.options.name or self.kind

    @abstractmethod
    def layout(self, groups: Sequence[str], n_spatial: int, n_temporal: int) -> FeatureLayout:
        """Say which columns the design has.

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

    @abstractmethod
    def model(self, layout: FeatureLayout) -> FactorModel:
        """Say how parameters become feature weights.

        Parameters
        ----------
        layout : FeatureLayout
            Columns of the design.

        Returns
        -------
        FactorModel
        """
