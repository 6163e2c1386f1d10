"""The two neurons of the examples: a planted reduced model and a cable."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from synreduce.examples.activity import Activations
from synreduce.examples.blocks import Counts, Response
from synreduce.examples.cable import simulate_cable
from synreduce.examples.membrane import STEPS_PER_MS, CableParameters, SingleArray
from synreduce.examples.network import DENDRITE_LABELS, InputNetwork
from synreduce.examples.planted import PlantedModel

# the evoked response, 50 ms from the stimulus on
TRUTH_START_MS, TRUTH_STOP_MS = 245, 295


class PlantedNeuron:
    """Spikes from known filters; the score is the weighted net input.

    A post-spike penalty, if the model has one, is subtracted from the score.

    Parameters
    ----------
    model : PlantedModel
        The reduced model to be found again.
    """

    def __init__(self, model: PlantedModel) -> None:
        self._model = model

    def respond(
        self,
        activations: Activations,  # noqa: ARG002
        counts: Counts,
        rng: np.random.Generator,
    ) -> Response:
        """Draw the spikes of a block of trials from their counts.

        Parameters
        ----------
        activations : Activations
            The input; the model sees only bins.
        counts : dict of str to numpy.ndarray
            Per group, shape (trials, ms, distance bins).
        rng : numpy.random.Generator
            Random stream of the spikes.

        Returns
        -------
        Response
        """
        trial, time, score = self._model.draw(self._model.net_input(counts), rng)
        first = TRUTH_START_MS - self._model.first_ms
        return Response(trial, time, score[:, first : first + TRUTH_STOP_MS - TRUTH_START_MS])

    def truth(self) -> dict[str, npt.NDArray[Any]]:
        """Give filters, nonlinearity and post-spike penalty.

        Returns
        -------
        dict of str to numpy.ndarray
            ``spatial_filter_<group>`` (30,), ``temporal_filter_<group>`` (80,) with lag 79 ms
            first, the axes ``soma_distance_um`` (lower edges) and ``lag_ms``, ``nonlinearity``
            (slope, intercept of the logit) and ``isi_penalty`` (amplitude, decay in ms).
        """
        model = self._model
        arrays: dict[str, npt.NDArray[Any]] = {
            "nonlinearity": np.array([model.slope, model.intercept]),
            "isi_penalty": np.array([model.penalty, model.penalty_decay_ms]),
        }
        for name, filters in model.filters.items():
            arrays[f"spatial_filter_{name}"] = filters.spatial
            arrays[f"temporal_filter_{name}"] = filters.temporal
            arrays["soma_distance_um"] = 50.0 * np.arange(filters.spatial.size)
            arrays["lag_ms"] = np.arange(filters.temporal.size, dtype=np.float64)[::-1]
        return arrays

    def provenance(self) -> dict[str, Any]:
        """Give the parameters of the nonlinearity and the penalty.

        Returns
        -------
        dict
        """
        return {name: value for name, value in vars(self._model).items() if name != "filters"}


class CableNeuron:
    """Spikes of a cable; the score is the probability of a spike in the ms.

    The probability is exact, given the input and the trial's earlier spikes.

    Parameters
    ----------
    parameters : CableParameters
        The neuron.
    network : InputNetwork
        The synapses on it.
    """

    def __init__(self, parameters: CableParameters, network: InputNetwork) -> None:
        self._parameters = parameters
        labels = np.array(DENDRITE_LABELS)[network.synapse_label]
        self._compartment = parameters.morphology.locate(network.synapse_distance, labels)
        self._excites = network.synapse_is_excitatory
        self._n_steps = int(network.statistics.duration_ms) * STEPS_PER_MS

    def respond(
        self,
        activations: Activations,
        counts: Counts,  # noqa: ARG002
        rng: np.random.Generator,
    ) -> Response:
        """Simulate a block of trials.

        Parameters
        ----------
        activations : Activations
            The input.
        counts : dict of str to numpy.ndarray
            The same in bins; the cable sees every activation at its place and step.
        rng : numpy.random.Generator
            Random stream of the spikes.

        Returns
        -------
        Response
        """
        excitation, inhibition = self._per_step(activations)
        response = simulate_cable(self._parameters, excitation, inhibition, rng)
        score = response.spike_probability[:, TRUTH_START_MS:TRUTH_STOP_MS]
        return Response(response.spike_trial, response.spike_time, score)

    def truth(self) -> dict[str, npt.NDArray[Any]]:
        """Give nothing: the cable has no filters.

        Returns
        -------
        dict
            Empty.
        """
        return {}

    def provenance(self) -> dict[str, Any]:
        """Give the parameters.

        Returns
        -------
        dict
        """
        return asdict(self._parameters)

    def _per_step(self, activations: Activations) -> list[SingleArray]:
        """Count activations per step and compartment, for EXC and INH."""
        shape = (self._n_steps, self._parameters.morphology.n_compartments, activations.n_trials)
        step = (activations.time * STEPS_PER_MS).astype(np.int64)
        flat = step * shape[1] + self._compartment[activations.synapse]
        flat = flat * shape[2] + activations.trial
        excites = self._excites[activations.synapse]
        return [
            np.bincount(flat[members], minlength=int(np.prod(shape)))
            .astype(np.float32)
            .reshape(shape)
            for members in (excites, ~excites)
        ]
