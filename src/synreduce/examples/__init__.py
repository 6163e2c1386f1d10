"""Databases with known truth: spikes of a planted reduced model or of a conductance-based cable.

Both receive the same whisker-like input, drawn with the figures of a barrel-cortex layer 5 neuron:
ongoing activity, a stimulus at 245 ms, cells that make several synapses, and a gain that changes
from trial to trial.
"""

from synreduce.examples.activity import InputActivity, TrialGain
from synreduce.examples.input_statistics import input_statistics
from synreduce.examples.membrane import CableParameters
from synreduce.examples.morphology import Morphology, Section
from synreduce.examples.network import InputNetwork, build_network
from synreduce.examples.planted import PlantedModel, planted_filters
from synreduce.examples.report import ExampleReport
from synreduce.examples.writing import (
    EXAMPLES,
    write_cable_example,
    write_example,
    write_planted_example,
)

__all__ = [
    "EXAMPLES",
    "CableParameters",
    "ExampleReport",
    "InputActivity",
    "InputNetwork",
    "Morphology",
    "PlantedModel",
    "Section",
    "TrialGain",
    "build_network",
    "input_statistics",
    "planted_filters",
    "write_cable_example",
    "write_example",
    "write_planted_example",
]
