"""Strategies: which terms a design has and what its parameters mean."""

from synreduce.strategies.base import Strategy, StrategyOptions
from synreduce.strategies.canonical import CanonicalForm, canonical_form, standard_reference
from synreduce.strategies.factors import FactorModel, Factors, Rank, kernels_of, singular_pairs
from synreduce.strategies.registry import STRATEGIES, build_strategy
from synreduce.strategies.roughness import kernel_roughness
from synreduce.strategies.spatiotemporal import SpatiotemporalOptions, SpatiotemporalRaisedCosine

__all__ = [
    "STRATEGIES",
    "CanonicalForm",
    "FactorModel",
    "Factors",
    "Rank",
    "SpatiotemporalOptions",
    "SpatiotemporalRaisedCosine",
    "Strategy",
    "StrategyOptions",
    "build_strategy",
    "canonical_form",
    "kernel_roughness",
    "kernels_of",
    "singular_pairs",
    "standard_reference",
]
