"""The configuration of a run: one typed model, read from YAML with every mistake listed."""

from synreduce.configuration.default_file import default_yaml
from synreduce.configuration.load import (
    configuration_from_mapping,
    configuration_from_text,
    load_configuration,
)
from synreduce.configuration.model import Configuration
from synreduce.configuration.reference import json_schema, reference_table_markdown

__all__ = [
    "Configuration",
    "configuration_from_mapping",
    "configuration_from_text",
    "default_yaml",
    "json_schema",
    "load_configuration",
    "reference_table_markdown",
]
