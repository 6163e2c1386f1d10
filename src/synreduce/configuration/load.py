"""Read and check a configuration; every mistake is reported, not only the first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from synreduce.configuration.checks import findings
from synreduce.configuration.findings import Finding
from synreduce.configuration.model import Configuration
from synreduce.configuration.translate import finding
from synreduce.configuration.yaml_source import Source, parse, read_source
from synreduce.errors import ConfigurationError

_PLACEHOLDERS: dict[str, Any] = {
    "run": "placeholder",
    "databases": [{"id": "placeholder", "path": "placeholder"}],
    "chunks": {"temporal": [{"start_ms": 0.0, "stop_ms": 1.0}]},
}
"""Stand in for sections that could not be read, so that the others can be checked."""


def load_configuration(path: str | Path) -> Configuration:
    """Read a configuration file: what it says, and defaults for the rest.

    Parameters
    ----------
    path : str or Path
        YAML file.

    Returns
    -------
    Configuration

    Raises
    ------
    ConfigurationError
        With every mistake: file, line, key, value found and a fix.
    """
    return _validated(read_source(Path(path)))


def configuration_from_text(text: str, name: str = "configuration") -> Configuration:
    """Read a configuration from YAML text.

    Parameters
    ----------
    text : str
    name : str, optional
        Name for messages.

    Returns
    -------
    Configuration

    Raises
    ------
    ConfigurationError
        With every mistake.
    """
    return _validated(parse(text, name))


def configuration_from_mapping(
    mapping: Mapping[str, Any], name: str = "configuration"
) -> Configuration:
    """Check a configuration given as plain values.

    Parameters
    ----------
    mapping : mapping
        Nested dicts and lists of numbers and text.
    name : str, optional
        Name for messages.

    Returns
    -------
    Configuration

    Raises
    ------
    ConfigurationError
        With every mistake.

    Examples
    --------
    >>> configuration = configuration_from_mapping(
    ...     {"run": "test", "databases": ["db.h5"],
    ...      "chunks": {"temporal": [{"start_ms": 258, "stop_ms": 259}]}}
    ... )
    >>> [chunk.id for chunk in configuration.grid().chunks]
    ['d0000-1500/t0258-0259']
    """
    return _validated(Source(name, dict(mapping)))


def _validated(source: Source) -> Configuration:
    configuration, found = _read(source.data, source)
    sections = set(Configuration.model_fields) - {str(path[0]) for path, _ in source.problems}
    if configuration is None:
        sections -= {str(item.path[0]) for item in found if item.path}
        sound = {key: value for key, value in source.data.items() if key in sections}
        configuration, _ = _read({**_PLACEHOLDERS, **sound}, source)
        sections -= set(_PLACEHOLDERS) - set(source.data)
    if configuration is not None:
        found += findings(configuration, sections)
    problems = [(item.path, item.located(source)) for item in found] + source.problems
    if problems or configuration is None:
        problems.sort(key=lambda item: source.line(item[0]))
        raise ConfigurationError(problem for _, problem in problems)
    return configuration


def _read(data: Mapping[str, Any], source: Source) -> tuple[Configuration | None, list[Finding]]:
    # Read as JSON: lists become tuples, but text never becomes a number. A list whose every item is
    # wrong is called too short, which the errors of the items say better.
    try:
        return Configuration.model_validate_json(json.dumps(data)), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        return None, [
            finding(item, source, Configuration)
            for item in errors
            if not (item["type"] == "too_short" and item["input"])
        ]
