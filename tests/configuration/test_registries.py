"""Every registered solver and strategy can be configured, handed to a job, and made there."""

from __future__ import annotations

import pytest

from synreduce.configuration import configuration_from_mapping, configuration_from_text
from synreduce.solvers import SOLVERS, build_solver
from synreduce.strategies import STRATEGIES, build_strategy

TEXT = """
run: registries
databases: [database.h5]
chunks: {{temporal: [{{start_ms: 255, stop_ms: 260}}]}}
{section}: [{{kind: {kind}}}]
"""


@pytest.mark.parametrize("kind", sorted(SOLVERS))
def test_a_solver_survives_the_way_to_a_job(kind: str) -> None:
    written = configuration_from_text(TEXT.format(section="solvers", kind=kind))
    handed = configuration_from_mapping(written.model_dump(mode="json"))
    assert handed == written
    assert build_solver(handed.solvers[0]).kind == kind


@pytest.mark.parametrize("kind", sorted(STRATEGIES))
def test_a_strategy_survives_the_way_to_a_job(kind: str) -> None:
    written = configuration_from_text(TEXT.format(section="strategies", kind=kind))
    handed = configuration_from_mapping(written.model_dump(mode="json"))
    assert handed == written
    assert build_strategy(handed.strategies[0]).kind == kind
