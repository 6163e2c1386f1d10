"""A conductance-based multi-compartment neuron whose spike probability is known in every ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synreduce.examples.membrane import (
    STEP_MS,
    STEPS_PER_MS,
    CableParameters,
    Membrane,
    SingleArray,
)
from synreduce.examples.morphology import FloatArray, IntArray

# the hazard stops growing here, at 55 spikes per ms
_LARGEST_EXPONENT = np.float32(4.0)


@dataclass(frozen=True)
class CableResponse:
    """Response of a block of trials.

    Parameters
    ----------
    spike_trial, spike_time : numpy.ndarray
        Trial and time in ms of every spike, sorted by trial and time, shape (spikes,).
    spike_probability : numpy.ndarray
        Probability of a spike in each ms, given the trial's input and its own earlier spikes,
        shape (trials, ms).
    soma_voltage : numpy.ndarray
        Somatic voltage in mV at the end of each ms, shape (trials, ms).
    """

    spike_trial: IntArray
    spike_time: FloatArray
    spike_probability: SingleArray
    soma_voltage: SingleArray


def simulate_cable(
    parameters: CableParameters,
    excitation: SingleArray,
    inhibition: SingleArray,
    rng: np.random.Generator,
) -> CableResponse:
    """Simulate a block of trials from rest.

    Spikes are drawn with the hazard ``exp((V_soma - threshold) / threshold_noise)`` per ms: escape
    noise, a noisy threshold in place of a noisy current (Gerstner et al., Neuronal Dynamics,
    chapter 9). At most one spike falls in a ms; it resets the soma and opens the
    after-hyperpolarisation at the end of its ms. Therefore the probability of a spike in a ms, ``1
    - exp(-integral of the hazard)``, is exact whether or not there was one.

    Parameters
    ----------
    parameters : CableParameters
        The neuron.
    excitation, inhibition : numpy.ndarray
        Numbers of activations, shape (steps of 0.25 ms, compartments, trials).
    rng : numpy.random.Generator
        Random stream of the spikes.

    Returns
    -------
    CableResponse
    """
    n_ms, n_trials = excitation.shape[0] // STEPS_PER_MS, excitation.shape[2]
    membrane = Membrane(parameters, n_trials)
    levels = rng.standard_exponential((n_ms, n_trials), dtype=np.float32)
    probability, voltage = np.empty((2, n_ms, n_trials), dtype=np.float32)
    hazard = np.empty((STEPS_PER_MS, n_trials), dtype=np.float32)
    silent_until = np.zeros(n_trials)
    trials, times = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for ms in range(n_ms):
        for step in range(STEPS_PER_MS):
            at = ms * STEPS_PER_MS + step
            membrane.advance(excitation[at], inhibition[at])
            hazard[step] = _hazard(parameters, membrane.soma_voltage)
        hazard[:, silent_until > ms] = 0.0
        cumulative = np.cumsum(hazard, axis=0)
        probability[ms] = -np.expm1(-cumulative[-1])
        voltage[ms] = membrane.soma_voltage
        spiking = np.flatnonzero(levels[ms] < cumulative[-1])
        if spiking.size:
            trials.append(spiking)
            times.append(ms + _first_passage(cumulative[:, spiking], levels[ms, spiking]))
            membrane.reset(spiking)
            silent_until[spiking] = ms + 1 + parameters.refractory
    trial, time = np.concatenate(trials), np.concatenate(times)
    order = np.lexsort((time, trial))
    return CableResponse(trial[order], time[order], probability.T, voltage.T)


def _hazard(parameters: CableParameters, voltage: SingleArray) -> SingleArray:
    """Return the expected number of spikes in one step."""
    scaled = (voltage - np.float32(parameters.threshold)) / np.float32(parameters.threshold_noise)
    return np.asarray(np.float32(STEP_MS) * np.exp(np.minimum(scaled, _LARGEST_EXPONENT)))


def _first_passage(cumulative: SingleArray, level: SingleArray) -> FloatArray:
    """Time within the ms at which the cumulative hazard reaches a level, linear within a step."""
    step = (cumulative <= level).sum(axis=0)
    columns = np.arange(level.size)
    above = cumulative[step, columns].astype(np.float64)
    below = np.where(step > 0, cumulative[step - 1, columns], 0.0)
    within = (step + (level - below) / (above - below)) * STEP_MS
    return np.asarray(np.minimum(within, 1.0 - 1e-6))
