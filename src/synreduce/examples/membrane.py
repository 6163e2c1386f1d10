"""Receptors and membrane of a cable neuron, advanced step by step for many trials at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.linalg

from synreduce.examples.morphology import FloatArray, IntArray, Morphology

SingleArray = npt.NDArray[np.float32]

STEPS_PER_MS = 4
STEP_MS = 1.0 / STEPS_PER_MS
# keeps the reversal potential of a compartment without open receptors finite
_TINY = np.float32(1e-12)


@dataclass(frozen=True)
class CableParameters:
    """Parameters of the cable neuron.

    Units: ms, mV, nS, ohm cm (axial resistivity), ohm cm2 (membrane resistance), uF/cm2
    (capacitance), mM (magnesium). The defaults make a neuron in a high-conductance state whose
    response to a whisker deflection peaks about 14 ms after it, and whose tuft receives mostly
    NMDA input (Larkum et al. 2009, doi:10.1126/science.1171958).

    Parameters
    ----------
    morphology : Morphology
        The compartments.
    axial_resistivity, membrane_resistance, membrane_capacitance, leak_reversal : float
        Passive membrane.
    ampa, ampa_decay : float
        Conductance added by one activation of an excitatory synapse, and its decay.
    nmda, nmda_per_mm, nmda_rise, nmda_decay, magnesium : float
        Peak conductance without block at the soma, its growth per mm of soma distance, time
        course, and the concentration in the block of Jahr and Stevens (1990,
        doi:10.1523/JNEUROSCI.10-09-03178.1990).
    gaba, gaba_decay, inhibitory_reversal : float
        Conductance added by one activation of an inhibitory synapse, its decay and reversal
        potential.
    threshold, threshold_noise : float
        Somatic voltage at which the hazard is 1 spike per ms, and the voltage over which it grows
        e-fold.
    refractory, reset, ahp, ahp_decay, ahp_reversal : float
        After a spike: absolute refractory period, somatic voltage, and potassium conductance at
        the soma.
    """

    morphology: Morphology = field(default_factory=Morphology)
    axial_resistivity: float = 80.0
    membrane_resistance: float = 3000.0
    membrane_capacitance: float = 1.0
    leak_reversal: float = -75.0
    ampa: float = 1.2
    ampa_decay: float = 1.5
    nmda: float = 0.05
    nmda_per_mm: float = 4.2
    nmda_rise: float = 3.0
    nmda_decay: float = 8.0
    magnesium: float = 1.0
    gaba: float = 1.9
    gaba_decay: float = 12.0
    inhibitory_reversal: float = -75.0
    threshold: float = -59.4
    threshold_noise: float = 0.6
    refractory: float = 3.0
    reset: float = -60.0
    ahp: float = 60.0
    ahp_decay: float = 20.0
    ahp_reversal: float = -90.0


def passive_rates(parameters: CableParameters) -> tuple[FloatArray, FloatArray]:
    """Set up the passive cable equation ``dV/dt = rates @ (V - leak_reversal)``.

    Parameters
    ----------
    parameters : CableParameters
        Parameters.

    Returns
    -------
    rates : numpy.ndarray
        1/ms, shape (compartments, compartments).
    capacitance : numpy.ndarray
        pF, shape (compartments,).
    """
    area = parameters.morphology.area_um2
    capacitance = area * parameters.membrane_capacitance * 1e-2
    leak = area / parameters.membrane_resistance * 10.0
    axial = parameters.morphology.axial_conductance(parameters.axial_resistivity)
    rates = (axial - np.diag(leak + axial.sum(axis=1))) / capacitance[:, None]
    return rates, capacitance


class Membrane:
    """State of all compartments in a block of trials.

    A step of 0.25 ms is split (Strang 1968): the passive cable advances by half a step with a
    matrix exponential, the open receptors and the after-hyperpolarisation drive each compartment
    exponentially to their reversal potential, the passive cable advances by the other half.
    Conductances are kept in units of capacitance per step.

    Parameters
    ----------
    parameters : CableParameters
        Parameters.
    n_trials : int
        Trials of the block; they start at the leak reversal without any open receptor.
    """

    def __init__(self, parameters: CableParameters, n_trials: int) -> None:
        p = self._parameters = parameters
        rates, capacitance = passive_rates(p)
        self._half_propagator = scipy.linalg.expm(STEP_MS / 2 * rates).astype(np.float32)
        shape = (capacitance.size, n_trials)
        # relative to the leak reversal, which makes the passive step a product
        self._voltage = np.zeros(shape, dtype=np.float32)
        self._ampa, self._nmda_slow, self._nmda_fast, self._gaba = np.zeros((4, *shape), np.float32)
        self._work, self._conductance = np.zeros((2, *shape), dtype=np.float32)
        self._ahp = np.zeros(n_trials, dtype=np.float32)
        unit = (STEP_MS / capacitance)[:, None]
        distance_mm = p.morphology.centre_um[:, None] / 1000.0
        nmda = (p.nmda + p.nmda_per_mm * distance_mm) / _peak(p.nmda_rise, p.nmda_decay)
        self._ampa_opens = (unit * p.ampa * _mean(p.ampa_decay)).astype(np.float32)
        self._nmda_slow_opens = (unit * nmda * _mean(p.nmda_decay)).astype(np.float32)
        self._nmda_fast_opens = (unit * nmda * _mean(p.nmda_rise)).astype(np.float32)
        self._gaba_opens = (unit * p.gaba * _mean(p.gaba_decay)).astype(np.float32)
        self._ahp_opens = np.float32(unit[0, 0] * p.ahp)
        (
            self._ampa_keeps,
            self._nmda_slow_keeps,
            self._nmda_fast_keeps,
            self._gaba_keeps,
            self._ahp_keeps,
        ) = (
            np.float32(np.exp(-STEP_MS / decay))
            for decay in (p.ampa_decay, p.nmda_decay, p.nmda_rise, p.gaba_decay, p.ahp_decay)
        )
        self._excitatory = np.float32(-p.leak_reversal)
        self._inhibitory = np.float32(p.inhibitory_reversal - p.leak_reversal)
        self._potassium = np.float32(p.ahp_reversal - p.leak_reversal)
        self._block_at_leak = np.float32(np.exp(-0.062 * p.leak_reversal) * p.magnesium / 3.57)

    @property
    def soma_voltage(self) -> SingleArray:
        """Voltage of the soma in mV, shape (trials,)."""
        return np.asarray(self._voltage[0] + np.float32(self._parameters.leak_reversal))

    def advance(self, excitation: SingleArray, inhibition: SingleArray) -> None:
        """Advance by one step.

        Parameters
        ----------
        excitation, inhibition : numpy.ndarray
            Numbers of activations at the begin of the step, shape (compartments, trials).
        """
        self._open_receptors(excitation, inhibition)
        v, work, total = self._voltage, self._work, self._conductance
        np.matmul(self._half_propagator, v, out=work)
        v[:] = work
        self._excitatory_conductance(total)
        np.multiply(total, self._excitatory, out=work)
        work += self._inhibitory * self._gaba
        total += self._gaba
        self._ahp *= self._ahp_keeps
        work[0] += self._potassium * self._ahp
        total[0] += self._ahp
        # drive to the mean reversal potential of the open receptors
        total += _TINY
        work /= total
        work -= v
        work *= np.expm1(np.negative(total, out=total), out=total)
        v -= work
        np.matmul(self._half_propagator, v, out=work)
        v[:] = work

    def reset(self, trials: IntArray) -> None:
        """Reset the soma of trials that spiked and open the after-hyperpolarisation.

        Parameters
        ----------
        trials : numpy.ndarray
            Positions of the trials.
        """
        p = self._parameters
        self._voltage[0, trials] = np.float32(p.reset - p.leak_reversal)
        self._ahp[trials] += self._ahp_opens

    def _open_receptors(self, excitation: SingleArray, inhibition: SingleArray) -> None:
        work = self._work
        self._ampa *= self._ampa_keeps
        self._nmda_slow *= self._nmda_slow_keeps
        self._nmda_fast *= self._nmda_fast_keeps
        self._gaba *= self._gaba_keeps
        self._ampa += np.multiply(excitation, self._ampa_opens, out=work)
        self._nmda_slow += np.multiply(excitation, self._nmda_slow_opens, out=work)
        self._nmda_fast += np.multiply(excitation, self._nmda_fast_opens, out=work)
        self._gaba += np.multiply(inhibition, self._gaba_opens, out=work)

    def _excitatory_conductance(self, total: SingleArray) -> None:
        np.exp(np.multiply(self._voltage, np.float32(-0.062), out=total), out=total)
        total *= self._block_at_leak
        total += np.float32(1.0)
        np.divide(np.subtract(self._nmda_slow, self._nmda_fast, out=self._work), total, out=total)
        total += self._ampa


def _peak(rise: float, decay: float) -> float:
    """Largest value of a difference of two exponentials."""
    time = np.log(decay / rise) * decay * rise / (decay - rise)
    return float(np.exp(-time / decay) - np.exp(-time / rise))


def _mean(decay: float) -> float:
    """Mean over a step of an exponential that starts at 1: no charge is lost to the step."""
    return float(-np.expm1(-STEP_MS / decay) * decay / STEP_MS)
