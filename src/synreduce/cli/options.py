"""Command-line options generated from the fields and the docstring of an options dataclass."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 (its only name)

Options = TypeVar("Options")


def add_dataclass_options(parser: argparse.ArgumentParser, options: type) -> None:
    """Add one flag per field of an options dataclass.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Where the flags are added.
    options : type
        Dataclass whose numpydoc ``Parameters`` section describes every field.
    """
    described = _descriptions(options)
    hints = get_type_hints(options)
    for field in dataclasses.fields(options):
        flag = "--" + field.name.replace("_", "-")
        help_text = described.get(field.name, "").replace("%", "%%")
        arguments = _argument(hints[field.name], field.name)
        parser.add_argument(flag, help=help_text, default=argparse.SUPPRESS, **arguments)


def read_dataclass_options(arguments: argparse.Namespace, options: type[Options]) -> Options:
    """Build the options dataclass from a parsed command line.

    Parameters
    ----------
    arguments : argparse.Namespace
        Parsed command line of a parser that `add_dataclass_options` filled.
    options : type
        The dataclass.

    Returns
    -------
    object
        An instance; fields that were not given keep their defaults.
    """
    given: dict[str, Any] = {}
    for field in dataclasses.fields(options):  # type: ignore[arg-type]
        if hasattr(arguments, field.name):
            value = getattr(arguments, field.name)
            is_pairs = isinstance(value, list) and bool(value) and isinstance(value[0], _Entry)
            given[field.name] = dict(value) if is_pairs else _as_tuple(value)
    return options(**given)


class _Entry(tuple[str, Any]):
    """A KEY=VALUE pair."""

    __slots__ = ()


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _argument(hint: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 (a type hint)
    alternatives = [item for item in get_args(hint) if item is not type(None)]
    literal = hint if get_origin(hint) is Literal else None
    if literal is not None:
        return {"choices": get_args(literal)}
    if hint is bool:
        return {"action": "store_true"}
    kinds = [hint, *alternatives]
    for kind in kinds:
        if get_origin(kind) in (Mapping, dict):
            return {"action": "append", "type": _entry(get_args(kind)[1]), "metavar": "KEY=VALUE"}
        if get_origin(kind) is tuple:
            convert = _pair if get_origin(get_args(kind)[0]) is tuple else get_args(kind)[0]
            metavar = "START,STOP" if convert is _pair else "VALUE"
            return {"nargs": "+", "type": convert, "metavar": metavar}
    if Path in kinds:
        has_literal = any(get_origin(kind) is Literal for kind in kinds)
        return {"type": _path_or_none if has_literal else Path, "metavar": "FILE"}
    scalar = next((kind for kind in kinds if kind in (int, float)), str)
    return {"type": scalar, "metavar": name.rsplit("_", 1)[-1].upper()}


def _path_or_none(text: str) -> Path | str:
    return text if text == "none" else Path(text)


def _pair(text: str) -> tuple[float, float]:
    start, stop = text.split(",")
    return float(start), float(stop)


def _entry(convert: Callable[[str], Any]) -> Callable[[str], _Entry]:
    def read(text: str) -> _Entry:
        key, separator, value = text.rpartition("=")
        if not separator or not key:
            message = f"'{text}' is not KEY=VALUE"
            raise argparse.ArgumentTypeError(message)
        return _Entry((key, convert(value)))

    return read


def _descriptions(options: type) -> dict[str, str]:
    lines = inspect.getdoc(options) or ""
    body = lines.split("Parameters\n----------\n", 1)[-1]
    found: dict[str, str] = {}
    names: list[str] = []
    for line in body.splitlines():
        heading = re.match(r"(\w+(?:, \w+)*) : ", line)
        if heading:
            names = heading.group(1).split(", ")
        elif line.startswith("    "):
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found
