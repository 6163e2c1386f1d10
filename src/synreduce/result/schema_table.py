"""The schema of the merged file as Markdown, for the written specification."""

from __future__ import annotations

from synreduce.result.schema import DIMENSIONS, Variable
from synreduce.result.schema_variables import VARIABLES

_TYPES = {
    "real": "float64",
    "integer": "int64",
    "flag": "int8 flag",
    "text": "UTF-8 text",
}


def variable_table() -> str:
    """Describe every dimension and variable of the merged file.

    Returns
    -------
    str
        Markdown.
    """
    lines = ["| dimension | type | units | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{entry.name}`{'' if entry.required else ' (optional)'} | {_TYPES[entry.kind]} "
        f"| {entry.units} | {entry.long_name} |"
        for entry in DIMENSIONS
    ]
    lines += ["", "| variable | dimensions | type | units | meaning |", "|---|---|---|---|---|"]
    lines += [_line(entry) for entry in VARIABLES]
    return "\n".join(lines) + "\n"


def _line(entry: Variable) -> str:
    optional = "" if entry.required else " (optional)"
    meaning = entry.long_name + (f"; {entry.comment}" if entry.comment else "")
    if entry.meanings:
        listed = ", ".join(f"{value} {name}" for value, name in enumerate(entry.meanings))
        meaning += f": {listed}"
    return (
        f"| `{entry.name}`{optional} | {', '.join(entry.dimensions)} | {_TYPES[entry.kind]} "
        f"| {entry.units} | {meaning} |"
    )
