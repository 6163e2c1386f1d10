"""Writing examples with known truth as activation databases."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from synreduce.database import DatabaseWriter, SynapseTypeTable
from synreduce.errors import ConfigurationError, Problem
from synreduce.examples.activity import InputActivity, TrialGain
from synreduce.examples.blocks import (
    DISTANCE_EDGES_UM,
    GROUPS,
    BlockMaker,
    Neuron,
    make_in_order,
)
from synreduce.examples.membrane import CableParameters
from synreduce.examples.network import DENDRITE_LABELS, InputNetwork, build_network
from synreduce.examples.neurons import TRUTH_START_MS, TRUTH_STOP_MS, CableNeuron, PlantedNeuron
from synreduce.examples.planted import PlantedModel
from synreduce.examples.report import ExampleReport
from synreduce.progress import progress
from synreduce.suggestions import did_you_mean

LAYOUTS = ("counts", "events")


class ExampleWriter(Protocol):
    """A function that writes one kind of example."""

    def __call__(
        self,
        path: str | Path,
        trials: int,
        seed: int,
        *,
        layout: str = "counts",
        processes: int | None = None,
    ) -> ExampleReport:
        """Write an example."""
        ...


def write_planted_example(
    path: str | Path,
    trials: int,
    seed: int,
    *,
    layout: str = "counts",
    processes: int | None = None,
    model: PlantedModel | None = None,
    gain: TrialGain | None = None,
) -> ExampleReport:
    """Write trials whose spikes come from known separable filters and a known nonlinearity.

    Stored under ``truth``: the filters, the nonlinearity and the score behind every ms of the
    evoked response, see :class:`~synreduce.examples.neurons.PlantedNeuron`.

    Parameters
    ----------
    path : str or Path
        The database to write.
    trials, seed : int
        Number of trials and root seed. The same kind, trials, seed and layout give the same bytes.
    layout : {"counts", "events"}
        Bins of 1 ms and 50 um (about 3 KB a trial), or every activation with its synapse, cell and
        dendrite (about 80 KB).
    processes : int, optional
        Blocks of trials drawn at the same time, in threads; all available cores by default.
        Changes no number.
    model : PlantedModel, optional
        The model to be found again.
    gain : TrialGain, optional
        Spread of the evoked input.

    Returns
    -------
    ExampleReport

    Raises
    ------
    ConfigurationError
        If an argument is out of range, all problems at once.
    """
    neuron = PlantedNeuron(model or PlantedModel())
    request = _Request("planted", Path(path), trials, seed, layout, processes)
    return _write(request, lambda _: neuron, gain)


def write_cable_example(
    path: str | Path,
    trials: int,
    seed: int,
    *,
    layout: str = "counts",
    processes: int | None = None,
    parameters: CableParameters | None = None,
    gain: TrialGain | None = None,
) -> ExampleReport:
    """Write trials of a conductance-based cable neuron.

    Stored under ``truth``: ``score``, the exact probability of a spike in every ms of the evoked
    response, given the input and the trial's earlier spikes: no model can have a higher expected
    AUROC.

    Parameters
    ----------
    path : str or Path
        The database to write.
    trials, seed : int
        Number of trials and root seed. The same kind, trials, seed and layout give the same bytes.
    layout : {"counts", "events"}
        Bins of 1 ms and 50 um (about 3 KB a trial), or every activation with its synapse, cell and
        dendrite (about 80 KB).
    processes : int, optional
        Blocks of trials simulated at the same time, in threads; all available cores by default.
        Changes no number.
    parameters : CableParameters, optional
        The neuron.
    gain : TrialGain, optional
        Spread of the evoked input.

    Returns
    -------
    ExampleReport

    Raises
    ------
    ConfigurationError
        If an argument is out of range, all problems at once.
    """

    def neuron(network: InputNetwork) -> Neuron:
        return CableNeuron(parameters or CableParameters(), network)

    return _write(_Request("cable", Path(path), trials, seed, layout, processes), neuron, gain)


EXAMPLES: dict[str, ExampleWriter] = {
    "planted": write_planted_example,
    "cable": write_cable_example,
}


def write_example(
    kind: str,
    path: str | Path,
    trials: int,
    seed: int,
    *,
    layout: str = "counts",
    processes: int | None = None,
) -> ExampleReport:
    """Write an example of a named kind.

    Parameters
    ----------
    kind : {"planted", "cable"}
        See :func:`write_planted_example` and :func:`write_cable_example`.
    path : str or Path
        The database to write.
    trials, seed : int
        Number of trials and root seed.
    layout : {"counts", "events"}
        Layout of the database.
    processes : int, optional
        Blocks of trials made at the same time.

    Returns
    -------
    ExampleReport

    Raises
    ------
    ConfigurationError
        If the kind is unknown or an argument is out of range.
    """
    if kind not in EXAMPLES:
        hint = did_you_mean(kind, EXAMPLES)
        raise ConfigurationError(Problem("unknown-choice", "kind", f"no example '{kind}'", hint))
    return EXAMPLES[kind](path, trials, seed, layout=layout, processes=processes)


@dataclass(frozen=True)
class _Request:
    """What a user asked for."""

    kind: str
    path: Path
    trials: int
    seed: int
    layout: str
    processes: int | None

    def check(self) -> None:
        """Raise ConfigurationError with every argument that is out of range."""
        problems = []
        if self.layout not in LAYOUTS:
            what, hint = f"no layout '{self.layout}'", did_you_mean(self.layout, LAYOUTS)
            problems.append(Problem("unknown-choice", "layout", what, hint))
        for name, least in (("trials", 1), ("seed", 0), ("processes", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                problems.append(Problem("bad-number", name, f"{value} is less than {least}"))
        if problems:
            raise ConfigurationError(problems)


def _write(
    request: _Request, make_neuron: Callable[[InputNetwork], Neuron], gain: TrialGain | None
) -> ExampleReport:
    request.check()
    start = time.monotonic()
    gain = gain or TrialGain()
    network = build_network(request.seed)
    neuron = make_neuron(network)
    maker = BlockMaker(
        kind=request.kind,
        seed=request.seed,
        n_trials=request.trials,
        activity=InputActivity(network, gain),
        neuron=neuron,
        with_events=request.layout == "events",
    )
    provenance = {
        "source": "synreduce example",
        "kind": request.kind,
        "trials": request.trials,
        "seed": request.seed,
        "trial_gain": asdict(gain),
        "neuron": neuron.provenance(),
    }
    simultaneous = min(request.processes or len(os.sched_getaffinity(0)), maker.n_blocks)
    writer = _writer(request, network, provenance)
    # one BLAS thread: several would compete with the blocks
    with threadpool_limits(1, "blas"), writer:
        writer.truth.update(neuron.truth())
        n_spikes, n_activations = _fill(writer, maker, simultaneous)
    return ExampleReport(
        kind=request.kind,
        layout=request.layout,
        path=request.path,
        n_trials=request.trials,
        n_spikes=n_spikes,
        n_activations=n_activations,
        seconds=time.monotonic() - start,
    )


def _writer(request: _Request, network: InputNetwork, provenance: dict[str, Any]) -> DatabaseWriter:
    types = SynapseTypeTable()
    for name, group in zip(network.synapse_types, network.type_group, strict=True):
        types.add(name, group)
    return DatabaseWriter(
        request.path,
        duration_ms=network.statistics.duration_ms,
        synapse_types=types,
        dendrite_labels=DENDRITE_LABELS,
        provenance=provenance,
        layout=request.layout,
        distance_edges=DISTANCE_EDGES_UM if request.layout == "counts" else None,
    )


def _fill(
    writer: DatabaseWriter, maker: BlockMaker, simultaneous: int
) -> tuple[int, dict[str, int]]:
    """Write all blocks and the truth; count spikes and activations."""
    scores, n_spikes, n_activations = [], 0, dict.fromkeys(GROUPS, 0)
    with progress(f"{maker.kind} example", maker.n_trials, "trials") as report:
        for block in make_in_order(maker.make, maker.n_blocks, simultaneous):
            if block.events is None:
                writer.append_counts(block.trial_ids, block.spike_times, block.counts)
            else:
                writer.append(block.trial_ids, block.spike_times, block.events)
            scores.append(block.score)
            n_spikes += sum(times.size for times in block.spike_times)
            for name in GROUPS:
                n_activations[name] += int(block.counts[name].sum(dtype=np.int64))
            report.advance(len(block.trial_ids))
    writer.truth["score"] = np.concatenate(scores)
    writer.truth["target_start_ms"] = np.arange(TRUTH_START_MS, TRUTH_STOP_MS, dtype=np.float64)
    return n_spikes, n_activations
