"""The commented configuration file with all defaults."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from synreduce.configuration.choices import SOLVER_SETTINGS, STRATEGY_SETTINGS
from synreduce.configuration.load import configuration_from_mapping
from synreduce.configuration.reference import yaml_scalar
from synreduce.configuration.splitting import BlocksSplitSettings, TrialsSplitSettings

_WIDTH = 98
_HEAD = """\
# yaml-language-server: $schema=../workflow/schemas/config.schema.json
#
# All keys of a configuration with their defaults, generated from the typed model by
# `python -m synreduce.configuration.generate`; do not edit. Required are run, databases and
# chunks.temporal; their values here are an example. Your own file holds only what differs:
#
#   run: my_cell
#   databases: [data/my_cell.h5]
#   chunks: {temporal: [{start_ms: 260, stop_ms: 261}]}
"""
_REQUIRED: dict[str, Any] = {
    "run": "my_cell",
    "databases": [{"id": "my_cell", "path": "data/my_cell.h5"}],
    "chunks": {"temporal": [{"start_ms": 260, "stop_ms": 261}]},
}
_OTHER_KINDS: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "splits": {"trials": TrialsSplitSettings, "blocks": BlocksSplitSettings},
    "strategies": STRATEGY_SETTINGS,
    "solvers": SOLVER_SETTINGS,
}


def default_yaml() -> str:
    """Write the configuration file with every key, its meaning and its default.

    Returns
    -------
    str
        YAML that loads.
    """
    configuration = configuration_from_mapping(_REQUIRED)
    return _HEAD + "\n".join(_section(configuration, 0)) + "\n"


def _section(section: BaseModel, depth: int) -> Iterator[str]:
    fields = type(section).model_fields
    first = [name for name in ("kind", "id", "name") if name in fields]
    for name in first + [name for name in fields if name not in first]:
        if depth == 0:
            yield ""
        note = " Required." if name in _REQUIRED and depth == 0 else ""
        yield from _comment((fields[name].description or "") + note, depth)
        yield from _entry(name, getattr(section, name), depth)
        if depth == 0 and name in _OTHER_KINDS:
            yield from _other_kinds(name)
        if getattr(section, name) is None:
            yield from _left_out(fields[name].annotation, name, depth)


def _entry(name: str, value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401
    indent = "  " * depth
    if isinstance(value, BaseModel):
        yield f"{indent}{name}:"
        yield from _section(value, depth + 1)
    elif isinstance(value, tuple) and isinstance(value[0], BaseModel):
        yield f"{indent}{name}:"
        for item in value:
            yield from _item(item, depth + 1)
    elif isinstance(value, dict):
        yield f"{indent}{name}: {{}}"
    else:
        yield f"{indent}{name}: {yaml_scalar(value)}"


def _item(item: BaseModel, depth: int) -> Iterator[str]:
    """Write an item of a list: the dash goes before the first key, below its comment."""
    dashed = False
    for line in _section(item, depth + 1):
        if dashed or line.lstrip().startswith("#"):
            yield line if dashed else line.removeprefix("  ")
        else:
            yield f"{'  ' * depth}- {line.lstrip()}"
            dashed = True


def _other_kinds(name: str) -> Iterator[str]:
    yield f"  # All kinds of {name}; docs/reference/configuration.md lists their keys."
    for kind, model in _OTHER_KINDS[name].items():
        meaning = model.model_fields["kind"].description
        yield from _comment(f"- {kind}: {meaning}", 1, hanging="  ")


def _left_out(annotation: Any, name: str, depth: int) -> Iterator[str]:  # noqa: ANN401
    """Show what an optional section would hold."""
    for model in get_args(annotation):
        if isinstance(model, type) and issubclass(model, BaseModel):
            for line in _entry(name, model.model_validate({}), depth):
                yield f"# {line}"


def _comment(text: str, depth: int, hanging: str = "") -> Iterator[str]:
    mark = f"{'  ' * depth}# "
    for line in textwrap.wrap(
        " ".join(text.split()), _WIDTH - len(mark), subsequent_indent=hanging
    ):
        yield mark + line
