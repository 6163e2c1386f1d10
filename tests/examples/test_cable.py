"""The cable neuron against closed forms and an independent integrator."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.integrate

from synreduce.examples import CableParameters, Morphology, Section
from synreduce.examples.cable import simulate_cable
from synreduce.examples.membrane import STEP_MS, STEPS_PER_MS, Membrane, passive_rates

SILENT = replace(CableParameters(), threshold=50.0)


def soma_trace(parameters, excitation, inhibition):
    membrane = Membrane(parameters, excitation.shape[2])
    trace = []
    for excited, inhibited in zip(excitation, inhibition, strict=True):
        membrane.advance(excited, inhibited)
        trace.append(membrane.soma_voltage.copy())
    return np.array(trace)


def inputs(n_steps, n_trials=1):
    shape = (2, n_steps, SILENT.morphology.n_compartments, n_trials)
    return np.zeros(shape, dtype=np.float32)


def test_compartments_of_synapses():
    morphology = Morphology()
    labels = np.array(["Soma", "Dendrite", "Dendrite", "ApicalDendrite", "ApicalDendrite"])
    found = morphology.locate(np.array([0.0, 49.9, 5000.0, 50.0, 1576.0]), labels)
    assert found.tolist() == [0, 1, 4, 6, 16]
    assert morphology.centre_um[found].tolist() == [0.0, 25.0, 300.0, 75.0, 1525.0]


def test_axial_conductance_of_a_cylinder():
    cylinder = Section((0.0, 100.0, 200.0), (2.0, 2.0))
    conductance = Morphology(100.0, cylinder, cylinder).axial_conductance(100.0)
    # 100 ohm cm * 100 um / (pi um2) = 31.83 Mohm between centres, half of it to the soma
    assert conductance[1, 2] == pytest.approx(1000.0 / 31.831, rel=1e-4)
    assert conductance[0, 1] == pytest.approx(2000.0 / 31.831, rel=1e-4)
    assert conductance[1, 3] == 0.0
    assert np.array_equal(conductance, conductance.T)


def test_long_cable_attenuates_exponentially():
    n, diameter = 200, 2.0
    fine = Section(tuple(np.linspace(0.0, 4000.0, n + 1)), (diameter,) * n)
    short = Section((0.0, 1.0), (diameter,))
    morphology = Morphology(100.0, short, fine)
    rates, capacitance = passive_rates(replace(SILENT, morphology=morphology))
    current = np.zeros(capacitance.size)
    current[0] = 1.0
    voltage = np.linalg.solve(-rates * capacitance[:, None], current)[2:]
    distance = morphology.centre_um[2:]
    near = distance < 1000.0
    slope = np.polyfit(distance[near], np.log(voltage[near]), 1)[0]
    length = np.sqrt(SILENT.membrane_resistance * diameter * 1e-4 / 4 / SILENT.axial_resistivity)
    assert -1.0 / slope == pytest.approx(1e4 * length, rel=0.01)


def test_a_resting_cell_rests():
    nothing = inputs(200)
    assert soma_trace(SILENT, *nothing) == pytest.approx(SILENT.leak_reversal, abs=1e-4)


def test_soma_follows_the_equations():
    rng = np.random.default_rng(4)
    excitation, inhibition = inputs(160)
    for array, size in ((excitation, 4), (inhibition, 3)):
        steps, places = rng.integers(0, 80, 60), rng.integers(0, array.shape[1], 60)
        np.add.at(array, (steps, places, 0), size)
    p = replace(SILENT, inhibitory_reversal=-85.0)
    expected = integrate(p, excitation[:, :, 0], inhibition[:, :, 0])
    found = soma_trace(p, excitation, inhibition)[:, 0]
    assert np.ptp(expected) > 5.0
    assert np.abs(found - expected).max() < 0.04 * np.ptp(expected)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.01 * np.ptp(expected)


def integrate(p, excitation, inhibition):
    """Solve the same neuron with an adaptive integrator, restarted at every step with input."""
    rates, capacitance = passive_rates(p)
    n = capacitance.size
    mm = p.morphology.centre_um / 1000.0
    peak = np.log(p.nmda_decay / p.nmda_rise) / (1 / p.nmda_rise - 1 / p.nmda_decay)
    height = np.exp(-peak / p.nmda_decay) - np.exp(-peak / p.nmda_rise)
    nmda = (p.nmda + p.nmda_per_mm * mm) / height
    decay = np.repeat([p.ampa_decay, p.nmda_decay, p.nmda_rise, p.gaba_decay], n)

    def derivative(_, state):
        v, ampa, slow, fast, gaba = state.reshape(5, n)
        block = 1.0 / (1.0 + p.magnesium / 3.57 * np.exp(-0.062 * v))
        current = (ampa + block * (slow - fast)) * -v + gaba * (p.inhibitory_reversal - v)
        change = rates @ (v - p.leak_reversal) + current / capacitance
        return np.concatenate([change, -state[n:] / decay])

    state = np.concatenate([np.full(n, p.leak_reversal), np.zeros(4 * n)])
    trace = []
    for excited, inhibited in zip(excitation, inhibition, strict=True):
        gates = [p.ampa * excited, nmda * excited, nmda * excited, p.gaba * inhibited]
        state[n:] += np.concatenate(gates)
        state = scipy.integrate.solve_ivp(derivative, (0, STEP_MS), state, "LSODA", rtol=1e-6).y[
            :, -1
        ]
        trace.append(state[0])
    return np.array(trace)


def test_distal_input_is_attenuated_and_later():
    excitation, inhibition = inputs(120, n_trials=2)
    excitation[8, 1, 0] = excitation[8, -1, 1] = 20.0
    proximal, distal = soma_trace(replace(SILENT, nmda_per_mm=0.0), excitation, inhibition).T
    assert 0.0 < distal.max() - distal[0] < 0.3 * (proximal.max() - proximal[0])
    assert distal.argmax() > proximal.argmax()


def test_magnesium_blocks_and_depolarisation_relieves():
    def response(parameters, size):
        excitation, inhibition = inputs(80)
        excitation[8, -1, 0] = size
        trace = soma_trace(replace(parameters, ampa=0.0), excitation, inhibition)
        return float(trace.max() - trace[0, 0])

    without = replace(SILENT, magnesium=0.0)
    assert response(SILENT, 20.0) < 0.5 * response(without, 20.0)
    # without the block, a larger driving force is used up: the growth is less than proportional
    assert response(without, 40.0) < 2.0 * response(without, 20.0)
    assert response(SILENT, 40.0) > 2.0 * response(SILENT, 20.0)


@pytest.fixture(scope="module")
def driven():
    rng = np.random.default_rng(9)
    excitation, inhibition = inputs(100 * STEPS_PER_MS, n_trials=400)
    excitation[:] = rng.poisson(0.18, excitation.shape)
    inhibition[:] = rng.poisson(0.02, inhibition.shape)
    parameters = replace(CableParameters(), threshold=-57.0, threshold_noise=1.5)
    return parameters, simulate_cable(parameters, excitation, inhibition, rng)


def test_spikes_come_with_their_probability(driven):
    _, response = driven
    spiked = np.zeros(response.spike_probability.shape)
    spiked[response.spike_trial, response.spike_time.astype(int)] = 1.0
    p = response.spike_probability.astype(float).ravel()
    edges = np.quantile(p[p > 0], [0.0, 0.5, 0.8, 0.95, 1.0])
    for low, high in itertools.pairwise(edges):
        members = (p >= low) & (p < high)
        spread = np.sqrt((p * (1 - p))[members].sum())
        assert abs(spiked.ravel()[members].sum() - p[members].sum()) < 4.0 * spread
    assert response.spike_time.size > 500


def test_refractory_period_reset_and_order(driven):
    parameters, response = driven
    same = np.diff(response.spike_trial) == 0
    assert (np.diff(response.spike_trial) >= 0).all()
    assert np.diff(response.spike_time)[same].min() >= parameters.refractory
    after = response.spike_time.astype(int) + 1
    inside = after < response.spike_probability.shape[1]
    silent = response.spike_probability[response.spike_trial[inside], after[inside]]
    assert (silent == 0.0).all()


def test_after_hyperpolarisation_delays_the_next_spike():
    excitation, inhibition = inputs(200 * STEPS_PER_MS, n_trials=50)
    excitation[:] = np.random.default_rng(2).poisson(0.12, excitation.shape)
    count = {}
    for ahp in (0.0, 200.0):
        parameters = replace(CableParameters(), ahp=ahp)
        response = simulate_cable(parameters, excitation, inhibition, np.random.default_rng(1))
        count[ahp] = response.spike_time.size
    assert count[200.0] < 0.7 * count[0.0]
