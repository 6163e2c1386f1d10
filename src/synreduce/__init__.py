"""Infer the reduced model that explains the spikes of a biophysically detailed neuron model."""

__version__ = "0.1.0"
