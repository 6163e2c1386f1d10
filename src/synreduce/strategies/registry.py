"""All strategies by name. A new one adds its module and a line here."""

from __future__ import annotations

from synreduce.errors import ConfigurationError, Problem
from synreduce.strategies.base import Strategy, StrategyOptions
from synreduce.strategies.spatiotemporal import SpatiotemporalRaisedCosine
from synreduce.suggestions import did_you_mean

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.kind: strategy for strategy in (SpatiotemporalRaisedCosine,)
}


def build_strategy(options: StrategyOptions | str) -> Strategy:
    """Make a strategy from its options or, with default options, from its kind.

    Parameters
    ----------
    options : StrategyOptions or str
        Options with their ``kind``, or the kind.

    Returns
    -------
    Strategy

    Raises
    ------
    ConfigurationError
        If there is no strategy of that kind.
    """
    kind = options if isinstance(options, str) else str(getattr(options, "kind", ""))
    if kind not in STRATEGIES:
        fix = did_you_mean(kind, STRATEGIES)
        raise ConfigurationError(Problem("unknown-strategy", "strategies", f"'{kind}'", fix))
    return STRATEGIES[kind](None if isinstance(options, str) else options)
