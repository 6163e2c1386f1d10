"""Measurements of speed, memory and quality, against peers and plain alternatives."""
