"""The JSON schema and the documentation table of the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from synreduce.configuration.fields import Plain
from synreduce.configuration.model import Configuration

_HEAD = """# Configuration

All keys of the configuration. This page is generated from the typed model by
`python -m synreduce.configuration.generate`; do not edit it. A configuration holds what differs
from the defaults. A commented file with all defaults is `config/default.yaml`, a JSON schema for
editors is `workflow/schemas/config.schema.json`, and `config/README.md` explains the choices.
Unknown keys are errors.
"""
_DERIVED = {"id": "from the path", "name": "the kind"}
"""Keys that are filled in where the user leaves them out."""

Schema = Mapping[str, Any]


def json_schema() -> dict[str, Plain]:
    """Describe the configuration as a JSON schema, draft 2020-12.

    Returns
    -------
    dict
    """
    schema = Configuration.model_json_schema()
    for section in schema["$defs"].values():
        optional = [key for key in section.get("required", []) if key in _DERIVED]
        for key in optional:
            section["required"].remove(key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of synreduce",
        **cast("dict[str, Plain]", _without_titles(schema)),
    }


def _without_titles(value: Plain) -> Plain:
    """Drop the titles that pydantic makes of names; they say nothing new."""
    if isinstance(value, list):
        return [_without_titles(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: " ".join(item.split()) if key == "description" else _without_titles(item)
        for key, item in value.items()
        if not (key == "title" and isinstance(item, str))
    }


def reference_table_markdown() -> str:
    """Write the documentation table of all keys.

    Returns
    -------
    str
        Markdown, one table per section.
    """
    schema = json_schema()
    parts = [_HEAD, *_section("Top level", schema, schema, seen=set())]
    return "\n".join(parts).rstrip() + "\n"


def _section(title: str, section: Schema, root: Schema, seen: set[str]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{section.get('description', '')}\n"
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    keys = _in_order(section["properties"])
    for key in keys:
        yield _row(key, section["properties"][key], section, root)
    yield ""
    for key in keys:
        path = key if title == "Top level" else f"{title.replace('`', '')}.{key}"
        for name, part in _parts(section["properties"][key], root):
            if name not in seen:
                seen.add(name)
                yield from _section(_heading(path, part), part, root, seen)


def _heading(path: str, part: Schema) -> str:
    kind = part["properties"].get("kind", {}).get("const")
    return f"`{path}`" if kind is None else f"`{path}` of kind `{kind}`"


def _in_order(properties: Schema) -> list[str]:
    first = [name for name in ("kind", "id", "name") if name in properties]
    return first + [name for name in properties if name not in first]


def _row(key: str, value: Schema, section: Schema, root: Schema) -> str:
    required = key in section.get("required", [])
    if required:
        default = "required"
    elif key in _DERIVED and "default" not in value:
        default = _DERIVED[key]
    else:
        default = _default(value)
    words = type_in_words(value, root).replace("|", "\\|")
    parts = [part.get("description", "") for _, part in _parts(value, root)]
    meaning = value.get("description") or " ".join(parts)
    return f"| `{key}` | {words} | {default} | {meaning} |"


def _default(value: Schema) -> str:
    default = value.get("default")
    if isinstance(default, dict) or (isinstance(default, list) and isinstance(default[0], dict)):
        return "see below"
    if "default" not in value:
        return "`{}`"
    return f"`{yaml_scalar(default)}`"


def yaml_scalar(value: Plain) -> str:
    """Write a value as people write it in YAML.

    Parameters
    ----------
    value : bool, int, float, str, None or list of these

    Returns
    -------
    str

    Examples
    --------
    >>> yaml_scalar([3.0, 4.5]), yaml_scalar(1e-7), yaml_scalar(None)
    ('[3, 4.5]', '1.0e-07', 'null')
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(yaml_scalar(item) for item in value)}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        mantissa, exponent, power = f"{value:.12g}".partition("e")
        point = ".0" if exponent and "." not in mantissa else ""
        return f"{mantissa}{point}{exponent}{power}"
    return str(value)


def _parts(value: Schema, root: Schema) -> Iterator[tuple[str, Schema]]:
    """Find the sections that a value may hold."""
    if "$ref" in value:
        name = str(value["$ref"]).rpartition("/")[2]
        yield name, root["$defs"][name]
    for group in ("anyOf", "oneOf"):
        for part in value.get(group, []):
            yield from _parts(part, root)
    if isinstance(value.get("items"), Mapping):
        yield from _parts(value["items"], root)


def type_in_words(schema: Schema, root: Schema | None = None) -> str:
    """Write a type of a JSON schema in words.

    Parameters
    ----------
    schema : mapping
        Schema of a value.
    root : mapping, optional
        Schema whose ``$defs`` are referred to.

    Returns
    -------
    str

    Examples
    --------
    >>> type_in_words({"type": "integer", "minimum": 1})
    'whole number >= 1'
    >>> type_in_words({"anyOf": [{"type": "number"}, {"type": "null"}]})
    'number or `null`'
    """
    for group in ("anyOf", "oneOf"):
        if group in schema:
            words = [type_in_words(part, root) for part in schema[group]]
            return " or ".join(dict.fromkeys(words))
    if "$ref" in schema:
        return "section"
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return _list_in_words(schema, root)
    if schema.get("type") == "object":
        return f"section of text: {type_in_words(schema['additionalProperties'], root)}"
    return _scalar_in_words(schema)


def _list_in_words(schema: Schema, root: Schema | None) -> str:
    if "prefixItems" in schema:
        return "`[start, stop]`"
    words = type_in_words(schema["items"], root)
    for one, many in (("section", "sections"), ("number", "numbers")):
        words = words.replace(one, many, 1)
    return f"list of {words}"


def _scalar_in_words(schema: Schema) -> str:
    names = {
        "integer": "whole number",
        "number": "number",
        "string": "name" if "pattern" in schema else "text",
        "boolean": "`true`, `false`",
        "null": "`null`",
    }
    bounds = (
        ("exclusiveMinimum", ">"),
        ("minimum", ">="),
        ("exclusiveMaximum", "<"),
        ("maximum", "<="),
    )
    limits = [f"{sign} {schema[key]:g}" for key, sign in bounds if key in schema]
    return " ".join([names[str(schema["type"])], " and ".join(limits)]).strip()
