"""Turn pydantic's errors into problems that name file, line, key, value and fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from synreduce.configuration.fields import Plain
from synreduce.configuration.findings import Finding
from synreduce.configuration.yaml_source import KeyPath, Source
from synreduce.suggestions import did_you_mean

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a section of 'key: value' lines",
    "model_attributes_type": "a section of 'key: value' lines",
    "dict_type": "a section of 'key: value' lines",
}


def finding(error: ErrorDetails, source: Source, model: type[BaseModel]) -> Finding:
    """Translate one error of pydantic.

    Parameters
    ----------
    error : pydantic_core.ErrorDetails
    source : Source
        What was validated.
    model : type of pydantic.BaseModel
        Root of the configuration.

    Returns
    -------
    Finding
    """
    path = written_path(error["loc"], source.data, absent=error["type"] == "missing")
    kind, value = error["type"], error["input"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        fix = did_you_mean(str(path[-1]), known_keys(model, error["loc"][:-1]))
        return Finding("unknown-key", path, f"unknown key '{path[-1]}'", fix)
    if kind in {"missing", "union_tag_not_found"}:
        path = path if kind == "missing" else (*path, "kind")
        return Finding("missing-key", path, f"'{path[-1]}' is required", f"add '{path[-1]}:'")
    if kind in {"literal_error", "union_tag_invalid"}:
        return _not_among(path, context, value)
    if kind in _WANTED:
        return _wrong_type(path, _WANTED[kind], value, source)
    if kind == "value_error":
        return Finding("bad-value", path, error["msg"].removeprefix("Value error, "))
    message = error["msg"].replace("Input should", "must")
    return Finding("bad-value", path, f"{_shown(value)}: {message}")


def _not_among(path: KeyPath, context: Mapping[str, Any], value: Plain) -> Finding:
    text = str(context.get("expected") or context.get("expected_tags", ""))
    choices = [choice.strip().strip("'") for choice in text.replace(" or ", ", ").split(",")]
    if isinstance(value, dict):
        value, path = value.get("kind"), (*path, "kind")
    if isinstance(value, bool):
        return Finding("bad-value", path, _as_read(value), f"one of: {', '.join(choices)}")
    what = f"{_shown(value)} is not among the choices"
    return Finding("bad-value", path, what, did_you_mean(str(value), choices))


def _wrong_type(path: KeyPath, wanted: str, value: Plain, source: Source) -> Finding:
    if isinstance(value, bool) and wanted == "text":
        written = source.texts.get(path, str(value).lower())
        return Finding(
            "bad-type",
            path,
            f"{written!r} is read as {str(value).lower()} by YAML",
            f'write "{written}" in quotes',
        )
    what = f"{_shown(value)} is {_kind_of(value)}, not {wanted}"
    return Finding("bad-type", path, what, _repair(wanted, value))


def _repair(wanted: str, value: Plain) -> str:
    if "number" in wanted and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return f"write {wanted} without quotes"
        if wanted == "a whole number" and number.is_integer():
            return f"write {int(number)}"
        text = repr(number)
        mantissa, exponent, power = text.partition("e")
        return f"write {mantissa if '.' in mantissa else mantissa + '.0'}{exponent}{power}"
    if wanted == "text" and value is not None and not isinstance(value, dict | list):
        return f'write "{value}" in quotes'
    if wanted == "a list" and not isinstance(value, dict):
        return "write [value, ...], or lines that start with '- '"
    return f"write {wanted}"


def _as_read(value: bool) -> str:
    return f"read as {str(value).lower()} by YAML"


def _kind_of(value: Plain) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return _as_read(value)
    kinds = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a section"}
    return kinds.get(type(value), type(value).__name__)


def _shown(value: Plain) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def written_path(location: tuple[str | int, ...], data: Plain, *, absent: bool = False) -> KeyPath:
    """Drop from pydantic's location what is not in the file: tags of unions.

    Parameters
    ----------
    location : tuple of str and int
    data : object
        Root of the file.
    absent : bool, optional
        The last part is a key that the file lacks.

    Returns
    -------
    tuple of str and int
    """
    path: list[str | int] = []
    here = data
    for position, part in enumerate(location):
        last = position == len(location) - 1
        in_section = isinstance(here, dict) and part in here
        if in_section or (isinstance(here, list) and isinstance(part, int) and part < len(here)):
            here = here[part]
        elif not (last and absent):
            continue
        path.append(part)
    return tuple(path)


def known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """List the keys that are known at a location.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        Root.
    location : tuple of str and int
        As pydantic gives it, with the tags of unions.

    Returns
    -------
    list of str
    """
    here: list[type[BaseModel]] = [model]
    for part in location:
        if isinstance(part, int):
            continue
        fields = [m.model_fields[part].annotation for m in here if part in m.model_fields]
        tagged = [m for m in here if _tag(m) == part]
        here = tagged or [found for field in fields for found in _models(field)] or here
    return sorted({key for found in here for key in found.model_fields})


def _tag(model: type[BaseModel]) -> str | None:
    choices = get_args(getattr(model.model_fields.get("kind"), "annotation", None))
    return choices[0] if len(choices) == 1 else None


def _models(annotation: Plain) -> Iterator[type[BaseModel]]:
    origin: object = get_origin(annotation)
    if origin is Annotated:
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
