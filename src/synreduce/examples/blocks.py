"""Blocks of an example's trials, each from random streams of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from synreduce.database import ActivationEvents
from synreduce.examples.activity import Activations, InputActivity
from synreduce.examples.network import FloatArray, InputNetwork, IntArray
from synreduce.seeds import generator

TRIALS_PER_BLOCK = 256
GROUPS = ("EXC", "INH")
DISTANCE_BIN_UM = 50.0
DISTANCE_EDGES_UM = np.arange(0.0, 1601.0, DISTANCE_BIN_UM)

Counts = dict[str, npt.NDArray[np.unsignedinteger[Any]]]


@dataclass(frozen=True)
class Response:
    """Spikes of a block of trials, and what drove them.

    Parameters
    ----------
    spike_trial, spike_time : numpy.ndarray
        Trial and time in ms of every spike, sorted by trial and time, shape (spikes,).
    score : numpy.ndarray
        Generating score of every ms of the truth range, shape (trials, targets).
    """

    spike_trial: IntArray
    spike_time: FloatArray
    score: npt.NDArray[np.floating[Any]]


class Neuron(Protocol):
    """Turns input into spikes and knows the score behind them."""

    def respond(
        self, activations: Activations, counts: Counts, rng: np.random.Generator
    ) -> Response:
        """Draw the spikes of a block of trials."""
        ...

    def truth(self) -> dict[str, npt.NDArray[Any]]:
        """Give the known arrays that are stored beside the score."""
        ...

    def provenance(self) -> dict[str, Any]:
        """Give the parameters."""
        ...


@dataclass(frozen=True)
class Block:
    """Trials ready to be written.

    Parameters
    ----------
    trial_ids : list of str
        Names of the trials.
    spike_times : list of numpy.ndarray
        One array of times in ms per trial.
    score : numpy.ndarray
        Generating score, shape (trials, targets).
    counts : dict of str to numpy.ndarray
        Per group, shape (trials, ms, distance bins).
    events : ActivationEvents or None
        Every activation, where that layout is wanted.
    """

    trial_ids: list[str]
    spike_times: list[FloatArray]
    score: npt.NDArray[np.float32]
    counts: Counts
    events: ActivationEvents | None


def bin_activations(network: InputNetwork, activations: Activations) -> Counts:
    """Count activations in bins of 1 ms and 50 um.

    Parameters
    ----------
    network : InputNetwork
        The synapses.
    activations : Activations
        A block of trials.

    Returns
    -------
    dict of str to numpy.ndarray
        Per group, shape (trials, ms, distance bins).
    """
    n_ms = int(network.statistics.duration_ms)
    distance_bin = (network.synapse_distance // DISTANCE_BIN_UM).astype(np.int64)
    shape = (activations.n_trials, n_ms, DISTANCE_EDGES_UM.size - 1)
    flat = (activations.trial * n_ms + activations.time.astype(np.int64)) * shape[2]
    flat += distance_bin[activations.synapse]
    excites = network.synapse_is_excitatory[activations.synapse]
    counts: Counts = {}
    for name, members in zip(GROUPS, (excites, ~excites), strict=True):
        summed = np.bincount(flat[members], minlength=int(np.prod(shape)))
        counts[name] = summed.astype(np.min_scalar_type(summed.max())).reshape(shape)
    return counts


def as_events(network: InputNetwork, activations: Activations) -> ActivationEvents:
    """Name synapse, cell and dendrite of every activation.

    Parameters
    ----------
    network : InputNetwork
        The synapses.
    activations : Activations
        A block of trials.

    Returns
    -------
    ActivationEvents
        Sorted by trial and time; cells and synapses are numbered within their synapse type.
    """
    ordered = activations.sorted_by_trial()
    cell = network.synapse_cell[ordered.synapse]
    return ActivationEvents(
        trial=ordered.trial,
        time=ordered.time,
        soma_distance=network.synapse_distance[ordered.synapse],
        synapse_type=network.cell_synapse_type[cell],
        synapse_id=network.synapse_id[ordered.synapse],
        dendrite_label=network.synapse_label[ordered.synapse],
        presynaptic_cell=network.cell_id[cell],
    )


@dataclass(frozen=True)
class BlockMaker:
    """Makes any block of an example.

    Parameters
    ----------
    kind : str
        Kind of the example; names the trials and their random streams.
    seed, n_trials : int
        Root seed and number of trials of the example.
    activity : InputActivity
        Draws the input.
    neuron : Neuron
        Draws the spikes.
    with_events : bool
        Whether every activation is wanted, not only counts.
    """

    kind: str
    seed: int
    n_trials: int
    activity: InputActivity
    neuron: Neuron
    with_events: bool

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return -(-self.n_trials // TRIALS_PER_BLOCK)

    def make(self, index: int) -> Block:
        """Make one block.

        Parameters
        ----------
        index : int
            Number of the block.

        Returns
        -------
        Block
        """
        first = index * TRIALS_PER_BLOCK
        n_trials = min(TRIALS_PER_BLOCK, self.n_trials - first)
        stream = ("example", self.kind, index)
        network = self.activity.network
        activations = self.activity.draw(generator(self.seed, *stream, "input"), n_trials)
        counts = bin_activations(network, activations)
        rng = generator(self.seed, *stream, "spikes")
        response = self.neuron.respond(activations, counts, rng)
        stops = np.searchsorted(response.spike_trial, np.arange(1, n_trials))
        return Block(
            [f"{self.kind}/{number:06d}" for number in range(first, first + n_trials)],
            np.split(response.spike_time, stops),
            response.score.astype(np.float32),
            counts,
            as_events(network, activations) if self.with_events else None,
        )


def make_in_order(
    make: Callable[[int], Block], n_blocks: int, simultaneous: int
) -> Iterator[Block]:
    """Make blocks at the same time, hand them over in order and hold only a few.

    Threads serve, because NumPy releases the interpreter's lock in its loops.

    Parameters
    ----------
    make : callable
        Makes the block of a number.
    n_blocks : int
        Number of blocks.
    simultaneous : int
        Blocks in the making.

    Yields
    ------
    Block
    """
    with ThreadPoolExecutor(simultaneous) as pool:
        waiting: deque[Future[Block]] = deque()
        try:
            for index in range(n_blocks):
                waiting.append(pool.submit(make, index))
                if len(waiting) > simultaneous:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
