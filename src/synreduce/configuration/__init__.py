"""The configuration of a run: one typed model, read from YAML with every mistake listed."""

from synreduce.configuration.load import (
    configuration_from_mapping,
    configuration_from_text,
    load_configuration,
)
from synreduce.configuration.model import Configuration

__all__ = [
    "Configuration",
    "configuration_from_mapping",
    "configuration_from_text",
    "load_configuration",
]
